"""`groundwork feedback`: what people and programs say of answers and traces."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from groundwork.cli.door import Commands, Door, Reply, principal
from groundwork.cli.screen import Screen, moment, one_line

app = Commands(help="Say whether an answer was good; list, withdraw, export.")
UNCHANGED = "nothing was changed"
SubjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="ANSWER|TRACE", help="The id of an answer, `ans_…`, or of a trace.", show_default=False
    ),
]
KindOption = Annotated[
    str, typer.Option("--kind", metavar="KIND", help="Only this: thumb, correction, label, comment, golden.")
]
AppOption = Annotated[str, typer.Option("--app", metavar="NAME", help="Only of this app.")]


@app.add("give", interrupted=UNCHANGED)
def give(
    door: Door,
    subject: SubjectArgument,
    up: Annotated[bool, typer.Option("--up", help="It was good.")] = False,
    down: Annotated[bool, typer.Option("--down", help="It was not.")] = False,
    correction: Annotated[
        str, typer.Option("--correction", metavar="TEXT", help="What it should have said.")
    ] = "",
    label: Annotated[str, typer.Option("--label", metavar="WORD", help="A label of your own.")] = "",
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="A remark.")] = "",
    golden: Annotated[
        bool,
        typer.Option("--golden", help="Keep it as an example for a dataset, with its output as expected."),
    ] = False,
    expected: Annotated[
        str, typer.Option("--expected", metavar="TEXT", help="The same, with this as the expected output.")
    ] = "",
    span: Annotated[
        str, typer.Option("--span", metavar="SPAN", help="The span of the trace that is meant.")
    ] = "",
) -> Reply:
    """Say something of an answer or a trace; several things at once are several feedbacks."""
    from groundwork.core.errors import InvalidInputError

    said: list[tuple[Any, str, str]] = []
    said += [("thumb", "up", "")] if up else []
    said += [("thumb", "down", "")] if down else []
    said += [("correction", "", correction)] if correction else []
    said += [("label", label, "")] if label else []
    said += [("comment", "", comment)] if comment else []
    said += [("golden", "", expected)] if golden or expected else []
    if not said or (up and down):
        raise InvalidInputError(
            "nothing was said" if not said else "it is either good or not",
            hint="give one of --up, --down, --correction, --label, --comment, --golden",
        )
    place = {"answer_id": subject} if subject.startswith("ans_") else {"trace_id": _trace(subject)}
    with door.workspace() as workspace:
        book = workspace.telemetry.feedback
        given = [
            asdict(book.give(principal(None), kind, value=value, text=text, span_id=span, **place))
            for kind, value, text in said
        ]
    return Reply({"feedback": given}, lambda screen: [f"Kept as {one['id']}: {_words(one)}" for one in given])


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    kind: KindOption = "",
    of_app: AppOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 50,
) -> Reply:
    """List what was said, newest first."""
    with door.workspace() as workspace:
        page = workspace.telemetry.feedback.list(principal(None), kind=kind, app=of_app, limit=limit)
    found = [asdict(f) for f in page.items]
    return Reply({"feedback": found, "next": page.next}, lambda screen: _table(found, screen))


@app.add("withdraw", interrupted=UNCHANGED)
def withdraw(
    door: Door,
    feedback: Annotated[str, typer.Argument(metavar="FEEDBACK", help="The id, `fbk_…`.", show_default=False)],
) -> Reply:
    """Take feedback back; it is kept and no longer counts."""
    with door.workspace() as workspace:
        found = asdict(workspace.telemetry.feedback.withdraw(principal(None), feedback))
    return Reply(found, lambda screen: [f"{found['id']} no longer counts."])


@app.add("export", interrupted="the file is as it was")
def export(
    door: Door,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of JSON lines.", show_default=False)],
    kind: KindOption = "golden",
    of_app: AppOption = "",
) -> Reply:
    """Write what was said with its input, as JSON lines `{input, expected, output, answer_id, trace_id, …}`."""
    from groundwork.app.golden import as_line, examples

    aside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    count = 0
    with door.workspace() as workspace:
        try:
            with aside.open("w", encoding="utf-8") as stream:
                for example in examples(workspace, principal(None), kind, of_app):
                    stream.write(as_line(example))
                    count += 1
                stream.flush()
                os.fsync(stream.fileno())
            aside.rename(file)
        finally:
            aside.unlink(missing_ok=True)
    document = {"file": str(file), "kind": kind, "examples": count}
    return Reply(document, lambda screen: [f"{count} examples are in {file}."])


def _trace(given: str) -> str:
    from groundwork.core.errors import InvalidInputError

    if not re.fullmatch(r"[0-9a-f]{6,32}", given):
        raise InvalidInputError(
            f"`{given[:60]}` is neither an answer nor a trace",
            hint="answers are named `ans_…`, traces by 6 to 32 hexadecimal digits",
        )
    return given


def _words(one: dict[str, Any]) -> str:
    about = one["answer_id"] or f"trace {one['trace_id'][:12]}"
    said = one["value"] or one_line(one["text"])[:60]
    return f"{one['kind']}{f' {said}' if said else ''} on {about}"


def _table(found: list[dict[str, Any]], screen: Screen) -> list[str]:
    if not found:
        return ["Nothing was said yet; begin with `groundwork feedback give ANSWER --up`."]
    rows = [
        [
            one["id"],
            one["kind"] + (" (withdrawn)" if one["withdrawn_at"] else ""),
            one_line(one["value"] or one["text"])[:80],
            one["answer_id"] or one["trace_id"][:12],
            one["principal"],
            moment(one["created_at"]),
        ]
        for one in found
    ]
    return screen.table(["feedback", "kind", "said", "of", "by", "given (UTC)"], rows, stretch=2)
