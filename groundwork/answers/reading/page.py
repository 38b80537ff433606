"""The passages as the reader sees them: one line for each unit worth quoting, with its words ready to compare."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from groundwork.answers.reading.terms import STOP_WORDS, Token, tokens
from groundwork.answers.sentences import Unit, split
from groundwork.answers.types import Passage

MAX_CHARS = 200_000
"""Characters read over all passages; what comes later is not read."""


@dataclass(frozen=True)
class Line:
    """One unit of a passage.

    Attributes:
        passage: place of its passage in the sequence given to the reader.
        rank: rank of its passage in the retrieval, from 1.
        unit: where it stands in the passage.
        words: its tokens in order.
        terms: the distinct terms of `words`.
        heading: terms of the headings it stands under, of its table's header, and of the passage's context.
        label: whether it is a heading or a table's header: it says what follows is about and is no answer itself.
    """

    passage: int
    rank: int
    unit: Unit
    text: str
    words: tuple[Token, ...]
    terms: frozenset[str]
    heading: frozenset[str]
    label: bool = False

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each term stands among `words`."""
        found: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            found.setdefault(word.term, []).append(place)
        return found


@dataclass(frozen=True)
class Page:
    """All lines of all passages, passage by passage and in order.

    Attributes:
        by_passage: places in `lines` of the lines of each passage.
        passage_terms: distinct terms of each passage with its context.
    """

    lines: tuple[Line, ...]
    by_passage: tuple[range, ...]
    passage_terms: tuple[frozenset[str], ...]

    def rarity(self, term: str) -> float:
        """Return how telling a term is among these lines: 0 for one that is in each, up to about log of their number."""
        return math.log(1 + len(self.lines) / (0.5 + self._counts[term]))

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(term for line in self.lines for term in line.terms)


def read_page(passages: Sequence[Passage]) -> Page:
    """Return the lines of passages; headings become the heading of what follows and are lines of their own."""
    lines: list[Line] = []
    ranges: list[range] = []
    terms: list[frozenset[str]] = []
    left = MAX_CHARS
    for place, passage in enumerate(passages):
        first = len(lines)
        text = passage.text[: max(0, left)]
        left -= len(text)
        context = frozenset(t.term for t in tokens(passage.context, 200)) - STOP_WORDS
        lines.extend(_lines(place, passage.rank, text, context))
        ranges.append(range(first, len(lines)))
        terms.append(context.union(*(line.terms for line in lines[first:])))
    return Page(tuple(lines), tuple(ranges), tuple(terms))


def _lines(place: int, rank: int, text: str, context: frozenset[str]) -> list[Line]:
    found: list[Line] = []
    heading: frozenset[str] = frozenset()
    header: frozenset[str] = frozenset()
    units = split(text)
    for number, unit in enumerate(units):
        if unit.kind == "rule":
            continue
        words = tuple(tokens(unit.of(text), 2_000))
        terms = frozenset(t.term for t in words)
        heads_table = (
            unit.kind == "row" and units[number + 1 : number + 2] != [] and units[number + 1].kind == "rule"
        )
        header = (terms - STOP_WORDS if heads_table else header) if unit.kind == "row" else frozenset()
        above = context | heading | (header if not heads_table else frozenset())
        label = heads_table or unit.kind == "heading"
        found.append(Line(place, rank, unit, unit.of(text), words, terms, above, label))
        if unit.kind == "heading":
            heading = terms - STOP_WORDS
    return found
