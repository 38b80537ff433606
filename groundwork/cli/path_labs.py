"""`groundwork path labs`, `lab`, `hint`, `verify`, `reset`, `answer`: hands-on work, verified by records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundwork.cli import path_labs_view as view
from groundwork.cli import path_words as words
from groundwork.cli.door import Door, Reply, principal
from groundwork.cli.path import UNCHANGED, app
from groundwork.cli.path_view import files_of

LabArgument = Annotated[
    str,
    typer.Argument(
        metavar="[LAB]", help="Its name; otherwise the one you work on.", autocompletion=words.labs
    ),
]
LAID_OUT = "run it again: a start that was cut off is laid out anew, and nothing of yours is lost"


@app.add("labs", interrupted=UNCHANGED)
def labs(door: Door) -> Reply:
    """List the labs: what they teach, how long they take, and how far you are."""
    with door.workspace() as workspace:
        found = workspace.pathways.labs.all(principal(None))
    return Reply({"labs": [x.as_dict() for x in found]}, lambda screen: view.labs(found, screen))


@app.add("lab", interrupted=LAID_OUT)
def lab(
    door: Door,
    name: LabArgument = "",
    test_out: Annotated[
        bool, typer.Option("--test-out", help="Show without hints that you need no lesson.")
    ] = False,
    look: Annotated[bool, typer.Option("--look", help="Only show it; begin nothing.")] = False,
) -> Reply:
    """Begin a lab or go on with it: its task, where its files lie, the first commands.

    What it needs is laid out in `labs/NAME/`; everything it makes is named `lab-…` and counts for no milestone.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.labs
        run = room.open_run(asking)
        if not name and run is None:
            from groundwork.core.errors import NotFoundError

            raise NotFoundError("no lab is open", hint="`groundwork path next` opens the one that comes next")
        name = name or (run.lab if run else "")
        if look:
            line = next((x for x in room.all(asking) if x.id == name.replace("_", "-").lower()), None)
            if line is not None:
                return Reply(line.as_dict(), lambda screen: view.lab_line(line, screen))
            from groundwork.pathways.labs.task import find_lab

            find_lab(name)
        if test_out or run is None or run.lab != name.replace("_", "-").lower():
            run = room.start(asking, name, test_out=test_out)
        files = files_of(workspace.root, run)
    return Reply({**run.as_dict(), "files": files}, lambda screen: view.lab(run, files, screen))


@app.add("hint", interrupted=UNCHANGED)
def hint(door: Door, name: LabArgument = "") -> Reply:
    """Show the next hint of a lab, from the gentlest on."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways.labs
        said = room.hint(asking, name or None)
    return Reply({"hint": said}, lambda screen: screen.paragraph(said))


@app.add("verify", interrupted=UNCHANGED)
def verify(
    door: Door,
    bundle: Annotated[
        str,
        typer.Argument(
            metavar="[LAB|BUNDLE]",
            help="A bundle of a portfolio, file or folder; or a lab; otherwise the lab you work on.",
            autocompletion=words.labs,
        ),
    ] = "",
    issuer: Annotated[
        str,
        typer.Option(
            "--issuer",
            metavar="DID",
            help="Who must have made the bundle, as its owner told you: `did:key:…`.",
        ),
    ] = "",
) -> Reply:
    """Verify the lab you work on over its records; or check a portfolio's bundle, offline and without a workspace.

    Exits with 1 when a point is not met, or when something in the bundle does not hold.
    """
    from groundwork.pathways.labs import LABS

    is_lab = bundle.replace("-", "_").lower() in LABS.names()
    if bundle and (Path(bundle).exists() or not is_lab):
        from groundwork.pathways.portfolio.verify import verify_bundle

        report = verify_bundle(Path(bundle), issuer=issuer)
        return Reply(report.as_dict(), lambda screen: view.bundle(report, screen), 0 if report.valid else 1)
    with door.workspace() as workspace:
        found = workspace.pathways.labs.verify(principal(None), bundle or None)
    return Reply(found.as_dict(), lambda screen: view.verification(found, screen), 0 if found.passed else 1)


@app.add("reset", interrupted=LAID_OUT)
def reset(door: Door, name: LabArgument = "") -> Reply:
    """Begin a lab again with another draw; what lay in its folder is moved aside, and your records stay."""
    asking = principal(None)
    with door.workspace() as workspace:
        run = workspace.pathways.labs.reset(asking, name or None)
        files = files_of(workspace.root, run)
    return Reply({**run.as_dict(), "files": files}, lambda screen: view.lab(run, files, screen))


@app.add("answer", interrupted="the answer is written whole or not at all")
def answer(
    door: Door,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="What it answers; the task names it.", show_default=False)
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The answer.", show_default=False)],
    name: Annotated[
        str,
        typer.Option(
            "--lab", metavar="LAB", help="The lab; otherwise the one you work on.", autocompletion=words.labs
        ),
    ] = "",
) -> Reply:
    """Write an answer onto the sheet of the lab you work on, `answers.toml` in its folder."""
    with door.workspace() as workspace:
        run = workspace.pathways.labs.answer(principal(None), name or None, key, value)
    return Reply({**run.as_dict()}, lambda screen: view.sheet(run, screen))
