"""`groundwork serve`: the console and the HTTP API on this machine."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from groundwork.cli.door import Commands, Door, Reply

app = Commands()


@app.add("serve", interrupted="the server has stopped; everything acknowledged is stored")
def serve(
    door: Door,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", min=0, max=65535, help="Port; 0 picks a free one; otherwise as `settings` says."
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            help="Address to bind; beyond this machine only with TLS, or behind a proxy that has it.",
        ),
    ] = None,
) -> Reply | None:
    """Serve the console and the HTTP API.

    The first start shows an address that signs in as admin, once. `sign_in = "off"` in groundwork.toml lets
    everybody on this machine in without.

    One server works on a workspace at a time; a second one is refused and told where the first one is.
    """
    from groundwork.app.config import find_root

    run(door, find_root(door.directory or Path()), host=host, port=port)
    return None


def run(door: Door, root: Path, *, host: str | None, port: int | None, demo: bool = False) -> None:
    """Run the server of the workspace at `root` until it is told to stop."""
    import os

    from groundwork.app.config import read_config

    arguments = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    settings = read_config(root, arguments=arguments).spec.settings

    def ready(opened: Any) -> None:
        if door.json:
            facts = {"sign_in": opened.sign_in, "sign_in_url": opened.link if opened.sign_in else None}
            token = opened.token or None
            door.document(
                {"url": opened.url, "pid": os.getpid(), "workspace": str(root), **facts, "token": token}
            )
        else:
            door.say([f"Groundwork is at {door.screen.teal(opened.url)}  (Ctrl-C stops it)"])
        for line in opened.notes():
            door.note(line)

    # One door imports no other; the command line only knows the server's program by its name.
    server = import_module("groundwork.server.serve")
    server.run(root, settings.host, settings.port, on_ready=ready, demo=demo)
