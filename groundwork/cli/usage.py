"""`groundwork usage`: what was called, by whom, and what it cost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import usage_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.cli.screen import Screen

app = Commands(help="What was called, by whom, and what it cost; single calls.", default="totals")
GROUPS = ("key", "app", "release", "model", "provider", "day", "answer")
UNCHANGED = "nothing was changed"
_SPAN = re.compile(r"(\d{1,5})\s*(d|w)")

SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="DAY", help="From this day on, `2026-11-01`, or the last `30d`, `4w`."),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="DAY", help="Up to and with this day.")]


@app.add("totals", interrupted=UNCHANGED)
def totals(
    door: Door,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="GROUP", help=f"One or more of {', '.join(GROUPS)}. Repeatable."),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> Reply:
    """Add up calls, tokens and cost, and show what is left of budgets.

    The word may be left out: `groundwork usage --by model`. Days are those of UTC.
    """
    from groundwork.app.calls import key_names, unpriced

    groups = split(by or ["model"])
    _known(groups)
    asking, first, last = principal(None), day_of(since, "--since"), day_of(until, "--until")
    with door.workspace() as workspace:
        rows = workspace.usage.totals(asking, by=groups, since=first, until=last)
        if groups[0] == "day":
            rows.sort(key=lambda r: r.group["day"])
        total = workspace.usage.totals(asking, by=[], since=first, until=last)
        left = workspace.usage.budgets(asking)
        names = key_names(workspace, asking)
        unknown = unpriced(workspace, asking, first, last)
    document = {
        "by": groups,
        "since": first,
        "until": last,
        "total": view.row(total[0]) if total else None,
        "rows": [view.row(r) for r in rows],
        "unpriced": unknown,
        "budgets": [b.as_dict() for b in left],
    }
    whole = total[0] if total else None
    return Reply(document, lambda screen: view.totals(groups, rows, whole, unknown, left, names, screen))


@app.add("calls", interrupted=UNCHANGED)
def calls(
    door: Door,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Only calls with this key.")] = None,
    app_: Annotated[
        str | None, typer.Option("--app", "-a", metavar="NAME", help="Only calls for this app.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only calls that asked for this model."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Only calls that it served.")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="Only done, failed, incomplete, cancelled, lost or open ones."
        ),
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option("--answer", metavar="ANSWER", help="Only calls that this answer was made from."),
    ] = None,
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="Only calls of this day of UTC, or of `today`.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many.")] = 20,
    before: Annotated[
        str | None, typer.Option("--before", metavar="CALL", help="Only calls older than this one.")
    ] = None,
) -> Reply:
    """List calls, newest first."""
    from groundwork.app import calls as words

    asking = principal(None)
    with door.workspace() as workspace:
        given = {
            "key": workspace.keys.get(asking, key).id if key else None,
            "app": app_,
            "model": model,
            "provider": provider,
            "state": state,
            "answer": answer,
            "day": day_of(day, "--day"),
        }
        filters = {k: v for k, v in given.items() if v is not None}
        found = workspace.usage.calls(asking, filters, limit=limit, before=before)
        names = words.key_names(workspace, asking)
        rows = [(c, words.cost(workspace, c)) for c in found]
    document = {"calls": [_document(c, cost) for c, cost in rows]}
    return Reply(document, lambda screen: view.calls(rows, names, screen))


@app.add("call", interrupted=UNCHANGED)
def call(
    door: Door,
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="CALL", help="The id of a call, `call_…`; `last` is the newest.", show_default=False
        ),
    ],
) -> Reply:
    """Show one call: its attempts with reasons and failures, tokens, cost, and what it was made from."""
    from groundwork.app import calls as words

    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.usage.call(asking, _newest(workspace) if identifier == "last" else identifier)
        names = words.key_names(workspace, asking)
        cost = words.cost(workspace, found)
        made = [(c, words.cost(workspace, c)) for c in words.made_for(workspace, asking, found)]
    document = {**_document(found, cost), "made": [_document(c, said) for c, said in made]}
    document["made_cost_usd"] = sum(c.cost_usd for c, _ in made)

    def shown(screen: Screen) -> list[str]:
        lines = view.call(found, cost, names, screen)
        return [*lines, *view.made(made, names, screen)] if made else lines

    return Reply(document, shown)


@app.add("cache", interrupted=UNCHANGED)
def cache(
    door: Door,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only what was asked for as this model."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget it; equal calls cost again.")] = False,
) -> Reply:
    """Count the completions that the gateway keeps to answer equal calls from; with --clear forget them."""
    asking = principal(None)
    with door.workspace() as workspace:
        rows = workspace.door.cache.cached(asking, model)
        removed = workspace.door.cache.clear(asking, model) if clear else None
    document: dict[str, Any] = {"rows": [view.plain(r) for r in rows]}
    if removed is not None:
        document["removed"] = removed
    return Reply(document, lambda screen: view.cache(rows, removed, screen))


def day_of(value: str | None, option: str) -> str | None:
    """Return a day, `2026-11-20`, of a date or of `30d`, which is 30 days with today; None stays None.

    Raises:
        InvalidInputError: it is neither.
    """
    from datetime import UTC, date, datetime, timedelta

    from groundwork.core.errors import InvalidInputError

    if value is None:
        return None
    today = datetime.now(UTC).date()
    span = _SPAN.fullmatch(value.strip().lower())
    if value.strip().lower() == "today":
        return today.isoformat()
    try:
        if span:
            days = int(span[1]) * (7 if span[2] == "w" else 1)
            return (today - timedelta(days=max(0, days - 1))).isoformat()
        return date.fromisoformat(value.strip()).isoformat()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"`{value}` of {option} is no day",
            hint="write it as `2026-11-01`, or as `30d` for the last 30 days",
        ) from None


def _known(groups: list[str]) -> None:
    from groundwork.core.errors import InvalidInputError

    for name in groups:
        if name not in GROUPS:
            raise InvalidInputError(f"calls are not grouped by `{name}`", hint=f"one of {', '.join(GROUPS)}")


def _newest(workspace: Workspace) -> str:
    from groundwork.core.errors import NotFoundError

    newest = workspace.usage.calls(principal(None), limit=1)
    if not newest:
        raise NotFoundError("nothing was called yet", hint="try `groundwork chat`")
    return newest[0].id


def _document(found: Any, cost: str) -> dict[str, Any]:
    from groundwork.app.money import UNKNOWN_PRICE

    return {**view.plain(found), "cost": cost, "price_known": cost != UNKNOWN_PRICE}
