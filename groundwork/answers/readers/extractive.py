"""Answer by quoting whole sentences of the passages verbatim, and say how likely it is that they answer at all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from groundwork.answers.reading.terms import STOP_WORDS, tokens
from groundwork.answers.sentences import split
from groundwork.answers.types import Draft, Passage, Quote
from groundwork.core.digest import digest_json

VERSION = 0
_QUOTED = frozenset({"sentence", "item", "row", "code"})


@dataclass(frozen=True)
class Extractive:
    """Quote at most `max_quotes` units; deterministic, needs no model."""

    max_quotes: int = 3
    deterministic: ClassVar[bool] = True

    @property
    def fingerprint(self) -> str:
        return digest_json({"reader": "extractive", "version": VERSION, "max_quotes": self.max_quotes})

    def read(self, question: str, passages: Sequence[Passage]) -> Draft:
        asked = {t.term for t in tokens(question, 400)} - STOP_WORDS
        units = [
            (p, u, {t.term for t in tokens(u.of(passage.text))})
            for p, passage in enumerate(passages)
            for u in split(passage.text)
        ]
        df = Counter(t for _, _, terms in units for t in terms)
        idf = {t: math.log(1 + len(units) / (0.5 + df[t])) for t in asked}
        total = sum(idf.values())
        best = max(
            (
                (sum(idf[t] for t in terms & asked), -p, -u.start, p, u)
                for p, u, terms in units
                if u.kind in _QUOTED
            ),
            default=None,
            key=lambda x: x[:3],
        )
        if best is None or best[0] <= 0:
            return Draft("", (), 0.0, {"overlap": 0.0})
        score, _, _, p, unit = best
        share = score / total
        text = " ".join(unit.of(passages[p].text).split()) + " [1]"
        return Draft(text, (Quote(p, unit.start, unit.end, share),), share, {"overlap": share})


plugin = Extractive
