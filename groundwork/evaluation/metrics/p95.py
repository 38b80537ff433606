"""The 95th percentile."""

from __future__ import annotations

from groundwork.evaluation.metrics.quantile import Quantile


class P95(Quantile):
    """The value that 95 % of the scores do not exceed, in the scorer's units."""

    def __init__(self) -> None:
        super().__init__(0.95)


plugin = P95
