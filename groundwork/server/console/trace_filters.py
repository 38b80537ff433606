"""Filters of the list of traces: from the words of an address to a query, and back. Pure but for the clock handed in.

Every filter is in the address, under the name of its field, so a list can be sent to somebody. What cannot be read is left
out and said, never an error: a half-typed number must not take the list away.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from groundwork.core.errors import InvalidInputError
from groundwork.server.console.render import address
from groundwork.telemetry.filters import search_words
from groundwork.telemetry.types import Order, Query, SpanKind

SPANS = {
    "15m": ("last 15 minutes", timedelta(minutes=15)),
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
}
"""Words for `since` that move with the clock; an ISO date or time in UTC is taken too."""
ORDERS: dict[Order, str] = {
    "newest": "newest first", "slowest": "slowest first", "dearest": "dearest first", "most_tokens": "most tokens first",
}  # fmt: skip
STATUSES = {"error": "any failure", "ok": "ok", "unset": "nothing said"}
FEEDBACK = {"up": "helpful", "down": "not helpful", "any": "any", "none": "none yet"}
KINDS: tuple[SpanKind, ...] = get_args(SpanKind)
WORDS = (
    "text", "app", "model", "status", "kind", "name", "service", "release", "environment", "user", "session", "feedback",
    "source", "answer", "key", "prompt", "snapshot",
)  # fmt: skip
NUMBERS = ("min_ms", "max_ms", "min_usd", "max_usd", "min_tokens")
NAMES = {
    "text": "words", "status": "outcome", "min_ms": "at least, ms", "max_ms": "at most, ms", "min_usd": "at least, USD",
    "max_usd": "at most, USD", "min_tokens": "at least, tokens", "since": "since", "until": "until",
}  # fmt: skip
MAX_CHARS = 300
CHOSEN: dict[str, dict[str, str]] = {"status": STATUSES, "feedback": FEEDBACK, "kind": {k: k for k in KINDS}}
"""Fields with a closed set of values, with what each is called."""


@dataclass(frozen=True)
class Filters:
    """What an address asks for.

    Attributes:
        given: the filters that narrow, as they stand in the address.
        query: the same for the store.
        faults: what could not be read, in sentences.
    """

    given: Mapping[str, str]
    query: Query
    faults: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def fields(self) -> dict[str, str]:
        """Every field with what it is narrowed to, empty where it narrows nothing."""
        return {name: self.given.get(name, "") for name in (*WORDS, *NUMBERS, "since", "until")}


@dataclass(frozen=True)
class Chip:
    """One filter in force, and the address of the list without it."""

    name: str
    value: str
    without: str


@dataclass(frozen=True)
class Option:
    """One value that a field may be narrowed to; `count` is how many traces have it, None where nobody counted."""

    value: str
    title: str
    count: int | None = None


@dataclass
class _Reading:
    given: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_filters(params: Mapping[str, str], now: datetime) -> Filters:
    """Read the filters of an address.

    Args:
        params: the address's query; names that are no filter are left alone.
        now: what `since=24h` counts from.
    """
    reading = _Reading()
    for name in WORDS:
        if word := params.get(name, "").strip()[:MAX_CHARS]:
            _take_word(reading, name, word)
    for name in NUMBERS:
        if word := params.get(name, "").strip()[:MAX_CHARS]:
            _take_number(reading, name, word)
    for name in ("since", "until"):
        if word := params.get(name, "").strip()[:MAX_CHARS]:
            _take_time(reading, name, word, now)
    return Filters(reading.given, Query(**reading.values), tuple(reading.faults))


def has_words(text: str) -> bool:
    """Say whether there is anything in a text that can be searched for."""
    try:
        return bool(search_words(text))
    except InvalidInputError:
        return False


def chips(filters: Filters, path: str, kept: Mapping[str, str]) -> list[Chip]:
    """Return the filters in force, each with the address without it; `kept` is what else stands in the address."""
    return [
        Chip(
            NAMES.get(name, name), _said(name, value), address(path, **_without(filters.given, name), **kept)
        )
        for name, value in filters.given.items()
    ]


def options(name: str, counted: Iterable[tuple[str, int]], chosen: str) -> list[Option]:
    """Return the values of a field: those that were counted, commonest first; the chosen one is always among them."""
    closed = CHOSEN.get(name)
    counts = {value: n for value, n in counted if value}
    if closed is not None:
        return [
            Option(v, title, counts.get(v))
            for v, title in closed.items()
            if name != "kind" or v in counts or v == chosen
        ]
    found = [Option(v, v, n) for v, n in counts.items()]
    if chosen and chosen not in counts:
        found.insert(0, Option(chosen, chosen))
    return found


def _take_word(reading: _Reading, name: str, word: str) -> None:
    if name == "text" and not has_words(word):
        reading.faults.append(f"there is no word in `{word}`")
        return
    closed = CHOSEN.get(name)
    if closed is not None and word not in closed:
        reading.faults.append(f"`{word}` is no {name}: one of {', '.join(closed)}")
        return
    reading.given[name] = reading.values[name] = word


def _take_number(reading: _Reading, name: str, word: str) -> None:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 <= number < 1e15:
        reading.faults.append(f"`{word}` is no amount for “{NAMES[name]}”")
        return
    reading.given[name] = word
    reading.values[name] = int(number) if name == "min_tokens" else number


def _take_time(reading: _Reading, name: str, word: str, now: datetime) -> None:
    moment = now - SPANS[word][1] if name == "since" and word in SPANS else _moment(word)
    if moment is None:
        reading.faults.append(f"`{word}` is no time: write `2026-11-20` or `2026-11-20T14:30` (UTC)")
        return
    reading.given[name] = word
    reading.values[f"{name}_ns"] = (
        (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    )


def _moment(word: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(word)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _without(given: Mapping[str, str], name: str) -> dict[str, str]:
    return {k: v for k, v in given.items() if k != name}


def _said(name: str, value: str) -> str:
    if name == "since" and value in SPANS:
        return SPANS[value][0]
    return CHOSEN.get(name, {}).get(value, value)
