"""Small workspaces for tests: real files, real stores; the encoder only where a test is about it."""

from __future__ import annotations

from pathlib import Path

from groundwork.app.workspace import Workspace

LIGHT = """\
[indexes.default]
backend = "memory"
embedder = "none"
"""

FILES = {
    "leave.md": "# Leave policy\n\nEvery employee has 28 days of paid leave a year.\n\n## Carry over\n\n"
    "Up to 5 days of unused leave may be carried over until the end of March.\n",
    "travel.md": "# Travel policy\n\nTrains are booked in second class.\n\nFlights need the approval of a manager.\n",
    "it/passwords.txt": "Passwords must have at least 14 characters. They are changed when they leak, not every month.\n",
}


def light_workspace(root: Path, spec: str = LIGHT) -> Workspace:
    """Make a workspace that uses the exact in-memory index and no encoder."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "groundwork.toml").write_text(spec)
    return Workspace.init(root)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
