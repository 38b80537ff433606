"""Regression: how far a predicted number is off."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, finite, without_reference
from groundwork.evaluation.scorers.numeric import number
from groundwork.evaluation.types import Output, Score


class Error(Base):
    """The absolute difference to the expected number, in its units; lower is better.

    A failed output, or one without a number, has none: it counts as the greatest that was seen.
    """

    higher_is_better: ClassVar[bool] = False
    worst: ClassVar[float | None] = None
    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    metrics: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")

    def score(self, example: Example, output: Output, services: Services) -> Score:
        wanted = number(example.expected)
        if wanted is None:
            return without_reference()
        if output.failed:
            return self.failed(output)
        own = finite(output.value)
        given = own if own is not None else number(answer_of(output))
        off = finite(None if given is None else abs(given - wanted))
        if given is None or off is None:
            return Score(
                None, error="no_number", reason="the output holds no number", parts={"expected": wanted}
            )
        return Score(
            off, reason=f"{given:g} where {wanted:g} is right", parts={"predicted": given, "expected": wanted}
        )


plugin = Error
