"""How far a stretch of a document supports a sentence: figures over words, and weights that make a probability of them.

The figures look for what a sentence says and the stretch does not: content words by how telling they are, numbers, names,
word pairs, polarity. They know no synonyms and draw no conclusions: a sentence that says the same in quite other words
counts as unsupported, which costs an answer a sentence but never lends it one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise

from groundwork.answers.reading.opposites import OPPOSITES, contrary
from groundwork.answers.reading.question import NEGATIONS
from groundwork.answers.reading.rarity import background
from groundwork.answers.reading.selecting import SOFT, similar
from groundwork.answers.reading.terms import STOP_WORDS, Token, fold, is_unspaced, tokens, wordset
from groundwork.core.digest import digest_bytes
from groundwork.core.errors import DamagedError

MAX_TOKENS = 400
"""A longer sentence is compared up to here."""
MAX_WINDOW = 3
"""A sentence is held against so many neighbouring units together at most."""


AFFIRMING = wordset("yes ja si oui да 是")
"""Say nothing that a passage could hold; what follows them does."""


@dataclass(frozen=True)
class Sentence:
    """A sentence to be checked, read."""

    words: tuple[Token, ...]

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Its content terms in order, once each."""
        return tuple(dict.fromkeys(t.term for t in self.content))

    @cached_property
    def content(self) -> tuple[Token, ...]:
        small = STOP_WORDS | AFFIRMING
        return tuple(t for t in self.words if t.term not in small and fold(t.surface) not in small)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weight of each term; they add up to 1 when there is any term."""
        raw = {t: weight(t) for t in self.terms}
        total = sum(raw.values())
        return {t: w / total for t, w in raw.items()} if total else {}

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(number(t) for t in self.words if t.number)

    @cached_property
    def names(self) -> frozenset[str]:
        """Terms written with a capital inside the sentence, or with one and a digit."""
        first = self.words[0].start if self.words else 0
        return frozenset(
            t.term
            for t in self.content
            if t.name and (t.start > first or t.surface[1:] != t.surface[1:].lower())
        )

    @cached_property
    def negated(self) -> frozenset[str]:
        return negated(self.words)


def negated(words: Sequence[Token]) -> frozenset[str]:
    """Return the content terms that are the next ones after a negation, when they come soon."""
    found: set[str] = set()
    left = 0
    for token in words:
        if fold(token.surface) in NEGATIONS:
            left = REACH
        elif left:
            left -= 1
            if token.term not in STOP_WORDS:
                found.add(token.term)
                left = 0
    return frozenset(found)


REACH = 4
"""Words after a negation in which the one that it denies is looked for."""


def read_sentence(text: str) -> Sentence:
    """Return a sentence ready to be compared."""
    return Sentence(tuple(tokens(text, MAX_TOKENS)[:MAX_TOKENS]))


def weight(term: str) -> float:
    """Return how telling a term is; a pair of characters of an unspaced script counts as half a word."""
    return 3.0 if is_unspaced(term[0]) else background(term)


_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_WORDED = {word: str(value) for value, word in enumerate(_SMALL)}


def number(token: Token) -> str:
    """Return a number as digits where it is one: `7`, `seven` and `7.0` are the same."""
    folded = _WORDED.get(fold(token.surface), token.term)
    return folded.rstrip("0").rstrip(".") if "." in folded else folded


@dataclass(frozen=True)
class Stretch:
    """One or a few neighbouring units of a document, read."""

    words: tuple[Token, ...]

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(t.term for t in self.words)

    @cached_property
    def starts(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for term in self.terms:
            found.setdefault(term[:4], []).append(term)
        return found

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(number(t) for t in self.words if t.number)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, token in enumerate(self.words):
            found.setdefault(token.term, []).append(place)
        return found

    @cached_property
    def negated(self) -> frozenset[str]:
        return negated(self.words)

    def match(self, term: str) -> float:
        """Return 1 for a term it holds, SOFT for one it holds in another form, else 0."""
        if term in self.terms:
            return 1.0
        return SOFT if any(similar(term, other) for other in self.starts.get(term[:4], ())) else 0.0


def joined(stretches: Iterable[Stretch]) -> Stretch:
    """Return several stretches as one."""
    return Stretch(tuple(w for s in stretches for w in s.words))


FIGURES = (
    "covered", "covered_near", "missing", "missing_near", "rarest_missing", "rarest_missing_near", "numbers_missing",
    "numbers_missing_near", "numbers", "names_missing", "names_missing_near", "names_unknown", "pairs", "copied",
    "negation_added", "negation_lost", "contrary", "length",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """A stretch that would be quoted, with what stands around it.

    Attributes:
        close: the stretch with its neighbours, in which a number must stand.
        near: the whole passage with the headings above, in which a name must stand.
    """

    stretch: Stretch
    close: Stretch
    near: Stretch


def figures(sentence: Sentence, view: View) -> list[float]:
    """Return the figures named by `FIGURES`."""
    stretch = view.stretch
    weights = sentence.weights
    here = {t: stretch.match(t) for t in sentence.terms}
    around = {t: max(here[t], view.near.match(t)) for t in sentence.terms}
    top = max(weights.values(), default=1.0)
    missing = [t for t in sentence.terms if here[t] == 0.0]
    far = [t for t in sentence.terms if around[t] == 0.0]
    return [
        sum(weights[t] * m for t, m in here.items()),
        sum(weights[t] * m for t, m in around.items()),
        math.log1p(len(missing)),
        math.log1p(len(far)),
        max((weights[t] for t in missing), default=0.0) / top if top else 0.0,
        max((weights[t] for t in far), default=0.0) / top if top else 0.0,
        math.log1p(len(sentence.numbers - stretch.numbers)),
        math.log1p(len(sentence.numbers - stretch.numbers - view.close.numbers)),
        math.log1p(len(sentence.numbers)),
        _gone(sentence.names, here),
        _gone(sentence.names, around),
        math.log1p(sum(1 for n in sentence.names if around.get(n, 0.0) == 0.0)),
        _pairs(sentence, stretch),
        _copied(sentence, stretch),
        float(bool(sentence.negated) and sentence.negated.isdisjoint(stretch.negated)),
        float(any(t in weights and t not in sentence.negated for t in stretch.negated)),
        _contrary(missing, stretch),
        math.log1p(len(sentence.terms)),
    ]


def _gone(names: frozenset[str], matched: dict[str, float]) -> float:
    return sum(1 for n in names if matched.get(n, 0.0) == 0.0) / len(names) if names else 0.0


def _pairs(sentence: Sentence, stretch: Stretch) -> float:
    """Return the share of neighbouring content words that stand near each other in the stretch, too."""
    sequence = [t.term for t in sentence.content]
    couples = list(pairwise(sequence))
    if not couples:
        return 1.0 if sequence and sequence[0] in stretch.terms else 0.0
    places = stretch.places
    near = sum(
        1
        for one, two in couples
        if one in places and two in places and any(abs(b - a) <= 4 for a in places[one] for b in places[two])
    )
    return near / len(couples)


def _copied(sentence: Sentence, stretch: Stretch) -> float:
    """Return the longest run of words both have, as a share of the sentence."""
    said = [t.term for t in sentence.words]
    held = [t.term for t in stretch.words][:2_000]
    places: dict[str, list[int]] = {}
    for at, term in enumerate(held):
        places.setdefault(term, []).append(at)
    best = 0
    runs: dict[int, int] = {}
    for term in said:
        runs = {at: runs.get(at - 1, 0) + 1 for at in places.get(term, ())}
        best = max(best, max(runs.values(), default=0))
    return best / len(said) if said else 0.0


def _contrary(missing: Sequence[str], stretch: Stretch) -> float:
    found = 0
    for term in missing:
        known = OPPOSITES.get(term)
        if (known and not known.isdisjoint(stretch.terms)) or any(
            abs(len(h) - len(term)) in (2, 3, 4) and contrary(term, h) for h in stretch.terms
        ):
            found += 1
    return float(min(2, found))


@dataclass(frozen=True)
class Judge:
    """Weighs figures.

    Attributes:
        weights: one for each of `FIGURES`, and the constant last.
        digest: of the file they come from.
    """

    weights: tuple[float, ...]
    digest: str

    def score(self, sentence: Sentence, view: View) -> float:
        """Return the probability that the stretch supports the sentence, to six digits.

        A number that does not stand close by, a name that is nowhere in the passage, and a stretch that holds little of
        the sentence are each enough to keep it under one half.
        """
        return self.weighed(figures(sentence, view))

    def weighed(self, found: Sequence[float]) -> float:
        """Return the score of figures."""
        z = self.weights[-1] + sum(w * f for w, f in zip(self.weights, found, strict=False))
        score = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
        named = dict(zip(FIGURES, found, strict=True))
        doubtful = named["numbers_missing_near"] or named["names_unknown"] or named["covered"] < LEAST_COVERED
        return round(min(score, DOUBTFUL) if doubtful else score, 6)


LEAST_COVERED = 0.4
"""Share of a sentence's weight that a quote must hold itself."""
DOUBTFUL = 0.45


@cache
def trained() -> Judge:
    """Return the weights that come with Groundwork.

    Raises:
        DamagedError: the file does not hold a weight for each figure of this version.
    """
    data = (files("groundwork.answers.generating") / "weights" / "support.json").read_bytes()
    stored = json.loads(data)
    if set(stored["weights"]) != set(FIGURES):
        odd = sorted(set(stored["weights"]) ^ set(FIGURES))
        raise DamagedError(
            f"the weights of support are of another version: {', '.join(odd)} do not match",
            hint="reinstall Groundwork, or train them anew with `python scripts/train_support.py`",
        )
    weights = (*(float(stored["weights"][n]) for n in FIGURES), float(stored["constant"]))
    return Judge(weights, digest_bytes(data))
