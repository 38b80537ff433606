"""Dashboards in words: ranges of time, and for each measure its number, its interval, what changed, and what it means.

The console and the command line say the same, so it is said here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from groundwork.app.calls import duration
from groundwork.app.money import usd
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.telemetry.shares import Share, difference

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.telemetry.dashboards import Dashboard, Measures

RANGES = {
    "1h": ("hour", timedelta(hours=1)),
    "6h": ("6 hours", timedelta(hours=6)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
    "365d": ("year", timedelta(days=365)),
}
"""Ranges that are offered; `12h`, `3d`, `4w` and the like are taken too."""
DEFAULT_RANGE = "24h"
FILTERS = ("app", "service", "model", "provider", "key", "release")
_SPAN = re.compile(r"([1-9]\d{0,4})([mhdw])")
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
NANO = 1e-9


@dataclass(frozen=True)
class Card:
    """One measure in words.

    Attributes:
        value: the number with its unit; a dash where nothing was measured.
        rest: what stands beside it: interval, n, further percentiles.
        change: against as long a time before, as a sentence; empty where there is nothing to compare with.
        means: what the number says, for people who do not work with it every day.
        filters: of the list of traces that holds the records behind the number, beside those of the dashboard.
        measured: False where nothing was measured.
    """

    slug: str
    title: str
    value: str
    rest: str
    change: str
    means: str
    filters: Mapping[str, str]
    measured: bool = True


def range_of(word: str) -> timedelta:
    """Return the length of a range such as `24h`, `7d`, `4w`.

    Raises:
        InvalidInputError: it is none, or longer than ten years.
    """
    found = _SPAN.fullmatch(word.strip().lower())
    if found:
        length = timedelta(**{f"{_UNITS[found[2]]}s": int(found[1])})
        if length <= timedelta(days=3660):
            return length
    raise InvalidInputError(
        f"`{word[:40]}` is no range of time", hint=f"one of {', '.join(RANGES)}, or such as `12h`, `3d`, `4w`"
    )


def said(word: str) -> str:
    """Return a range in words: `24 hours`."""
    if word in RANGES:
        return RANGES[word][0]
    found = _SPAN.fullmatch(word.strip().lower())
    if not found:
        return word
    return f"{found[1]} {_UNITS[found[2]]}{'' if found[1] == '1' else 's'}"


def dashboard(
    workspace: Workspace,
    principal: Principal,
    since: datetime,
    until: datetime,
    filters: Mapping[str, str],
    *,
    fresh: bool = False,
) -> Dashboard:
    """Return a dashboard; `fresh` counts first what is stored and not counted yet, which a server does by itself."""
    room = workspace.telemetry
    boards = room.rolled() if fresh else room.dashboards
    kept = {name: value for name, value in filters.items() if value and name in FILTERS}
    return boards.overview(principal, since, until, **kept)


def cards(board: Dashboard, length: str) -> list[Card]:
    """Return the measures of a dashboard in words, the most asked for first.

    Args:
        length: the range in words, such as `24 hours`.
    """
    now, before = board.total, board.before
    unit = "call" if board.filters.keys() & {"model", "provider"} else "request"
    had = bool(before.requests or before.calls)
    return [
        _traffic(now, before, unit, length, had),
        _errors(now, before, unit, length),
        _latency(now, before, unit, length),
        _first_token(now, before, length),
        _cost(now, before, unit, length, had),
        _tokens(now, before, length, had),
        _share(
            "abstention", "Says it does not know", now.abstention, before.abstention, length, "answer", {"kind": "answer"},
            "Answers in which an app said that it does not know. Some are right to: look at a few.",
        ),
        _share(
            "groundedness", "Sentences with a source", now.groundedness, before.groundedness, length, "sentence",
            {"kind": "answer"},
            "Sentences of answers that a checked quote of a document supports. The rest was removed or marked.",
        ),
        _share(
            "feedback", "Thumbs up", now.feedback, before.feedback, length, "thumb", {"feedback": "any"},
            "What people say of answers. Few people say anything, so it is no sample of all.",
        ),
        _share(
            "cache", "Answered from the cache", now.cache, before.cache, length, "call", {"kind": "generation"},
            "Model calls that an equal earlier call answered: they cost nothing and take no time.",
        ),
    ]  # fmt: skip


def percent(value: float | None) -> str:
    """Return a share in percent, with the digits that tell it from 0 and 1."""
    if value is None:
        return "–"
    hundred = 100 * value
    if 0 < hundred < 1 or 99 < hundred < 100:
        return f"{hundred:.2g} %" if hundred < 1 else f"{math.floor(hundred * 100) / 100:g} %"
    return f"{hundred:.1f}".removesuffix(".0") + " %"


def interval(share: Share) -> str:
    """Return the interval of a share and what it is of: `95 %: 1.2 % to 2.3 %, n = 240`."""
    if share.low is None or share.high is None:
        return ""
    return f"95 %: {percent(share.low)} to {percent(share.high)}, n = {share.n:,}"


def compact(value: float) -> str:
    """Return a count with at most four digits: `1,234`, `12.3k`, `4.56M`."""
    for bound, mark in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= bound:
            scaled = value / (1e3 if mark == "k" else bound)
            return f"{scaled:.3g}{mark}" if scaled < 1000 else f"{scaled:,.0f}{mark}"
    return f"{value:,.0f}"


def moment(second: int) -> str:
    """Return a time of UTC: `28 November, 13:00`."""
    return datetime.fromtimestamp(second, UTC).strftime("%-d %B %Y, %H:%M")


def _traffic(now: Measures, before: Measures, unit: str, length: str, had: bool) -> Card:
    rest = f"{_rate(now.per_minute)} on average"
    if unit == "request":
        rest += f"; {now.calls:,} model calls"
    means = (
        "Whole pieces of work that somebody waited for: an answer, a call, a trace of your own application."
        if unit == "request"
        else "Calls of models: generations and embeddings."
    )
    change = _more(now.requests, before.requests, length) if had else ""
    return Card(
        "traffic", f"{unit.capitalize()}s", f"{now.requests:,}", rest, change, means, {}, bool(now.requests)
    )


def _errors(now: Measures, before: Measures, unit: str, length: str) -> Card:
    means = f"{unit.capitalize()}s that failed." + (
        f" {now.errors.hits:,} of {now.errors.n:,}." if now.errors.n else ""
    )
    return _share(
        "errors", "Failed", now.errors, before.errors, length, unit, {"status": "error"}, means
    )  # fmt: skip


def _latency(now: Measures, before: Measures, unit: str, length: str) -> Card:
    found = now.latency
    if not found.n:
        return Card("latency", "Time", "–", "", "", f"How long {unit}s take.", {}, False)
    means = (
        f"Half of the {unit}s took at most {duration(found.p50)}, one in twenty more than {duration(found.p95)}, "
        f"one in a hundred more than {duration(found.p99)}."
    )
    rest = f"p95 {duration(found.p95)}, p99 {duration(found.p99)}, n = {found.n:,}"
    change = _slower(found.p95, before.latency.p95, "p95", length)
    slow = {"min_ms": f"{found.p95 or 0:.0f}", "order": "slowest"}
    return Card("latency", "Time, p50", duration(found.p50), rest, change, means, slow)


def _first_token(now: Measures, before: Measures, length: str) -> Card:
    found = now.first_token
    means = "How soon the first words of a streamed reply were there."
    if not found.n:
        return Card("first-token", "Time to first token", "–", "", "", means, {}, False)
    rest = f"p95 {duration(found.p95)}, p99 {duration(found.p99)}, n = {found.n:,}"
    change = _slower(found.p95, before.first_token.p95, "p95", length)
    return Card(
        "first-token",
        "Time to first token, p50",
        duration(found.p50),
        rest,
        change,
        means,
        {"kind": "generation"},
    )


def _cost(now: Measures, before: Measures, unit: str, length: str, had: bool) -> Card:
    each = f"{usd(now.cost_nanousd * NANO / now.requests)} for each {unit}" if now.requests else ""
    if now.unpriced:
        each += f"; {now.unpriced:,} calls of unknown price count as $0"
    change = _more(now.cost_nanousd, before.cost_nanousd, length) if had and before.cost_nanousd else ""
    means = "What model calls cost, at the prices of the price list and of groundwork.toml."
    return Card(
        "cost",
        "Cost",
        usd(now.cost_nanousd * NANO),
        each,
        change,
        means,
        {"order": "dearest"},
        bool(now.calls),
    )


def _tokens(now: Measures, before: Measures, length: str, had: bool) -> Card:
    total, earlier = now.input_tokens + now.output_tokens, before.input_tokens + before.output_tokens
    rest = f"{compact(now.input_tokens)} read, {compact(now.output_tokens)} written"
    if now.cached_tokens:
        rest += f"; {compact(now.cached_tokens)} of those read were in the provider's cache"
    change = _more(total, earlier, length) if had and earlier else ""
    means = "What models read and wrote: about three quarters of a word each in English."
    return Card(
        "tokens", "Tokens", compact(total), rest, change, means, {"order": "most_tokens"}, bool(now.calls)
    )


def _share(
    slug: str,
    title: str,
    now: Share,
    before: Share,
    length: str,
    noun: str,
    filters: Mapping[str, str],
    means: str,
) -> Card:
    if now.value is None:
        return Card(slug, title, "–", "", "", means, filters, False)
    change = difference(now, before)
    sentence = ""
    if change is not None:
        was = f"it was {percent(before.value)} in the {length} before (n = {before.n:,})"
        if change.clear:
            points = abs(100 * change.value)
            much = f"{points:.1f}".removesuffix(".0") if points >= 0.1 else f"{points:.1g}"
            sentence = f"{'Higher' if change.value > 0 else 'Lower'} by {much} points: {was}."
        else:
            sentence = f"No clear change: {was}."
    return Card(slug, title, percent(now.value), interval(now), sentence, means, filters)


def _more(now: float, before: float, length: str) -> str:
    if not before:
        return f"There were none in the {length} before."
    change = now / before - 1
    if abs(change) < 0.005:
        return f"As many as in the {length} before."
    much = f"{abs(change):.0%}".replace("%", " %") if abs(change) < 9.995 else f"{now / before:,.0f} times"
    if much.endswith("times"):
        return f"{much} as much as in the {length} before."
    return f"{much} {'more' if change > 0 else 'less'} than in the {length} before."


def _slower(now: float | None, before: float | None, which: str, length: str) -> str:
    if now is None or before is None:
        return ""
    return f"The {which} was {duration(before)} in the {length} before."


def _rate(per_minute: float) -> str:
    if per_minute >= 60:
        return f"{per_minute / 60:,.1f} a second"
    if per_minute >= 1:
        return f"{per_minute:,.1f} a minute"
    return f"{per_minute * 60:.1f} an hour" if per_minute * 60 >= 1 else f"{per_minute * 1440:.2g} a day"
