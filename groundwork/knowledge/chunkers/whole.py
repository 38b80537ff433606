"""Leave a document whole; for short records such as tickets, products or rows of a table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.core.errors import SettingsError
from groundwork.knowledge.chunkers._cuts import divided
from groundwork.knowledge.chunkers._graphemes import has_visible
from groundwork.knowledge.types import Mark, Span


@dataclass(frozen=True)
class Whole:
    """One chunk for each document; one of more than `max_chars` characters (at least 64) is cut."""

    max_chars: int = 100_000

    def __post_init__(self) -> None:
        if self.max_chars < 64:
            raise SettingsError(
                f"the chunker `whole` cannot use max_chars {self.max_chars}", hint="choose at least 64"
            )

    def split(self, text: str, marks: Sequence[Mark] = ()) -> list[Span]:
        """Return one span over the text, or as few as the limit allows."""
        if not has_visible(text):
            return []
        return [Span(a, b) for a, b in itertools.pairwise(divided(text, [0, len(text)], self.max_chars))]


plugin = Whole
