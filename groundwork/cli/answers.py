"""`groundwork ask`, `answers`, `conversations`, `replay`, `explain`, `calibrate`: what was answered, again, and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import answer_view as view
from groundwork.cli.door import AsOption, Commands, Door, Reply, principal, question_of

if TYPE_CHECKING:
    from groundwork.answers.types import Replay
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal

app = Commands()
AppOption = Annotated[str, typer.Option("--app", "-a", metavar="NAME", help="The app.")]
AnswerArgument = Annotated[
    str,
    typer.Argument(
        metavar="ANSWER", help="The id of an answer, `ans_…`; `last` is the newest.", show_default=False
    ),
]
PAGE = 200


@app.add("ask", interrupted="no answer was recorded")
def ask(
    door: Door,
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION", help="The question; `-` reads it from standard input.", show_default=False
        ),
    ],
    app_: AppOption = "default",
    snapshot: Annotated[
        str | None,
        typer.Option(
            "--snapshot",
            metavar="ID",
            help="A digest, its beginning, `head` or `head~1`; otherwise the head.",
        ),
    ] = None,
    conversation: Annotated[
        str | None,
        typer.Option(
            "--conversation",
            metavar="ID",
            help="Go on in this conversation; `new` begins one.",
        ),
    ] = None,
    continue_: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on in the newest conversation, or begin the first.")
    ] = False,
    environment: Annotated[
        str,
        typer.Option(
            "--environment",
            "-e",
            metavar="NAME",
            help="Ask what stands there; otherwise in the setting's one.",
        ),
    ] = "",
    release: Annotated[
        str, typer.Option("--release", metavar="REF", help="Ask this release, such as `default@4`.")
    ] = "",
    as_: AsOption = None,
) -> Reply:
    """Answer a question with citations, or say why not.

    The answer is recorded with the versions it was made from, so that `groundwork replay` can make it again. Within a
    conversation a follow-up question is understood with what was said before.
    """
    from groundwork.core.errors import InvalidInputError

    if conversation and continue_:
        raise InvalidInputError(
            "--conversation and --continue were both given",
            hint="--continue goes on in the newest conversation, --conversation in the one it names",
        )
    asking = principal(as_)
    with door.workspace() as workspace:
        if continue_:
            newest = workspace.conversations(asking, limit=1)
            conversation = newest[0].id if newest else "new"
        answer = workspace.ask(
            question_of(question),
            app=app_,
            principal=asking,
            snapshot=snapshot,
            conversation=conversation,
            environment=environment,
            release=release,
        )
    return Reply(answer.as_dict(), lambda screen: view.answer(answer, screen))


@app.add("answers", interrupted="nothing was changed")
def answers(
    door: Door,
    app_: Annotated[
        str | None, typer.Option("--app", "-a", metavar="NAME", help="Only answers of this app.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many.")] = 20,
    before: Annotated[
        str | None, typer.Option("--before", metavar="ANSWER", help="Only answers older than this one.")
    ] = None,
    as_: AsOption = None,
) -> Reply:
    """List the recorded answers, newest first."""
    with door.workspace() as workspace:
        found = workspace.answers(principal(as_), limit=limit, before=before, app=app_)
    return Reply({"answers": [a.as_dict() for a in found]}, lambda screen: view.answers(found, screen))


@app.add("conversations", interrupted="nothing was changed")
def conversations(
    door: Door,
    conversation: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="The id of a conversation, `con_…`; without it they are listed.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many.")] = 20,
    as_: AsOption = None,
) -> Reply:
    """List conversations, newest first, or show the answers of one.

    `groundwork ask --conversation new` begins one.
    """
    asking = principal(as_)
    with door.workspace() as workspace:
        if conversation is None:
            found = workspace.conversations(asking, limit=limit)
            return Reply(
                {"conversations": [c.as_dict() for c in found]},
                lambda screen: view.conversations(found, screen),
            )
        turns = workspace.conversation(conversation, asking)
    document = {"id": conversation, "answers": [a.as_dict() for a in turns]}
    return Reply(document, lambda screen: view.turns(turns, screen))


@app.add("replay", interrupted="replaying changes nothing")
def replay(
    door: Door,
    answers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ANSWER...", help="Ids of answers, `ans_…`; `last` is the newest.", show_default=False
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Replay every recorded answer.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when an answer is `drifted` or `same-set`.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the models again; this costs what they cost.")
    ] = False,
    runs: Annotated[int, typer.Option("--runs", "-n", min=1, max=100, help="With --live: how often.")] = 1,
    as_: AsOption = None,
) -> Reply:
    """Make recorded answers again and compare.

    They are made from the versions they are pinned to; what models said is taken from the record.

    `identical` is the same answer from the same passages with equal scores, `same-set` the same answer from
    passages in another order, `drifted` another answer, `redacted` an answer that an erased document was
    part of.

    With --live the models are asked again, at the same snapshot with the same prompt, and how far they agree
    with what they said is measured over the runs.
    """
    from groundwork.core.errors import InvalidInputError

    if (live and (all_ or len(answers or ()) != 1)) or (runs != 1 and not live):
        raise InvalidInputError(
            "--live asks models again for one answer, and --runs says how often",
            hint="for example `groundwork replay last --live --runs 5`",
        )
    if live and answers:
        return _live(door, answers[0], runs, principal(as_))
    if not answers and not all_:
        raise InvalidInputError(
            "no answer was named", hint="name one, as in `groundwork replay last`, or use --all"
        )
    asking = principal(as_)
    with door.workspace() as workspace:
        ids = (
            _every_id(workspace, asking) if all_ else [_resolve(workspace, a, asking) for a in answers or ()]
        )
        replays: list[Replay] = []
        with door.progress("replayed") as progress:
            for identifier in ids:
                replays.append(workspace.replay(identifier, asking))
                progress.count(len(replays), len(ids), "replaying")
    moved = any(r.result in ("drifted", "same-set") for r in replays)
    code = 1 if check and moved else 0
    if len(replays) == 1 and not all_:
        return Reply(replays[0].as_dict(), lambda screen: view.replay(replays[0], screen), code)
    counts: Counter[str] = Counter(r.result for r in replays)
    document: dict[str, Any] = {
        "n": len(replays),
        "counts": {name: counts[name] for name in view.RESULTS},
        "answers": [r.as_dict() for r in replays],
    }
    return Reply(document, lambda screen: view.replays(replays, screen), code)


@app.add("explain", interrupted="explaining changes nothing")
def explain(door: Door, answer: AnswerArgument, as_: AsOption = None) -> Reply:
    """Show why an answer came out as it did.

    It shows the legs and ranks that brought each passage, the scores beside their thresholds, and what
    would have been answered without each cited passage.
    """
    asking = principal(as_)
    with door.workspace() as workspace:
        explanation = workspace.explain(_resolve(workspace, answer, asking), asking)
    return Reply(explanation.as_dict(), lambda screen: view.explanation(explanation, screen))


@app.add("calibrate", interrupted="the threshold in use was not changed")
def calibrate(
    door: Door,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Labelled questions, one JSON object a line.", show_default=False
        ),
    ],
    app_: AppOption = "default",
    risk: Annotated[
        float | None,
        typer.Option("--risk", help="Largest share of wrong answers; otherwise the app's `risk`."),
    ] = None,
    delta: Annotated[
        float, typer.Option("--delta", help="Largest chance that the promise does not hold.")
    ] = 0.1,
) -> Reply:
    """Find the threshold that keeps a promise about wrong answers.

    It is found by Learn-then-Test.

    Each line of the file holds `question` and `answers`, a list of texts; an empty list says that the documents have no
    answer. Exits with 1 when no threshold keeps the promise.
    """
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace, door.progress("questions") as progress:
        calibration = workspace.calibrate(
            file, app=app_, target_risk=risk, delta=delta, principal=LOCAL, progress=progress.count
        )
    code = 1 if calibration.threshold is None else 0
    return Reply(calibration.as_dict(), lambda screen: view.calibration(calibration, screen), code)


def _live(door: Door, answer: str, runs: int, asking: Principal) -> Reply:
    with door.workspace() as workspace, door.progress("runs") as progress:
        found = workspace.replay_live(
            _resolve(workspace, answer, asking),
            asking,
            n=runs,
            progress=lambda done, total: progress.count(done, total, "asking"),
        )
    return Reply(found.as_dict(), lambda screen: view.live(found, screen))


def _resolve(workspace: Workspace, name: str, asking: Principal) -> str:
    if name != "last":
        return name
    from groundwork.core.errors import NotFoundError

    newest = workspace.answers(asking, limit=1)
    if not newest:
        raise NotFoundError("there is no answer yet", hint="ask something with `groundwork ask QUESTION`")
    return newest[0].id


def _every_id(workspace: Workspace, asking: Principal) -> list[str]:
    ids: list[str] = []
    while page := workspace.answers(asking, limit=PAGE, before=ids[-1] if ids else None):
        ids += [a.id for a in page]
    return ids
