"""Rank by meaning: nearest vectors alone."""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.core.errors import InvalidInputError
from groundwork.knowledge.retrievers import Ranked, View
from groundwork.knowledge.types import Leg


@dataclass(frozen=True)
class Dense:
    """Cosine similarity between the question's vector and the chunks'. Takes no parameters."""

    def search(self, view: View, question: str, k: int) -> list[Ranked]:
        """Return the k nearest chunks, best first.

        Raises:
            InvalidInputError: the index has no vectors.
        """
        vector = view.embed(question)
        if vector is None:
            raise InvalidInputError(
                "the strategy `dense` needs vectors, and this index was built with the embedder `none`",
                hint="use the strategy `lexical`, or build the index with an embedder",
            )
        ordered = (
            sorted(view.dense(vector, k), key=lambda hit: (-hit.score, hit.chunk_id))[:k] if k > 0 else []
        )
        return [
            Ranked(hit.chunk_id, hit.score, {"dense": Leg(rank, hit.score, hit.score)})
            for rank, hit in enumerate(ordered, 1)
        ]


plugin = Dense
