"""`groundwork trace`: what ran, span by span: lists and searches, trees, sessions, deletion, saved views."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import trace_sql, trace_transfer
from groundwork.cli import traces_view as view
from groundwork.cli.door import Commands, Door, Reply, principal
from groundwork.cli.screen import count

if TYPE_CHECKING:
    from groundwork.telemetry.types import Query

app = Commands(help="Traces: list, search, show, import, export and delete them.", default="list")
UNCHANGED = "nothing was changed"
ORDERS = ("newest", "slowest", "dearest", "most_tokens")
_BACK = re.compile(r"(\d{1,6})\s*(s|min|h|d|w)")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}

TextArgument = Annotated[
    str,
    typer.Argument(
        metavar="[WORDS]",
        help="Words that all stand in one span; the last may be a beginning.",
        show_default=False,
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="FIELD=VALUE",
        help="Narrow by app, release, environment, service, user, session, model, kind, name, status, source, answer, key, "
        "prompt, snapshot, feedback, min_ms, max_ms, min_usd, max_usd or min_tokens. Repeatable.",
    ),
]  # fmt: skip
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="`2026-11-28`, `2026-11-28T10:00`, or back from now: `2h`, `7d`."
    ),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before this time.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")]
CursorOption = Annotated[
    str | None, typer.Option("--after", metavar="CURSOR", help="`next` of the JSON document before.")
]


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    text: TextArgument = "",
    where: WhereOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    order: Annotated[
        str, typer.Option("--order", metavar="ORDER", help=f"One of {', '.join(ORDERS)}.")
    ] = "newest",
    limit: LimitOption = 20,
    after: CursorOption = None,
) -> Reply:
    """List traces, newest first. The word may be left out: `groundwork trace --since 1h`."""
    query = question(text, where, since, until)
    with door.workspace() as workspace:
        reader = workspace.telemetry.fresh()
        page = reader.traces(principal(None), query, order=order, limit=limit, cursor=after)  # type: ignore[arg-type]
    document = {"traces": [_plain(t) for t in page.items], "next": page.next}
    return Reply(document, lambda screen: view.traces(page.items, page.next is not None, screen))


@app.add("show", interrupted=UNCHANGED)
def show(
    door: Door,
    trace: Annotated[
        str,
        typer.Argument(
            metavar="TRACE", help="Its id, the first 6 digits of it, or `last`.", show_default=False
        ),
    ],
    span: Annotated[
        str, typer.Option("--span", metavar="ID", help="Show this span with everything in it.")
    ] = "",
    below: Annotated[str, typer.Option("--below", metavar="ID", help="Only what is below this span.")] = "",
    contains: Annotated[
        str, typer.Option("--contains", metavar="WORDS", help="Only spans with these words.")
    ] = "",
    errors: Annotated[bool, typer.Option("--errors", help="Only spans that failed.")] = False,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Spans to leave out.")] = 0,
    limit: LimitOption = 200,
) -> Reply:
    """Show one trace as a tree, or one of its spans."""
    from groundwork.core.errors import NotFoundError
    from groundwork.telemetry.types import Query

    asking = principal(None)
    with door.workspace() as workspace:
        reader = workspace.telemetry.fresh()
        if trace == "last":
            newest = reader.traces(asking, Query(), limit=1).items
            if not newest:
                raise NotFoundError("no trace is stored yet", hint="ask something: `groundwork ask`")
            trace = newest[0].trace_id
        line = reader.trace(asking, trace)
        if span:
            found = reader.span(asking, line.trace_id, span)
            return Reply(_plain(found), lambda screen: view.span(found, screen))
        page = reader.tree(
            asking, line.trace_id, parent=below, offset=offset, limit=limit, contains=contains, errors=errors
        )
    document = {"trace": _plain(line), "spans": [_plain(s) for s in page.items], "next": page.next}
    return Reply(
        document,
        lambda screen: [
            *view.trace(line, screen), "", *view.tree(page.items, line.started_ns, page.next is not None, screen),
        ],
    )  # fmt: skip


@app.add("spans", interrupted=UNCHANGED)
def spans(
    door: Door,
    text: TextArgument = "",
    where: WhereOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    after: CursorOption = None,
) -> Reply:
    """List single spans, newest first."""
    query = question(text, where, since, until)
    with door.workspace() as workspace:
        page = workspace.telemetry.fresh().spans(principal(None), query, limit=limit, cursor=after)
    document = {"spans": [_plain(s) for s in page.items], "next": page.next}
    return Reply(document, lambda screen: view.spans(page.items, page.next is not None, screen))


@app.add("sessions", interrupted=UNCHANGED)
def sessions(
    door: Door,
    session: Annotated[
        str, typer.Argument(metavar="[SESSION]", help="Show the traces of this one.", show_default=False)
    ] = "",
    where: WhereOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    after: CursorOption = None,
) -> Reply:
    """List sessions, the one with the newest trace first, or the traces of one."""
    asking = principal(None)
    with door.workspace() as workspace:
        reader = workspace.telemetry.fresh()
        if session:
            found = reader.session(asking, session)
            return Reply(
                {"traces": [_plain(t) for t in found]}, lambda screen: view.traces(found, False, screen)
            )
        page = reader.sessions(asking, question("", where, since, until), limit=limit, cursor=after)
    document = {"sessions": [_plain(s) for s in page.items], "next": page.next}
    return Reply(document, lambda screen: view.sessions(page.items, page.next is not None, screen))


@app.add("delete")
def delete(
    door: Door,
    traces: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TRACE…]", help="Ids or their beginnings.", show_default=False),
    ] = None,
    where: WhereOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> Reply:
    """Delete traces for good: by id, or every one that fits the filters. Nothing of their texts is left in the store."""
    from groundwork.core.errors import InvalidInputError
    from groundwork.telemetry.types import Query

    query = question("", where, since, until)
    if bool(traces) == (query != Query()):
        raise InvalidInputError(
            "say which traces are to be deleted, in one way",
            hint="give ids, or filters such as `--where session=s1`",
        )
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.telemetry
        reader = room.fresh()
        if traces:
            done = room.deletions.traces(asking, [reader.trace(asking, t).trace_id for t in traces])
        else:
            done = room.deletions.query(asking, query)
    said = f"deleted {count(done.traces, 'trace')} with {count(done.spans, 'span')}"
    return Reply({"traces": done.traces, "spans": done.spans}, lambda screen: [said])


@app.add("views", interrupted=UNCHANGED)
def views(
    door: Door,
    page: Annotated[str, typer.Option("--page", metavar="PAGE", help="Only those of this page.")] = "",
    remove: Annotated[str, typer.Option("--delete", metavar="VIEW", help="Forget this one.")] = "",
) -> Reply:
    """List the saved views."""
    asking = principal(None)
    with door.workspace() as workspace:
        book = workspace.telemetry.views
        if remove:
            book.delete(asking, remove)
        found = book.list(asking, page)
    return Reply({"views": [_plain(v) for v in found]}, lambda screen: view.views(found, screen))


@app.add("kept", interrupted="what was dropped stays dropped; the rest follows the next time")
def kept(
    door: Door,
    drop: Annotated[bool, typer.Option("--drop", help="Drop now what is too old or too much.")] = False,
) -> Reply:
    """Say what is kept, for how long, and what was dropped."""
    with door.workspace() as workspace:
        retention = workspace.telemetry.retention
        if drop:
            retention.run()
        report = retention.report()
    return Reply(report.as_dict(), lambda screen: view.kept(report, screen))


trace_transfer.register(app)
trace_sql.register(app)


def question(text: str, where: list[str] | None, since: str | None, until: str | None) -> Query:
    """Return what the options of a list ask for.

    Raises:
        InvalidInputError: a field is none, or its value does not fit.
    """
    from dataclasses import fields

    from groundwork.core.errors import InvalidInputError
    from groundwork.telemetry.types import Query

    known = {f.name for f in fields(Query)} - {"since_ns", "until_ns", "text"}
    given: dict[str, Any] = {"text": text}
    for part in where or ():
        name, mark, value = part.partition("=")
        name = name.strip()
        if not mark or name not in known:
            raise InvalidInputError(
                f"`{part}` narrows nothing", hint=f"write FIELD=VALUE with one of {', '.join(sorted(known))}"
            )
        given[name] = _number(name, value) if name.startswith(("min_", "max_")) else value
    return Query(**given, since_ns=moment(since, "--since"), until_ns=moment(until, "--until"))


def moment(value: str | None, option: str) -> int | None:
    """Return a time in nanoseconds: ISO 8601, in UTC unless it says otherwise, or back from now as `2h`, `7d`."""
    import time
    from datetime import UTC, datetime

    from groundwork.core.errors import InvalidInputError

    if value is None:
        return None
    back = _BACK.fullmatch(value.strip().lower())
    if back:
        return time.time_ns() - int(back[1]) * _UNITS[back[2]] * 10**9
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidInputError(
            f"`{value}` of {option} is no time",
            hint="write it as `2026-11-28T10:00`, or back from now as `2h` or `7d`",
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1e9)


def _number(name: str, value: str) -> float | int:
    from groundwork.core.errors import InvalidInputError

    try:
        return int(value) if name == "min_tokens" else float(value)
    except ValueError:
        raise InvalidInputError(f"`{value}` of `{name}` is no number", hint=f"such as {name}=10") from None


def _plain(value: Any) -> Any:
    from dataclasses import asdict

    return asdict(value)
