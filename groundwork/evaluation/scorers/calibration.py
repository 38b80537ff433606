"""Calibration: does the confidence an output states come true?

Source: Brier, Verification of forecasts expressed in terms of probability (1950).
"""

from __future__ import annotations

from typing import Any, ClassVar

from groundwork.core.errors import SettingsError
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import SCORERS, Scorer, Services
from groundwork.evaluation.scorers._base import Base, finite
from groundwork.evaluation.types import Output, Score, not_applicable


class Calibration(Base):
    """The squared distance between the confidence and 1 for a right output, 0 for a wrong one; lower is better.

    Its mean is the Brier score; `ece` over it is the expected calibration error.

    Args:
        of: the scorer that says what is right, by name or as a table; its score has to lie between 0 and 1.
    """

    higher_is_better: ClassVar[bool] = False
    worst: ClassVar[float | None] = 1.0
    needs: ClassVar[frozenset[str]] = frozenset({"expected", "confidence"})
    metrics: ClassVar[tuple[str, ...]] = ("mean", "ece")

    def __init__(self, of: str | dict[str, Any] = "correct") -> None:
        if (of if isinstance(of, str) else of.get("name")) == "calibration":
            raise SettingsError(
                "calibration cannot be measured of itself", hint='name another scorer as `of = "correct"`'
            )
        self.of = of
        self._made: Scorer | None = None

    def score(self, example: Example, output: Output, services: Services) -> Score:
        self._made = self._made or SCORERS.make(self.of)
        right = self._made.score(example, output, services)
        if not right.applies:
            return right
        if output.failed:
            return self.failed(output)
        confidence = finite(output.confidence)
        if confidence is None:
            return not_applicable("the output states no confidence")
        if right.value is None or not 0 <= right.value <= 1:
            return Score(None, error=right.error or "no_score", reason=right.reason)
        confidence = min(1.0, max(0.0, confidence))
        value = right.value if self._made.higher_is_better else 1 - right.value
        return Score(
            (confidence - value) ** 2,
            reason=f"confidence {confidence:.2f}, {'right' if value >= 0.5 else 'wrong'}",
            parts={"confidence": confidence, "loss": 1 - value},
            cost_usd=right.cost_usd,
        )


plugin = Calibration
