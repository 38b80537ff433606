"""Join whole sentences up to a length; for prose without structure worth keeping, such as transcripts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundwork.core.errors import SettingsError
from groundwork.knowledge.chunkers._cuts import divided
from groundwork.knowledge.chunkers._graphemes import has_visible, is_break
from groundwork.knowledge.chunkers._sentences import sentence_ends
from groundwork.knowledge.types import Mark, Span


@dataclass(frozen=True)
class Sentences:
    """As many whole sentences as fit into `max_chars` characters (at least 64); longer ones are cut."""

    max_chars: int = 800

    def __post_init__(self) -> None:
        if self.max_chars < 64:
            raise SettingsError(
                f"the chunker `sentences` cannot use max_chars {self.max_chars}", hint="choose at least 64"
            )

    def split(self, text: str, marks: Sequence[Mark] = ()) -> list[Span]:
        """Return spans that follow each other without gap or overlap."""
        return list(self._spans(text)) if has_visible(text) else []

    def _spans(self, text: str) -> Iterator[Span]:
        start = end = 0
        for low, high in itertools.pairwise(self._places(text)):
            if high - start > self.max_chars:
                yield Span(start, end)
                start = low
            end = high
        yield Span(start, end)

    def _places(self, text: str) -> list[int]:
        ends = [at for at in sentence_ends(text) if is_break(text, at)]
        return divided(text, [0, *ends, len(text)], self.max_chars)


plugin = Sentences
