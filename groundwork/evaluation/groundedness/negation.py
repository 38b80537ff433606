"""Which words a sentence denies, and which words say the contrary of another."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from groundwork.answers.reading.opposites import OPPOSITES
from groundwork.answers.reading.question import NEGATIONS
from groundwork.answers.reading.terms import MAX_WORD_CHARS, STOP_WORDS, Token, fold, stem, wordset

REACH = 4
"""Words after a negation in which the one that it denies is looked for."""


def denies(word: Token) -> bool:
    """Whether a word is a negation: `not`, `never`, `isn't`, `false`, and their kin in other languages."""
    return _denies(word.surface[:MAX_WORD_CHARS])


@lru_cache(maxsize=65_536)
def _denies(surface: str) -> bool:
    folded = fold(surface)
    return (
        folded in NEGATIONS
        or folded in ("false", "non")
        or (folded.endswith("nt") and ("'" in surface or "\u2019" in surface))
    )


def negated(words: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the telling terms that are the next ones after a negation, when they come soon.

    Args:
        words: each as it stands, with its term.
    """
    found: set[str] = set()
    left = 0
    for surface, term in words:
        if _denies(surface[:MAX_WORD_CHARS]):
            left = REACH
        elif left:
            left -= 1
            if term not in STOP_WORDS:
                found.add(term)
                left = 0
    return frozenset(found)


_ALSO = {
    "fewer": frozenset({"more"}),
    "more": frozenset({"fewer", "less"}),
    "over": frozenset({"under"}),
    "under": frozenset({"over"}),
}
_PREFIXES = ("un", "in", "im", "ir", "il", "non", "dis", "de", "anti", "mis")


@lru_cache(maxsize=65_536)
def contraries(term: str) -> tuple[str, ...]:
    """Return the terms that say the contrary: known pairs, and the term with a negating prefix or without it."""
    found = sorted(OPPOSITES.get(term, frozenset()) | _ALSO.get(term, frozenset()))
    if len(term) >= 4:
        found += [prefix + term for prefix in _PREFIXES]
    found += [term[len(p) :] for p in _PREFIXES if term.startswith(p) and len(term) - len(p) >= 4]
    return tuple(found)


COMPARING = frozenset(
    stem(word)
    for word in wordset(
        """more less fewer most least many few higher lower highest lowest high low larger smaller largest smallest big small
        greater bigger longer shorter longest shortest long short older younger oldest youngest newest earlier later earliest
        latest early late before after above below over under first last best worst better worse faster slower fastest
        slowest increase decrease rise fall raise lower gain loss improve worsen maximum minimum majority minority"""
    )
)
"""Terms that compare or rank, or say in which direction something went."""
