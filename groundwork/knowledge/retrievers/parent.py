"""Find small, show the section: each passage grows to what stands under the same heading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.knowledge.retrievers import RETRIEVERS, Ranked, View
from groundwork.knowledge.retrievers._widening import widened
from groundwork.knowledge.types import ChunkRow

REACH = 8
CHUNKS_A_SECTION = 3


@dataclass(frozen=True)
class Parent:
    """The ranking of another strategy, each passage widened to its section; a section is shown once.

    Args:
        max_chars: longest section shown; of a longer one the part around the chunk.
        base: spec of the strategy that ranks.
    """

    max_chars: int = 4000
    base: str | Mapping[str, Any] = "hybrid"

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k passages, best first."""
        found = RETRIEVERS.make(self.base).search(view, question, k * CHUNKS_A_SECTION)
        return widened(view, found, k, lambda row: self._section(view, row))

    def _section(self, view: View, row: ChunkRow) -> list[ChunkRow]:
        """Return the chunks around `row` under the same title and headings, nearest first until it is
        full."""
        around = view.neighbours(row, REACH)
        at = next(i for i, r in enumerate(around) if r.chunk_id == row.chunk_id)
        low, high = at, at
        grown = True
        while grown:
            grown = False
            if high + 1 < len(around) and self._fits(row, around[low], around[high + 1]):
                high, grown = high + 1, True
            if low > 0 and self._fits(row, around[low - 1], around[high]):
                low, grown = low - 1, True
        return around[low : high + 1]

    def _fits(self, row: ChunkRow, first: ChunkRow, last: ChunkRow) -> bool:
        same = first.context == row.context == last.context
        return same and last.end - first.start <= self.max_chars


plugin = Parent
