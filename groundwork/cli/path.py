"""`groundwork path`: the way to a role: plan it, walk it in labs, and see what your records prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.app import pathway_documents as documents
from groundwork.cli import path_view as view
from groundwork.cli import path_words as words
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.pathways.labs.types import LabRun
    from groundwork.pathways.walking.types import NextStep

app = Commands(help="The way to a role: plan, labs, proofs, portfolio.", default="progress")
UNCHANGED = "nothing was changed"

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="BACKGROUND",
        help="Where you come from: `software engineer`, `non-technical` …; kept for the next time.",
        autocompletion=words.backgrounds,
    ),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="ROLE",
        help="The role you want: `groundwork path roles`.",
        autocompletion=words.targets,
    ),
]
HoursOption = Annotated[
    float | None, typer.Option("--hours", metavar="N", help="Hours a week that you can really spare.")
]
StartOption = Annotated[
    str | None, typer.Option("--start", metavar="DATE", help="The first day; otherwise today.")
]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by", metavar="DATE", help="The day you wish to be done, `2028-06` or `2028-06-30`; empty: none."
    ),
]
DeclareOption = Annotated[
    list[str] | None,
    typer.Option(
        "--declare",
        metavar="SKILLS",
        help="Skills you have beyond those of your background; they are never shown as proven. Empty: none.",
        autocompletion=words.skills,
    ),
]
ExceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--except",
        metavar="FIRST..LAST=HOURS",
        help="Weeks with other hours, `2027-08-01..2027-08-31=0`. Empty: none.",
    ),
]
MoneyOption = Annotated[
    float | None, typer.Option("--money", metavar="N", help="The most to spend on resources.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="TEXT", help="Your name, for a portfolio; nothing else shows it."),
]


@app.add("plan", interrupted="the plan is kept whole or not at all: `groundwork path plans` lists them")
def plan(
    door: Door,
    from_: FromOption = None,
    to: ToOption = None,
    hours: HoursOption = None,
    start: StartOption = None,
    by: ByOption = None,
    declare: DeclareOption = None,
    except_: ExceptOption = None,
    money: MoneyOption = None,
    confidence: Annotated[
        float,
        typer.Option("--confidence", metavar="SHARE", help="How sure the wished day has to be, 0 to 1."),
    ] = 0.8,
    full: Annotated[
        bool, typer.Option("--full", help="Give the reasons of every month, not of the next three alone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Keep neither the plan nor the profile.")
    ] = False,
) -> Reply:
    """Make a dated plan: what to learn and build when, why, and how likely the day is.

    What is given is kept in the profile, so `groundwork path plan` alone plans again from what you have proven since.
    """
    asking = principal(None)
    changes = _changes(from_, to, hours, start, by, declare, except_, money)
    with door.workspace() as workspace:
        room = workspace.pathways
        made = room.walk.plan(asking, store=not dry_run, confidence=confidence, **changes)
        loaded = room.catalogues.current()
        change = None
        if made.previous and not dry_run:
            change = room.planner.diff(room.planner.get(asking, made.previous), made)
    document = {**documents.plan_document(made, loaded), "stored": not dry_run}
    return Reply(document, lambda screen: view.plan(made, loaded, change, full, not dry_run, screen))


@app.add("plans", interrupted=UNCHANGED)
def plans(
    door: Door,
    id_: Annotated[str, typer.Argument(metavar="[PLAN]", help="Show this one, `pln_…`.")] = "",
    against: Annotated[
        str, typer.Option("--against", metavar="PLAN", help="Show what differs from this earlier one.")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Give the reasons of every month.")] = False,
) -> Reply:
    """List your plans, newest first, show one, or compare two."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways
        loaded = room.catalogues.current()
        if not id_:
            found = room.planner.plans(asking)
            document: Any = {"plans": [documents.plan_line(p) for p in found]}
            return Reply(document, lambda screen: view.plans(found, loaded, screen))
        one = room.planner.get(asking, id_)
        if against:
            difference = room.planner.diff(room.planner.get(asking, against), one)
            return Reply(difference.as_dict(), lambda screen: view.difference(difference, screen))
    return Reply(
        documents.plan_document(one, loaded),
        lambda screen: view.plan(one, loaded, None, full, True, screen),
    )


