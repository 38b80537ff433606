"""Passages read once, so that many sentences can be held against them: their words, numbers, fields, and where they stand.

What is read is bounded (`MAX_CHARS`, `MAX_TOKENS`), so that a huge context costs bounded time and memory; what lies beyond
is not seen, and a sentence that only it supports counts as unsupported. The order of the passages changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

from groundwork.answers.reading.selecting import similar
from groundwork.answers.reading.terms import MAX_WORD_CHARS, STOP_WORDS, fold, stem, tokens
from groundwork.answers.sentences import split
from groundwork.evaluation.groundedness.fields import Field, fields
from groundwork.evaluation.groundedness.negation import negated
from groundwork.evaluation.groundedness.numbers import SPELLED, Number, agrees, numbers
from groundwork.evaluation.groundedness.types import Source

MAX_CHARS = 400_000
MAX_TOKENS = 80_000
MAX_UNITS = 8_000
MAX_UNIT_TOKENS = 300
MAX_PLACES = 200
"""Places of one word that runs of words are followed from; in a huge context, runs of common words are seen up to here."""
SOFT = 0.7
"""What a word of the same family counts against the same word."""

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\d+(?:[.,]\d+)*+|[^\W\d_]++[^\W_]*+(?:['’][^\W_]++)?")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
COUNTING = frozenset(stem(word) for word in SPELLED)
"""The terms of words that numbers are spelled with, but for those that mostly do not count."""


def read(text: str) -> tuple[list[str], list[str]]:
    """Return the words of a text as they stand and their terms, as `tokens` cuts them; at most `MAX_UNIT_TOKENS`."""
    if not text.isascii() and _UNSPACED.search(text):
        words = tokens(text, MAX_UNIT_TOKENS)[:MAX_UNIT_TOKENS]
        return [w.surface for w in words], [w.term for w in words]
    surfaces = _WORD.findall(text)[:MAX_UNIT_TOKENS]
    return surfaces, [_term(w) for w in surfaces]


@lru_cache(maxsize=65_536)
def _term(word: str) -> str:
    return word.replace(",", "") if word[0].isdigit() else stem(fold(word[:MAX_WORD_CHARS]))


class Evidence:
    """The passages, cut into sentences (`units`), each with its words, terms and numbers."""

    def __init__(self, passages: Sequence[str]) -> None:
        self.sources: list[Source] = []
        self.surfaces: list[list[str]] = []
        self.sequences: list[list[str]] = []
        self.fields: list[Field] = []
        self.truncated = False
        left, budget = MAX_CHARS, MAX_TOKENS
        for at, passage in enumerate(passages):
            if len(passage) > left:
                passage, self.truncated = passage[:left], True
            left -= len(passage)
            budget = self._read(at, passage, budget)
            self.fields += fields(passage)
        self.count = len(self.sources)
        self.owners = [s.passage for s in self.sources]
        self.terms = [frozenset(sequence) for sequence in self.sequences]
        held: defaultdict[str, list[int]] = defaultdict(list)
        for at, terms in enumerate(self.terms):
            for term in terms:
                held[term].append(at)
        self.held = dict(held)
        self._starts: defaultdict[str, list[str]] = defaultdict(list)
        for term in self.held:
            if len(term) >= 4:
                self._starts[term[:4]].append(term)
        self._agreeing: dict[tuple[float, str, str], dict[int, float]] = {}
        self._denied: dict[int, frozenset[str]] = {}
        self._matched: dict[str, dict[int, float]] = {}

    def _read(self, passage: int, text: str, budget: int) -> int:
        for unit in split(text):
            if unit.kind == "rule":
                continue
            if budget <= 0 or len(self.sources) >= MAX_UNITS:
                self.truncated = True
                break
            piece = unit.of(text)
            surfaces, sequence = read(piece)
            budget -= len(sequence)
            self.sources.append(Source(passage, unit.start, unit.end, piece))
            self.surfaces.append(surfaces)
            self.sequences.append(sequence)
        return budget

    def match(self, term: str) -> dict[int, float]:
        """Return the units that hold a term (1) or one of its family (`SOFT`)."""
        found = self._matched.get(term)
        if found is None:
            found = dict.fromkeys(self.held.get(term, ()), 1.0)
            for other in self._starts.get(term[:4], ()):
                if other != term and similar(term, other):
                    for at in self.held[other]:
                        found.setdefault(at, SOFT)
            self._matched[term] = found
        return found

    def window(self, at: int) -> list[int]:
        """Return unit `at` with the two that follow it in the same passage."""
        owner = self.sources[at].passage
        return [i for i in range(at, min(at + 3, self.count)) if self.sources[i].passage == owner]

    def shortlist(self, shared: Mapping[int, float], most: int) -> list[int]:
        """Return the units with the greatest share, best first; equal ones by their text, whatever the order of passages."""
        return sorted(shared, key=lambda i: (-round(shared[i], 9), self.sources[i].text))[:most]

    def denied(self, at: int) -> frozenset[str]:
        """Return the telling terms that a unit denies."""
        found = self._denied.get(at)
        if found is None:
            found = self._denied[at] = negated(zip(self.surfaces[at], self.sequences[at], strict=True))
        return found

    @cached_property
    def numbers(self) -> list[tuple[int, Number]]:
        """The numbers of all units, each with its unit."""
        return [
            (at, n)
            for at, source in enumerate(self.sources)
            for spelled in (not COUNTING.isdisjoint(self.terms[at]),)
            if spelled or _DIGIT.search(source.text)
            for n in numbers(source.text, spelled=spelled)
        ]

    def agreeing(self, claimed: Number) -> dict[int, float]:
        """Return the units that hold a number which says what a claimed one says, each with 1."""
        key = (claimed.value, claimed.kind, claimed.unit)
        found = self._agreeing.get(key)
        if found is None:
            found = {
                at: 1.0
                for given, units in self._quantities.values()
                if agrees(claimed, given)
                for at in units
            }
            self._agreeing[key] = found
        return found

    @cached_property
    def _quantities(self) -> dict[tuple[float, str, str], tuple[Number, list[int]]]:
        found: dict[tuple[float, str, str], tuple[Number, list[int]]] = {}
        for at, number in self.numbers:
            found.setdefault((number.value, number.kind, number.unit), (number, []))[1].append(at)
        return found

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each term stands in the sequence of all words, units being parted by a gap."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        at = 0
        for sequence in self.sequences:
            for term in sequence:
                if len(found[term]) < MAX_PLACES:
                    found[term].append(at)
                at += 1
            at += 1
        return dict(found)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of words that stand side by side."""
        return frozenset(pair for s in self.sequences for pair in pairwise(s))

    @cached_property
    def near_pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of telling words with at most two others between them."""
        found: set[tuple[str, str]] = set()
        for sequence in self.sequences:
            content = [t for t in sequence if t not in STOP_WORDS]
            for apart in (1, 2, 3):
                found.update(zip(content, content[apart:], strict=False))
        return frozenset(found)
