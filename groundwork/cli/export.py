"""`groundwork export`: workflow files for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundwork.cli import report_files
from groundwork.cli.door import Commands, Door, Reply

app = Commands(help="Write workflow files for CI.")


@app.add("ci", interrupted="files that were written are kept")
def ci(
    door: Door,
    kind: Annotated[str, typer.Argument(metavar="github|gitlab", help="Whose workflow.", show_default=False)],
    gate: Annotated[
        str, typer.Option("--gate", "-g", metavar="NAME", help="The gate to run; otherwise the only one.")
    ] = "",
    environment: Annotated[
        str,
        typer.Option("--environment", "-e", metavar="NAME", help="Where a release is promoted that passes."),
    ] = "production",
    documents: Annotated[
        str, typer.Option("--documents", metavar="PATH", help="What is ingested, in the repository.")
    ] = "docs",
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to write; otherwise the workspace's folder."
        ),
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> Reply:
    """Write a workflow that ingests, runs the gate, shows the verdict beside the change, and promotes only what passed.

    Secrets come from the environment alone; the names to set are printed and stand at the top of the file.
    """
    from groundwork.app.ci_workflows import write_workflow

    with door.workspace() as workspace:
        made = write_workflow(workspace, kind, gate=gate, environment=environment, documents=documents)
        path = Path(output or workspace.root) / made.path
    refused = path.exists() and not overwrite
    if refused:
        from groundwork.core.errors import ConflictError

        raise ConflictError(f"`{path}` is there already", hint="say --overwrite to replace it")
    report_files.write(str(path), made.text)
    document = {"path": str(path), "kind": kind, "secrets": list(made.secrets), "gate": made.gate}
    lines = [f"wrote {path}"]
    if made.secrets:
        lines.append(f"Set these secrets in the repository's settings: {', '.join(made.secrets)}.")
    return Reply(document, lambda screen: [line for text in lines for line in screen.paragraph(text)])
