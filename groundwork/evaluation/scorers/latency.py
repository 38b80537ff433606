"""How long an output took, in milliseconds."""

from __future__ import annotations

from typing import ClassVar, Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, finite
from groundwork.evaluation.types import Output, Score, not_applicable


class Latency(Base):
    """Milliseconds from asking to the last word, or to the first.

    A failed output has no time: one that fails fast is no fast answer, so it counts as the slowest that was seen.

    Args:
        until: `last`, or `first` for the first token; outputs that were not streamed have none.
    """

    higher_is_better: ClassVar[bool] = False
    worst: ClassVar[float | None] = None
    metrics: ClassVar[tuple[str, ...]] = ("p50", "p95", "p99", "mean")

    def __init__(self, until: Literal["last", "first"] = "last") -> None:
        self.until = until

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        took = finite(output.first_token_ms if self.until == "first" else output.latency_ms)
        if took is None:
            return not_applicable("no time was measured")
        return Score(max(0.0, took))


plugin = Latency
