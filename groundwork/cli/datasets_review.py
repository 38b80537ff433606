"""`groundwork dataset propose`, `review`, `accept`, `reject`, `publish`: how answers and traces become examples."""

from __future__ import annotations

from typing import Annotated

import typer

from groundwork.cli import datasets_view as view
from groundwork.cli.datasets import (
    UNCHANGED,
    ExpectedOption,
    NameArgument,
    NoteOption,
    SplitOption,
    TagsOption,
    _expected,
    app,
)
from groundwork.cli.door import Door, Reply, principal, split

IdsArgument = Annotated[
    list[str], typer.Argument(metavar="CANDIDATE…", help="Their ids, `cnd_…`.", show_default=False)
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept.")]


@app.add("propose", interrupted="what was proposed stays; the same again adds nothing")
def propose(
    door: Door,
    name: NameArgument,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ANSWER|TRACE|FEEDBACK…]", help="Ids of answers, traces or feedback.", show_default=False
        ),
    ] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="All golden feedback and corrections that stand.")
    ] = False,
    of_app: Annotated[
        str, typer.Option("--app", metavar="NAME", help="With --feedback: only of this app.")
    ] = "",
    span: Annotated[
        str, typer.Option("--span", metavar="SPAN", help="The span of the trace that is meant.")
    ] = "",
    expected: Annotated[
        str | None, typer.Option("--expected", "-e", metavar="TEXT", help="What should have come out.")
    ] = None,
    reason: ReasonOption = "",
) -> Reply:
    """Propose answers, traces or feedback as examples of a dataset; each is proposed once."""
    from groundwork.app import datasets as promoting
    from groundwork.core.errors import InvalidInputError

    if not what and not feedback:
        raise InvalidInputError(
            "nothing is proposed", hint="name answers, traces or feedback, or say --feedback"
        )
    with door.workspace() as workspace:
        found = [
            promoting.propose(workspace, name, one, expected=expected, span=span, reason=reason)
            for one in what or []
        ]
        empty = 0
        if feedback:
            more, empty = promoting.propose_feedback(workspace, name, app=of_app)
            found += more
    document = {"candidates": [c.as_dict() for c in found], "empty": empty}
    return Reply(document, lambda screen: view.proposed(name, found, empty, screen))


@app.add("review", interrupted=UNCHANGED)
def review(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A dataset; otherwise all.")] = "",
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help="proposed, accepted, rejected, or all.")
    ] = "proposed",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 50,
    before: Annotated[str, typer.Option("--before", metavar="CANDIDATE", help="Only older than this.")] = "",
) -> Reply:
    """List what waits for a decision."""
    from groundwork.core.errors import InvalidInputError

    if state not in ("proposed", "accepted", "rejected", "all"):
        raise InvalidInputError(f"`{state[:40]}` is no state", hint="proposed, accepted, rejected or all")
    wanted = "" if state == "all" else state
    with door.workspace() as workspace:
        found = workspace.datasets.candidates(
            principal(None),
            name,
            state=wanted,  # type: ignore[arg-type]
            limit=limit,
            before=before or None,
        )
    return Reply({"candidates": [c.as_dict() for c in found]}, lambda screen: view.candidates(found, screen))


@app.add("accept", interrupted="each decision stands by itself")
def accept(
    door: Door,
    ids: IdsArgument,
    publish_: Annotated[bool, typer.Option("--publish", help="Make the next version at once.")] = False,
    expected: ExpectedOption = None,
    tag: TagsOption = None,
    into: SplitOption = "",
    reason: ReasonOption = "",
) -> Reply:
    """Accept candidates; they stand in the next version that `publish` makes."""
    from groundwork.datasets.content import read_example

    fields = {
        **({"expected": _expected(expected), "impossible": False} if expected else {}),
        **({"tags": split(tag)} if tag is not None else {}),
        **({"split": into} if into else {}),
    }
    with door.workspace() as workspace:
        datasets = workspace.datasets
        found = []
        for one in ids:
            candidate = datasets.candidate(principal(None), one)
            example = read_example({**candidate.example.as_dict(), **fields}) if fields else None
            found.append(datasets.decide(principal(None), one, True, reason=reason, example=example))
        names = list(dict.fromkeys(c.dataset for c in found))
        made = [datasets.publish(principal(None), name) for name in names] if publish_ else []
    document = {"candidates": [c.as_dict() for c in found], "versions": [v.as_dict() for v in made]}
    return Reply(document, lambda screen: view.decided(found, made, screen))


@app.add("reject", interrupted="each decision stands by itself")
def reject(door: Door, ids: IdsArgument, reason: ReasonOption = "") -> Reply:
    """Reject candidates; what they were made from is not proposed again."""
    with door.workspace() as workspace:
        found = [workspace.datasets.decide(principal(None), one, False, reason=reason) for one in ids]
    return Reply({"candidates": [c.as_dict() for c in found]}, lambda screen: view.decided(found, [], screen))


@app.add("publish", interrupted="a version is made whole or not at all")
def publish(door: Door, name: NameArgument, note: NoteOption = "") -> Reply:
    """Make the next version with everything that was accepted since the last one."""
    with door.workspace() as workspace:
        made = workspace.datasets.publish(principal(None), name, note=note)
    return Reply({"version": made.as_dict()}, lambda screen: view.changed(made, "published", screen))
