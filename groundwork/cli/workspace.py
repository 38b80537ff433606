"""`groundwork init`: make a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundwork.cli.door import Commands, Door, Reply
from groundwork.cli.screen import Screen

app = Commands()


@app.add("init", interrupted="run `groundwork init` again: it completes what is there")
def init(
    door: Door,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where; the current directory unless named.")
    ] = None,
) -> Reply:
    """Make a workspace in a directory.

    It consists of `groundwork.toml`, with one index and one app, and the folder `.groundwork` for data.

    A workspace that is already there is opened and left as it is.
    """
    from groundwork.app.config import DATA_FOLDER, SPEC_FILE
    from groundwork.app.workspace import Workspace

    where = (directory or door.directory or Path()).absolute()
    there = (where / SPEC_FILE).exists()
    workspace = Workspace.init(where)
    try:
        indexes, apps = sorted(workspace.spec.indexes), sorted(workspace.spec.apps)
    finally:
        workspace.close()
    document = {
        "workspace": str(where),
        "created": not there,
        "spec": str(where / SPEC_FILE),
        "data": str(where / DATA_FOLDER),
        "indexes": indexes,
        "apps": apps,
    }

    def lines(screen: Screen) -> list[str]:
        if there:
            return [f"{where} is a workspace already; nothing was changed."]
        return [
            f"Made a workspace in {screen.bold(str(where))}: index `default`, app `default`.",
            f"Next: {screen.teal('groundwork ingest PATH')}, then {screen.teal('groundwork ask QUESTION')}",
        ]

    return Reply(document, lines)
