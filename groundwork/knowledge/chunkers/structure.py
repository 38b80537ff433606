"""Cut where the document itself has joints: headings, blocks, paragraphs, rows, lines, sentences; the default.

Sections stand alone unless they are too small to; tables, lists, code and paragraphs stay whole when they
fit; what is too long is cut into parts of about equal length at its own best joints. Works with and without
marks.
"""

from __future__ import annotations

import functools
import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundwork.core.errors import SettingsError
from groundwork.knowledge.chunkers._cuts import Cut, cheapest
from groundwork.knowledge.chunkers._graphemes import has_visible
from groundwork.knowledge.chunkers._sentences import sentence_ends
from groundwork.knowledge.types import Mark, Span

# Prices of a cut; a chunk of the wanted length costs nothing, an empty one 1.
_HEADING, _PARAGRAPH, _INDENTED, _ITEM, _SENTENCE, _LINE, _WRAP = 0.0, 0.04, 0.15, 0.3, 0.4, 0.4, 0.8
_INSIDE_BLOCK = 0.3
"""Added for a cut inside a table, list or code block."""
_AFTER_HEADING = 3.0
"""Added for a cut between a heading and what it heads."""
_AFTER_COLON = 0.2
"""Added for a cut between a sentence that ends in a colon and what it announces."""

_PLACES = {
    "attachment": 4.0,
    "chapter": 2.0,
    "sheet": 1.5,
    "slide": 0.8,
    "section": 0.3,
    "note": 0.3,
    "page": 0.02,
}
"""Prices of a chunk that goes on over the border of such a place."""

_REACH = 1000

_BREAK = re.compile(r"\n(?:[^\S\n]*+\n)*+")
_STARTS_ITEM = re.compile(r"[ \t]{0,24}+(?:[-*+•‣◦▪·–—]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]")
_RULE = re.compile(r"[ \t]{0,12}([-=~^*_+#.\"'`:])\1{2,}+[ \t]*+(?:\n|$)")
_CODE_LINE = re.compile(
    r"^(?:[ \t]+\S.*|.*[{};]|(?:def|class|func|fn|import|from|#include|package|public|@)\b.*)$", re.M
)
_MARKUP = re.compile(r"[\s#=*>_.\-]*")


@dataclass(frozen=True)
class Structure:
    """Chunks along the document's structure.

    Args:
        max_chars: longest chunk, in characters (at least 64).
        target_chars: wanted length of a chunk.
        min_chars: sections shorter than this join their neighbours.
    """

    max_chars: int = 1200
    target_chars: int = 1000
    min_chars: int = 200

    def __post_init__(self) -> None:
        if not (self.max_chars >= 64 and 0 <= self.min_chars <= self.target_chars <= self.max_chars):
            raise SettingsError(
                f"the chunker `structure` cannot use max_chars {self.max_chars}, "
                f"target_chars {self.target_chars}, min_chars {self.min_chars}",
                hint="choose 0 <= min_chars <= target_chars <= max_chars, and max_chars at least 64",
            )

    def split(self, text: str, marks: Sequence[Mark] = ()) -> list[Span]:
        """Return spans that follow each other without gap or overlap, each at most `max_chars` long."""
        if not has_visible(text):
            return []
        prices = _prices(self.max_chars, self.target_chars, self.min_chars)
        return [Span(a, b) for a, b in itertools.pairwise(cheapest(text, _cuts(text, marks), prices))]


@functools.lru_cache(maxsize=16)
def _prices(longest: int, wanted: int, least: int) -> tuple[float, ...]:
    """Return the price of a chunk by its length: least at the wanted one, steep under the minimum."""

    def price(length: int) -> float:
        if length > wanted:
            return 0.3 * ((length - wanted) / (longest - wanted)) ** 2
        return (1 - length / wanted) ** 2 + (1 - length / least if length < least else 0.0)

    return tuple(price(length) for length in range(longest + 1))


def _cuts(text: str, marks: Sequence[Mark]) -> list[Cut]:
    """Return every joint of the text with its prices, in order."""
    prices = _line_prices(text, marks)
    crossings: dict[int, float] = {}
    for at in sentence_ends(text):
        prices[at] = min(prices.get(at, _SENTENCE), _SENTENCE)
    _apply_blocks(prices, marks)
    _apply_places(text, marks, prices, crossings)
    _apply_headings(text, marks, prices, crossings)
    return [Cut(at, prices[at], crossings.get(at, 0.0)) for at in sorted(prices)]


# Lines ----------------------------------------------------------------------------------------------------


