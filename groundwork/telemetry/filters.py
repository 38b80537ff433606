"""What a question asks, as conditions in SQL; and which end of the store to begin at.

A list can be read from its newest row on until a page is full, or from the few rows that a rare value has. Which is better
is seen by counting the rare ones first, up to a small number; neither database would know without being told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.telemetry.rows import words_of
from groundwork.telemetry.types import Query

FEW = 2000
"""A value of so many traces is rare: all of them are looked at and sorted."""
NANO = 1_000_000_000
MOST_WORDS = 16
SHORTEST_BEGINNING = 3
"""Letters of a word that count as the beginning of longer ones; one or two begin too many. Other scripts say more."""
_LAST = (1 << 63) - 1

ROW_WORDS = {
    "app": "app", "release": "release", "environment": "environment", "user": "user_id", "session": "session_id",
}  # fmt: skip
"""Fields of a query that the line of a trace answers, in spans too: they take them from their trace."""

SPAN_WORDS = {
    "model": "model", "kind": "kind", "name": "name", "service": "service", "source": "source", "key": "key_id",
    "prompt": "prompt", "snapshot": "snapshot",
}  # fmt: skip
"""Fields of a query that each span answers for itself; a trace has what any of its spans has."""


@dataclass
class Terms:
    """Conditions with their values, joined by AND."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        self.parts.append(condition)
        self.values += values

    def also(self, other: Terms) -> None:
        self.parts += other.parts
        self.values += other.values

    @property
    def sql(self) -> str:
        return conditions(self)


@dataclass(frozen=True)
class Asked:
    """A question of one principal to one database."""

    dialect: str
    principal: Principal
    query: Query

    @property
    def tenant(self) -> str:
        return self.principal.tenant

    def on_trace(self) -> Terms:
        """Return what the line of a trace `t` must say, apart from its spans and their text."""
        q, terms = self.query, Terms()
        terms.also(self.seen())
        terms.also(_between("t.started_ns", q.since_ns, q.until_ns))
        for name, column in ROW_WORDS.items():
            value = getattr(q, name)
            if value:
                terms.add(f"t.{column} = ?", value)
                if column in ("user_id", "session_id"):
                    terms.add(f"t.{column} <> ''")
        if q.status == "error":
            terms.add("t.errors > 0")
        elif q.status:
            terms.add("t.status = ? AND t.errors = 0", q.status)
        terms.also(_feedback(q.feedback))
        terms.also(self._amounts("t.duration_ns", "t.cost_nanousd", "t.tokens"))
        return terms

    def seen(self) -> Terms:
        """Return the condition that the trace `t` is one the principal may see."""
        terms = Terms()
        terms.add("t.tenant = ?", self.tenant)
        if not self.principal.owner:
            terms.add("t.seen_by = ? AND t.seen_by <> ''", self.principal.name)
        return terms

    def values(self) -> list[tuple[str, str]]:
        """Return `(field, value)` that some span of a trace must have."""
        found = [(name, getattr(self.query, name)) for name in SPAN_WORDS if getattr(self.query, name)]
        return found + ([("answer", self.query.answer)] if self.query.answer else [])

    def has_value(self, name: str, value: str) -> Terms:
        """Return the condition that some span of the trace `t` has the value."""
        terms = Terms()
        terms.add(
            "EXISTS (SELECT 1 FROM trace_values v WHERE v.tenant = ? AND v.field = ? AND v.value = ? AND v.trace = t.num)",
            self.tenant, name, value,
        )  # fmt: skip
        return terms

    def on_span(self) -> Terms:
        """Return what a span `s` itself must say, apart from its text."""
        q, terms = self.query, Terms()
        terms.add("s.tenant = ?", self.tenant)
        terms.also(_between("s.started_ns", q.since_ns, q.until_ns))
        for name, column in SPAN_WORDS.items():
            value = getattr(q, name)
            if value:
                terms.add(f"s.{column} = ?", value)
        if q.status:
            terms.add("s.status = ?", q.status)
        terms.also(
            self._amounts(
                "(s.ended_ns - s.started_ns)",
                "s.cost_nanousd",
                "(coalesce(s.input_tokens, 0) + coalesce(s.output_tokens, 0))",
            )
        )
        return terms

    def on_its_trace(self) -> Terms:
        """Return what the trace `t` of a span must say; empty where nothing is asked of it."""
        q, terms = self.query, Terms()
        if not self.principal.owner:
            terms.add("t.seen_by = ? AND t.seen_by <> ''", self.principal.name)
        for name, column in ROW_WORDS.items():
            if getattr(q, name):
                terms.add(f"t.{column} = ? AND t.{column} <> ''", getattr(q, name))
        terms.also(_feedback(q.feedback))
        if q.answer:
            terms.also(self.has_value("answer", q.answer))
        return terms

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are searched for."""
        return search_words(self.query.text)

    def _amounts(self, duration: str, cost: str, tokens: str) -> Terms:
        q, terms = self.query, Terms()
        bounds: Sequence[tuple[float | None, str, str, float]] = (
            (q.min_ms, duration, ">=", 1e6), (q.max_ms, duration, "<=", 1e6), (q.min_usd, cost, ">=", NANO),
            (q.max_usd, cost, "<=", NANO), (q.min_tokens, tokens, ">=", 1),
        )  # fmt: skip
        for bound, column, sign, unit in bounds:
            if bound is not None:
                if bound != bound:
                    raise InvalidInputError("a bound is not a number", hint="give a number, such as 1.5")
                most = min(max(bound * unit, -_LAST), _LAST)
                terms.add(f"{column} {sign} ?", min(round(most), _LAST))
        return terms


def conditions(*terms: Terms) -> str:
    """Return all conditions, joined by AND."""
    return " AND ".join(part for t in terms for part in t.parts) or "TRUE"


def search_words(text: str) -> tuple[str, ...]:
    """Return the words of a search, at most sixteen; a text without any finds nothing.

    Raises:
        InvalidInputError: there is text, but no word in it.
    """
    if not text.strip():
        return ()
    words = words_of(text)
    if not words:
        raise InvalidInputError(f"there is no word in `{text[:40]}`", hint="search for letters or digits")
    return tuple(words[:MOST_WORDS])


def match_of(dialect: str, words: Sequence[str]) -> str:
    """Return words as a search index takes them: all must stand there, the last one may be a beginning."""
    last = words[-1]
    open_end = len(last) >= SHORTEST_BEGINNING or not last.isascii()
    if dialect == "sqlite":
        quoted = [f'"{word}"' for word in words]
        return " AND ".join(quoted) + ("*" if open_end else "")
    plain = [re.sub(r"[^\w]", "", word) for word in words]
    return " & ".join(f"'{word}'" for word in plain) + (":*" if open_end else "")


def _between(column: str, since: int | None, until: int | None) -> Terms:
    terms = Terms()
    if since is not None:
        terms.add(f"{column} >= ?", min(max(since, -_LAST), _LAST))
    if until is not None:
        terms.add(f"{column} < ?", min(max(until, -_LAST), _LAST))
    return terms


def _feedback(value: str) -> Terms:
    terms = Terms()
    if value == "any":
        terms.add("t.feedback <> ''")
    elif value == "none":
        terms.add("t.feedback = ''")
    elif value:
        terms.add("t.feedback = ? AND t.feedback <> ''", value)
    return terms
