"""Where Groundwork's own handbook is: package data in a wheel, the `docs` folder in a source checkout."""

from __future__ import annotations

from pathlib import Path

from groundwork.core.errors import NotFoundError


def handbook_path() -> Path:
    """Return the folder of the handbook's Markdown files."""
    import groundwork

    package = Path(groundwork.__file__).parent
    for folder in (package / "handbook", package.parent / "docs"):
        if (folder / "index.md").is_file():
            return folder
    raise NotFoundError("the handbook is not installed", hint="reinstall groundwork-ai from a wheel")
