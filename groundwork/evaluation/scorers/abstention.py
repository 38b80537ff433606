"""Abstention: does it decline exactly where nothing can be said?"""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, declined, finite, has_reference, without_reference
from groundwork.evaluation.scorers.correct import Correct
from groundwork.evaluation.types import Output, Score


class Abstention(Base):
    """1 where it answered what can be answered or declined what cannot, else 0.

    `risk`, `coverage`, `risk_at_NN` and `aurc` over it also ask whether the answers were right (as `correct` says) and in
    which order their confidences put them.

    Args:
        f1: as of `correct`.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"expected", "confidence"})
    metrics: ClassVar[tuple[str, ...]] = ("rate", "risk", "coverage", "aurc")

    def __init__(self, f1: float = 0.5) -> None:
        self.f1 = f1

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if not has_reference(example):
            return without_reference()
        if output.failed:
            return self.failed(output)
        silent = declined(output)
        right = Correct(self.f1).score(example, output, services).value == 1.0
        parts: dict[str, float] = {"loss": 1.0 if silent else float(not right)}
        confidence = finite(output.confidence)
        if confidence is not None:
            parts["confidence"] = min(1.0, max(0.0, confidence))
        if silent:
            said = (
                "declined, and nothing can be said"
                if example.impossible
                else "declined although there is an answer"
            )
        else:
            said = "answered although nothing can be said" if example.impossible else "answered"
        return Score(
            float(silent == example.impossible),
            label="declined" if silent else "answered",
            reason=said,
            parts=parts,
        )


plugin = Abstention
