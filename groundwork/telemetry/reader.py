"""The questions that lists, searches and pages ask of the store; each is asked by a principal and stays in its tenant."""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.telemetry import rows as r
from groundwork.telemetry.asking import Asking, asking, cursor_of, place_of
from groundwork.telemetry.filters import Asked, Terms
from groundwork.telemetry.types import Order, Page, Query, SessionInfo, Span, SpanInfo, TraceInfo
from groundwork.telemetry.walking import ORDERS, span_keys, trace_keys

if TYPE_CHECKING:
    from groundwork.telemetry.trees import Trees

MOST_OF_A_PAGE = 1000
FACETS_OVER = 5000
"""Facets count the newest traces that a question finds, up to so many."""
MOST_FACETS = 50
_PREFIX = re.compile(r"[0-9a-f]{6,32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")

_INFO = (
    "trace_id", "name", "kind", "started_ns", "duration_ns", "status", "spans", "errors", "service", "app", "release",
    "environment", "user_id", "principal", "session_id", "words", "input_tokens", "output_tokens", "cost_nanousd",
    "first_token_ms", "cached", "answer_id", "input", "output", "source", "feedback", "rootless",
)  # fmt: skip
_LISTED = (
    "span_id", "parent_id", "name", "kind", "status", "started_ns", "ended_ns", "service", "app", "model", "input_tokens",
    "output_tokens", "cost_nanousd",
)  # fmt: skip
_FACETS = (
    "app",
    "release",
    "environment",
    "service",
    "model",
    "kind",
    "name",
    "status",
    "source",
    "user",
    "feedback",
)


