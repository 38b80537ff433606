"""Rank by the words of the question: BM25 alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from groundwork.knowledge.retrievers import Ranked, View
from groundwork.knowledge.types import Leg


@dataclass(frozen=True)
class Lexical:
    """BM25 over the analyzer's terms; a word asked twice counts twice. Takes no parameters and needs no
    weights."""

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return at most k chunks that share a term with the question, best first."""
        terms = {term: float(count) for term, count in Counter(view.terms(question)).items()}
        hits = view.lexical(terms, k) if terms and k > 0 else []
        ordered = sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:k]
        return [
            Ranked(hit.chunk_id, hit.score, {"lexical": Leg(rank, hit.score, hit.score)})
            for rank, hit in enumerate(ordered, 1)
        ]


plugin = Lexical