@app.add("profile", interrupted=UNCHANGED)
def profile(
    door: Door,
    from_: FromOption = None,
    to: ToOption = None,
    hours: HoursOption = None,
    start: StartOption = None,
    by: ByOption = None,
    declare: DeclareOption = None,
    except_: ExceptOption = None,
    money: MoneyOption = None,
    name: NameOption = None,
) -> Reply:
    """Show what you said of yourself, or change what is given; the plan follows from it."""
    changes = {**_changes(from_, to, hours, start, by, declare, except_, money), "name": name}
    with door.workspace() as workspace:
        walk = workspace.pathways.walk
        found = walk.set_profile(principal(None), **changes)
        loaded = workspace.pathways.catalogues.current()
    return Reply(found.as_dict(), lambda screen: view.profile(found, loaded, screen))


@app.add("next", interrupted="`groundwork path labs` shows whether the lab was begun")
def next_(
    door: Door,
    look: Annotated[bool, typer.Option("--look", help="Only say what comes next; begin nothing.")] = False,
) -> Reply:
    """Say what to do next and why, and lay out its lab: where the files lie, and the first commands."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways
        step = room.walk.next(asking)
        run = _begun(workspace, step) if step.lab and step.kind != "profile" and not look else None
        files = view.files_of(workspace.root, run)
    document = {**step.as_dict(), "run": run.as_dict() if run else None, "files": files}
    return Reply(document, lambda screen: view.next_step(step, run, files, screen))


@app.add("progress", interrupted=UNCHANGED)
def progress(
    door: Door,
    skills: Annotated[bool, typer.Option("--skills", help="List every skill with its state.")] = False,
) -> Reply:
    """Show how far you are: what is proven, what you declared, what was attested, apart from each other."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways
        found = room.walk.progress(asking)
        loaded = room.catalogues.current()
        step = room.walk.next(asking)
    document = {**found.as_dict(), "next": step.as_dict()}
    return Reply(document, lambda screen: view.progress(found, step, loaded, skills, screen))


@app.add("check", interrupted=UNCHANGED)
def check(
    door: Door,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="[SUBJECT]",
            help="A milestone, action, skill or lab; otherwise all.",
            autocompletion=words.subjects,
        ),
    ] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the records and values that were found.")
    ] = False,
) -> Reply:
    """Ask the records whether a milestone, an action or a skill is proven, and say what is missing.

    What is proven gets a signed proof. With a SUBJECT it exits with 1 when that is not proven.
    """
    with door.workspace() as workspace:
        found = workspace.pathways.walk.check(principal(None), subject or None)
    code = 1 if subject and any(s.state != "proven" for s in found) else 0
    if subject:
        return Reply(found[0].as_dict(), lambda screen: view.subject(found[0], explain, screen), code)
    document = {"subjects": [s.as_dict() for s in found]}
    return Reply(document, lambda screen: view.subjects(found, explain, screen))


@app.add("forecast", interrupted=UNCHANGED)
def forecast(door: Door) -> Reply:
    """Say when you are likely to be done, by the pace of the labs you have finished."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.pathways
        found = room.planner.forecast(asking)
        latest = room.planner.latest(asking)
    assert latest is not None  # without one there is no forecast
    by = str(latest.request.get("by") or "")
    document = {**documents.plain(found), "plan": latest.id, "by": by}
    return Reply(document, lambda screen: view.forecast(found, latest, by, screen))


# -- below ----------------------------------------------------------------------------------------------------------
def _begun(workspace: Workspace, step: NextStep) -> LabRun:
    """Return the run of the step's lab: the open one, or one that is laid out now."""
    asking = principal(None)
    labs = workspace.pathways.labs
    run = labs.open_run(asking)
    if run is not None and run.lab == step.lab:
        return run
    return labs.start(asking, step.lab, test_out=any("--test-out" in c for c in step.commands))


def _changes(
    from_: str | None,
    to: str | None,
    hours: float | None,
    start: str | None,
    by: str | None,
    declare: list[str] | None,
    except_: list[str] | None,
    money: float | None,
) -> dict[str, Any]:
    """Return the fields of a profile that the options change."""
    from groundwork.pathways.walking.days import exception_of

    return {
        "background": from_,
        "target": to,
        "hours_per_week": hours,
        "start": start,
        "by": by,
        "declared": None if declare is None else [s for s in split(declare) if s],
        "exceptions": None if except_ is None else [exception_of(e) for e in except_ if e.strip()],
        "money": money,
    }


from groundwork.cli import path_catalogue, path_labs, path_people  # noqa: E402, F401 - their commands belong to `app`