class SpanReader:
    """Reads what `SpanStore` has stored. An owner sees the whole tenant, others the traces that are theirs alone.

    Safe to use from several threads; each question sees one state of the store.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._migrated = False
        self._trees: Trees | None = None

    # -- lists ------------------------------------------------------------------------------------------------
    def traces(
        self,
        principal: Principal,
        query: Query,
        *,
        order: Order = "newest",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[TraceInfo]:
        """Return one page of the traces that a question finds.

        Raises:
            InvalidInputError: the limit is not in 1 to 1000, or the cursor is not one of this order.
        """
        _check(limit)
        if order not in ORDERS:
            raise InvalidInputError(f"there is no order `{order}`", hint=f"one of {', '.join(ORDERS)}")
        column, _ = ORDERS[order]
        with self._asking() as ask:
            after = Terms()
            if cursor:
                after.add(f"(t.{column}, t.num) < (?, ?)", *place_of(cursor, f"traces/{order}", int, int))
            found = trace_keys(ask, self._asked(principal, query), order, after, limit + 1)
            lines = _lines(ask, [num for num, _ in found[:limit]])
            items = tuple(lines[num] for num, _ in found[:limit])
        more = len(found) > limit
        last = found[limit - 1] if more else (0, 0)
        return Page(items, cursor_of(f"traces/{order}", last[1], last[0]) if more else None)

    def spans(
        self, principal: Principal, query: Query, *, limit: int = 50, cursor: str | None = None
    ) -> Page[SpanInfo]:
        """Return one page of single spans, newest first. App, user, session and feedback are those of their trace."""
        _check(limit)
        with self._asking() as ask:
            after = Terms()
            if cursor:
                after.add("(s.started_ns, s.seq) < (?, ?)", *place_of(cursor, "spans", int, int))
            found = span_keys(ask, self._asked(principal, query), after, limit + 1)
            infos = _span_infos(ask, principal.tenant, [seq for seq, _ in found[:limit]])
        items = tuple(infos[seq] for seq, _ in found[:limit] if seq in infos)
        more = len(found) > limit
        return Page(items, cursor_of("spans", found[limit - 1][1], found[limit - 1][0]) if more else None)

    def count(self, principal: Principal, query: Query, most: int = 10_000) -> int:
        """Return how many traces a question finds, at most `most`."""
        with self._asking() as ask:
            return len(trace_keys(ask, self._asked(principal, query), "newest", Terms(), most))

    def facets(self, principal: Principal, query: Query) -> dict[str, list[tuple[str, int]]]:
        """Return, by field, the values among the newest 5,000 traces found, with the number of these traces, most first.

        At most 50 values of a field; fields without any are left out.
        """
        with self._asking() as ask:
            nums = [
                num
                for num, _ in trace_keys(ask, self._asked(principal, query), "newest", Terms(), FACETS_OVER)
            ]
            condition, these = ask.some(nums)
            rows = ask.rows(
                "SELECT app, release, environment, user_id, feedback, status, errors, words "
                f"FROM traces WHERE num {condition}", [these]
            )  # fmt: skip
        counts: dict[str, Counter[str]] = {name: Counter() for name in _FACETS}
        for app, release, environment, user, feedback, status, errors, words in rows:
            for name, value in (
                ("app", app), ("release", release), ("environment", environment), ("user", user), ("feedback", feedback),
                ("status", "error" if errors else status),
            ):  # fmt: skip
                if value:
                    counts[name][value] += 1
            for name, values in json.loads(words).items():
                if name in counts:
                    counts[name].update(values)
        ordered = {
            name: sorted(found.items(), key=lambda x: (-x[1], x[0]))[:MOST_FACETS]
            for name, found in counts.items()
        }
        return {name: found for name, found in ordered.items() if found}

    def sessions(
        self, principal: Principal, query: Query, *, limit: int = 50, cursor: str | None = None
    ) -> Page[SessionInfo]:
        """Return one page of sessions, those with the newest trace first; they hold the traces that the question finds."""
        from groundwork.telemetry.sessions import page

        _check(limit)
        with self._asking() as ask:
            return page(ask, self._asked(principal, query), limit, cursor)

    def session(self, principal: Principal, session_id: str) -> list[TraceInfo]:
        """Return the traces of a session in the order of time, at most the newest 1,000.

        Raises:
            NotFoundError: there is no such session, or it is not the principal's to see.
        """
        from groundwork.telemetry.sessions import trace_nums

        with self._asking() as ask:
            nums = trace_nums(ask, self._asked(principal, Query(session=session_id)), MOST_OF_A_PAGE)
            lines = _lines(ask, nums)
        if not nums:
            raise NotFoundError(
                f"there is no session `{session_id[:80]}`", hint="`groundwork trace sessions` lists them"
            )
        return [lines[num] for num in reversed(nums)]

    # -- one trace --------------------------------------------------------------------------------------------
    def trace(self, principal: Principal, trace_id: str) -> TraceInfo:
        """Return one trace by its id or by the first 6 digits or more of it.

        Raises:
            NotFoundError: there is none, there are several, or it is not the principal's to see.
        """
        with self._asking() as ask:
            num, _ = self._find(ask, principal, trace_id)
            return _lines(ask, [num])[num]

    def tree(
        self,
        principal: Principal,
        trace_id: str,
        *,
        parent: str = "",
        offset: int = 0,
        limit: int = 200,
        contains: str = "",
        errors: bool = False,
    ) -> Page[SpanInfo]:
        """Return a part of a trace in display order: depth first, children by their start.

        Roots come first, then spans whose parent never came (`missing_parent`), then those whose parents stand in a circle.

        Args:
            parent: only what is below this span.
            offset: how many to leave out; `next` is the offset of the following page.
            contains: only spans with these words; the last may be a beginning.
            errors: only spans that failed.

        Raises:
            NotFoundError: there is no such trace or parent, or it is not the principal's to see.
        """
        from groundwork.telemetry.trees import Trees

        _check(limit)
        if offset < 0:
            raise InvalidInputError("an offset is 0 or more", hint="begin at 0")
        if self._trees is None:
            self._trees = Trees()
        with self._asking() as ask:
            num, full = self._find(ask, principal, trace_id)
            found, more = self._trees.page(ask, num, parent, offset, limit, contains, errors)
            infos = _span_infos(ask, principal.tenant, [place.seq for place in found])
        items = tuple(place.on(infos[place.seq]) for place in found if place.seq in infos)
        if parent and not items and offset == 0 and not contains and not errors:
            self.span(principal, full, parent)
        return Page(items, str(offset + limit) if more else None)

    def span(self, principal: Principal, trace_id: str, span_id: str) -> Span:
        """Return one span with everything that is stored of it.

        Raises:
            NotFoundError: there is none, or it is not the principal's to see.
        """
        with self._asking() as ask:
            num, full = self._find(ask, principal, trace_id)
            found = (
                ask.rows(f"{_SPAN} WHERE s.trace = ? AND s.span_id = ?", [num, span_id])
                if _SPAN_ID.fullmatch(span_id)
                else []
            )
        if not found:
            raise NotFoundError(
                f"there is no span `{span_id[:40]}` in the trace {full}",
                hint=f"`groundwork trace show {full}` lists them",
            )
        return _span(found[0])

    def by_answer(self, principal: Principal, answer_id: str) -> str | None:
        """Return the trace in which an answer was made; None: none is stored, or it is not the principal's to see."""
        with self._asking() as ask:
            asked = self._asked(principal, Query(answer=answer_id))
            seen = asked.seen()
            found = ask.rows(
                f"SELECT t.trace_id FROM trace_values v {ask.join} traces t ON t.num = v.trace "
                f"WHERE v.tenant = ? AND v.field = 'answer' AND v.value = ? AND {seen.sql} ORDER BY t.num DESC LIMIT 1",
                [asked.tenant, answer_id, *seen.values],
            )
        return str(found[0][0]) if found else None

    # -- for other parts --------------------------------------------------------------------------------------
    def raw(self, tenant: str, after_seq: int, limit: int) -> list[tuple[int, Span]]:
        """Return spans after a number, in the order in which they were committed.

        A span of our own that is replaced comes again under a new number; the later one counts.
        """
        with self._asking() as ask:
            found = ask.rows(
                f"{_SPAN} WHERE s.tenant = ? AND s.seq > ? ORDER BY s.seq LIMIT ?", [tenant, after_seq, limit]
            )
            return [(row[_SEQ], _span(row)) for row in found]

    def tenants(self) -> list[str]:
        """Return the tenants that have spans, sorted; for upkeep, which serves all of them."""
        found: list[str] = []
        with self._asking() as ask:
            while rows := ask.rows(
                "SELECT tenant FROM spans WHERE tenant > ? ORDER BY tenant LIMIT 1",
                [found[-1] if found else ""],
            ):
                found.append(rows[0][0])
        return found

    # -- inside -----------------------------------------------------------------------------------------------
    def _asking(self) -> Any:
        if not self._migrated:
            self.database.migrate("telemetry")
            self._migrated = True
        return asking(self.database)

    def _asked(self, principal: Principal, query: Query) -> Asked:
        return Asked(self.database.dialect, principal, query)

    def _find(self, ask: Asking, principal: Principal, trace_id: str) -> tuple[int, str]:
        wanted = trace_id.strip().lower()
        seen = self._asked(principal, Query()).seen()
        found = (
            ask.rows(
                "SELECT t.num, t.trace_id FROM traces t "
                f"WHERE t.trace_id >= ? AND t.trace_id <= ? AND {seen.sql} LIMIT 2",
                [wanted, wanted + "g", *seen.values],
            )
            if _PREFIX.fullmatch(wanted)
            else []
        )
        if len(found) > 1:
            raise NotFoundError(
                f"more than one trace begins with `{wanted}`", hint="give more digits of its id"
            )
        if not found:
            raise NotFoundError(
                f"there is no trace `{trace_id[:64]}`",
                hint="give its id, or the first 6 digits or more; `groundwork trace list` shows them",
            )
        return found[0][0], found[0][1]


