"""What an output cost, in US dollars; a failed one cost what was paid until then."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, finite
from groundwork.evaluation.types import Output, Score


class Cost(Base):
    """USD paid for the output; 0 for what is free or came from the cache."""

    higher_is_better: ClassVar[bool] = False
    worst: ClassVar[float | None] = None
    metrics: ClassVar[tuple[str, ...]] = ("mean", "sum")

    def score(self, example: Example, output: Output, services: Services) -> Score:
        cost = finite(output.cost_usd)
        if cost is None:
            return Score(None, error="no_cost", reason="the cost is no number")
        return Score(
            cost,
            label="cached" if output.cached else "",
            parts={"input_tokens": output.input_tokens, "output_tokens": output.output_tokens},
        )


plugin = Cost
