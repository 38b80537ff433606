"""The analyzer: text to terms, alike for documents and questions, in any script."""

from __future__ import annotations

from dataclasses import dataclass, field

from groundwork.core.digest import digest_json
from groundwork.knowledge.analysis import segment
from groundwork.knowledge.analysis.stem import stem
from groundwork.knowledge.analysis.stopwords import ENGLISH

RECIPE = 1
"""Raised whenever the same text may give other terms; an index built with another recipe must be rebuilt."""
REMEMBERED_WORDS = 200_000


@dataclass(frozen=True)
class Analyzer:
    """Pure and deterministic; its parameters are what an index pins.

    Args:
        stemming: reduce words to stems.
        stop_words: leave out English words that say nothing.
        identifiers: index the parts of `snake_case` and `camelCase` beside the whole.
    """

    stemming: bool = True
    stop_words: bool = True
    identifiers: bool = True
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """Return the digest of the recipe and the parameters."""
        return digest_json(
            {
                "recipe": RECIPE,
                "stemming": self.stemming,
                "stop_words": self.stop_words,
                "identifiers": self.identifiers,
            }
        )

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in order, with repetitions; no term holds a blank or is empty."""
        found: list[str] = []
        known = self._known
        for word in segment.words(segment.normalise(text)):
            terms = known.get(word)
            if terms is None:
                terms = self._remember(word)
            found += terms
        return found

    def _remember(self, word: str) -> tuple[str, ...]:
        terms = tuple(term for term in self._word(word) if term)
        if len(self._known) >= REMEMBERED_WORDS:
            self._known.clear()
        if len(word) <= segment.LONGEST:
            self._known[word] = terms
        return terms

    def _word(self, word: str) -> list[str]:
        if "." in word or "," in word:
            return _number(word)
        parts = segment.identifier_parts(word) if self.identifiers else []
        if parts:
            return [word.casefold(), *(term for part in parts for term in self._plain(part))]
        if not word.isascii():
            return [term for run in segment.script_runs(word) for term in self._run(run)]
        return self._plain(word)

    def _run(self, run: str) -> list[str]:
        if segment.is_unspaced(run) or segment.is_hangul(run):
            return list(segment.pairs(run))
        return self._plain(run)

    def _plain(self, word: str) -> list[str]:
        word = word.casefold()[: segment.LONGEST]
        if self.stop_words and word in ENGLISH:
            return []
        if not word.isascii() and "\u0590" <= word[0] <= "\u06ff":
            word = segment.fold(word)
        if not word or word.isspace() or not any(c.isalnum() for c in word):
            return []
        return [segment.fold(stem(word) if self.stemming else word)]


def _number(word: str) -> list[str]:
    """Return a number without its thousands' commas; a version `3.11.2` also by its beginnings, `3.11`."""
    word = word.casefold().replace(",", "").removeprefix("v")
    points = word.split(".")
    return [word, *(".".join(points[:n]) for n in range(len(points) - 1, 1, -1))]
