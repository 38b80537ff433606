"""Find small, show wide: each passage grows by the chunks before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.knowledge.retrievers import RETRIEVERS, Ranked, View
from groundwork.knowledge.retrievers._widening import widened


@dataclass(frozen=True)
class Neighbours:
    """The ranking of another strategy, each passage widened; a chunk already shown inside a better one is
    left out.

    Args:
        reach: chunks added on each side.
        base: spec of the strategy that ranks.
    """

    reach: int = 1
    base: str | Mapping[str, Any] = "hybrid"

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k passages, best first."""
        found = RETRIEVERS.make(self.base).search(view, question, k * (2 * self.reach + 1))
        return widened(view, found, k, lambda row: view.neighbours(row, self.reach))


plugin = Neighbours
