"""The 99th percentile."""

from __future__ import annotations

from groundwork.evaluation.metrics.quantile import Quantile


class P99(Quantile):
    """The value that 99 % of the scores do not exceed, in the scorer's units."""

    def __init__(self) -> None:
        super().__init__(0.99)


plugin = P99