def _check(limit: int) -> None:
    if not 1 <= limit <= MOST_OF_A_PAGE:
        raise InvalidInputError(
            f"a page has 1 to {MOST_OF_A_PAGE} entries, not {limit}", hint="ask for fewer and follow `next`"
        )


def _lines(ask: Asking, nums: list[int]) -> dict[int, TraceInfo]:
    condition, these = ask.some(nums)
    rows = ask.rows(f"SELECT num, {', '.join(_INFO)} FROM traces WHERE num {condition}", [these])
    return {row[0]: _info(dict(zip(_INFO, row[1:], strict=True))) for row in rows}


def _info(row: dict[str, Any]) -> TraceInfo:
    models = json.loads(row.pop("words")).get("model", ())
    duration = row.pop("duration_ns")
    row["cached"], row["rootless"] = bool(row["cached"]), bool(row["rootless"])
    return TraceInfo(**row, duration_ms=duration / 1e6, models=tuple(models))


def _span_infos(ask: Asking, tenant: str, seqs: list[int]) -> dict[int, SpanInfo]:
    condition, these = ask.some(seqs)
    rows = ask.rows(
        f"SELECT s.seq, t.trace_id, {', '.join('s.' + c for c in _LISTED)} FROM spans s "
        f"{ask.join} traces t ON t.num = s.trace WHERE s.seq {condition} AND t.tenant = ?",
        [these, tenant],
    )
    found = {}
    for seq, trace_id, *row in rows:
        values = dict(zip(_LISTED, row, strict=True))
        duration = (values.pop("ended_ns") - values["started_ns"]) / 1e6
        found[seq] = SpanInfo(trace_id=trace_id, duration_ms=duration, **values)
    return found


_SPAN_COLUMNS = ("trace_id", *r.SPAN_COLUMNS, *r.BODY_COLUMNS, "resource_content")
_SEQ = 1
_SPAN = (
    f"SELECT t.trace_id, {', '.join('s.' + c for c in r.SPAN_COLUMNS)}, {', '.join('b.' + c for c in r.BODY_COLUMNS)}, "
    "r.content FROM spans s JOIN traces t ON t.num = s.trace AND t.tenant = s.tenant "
    "JOIN span_bodies b ON b.seq = s.seq LEFT JOIN resources r ON r.digest = b.resource"
)


def _span(row: tuple[Any, ...]) -> Span:
    head = 1 + len(r.SPAN_COLUMNS)
    return r.span_of(
        row[0],
        dict(zip(r.SPAN_COLUMNS, row[1:head], strict=True)),
        dict(zip(r.BODY_COLUMNS, row[head:-1], strict=True)),
        row[-1],
    )
