"""The spans in which words stand, read from the search index from the newest on and no further than is needed.

Opening a search costs more than reading ten thousand of its hits, so it is opened once for a list, not for every row.
Whether a trace has a hit is then seen from its range of numbers; spans are asked only where traces arrived mixed.
"""

# ruff: noqa: S608 - statements are put together from fixed parts; every value is a parameter
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.telemetry.asking import Asking
from groundwork.telemetry.filters import match_of

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

FIRST = 20_000
FASTER = 8


class Hits:
    """The numbers of the spans that have all words, newest first; one search of one state of the store."""

    def __init__(self, ask: Asking, words: Sequence[str]) -> None:
        self._ask = ask
        self._match = match_of(ask.dialect, words)
        self._read: Numbers | None = None  # in rising order: all hits from `_down_to` on
        self._down_to: int | None = None
        self._next = FIRST

    def few(self, most: int) -> list[int] | None:
        """Return all hits when there are no more than `most`, else None."""
        self._more()
        assert self._read is not None
        return [int(x) for x in self._read] if self._down_to is None and len(self._read) <= most else None

    def among(self, seqs: Sequence[int]) -> list[bool]:
        """Say of each span whether it is a hit."""
        import numpy as np

        read = self._from(min(seqs)) if seqs else None
        if read is None or not len(read):
            return [False] * len(seqs)
        wanted = np.array(seqs, np.int64)
        at = np.minimum(np.searchsorted(read, wanted), len(read) - 1)
        return [bool(x) for x in read[at] == wanted]

    def in_traces(self, traces: Sequence[tuple[int, int, int, int]]) -> list[bool]:
        """Say of each trace, given as `(num, first seq, last seq, spans)`, whether one of its spans is a hit."""
        import numpy as np

        if not traces:
            return []
        read = self._from(min(t[1] for t in traces))
        starts = np.searchsorted(read, np.array([t[1] for t in traces], np.int64))
        ends = np.searchsorted(read, np.array([t[2] for t in traces], np.int64), side="right")
        found: list[bool] = []
        for (num, first, last, spans), start, end in zip(traces, starts, ends, strict=True):
            alone = last - first + 1 == spans
            found.append(bool(end > start) and (alone or self._has(num, read[start:end])))
        return found

    def _has(self, num: int, seqs: Numbers) -> bool:
        """Say whether one of the spans is of the trace; both may be many."""
        for start in range(0, len(seqs), 1000):
            condition, these = self._ask.some([int(x) for x in seqs[start : start + 1000]])
            sql = f"SELECT 1 FROM spans WHERE seq {condition} AND trace = ? LIMIT 1"
            if self._ask.rows(sql, [these, num]):
                return True
        return False

    def _from(self, seq: int) -> Numbers:
        """Return the hits read, at least those from a number on."""
        while self._read is None or (self._down_to is not None and self._down_to > seq):
            self._more()
        return self._read

    def _more(self) -> None:
        import numpy as np

        if self._read is not None and self._down_to is None:
            return
        sqlite = self._ask.dialect == "sqlite"
        seq, match = ("rowid", "span_words MATCH ?") if sqlite else ("seq", "words @@ ?::tsquery")
        before = (1 << 63) - 1 if self._down_to is None else self._down_to
        rows = self._ask.plain(
            f"SELECT {seq} FROM span_words WHERE {match} AND {seq} < ? ORDER BY {seq} DESC LIMIT ?",
            [self._match, before, self._next],
        )
        found = np.fromiter((row[0] for row in reversed(rows)), np.int64, len(rows))
        self._read = found if self._read is None else np.concatenate([found, self._read])
        self._down_to = int(found[0]) if len(rows) == self._next else None
        self._next *= FASTER
