"""Workspaces whose apps ask scripted models through the real gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from groundwork.app.workspace import Workspace
from tests.workspaces import FILES, LIGHT, light_workspace, write

LEAVE = "How many days of paid leave does an employee have?"


def lab(
    tmp_path: Path, said: Any, app: str = "", files: dict[str, str] | None = None, **more: Any
) -> Workspace:
    """Return a workspace whose default app asks `lab/model`, which says `said`; `more` are scripts of further models.

    Args:
        said: a step or script of the scripted provider. app: further lines of the app's table.
    """
    scripts = {"model": said, **more}
    spec = LIGHT + "\n[apps.default]\n"
    spec += app if "cascade" in app else f'model = "lab/model"\n{app}\n'
    spec += '\n[providers.lab]\nkind = "scripted"\n[providers.lab.options.scripts]\n'
    spec += "".join(f"{name} = {toml(script)}\n" for name, script in scripts.items())
    made = light_workspace(tmp_path / "ws", spec)
    made.ingest([write(tmp_path / "docs", files or FILES)])
    return made


def toml(value: Any) -> str:
    """Return a value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)