def _line_prices(text: str, marks: Sequence[Mark]) -> dict[int, float]:
    lines_count = not marks and _reads_as_code(text)
    prices: dict[int, float] = {}
    for match in _BREAK.finditer(text):
        at = match.end()
        if at >= len(text):
            break
        before = text[match.start() - 1] if match.start() else ""
        price = _break_price(
            text, at, match.end() - match.start() > 1 and match[0].count("\n") > 1, before, lines_count
        )
        prices[at] = price + _AFTER_COLON if before in (":", "：") else price
    return prices


def _break_price(text: str, at: int, blank: bool, before: str, lines_count: bool) -> float:
    indented = text[at] in " \t"
    if blank:
        return _INDENTED if indented else _PARAGRAPH
    if _STARTS_ITEM.match(text, at):
        return _ITEM
    if lines_count:
        return _LINE if indented else _ITEM
    return _LINE if before in ".!?;。！？|" else _WRAP


def _reads_as_code(text: str) -> bool:
    head = text[:20_000]
    lines = sum(1 for line in head.split("\n") if line.strip())
    return lines > 4 and len(_CODE_LINE.findall(head)) > 0.4 * lines


# Marks ----------------------------------------------------------------------------------------------------


def _apply_blocks(prices: dict[int, float], marks: Sequence[Mark]) -> None:
    """Make cuts inside tables, lists and code dearer, and those at their borders and rows cheap."""
    joints = sorted(prices)
    covered = 0
    for mark in sorted(
        (m for m in marks if m.kind in ("table", "code", "list")), key=lambda m: (m.start, -m.end)
    ):
        if mark.end <= covered:
            continue
        first, last = bisect_left(joints, max(mark.start, covered) + 1), bisect_left(joints, mark.end)
        for at in joints[first:last]:
            prices[at] = (
                min(prices[at], _LINE) + _INSIDE_BLOCK if mark.kind != "list" else prices[at] + _INSIDE_BLOCK
            )
        for at in (mark.start, *joints[last : last + 1]):
            prices[at] = min(prices.get(at, _PARAGRAPH), _PARAGRAPH)
        covered = mark.end
    for mark in marks:
        if mark.kind == "row":
            prices[mark.start] = min(prices.get(mark.start, _ITEM), _ITEM + _INSIDE_BLOCK)


def _apply_places(
    text: str, marks: Sequence[Mark], prices: dict[int, float], crossings: dict[int, float]
) -> None:
    for mark in marks:
        if mark.kind in _PLACES:
            for at in (mark.start, mark.end):
                place = _skip_blank(text, at) if at == mark.end else at
                crossings[place] = max(crossings.get(place, 0.0), _PLACES[mark.kind])
                prices[place] = min(prices.get(place, 1.0), _SENTENCE if mark.kind == "page" else _HEADING)


def _apply_headings(
    text: str, marks: Sequence[Mark], prices: dict[int, float], crossings: dict[int, float]
) -> None:
    """Let chunks begin at headings and never end with one; going on into a deeper section is the cheaper
    way."""
    previous = 0
    after: set[int] = set()
    for start, end, level in _headings(text, marks):
        crossings[start] = max(crossings.get(start, 0.0), 0.9 if level > previous else 1.1)
        prices[start] = min(prices.get(start, _HEADING), _HEADING)
        after.add(end)
        previous = level
    for at in after:
        prices[at] = prices.get(at, _PARAGRAPH) + _AFTER_HEADING
        crossings[at] = 0.0


def _headings(text: str, marks: Sequence[Mark]) -> Iterator[tuple[int, int, int]]:
    """Yield where each heading's line begins, where what it heads begins, and its level."""
    for mark in marks:
        if mark.kind == "heading":
            line = text.rfind("\n", max(0, mark.start - 16), mark.start) + 1
            start = line if line and _MARKUP.fullmatch(text, line, mark.start) else mark.start
            start = 0 if mark.start <= 16 and _MARKUP.fullmatch(text, 0, mark.start) else start
            stop = text.find("\n", mark.end, mark.end + _REACH)
            end = mark.end if stop < 0 else _skip_blank(text, stop)
            rule = _RULE.match(text, end, end + _REACH)
            yield start, _skip_blank(text, rule.end()) if rule else end, mark.level


def _skip_blank(text: str, at: int) -> int:
    """Return where the next line that is not blank begins, at or after `at`; within reach, to stay linear."""
    match = _BREAK.match(text, at, at + _REACH)
    return match.end() if match else at


plugin = Structure
