"""The tree of a trace, in pages, whatever its size and however its parents are told.

The whole order is worked out once for a state of a trace and kept: three small arrays. The first page of a large trace does
not wait for it: it goes down from the roots span by span, which gives the same order.
"""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

import re
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundwork.telemetry.asking import Asking, Row
from groundwork.telemetry.filters import match_of, search_words
from groundwork.telemetry.types import SpanInfo

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
    IdNumbers = np.ndarray[Any, np.dtype[np.uint64]]

LARGE = 5000
"""Traces of more spans show their first page before the whole order is known."""
FIRST = 2000
KEPT_SPANS = 2_500_000
"""Spans whose order is kept in memory, of all traces together; 28 bytes each."""

_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_ROOT, _BELOW, _NOWHERE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands in its trace."""

    seq: int
    depth: int
    children: int
    missing_parent: bool

    def on(self, info: SpanInfo) -> SpanInfo:
        return replace(info, depth=self.depth, children=self.children, missing_parent=self.missing_parent)


@dataclass(frozen=True)
class Layout:
    """All spans of a trace in display order: number, depth, direct children, whether the parent is missing."""

    seqs: Numbers
    depths: Numbers
    children: Numbers
    missing: Numbers

    def place(self, i: int) -> Place:
        return Place(int(self.seqs[i]), int(self.depths[i]), int(self.children[i]), bool(self.missing[i]))


class Trees:
    """Pages of trees; keeps the order of those asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int], Layout] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self, ask: Asking, num: int, parent: str, offset: int, limit: int, contains: str, errors: bool
    ) -> tuple[list[Place], bool]:
        """Return the places of one page and whether there are more; see `SpanReader.tree`."""
        spans, first, last = ask.rows("SELECT spans, first_seq, last_seq FROM traces WHERE num = ?", [num])[0]
        plain = not (parent or contains or errors)
        state = (num, spans, last)
        if plain and spans > LARGE and offset + limit <= FIRST and state not in self._kept:
            found = _downwards(ask, num, offset + limit + 1)
            if len(found) > offset + limit:
                return found[offset : offset + limit], True
        layout = self._layout(ask, state)
        start, end = 0, len(layout.seqs)
        if parent:
            start, end = _below(ask, layout, num, parent)
        if contains or errors:
            wanted = _wanted(ask, num, first, last, contains, errors)
            places = [i for i in _positions(layout, wanted) if start <= i < end]
            chosen = places[offset : offset + limit]
            return [layout.place(i) for i in chosen], len(places) > offset + limit
        return (
            [layout.place(i) for i in range(start + offset, min(end, start + offset + limit))],
            end - start > offset + limit,
        )

    def _layout(self, ask: Asking, state: tuple[int, int, int]) -> Layout:
        with self._lock:
            kept = self._kept.get(state)
            if kept is not None:
                self._kept.move_to_end(state)
                return kept
        made = layout_of(
            ask.stream("SELECT seq, span_id, parent_id, started_ns FROM spans WHERE trace = ?", [state[0]])
        )
        with self._lock:
            self._kept[state] = made
            while len(self._kept) > 1 and sum(len(x.seqs) for x in self._kept.values()) > KEPT_SPANS:
                self._kept.popitem(last=False)
        return made


def layout_of(rows: Iterable[Row]) -> Layout:
    """Return the display order of spans given as `(seq, span_id, parent_id, started_ns)`, in whatever order.

    Roots and siblings follow their start, then their id. Every span stands there once: after the roots come spans
    whose parent is not among them, then, as often as something is left, the first of those whose parents stand in a circle.
    """
    import numpy as np

    seqs, ids, parents, starts, tops = _columns(rows)
    n = len(seqs)
    display = np.lexsort((ids, starts))
    seqs, ids, parents, tops = seqs[display], ids[display], parents[display], tops[display]
    by_id = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids[by_id], parents), max(0, n - 1))
    there = (ids[by_id[at]] == parents) & (tops == _BELOW) if n else np.zeros(0, bool)
    above = np.where(there, by_id[at], -1) if n else np.zeros(0, np.int64)
    grouped = np.argsort(above, kind="stable")
    counts = np.bincount(above[there], minlength=n)
    ends = np.cumsum(counts) + (n - int(there.sum()))
    order, depths, lost = _descended(
        [*np.flatnonzero(tops == _ROOT).tolist(), *np.flatnonzero(~there & (tops != _ROOT)).tolist()],
        grouped.tolist(), (ends - counts).tolist(), ends.tolist(),
    )  # fmt: skip
    chosen = np.array(order, np.int64)
    missing = (tops != _ROOT) & ~there
    missing[lost] = True
    return Layout(
        seqs[chosen],
        np.array(depths, np.int32)[chosen],
        counts[chosen].astype(np.int32),
        missing[chosen].astype(np.int8),
    )


