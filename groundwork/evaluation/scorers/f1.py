"""Token F1: how much of the answer's words and the reference's are the same, as the SQuAD script counts it."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, has_reference, without_reference
from groundwork.evaluation.scorers._text import Manner, token_f1, words
from groundwork.evaluation.types import Output, Score


class F1(Base):
    """The best token F1 over the references, between 0 and 1; an impossible example wants the empty answer.

    Args:
        normalise: `squad`, or `unicode` for scripts that write no spaces.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"expected"})

    def __init__(self, normalise: Manner = "squad") -> None:
        self.normalise = normalise

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if not has_reference(example):
            return without_reference()
        if output.failed:
            return self.failed(output)
        given = words(answer_of(output), self.normalise)
        wanted = ("",) if example.impossible else example.references
        best = max(token_f1(given, words(w, self.normalise)) for w in wanted)
        return Score(
            best[0],
            reason=f"precision {best[1]:.2f}, recall {best[2]:.2f} against the nearest reference",
            parts={"precision": best[1], "recall": best[2]},
        )


plugin = F1
