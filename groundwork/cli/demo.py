"""`groundwork demo`: the whole way from documents to a replayed answer, on Groundwork's own handbook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import answer_view, ingest, serve
from groundwork.cli.door import Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.answers.types import Answer
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.types import Evaluation

app = Commands()
QUESTIONS = (
    "How do I roll back an index?",
    "What happens to a file that cannot be read?",
    "When does Groundwork abstain?",
    "How do I back up a workspace?",
)
BEYOND = "What is the capital of Mongolia?"
GOLDEN = "handbook"
FOLDER = "demo-workspace"


@dataclass
class Shown:
    """What the demo has shown so far; with `--json` this is the document."""

    workspace: str
    document: dict[str, Any] = field(default_factory=dict)


@app.add("demo", interrupted="the demo's workspace is kept; run `groundwork demo` again to go on")
def demo(
    door: Door,
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help=f"Its workspace; `{FOLDER}` here unless named.")
    ] = None,
    temporary: Annotated[
        bool, typer.Option("--temporary", help="Use a temporary directory and remove it afterwards.")
    ] = False,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="End after the last step instead of serving the console.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port of the console; 0 picks a free one.")
    ] = None,
) -> Reply | None:
    """Show it all on Groundwork's own handbook.

    It makes a workspace, ingests the handbook, asks questions that it can answer and one that it must decline,
    replays an answer, explains it, measures the app on questions with known answers, makes a release of it, and
    serves the console. With --json it does not serve.
    """
    from groundwork.app.workspace import Workspace

    with _place(directory or door.directory, temporary) as place:
        workspace = Workspace.init(place)
        try:
            shown = Shown(str(place))
            _run(door, workspace, shown)
        finally:
            workspace.close()
        if door.json:
            return Reply({"workspace": shown.workspace, **shown.document}, lambda screen: [])
        if no_serve:
            _end(door, place, temporary)
            return None
        _title(door, "9", "The console", "ends with Ctrl-C")
        serve.run(door, place, host=None, port=port, demo=True)
    return None


def _run(door: Door, workspace: Workspace, shown: Shown) -> None:
    _ingest(door, workspace, shown)
    _title(door, "2", "Ask what the handbook can answer", 'groundwork ask "…"')
    answers = [_ask(door, workspace, question) for question in QUESTIONS]
    _title(door, "3", "Ask what it cannot answer", "it declines, and says why")
    declined = _ask(door, workspace, BEYOND)
    shown.document["answers"] = [a.as_dict() for a in (*answers, declined)]
    best = next((a for a in answers if not a.abstained), declined)
    _title(door, "4", "Replay an answer", "groundwork replay " + best.id)
    replay = workspace.replay(best.id, principal(None))
    shown.document["replay"] = replay.as_dict()
    door.say([*answer_view.replay(replay, door.screen), ""])
    _title(door, "5", "Explain it", "groundwork explain " + best.id)
    explanation = workspace.explain(best.id, principal(None))
    shown.document["explanation"] = explanation.as_dict()
    door.say([*answer_view.explanation(explanation, door.screen), ""])
    _title(door, "6", "Call the app as a model", 'any OpenAI or Anthropic client, model="app/default"')
    shown.document["call"] = _call(door, workspace, best.question)
    _title(door, "7", "Measure it on questions with known answers", f"groundwork evaluate --dataset {GOLDEN}")
    evaluation = _evaluate(door, workspace)
    shown.document["evaluation"] = evaluation.as_dict()
    _title(door, "8", "Release what was measured", "groundwork release create, groundwork release promote")
    shown.document["release"] = _release(door, workspace)


def _evaluate(door: Door, workspace: Workspace) -> Evaluation:
    from groundwork.app.handbook import handbook_examples
    from groundwork.cli import evaluations_view

    asking, screen = principal(None), door.screen
    version = workspace.datasets.create(
        asking, GOLDEN, handbook_examples(), note="questions about the handbook"
    )
    with door.progress("example") as progress:
        found = workspace.evaluate(
            "default",
            dataset=version.ref,
            principal=asking,
            progress=lambda at: progress.at("evaluating", at.done, at.of, ""),
        )
    door.say([*evaluations_view.head(found, screen), "", *evaluations_view.metrics(found, {}, screen), ""])
    return found


def _release(door: Door, workspace: Workspace) -> dict[str, Any]:
    asking, room, screen = principal(None), workspace.releases, door.screen
    release, new = room.create("default", note="the demo's")
    if new:
        room.promotions.promote(asking, release.ref, "production", reason="the demo")
    served = workspace.ask(QUESTIONS[0], principal=asking)
    door.say(
        [
            f"{screen.bold(release.ref)} {screen.teal(release.digest[:7])} pins documents, model, threshold and settings, "
            "is signed, and is served in production.",
            f"An answer says so: {served.id} was given by {served.pins.release}.",
            screen.soft("`groundwork release rollback` serves the one before from the next request on"),
            "",
        ]
    )
    return {"ref": release.ref, "digest": release.digest, "answered_by": served.pins.release}


def _call(door: Door, workspace: Workspace, question: str) -> dict[str, Any]:
    from groundwork.app.calling import caller_of, request_of

    completion = workspace.gateway.complete(
        request_of("app/default", [("user", question)]), caller_of(principal(None))
    )
    meta = completion.meta
    said = (
        f"{meta.call_id}, {meta.latency_ms:.0f} ms, ${meta.cost_usd:g}; `groundwork usage call last` shows it"
    )
    door.say([completion.text, "", door.screen.soft(said), ""])
    return {
        "id": meta.call_id,
        "text": completion.text,
        "latency_ms": meta.latency_ms,
        "cost_usd": meta.cost_usd,
    }


def _ingest(door: Door, workspace: Workspace, shown: Shown) -> None:
    from groundwork.app.handbook import handbook_path

    handbook = handbook_path()
    _title(door, "1", "Ingest the handbook", f"groundwork ingest {handbook}")
    with door.progress() as progress:
        report = workspace.ingest([handbook], progress=progress)
    found = next(i for i in workspace.indexes(principal(None)) if i.name == report.index)
    shown.document["ingest"] = report.as_dict()
    shown.document["embedder"] = found.embedder
    door.say([*ingest.summary(report, door.screen), *_embedder(found.embedder, door), ""])


def _embedder(name: str, door: Door) -> list[str]:
    if "minilm" in name:
        return [f"embedder: {name}, on this machine, without network"]
    return door.screen.paragraph(
        f"embedder: {name}, fitted on these documents, because the weights of minilm are not here; "
        "`groundwork model fetch minilm` brings them"
    )


def _ask(door: Door, workspace: Workspace, question: str) -> Answer:
    answer = workspace.ask(question)
    screen = door.screen
    door.say([screen.bold(f"> {question}"), ""])
    # The footer of `ask` would repeat the same hints under every answer.
    door.say(
        [
            *answer_view.body(answer, screen),
            screen.soft(f"{answer.id}, confidence {answer.confidence:.2f}"),
            "",
        ]
    )
    return answer


def _title(door: Door, number: str, title: str, note: str) -> None:
    screen = door.screen
    door.say([f"{screen.teal(number)}  {screen.bold(title)}  {screen.soft(note)}", ""])


def _end(door: Door, place: Path, temporary: bool) -> None:
    if temporary:
        return
    door.say(
        [
            f"The workspace is in {place}.",
            f"Next: groundwork serve --workspace {place}",
            f'      groundwork ask "…" --workspace {place}',
            f"      groundwork path next --workspace {place}   learn to build such a system, step by step",
        ]
    )


@contextmanager
def _place(directory: Path | None, temporary: bool) -> Iterator[Path]:
    if not temporary:
        yield (directory or Path(FOLDER)).absolute()
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="groundwork-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)