def _columns(rows: Iterable[Row]) -> tuple[Numbers, IdNumbers, IdNumbers, Numbers, Numbers]:
    """Return numbers, ids, parents, starts, and whether each is a root, as arrays: a tenth of the rows' memory."""
    import numpy as np

    seqs, ids, parents, starts, tops = array("q"), array("Q"), array("Q"), array("q"), array("q")
    for seq, span_id, parent, started in rows:
        seqs.append(seq)
        ids.append(int(span_id, 16))
        starts.append(started)
        if not parent:
            parents.append(0)
            tops.append(_ROOT)
        elif _SPAN_ID.fullmatch(parent):
            parents.append(int(parent, 16))
            tops.append(_BELOW)
        else:
            parents.append(0)
            tops.append(_NOWHERE)
    return (
        np.array(seqs, np.int64), np.array(ids, np.uint64), np.array(parents, np.uint64), np.array(starts, np.int64),
        np.array(tops, np.int64),
    )  # fmt: skip


def _descended(
    tops: list[int], grouped: list[int], starts: list[int], ends: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Return the order depth first, the depth of each span, and the tops that circles were opened at."""
    n = len(starts)
    order: list[int] = []
    depths = [0] * n
    seen = bytearray(n)
    lost: list[int] = []

    def descend(stack: list[int]) -> None:
        while stack:
            i = stack.pop()
            if seen[i]:
                continue
            seen[i] = 1
            order.append(i)
            if starts[i] < ends[i]:
                depth = depths[i] + 1
                below = [k for k in grouped[starts[i] : ends[i]] if not seen[k]]
                for k in below:
                    depths[k] = depth
                below.reverse()
                stack += below

    descend(tops[::-1])
    if len(order) < n:
        for i in range(n):
            if not seen[i]:
                lost.append(i)
                depths[i] = 0
                descend([i])
    return order, depths, lost


def _downwards(ask: Asking, num: int, most: int) -> list[Place]:
    """Return the first spans of the display order below the roots, reading no more than these and their siblings."""
    sql = (
        f"SELECT seq, span_id FROM spans {ask.by('ix_spans_children')} WHERE trace = ? AND parent_id = ? "
        "ORDER BY started_ns, span_id LIMIT ?"
    )
    found: list[Place] = []
    seen: set[int] = set()
    stack = [(row[0], row[1], 0) for row in reversed(ask.rows(sql, [num, "", most]))]
    while stack and len(found) < most:
        seq, span_id, depth = stack.pop()
        if seq in seen:
            continue
        seen.add(seq)
        children = ask.rows(
            f"SELECT count(*) FROM spans {ask.by('ix_spans_children')} WHERE trace = ? AND parent_id = ?",
            [num, span_id],
        )[0][0]
        found.append(Place(seq, depth, int(children), False))
        if children:
            below = ask.rows(sql, [num, span_id, most - len(found)])
            stack += [(row[0], row[1], depth + 1) for row in reversed(below)]
    return found


def _below(ask: Asking, layout: Layout, num: int, parent: str) -> tuple[int, int]:
    """Return the range of places of what is below a span."""
    import numpy as np

    found = ask.rows("SELECT seq FROM spans WHERE trace = ? AND span_id = ?", [num, parent])
    at = np.flatnonzero(layout.seqs == (found[0][0] if found else 0))
    if at.size == 0:
        return 0, 0
    start = int(at[0]) + 1
    after = np.flatnonzero(layout.depths[start:] <= layout.depths[start - 1])
    return start, start + int(after[0]) if after.size else len(layout.seqs)


def _wanted(ask: Asking, num: int, first: int, last: int, contains: str, errors: bool) -> list[int]:
    """Return the numbers of the spans of a trace that have the words, or failed, or both."""
    conditions, values = ["s.trace = ?"], [num]
    words = search_words(contains)
    source = f"spans s {ask.by('ux_spans_trace_span')}"
    if words:
        match: Any = match_of(ask.dialect, words)
        if ask.dialect == "sqlite":
            source = (
                "(SELECT rowid AS seq FROM span_words WHERE span_words MATCH ? AND rowid BETWEEN ? AND ?) w "
                "CROSS JOIN spans s ON s.seq = w.seq"
            )
            values = [match, first, last, num]
        else:
            source = "span_words w JOIN spans s ON s.seq = w.seq"
            conditions.insert(0, "w.words @@ ?::tsquery")
            values = [match, num]
    if errors:
        conditions.append("s.status = 'error'")
    rows = ask.rows(f"SELECT s.seq FROM {source} WHERE {' AND '.join(conditions)}", values)
    return [int(row[0]) for row in rows]


def _positions(layout: Layout, seqs: list[int]) -> list[int]:
    import numpy as np

    wanted = np.isin(layout.seqs, np.array(seqs, np.int64))
    return [int(i) for i in np.flatnonzero(wanted)]
