"""`groundwork dashboard`: what happened in a stretch of time, in numbers, sparklines and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from groundwork.cli.door import Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.cli.screen import Screen
    from groundwork.telemetry.dashboards import Dashboard, Measures, Row

app = Commands(
    help="What happened in a stretch of time: traffic, errors, times, cost, quality.", default="dashboard"
)
MARKS = "▁▂▃▄▅▆▇█"
WIDE = 12
SHOWN = 8


@app.add("dashboard", interrupted="nothing was changed")
def dashboard(
    door: Door,
    range_: Annotated[
        str, typer.Option("--range", "-r", metavar="RANGE", help="Such as 1h, 24h, 7d, 30d.")
    ] = "24h",
    app_: Annotated[str, typer.Option("--app", "-a", metavar="NAME", help="Only this app.")] = "",
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME", help="Only calls of this model.")
    ] = "",
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help="Only calls that it served.")
    ] = "",
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Only what came with this key.")] = "",
    release: Annotated[str, typer.Option("--release", metavar="NAME", help="Only this release.")] = "",
    service: Annotated[
        str, typer.Option("--service", metavar="NAME", help="Only this service, where no app is named.")
    ] = "",
) -> Reply:
    """Traffic, errors, times, cost and quality at a glance.

    Everything stands against as long a time before. Shares stand with their 95 % interval and what they are of; percentiles
    are within 1 %.
    """
    from groundwork.app import boards
    from groundwork.app.calls import key_names
    from groundwork.core.clock import SystemClock

    length = boards.range_of(range_)
    asking, now = principal(None), SystemClock().now()
    with door.workspace() as workspace:
        wanted = workspace.keys.get(asking, key).id if key else ""
        given = {
            "app": app_,
            "model": model,
            "provider": provider,
            "key": wanted,
            "release": release,
            "service": service,
        }
        board = boards.dashboard(workspace, asking, now - length, now, given, fresh=True)
        names = key_names(workspace, asking)
    spoken = boards.said(range_)
    return Reply(board.as_dict(), lambda screen: _lines(board, spoken, names, screen))


def _lines(board: Dashboard, length: str, names: dict[str, str], screen: Screen) -> list[str]:
    from groundwork.app import boards

    if not board.counted_spans:
        return ["There is no trace yet.", "", "Ask something: groundwork ask QUESTION"]
    narrowed = "".join(f", {name} {names.get(value, value)}" for name, value in board.filters.items())
    lines = [screen.bold(f"The last {length}{narrowed}"),
             screen.soft(f"{boards.moment(board.since)} to {boards.moment(board.until)} UTC"), ""]  # fmt: skip
    cards = [card for card in boards.cards(board, length) if card.measured]
    if not cards:
        return [*lines, "Nothing happened in this time."]
    rows = [(card.title, card.value, _spark(board, card.slug), _rest(card.rest)) for card in cards]
    lines += [line.rstrip() for line in screen.table(("", "", "", ""), rows, "<><<")[1:]]
    changed = [f"{card.title}: {card.change}" for card in cards if card.change]
    if changed:
        lines += ["", *(line for said in changed for line in screen.paragraph(said, "  ", "- "))]
    for grouping, title in (
        ("app", "By app"),
        ("model", "By model"),
        ("key", "By key"),
        ("release", "By release"),
    ):
        found = board.rows[grouping]
        if grouping not in board.filters and (len(found) > 1 or (found and found[0].value)):
            lines += ["", screen.bold(title), *_table(grouping, found, names, screen)]
    return lines


def _rest(text: str) -> str:
    """Return what stands beside a number, short enough for a line."""
    return text.replace("95 %: ", "").replace(" % to ", " to ").partition("; ")[0]


def _table(grouping: str, rows: Sequence[Row], names: dict[str, str], screen: Screen) -> list[str]:
    from groundwork.app import boards
    from groundwork.app.calls import duration
    from groundwork.app.money import usd

    shown = []
    for row in rows[:SHOWN]:
        m = row.measures
        title = names.get(row.value, row.value) or row.service or "–"
        if row.provider and row.provider != row.value:
            title = f"{row.provider}/{title}"
        cost = usd(m.cost_nanousd * boards.NANO)
        failed = boards.percent(m.errors.value)
        shown.append((title, f"{m.requests:,}", failed, duration(m.latency.p50) or "–", duration(m.latency.p95) or "–",
                      boards.compact(m.input_tokens + m.output_tokens), cost))  # fmt: skip
    head = (
        grouping,
        "calls" if grouping == "model" else "requests",
        "failed",
        "p50",
        "p95",
        "tokens",
        "cost",
    )
    lines = screen.table(head, shown, "<>>>>>>", stretch=0)
    return [*lines, screen.soft(f"and {len(rows) - SHOWN} more")] if len(rows) > SHOWN else lines


def _spark(board: Dashboard, slug: str) -> str:
    """Return the series of a measure as a line of blocks, a gap where nothing was measured."""
    points = [p.measures for p in board.series]
    read: dict[str, Callable[[Measures], float | None]] = {
        "traffic": lambda m: float(m.requests), "errors": lambda m: m.errors.value, "latency": lambda m: m.latency.p95,
        "first-token": lambda m: m.first_token.p95, "cost": lambda m: float(m.cost_nanousd),
        "tokens": lambda m: float(m.input_tokens + m.output_tokens), "cache": lambda m: m.cache.value,
        "abstention": lambda m: m.abstention.value, "groundedness": lambda m: m.groundedness.value,
        "feedback": lambda m: m.feedback.value,
    }  # fmt: skip
    values = [read[slug](m) for m in points]
    each = max(1, -(-len(values) // WIDE))
    grouped = [[v for v in values[n : n + each] if v is not None] for n in range(0, len(values), each)]
    heights = [sum(some) / len(some) if some else None for some in grouped]
    top = max((h for h in heights if h is not None), default=0.0)
    if not top:
        return ""
    return "".join(" " if h is None else MARKS[min(7, int(8 * h / top))] for h in heights)
