"""Cut every so many tokens whatever the text says, with an overlap; the baseline that others are measured
against."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from groundwork.core.errors import SettingsError
from groundwork.knowledge.chunkers._graphemes import has_visible, safe_cut
from groundwork.knowledge.types import Mark, Span

# About what a word-piece vocabulary of 30,000 makes of text: short words whole, long ones in parts,
# ideographs and letters of scripts without blanks one by one. A long run of blanks counts too, so that no
# chunk grows without end.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]"
    r"|\w{1,6}|[^\w\s]|\s{64}"
)


@dataclass(frozen=True)
class FixedTokens:
    """Chunks of `max_tokens` tokens, each beginning with the last `overlap_tokens` of the one before.

    Tokens are counted by an approximation of word pieces that needs no vocabulary: within some 15 % for
    English prose.
    """

    overlaps: ClassVar[bool] = True

    max_tokens: int = 200
    overlap_tokens: int = 40

    def __post_init__(self) -> None:
        if not (self.max_tokens >= 16 and 0 <= self.overlap_tokens <= self.max_tokens // 2):
            raise SettingsError(
                f"the chunker `fixed_tokens` cannot use max_tokens {self.max_tokens} with overlap_tokens "
                f"{self.overlap_tokens}",
                hint="choose max_tokens at least 16 and overlap_tokens at most half of it",
            )

    def split(self, text: str, marks: Sequence[Mark] = ()) -> list[Span]:
        """Return spans in order that overlap by `overlap_tokens` and leave no gap."""
        return list(self._spans(text)) if has_visible(text) else []

    def _spans(self, text: str) -> Iterator[Span]:
        tokens = [0, *(m.start() for m in _TOKEN.finditer(text) if m.start())]
        start = end = 0
        for first in range(0, len(tokens), self.max_tokens - self.overlap_tokens):
            start = min(_break_before(text, tokens[first], start), end)
            last = first + self.max_tokens
            end = _break_before(text, tokens[last], start) if last < len(tokens) else len(text)
            yield Span(start, end)
            if end == len(text):
                return


def _break_before(text: str, at: int, low: int) -> int:
    return at if at == low else safe_cut(text, at, low)


plugin = FixedTokens
