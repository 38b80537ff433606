"""How near the answer is to a reference in meaning, by the local encoder."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, without_reference
from groundwork.evaluation.types import Output, Score


class Similarity(Base):
    """The greatest cosine between the answer and a reference, between 0 and 1; a negative cosine counts as 0.

    Cosine of sentence vectors sees the topic better than a negation or a number: do not gate on it alone.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"expected"})

    def score(self, example: Example, output: Output, services: Services) -> Score:
        references = [r for r in example.references if r.strip()]
        if not references:
            return without_reference()
        if output.failed:
            return self.failed(output)
        answer = answer_of(output)
        if not answer.strip():
            return Score(0.0, label="declined", reason="there is no answer")
        vectors = services.embed([answer, *references])
        nearest = float((vectors[1:] @ vectors[0]).max())
        return Score(min(1.0, max(0.0, nearest)))


plugin = Similarity
