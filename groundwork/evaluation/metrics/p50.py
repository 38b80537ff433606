"""The 50th percentile."""

from __future__ import annotations

from groundwork.evaluation.metrics.quantile import Quantile


class P50(Quantile):
    """The value that 50 % of the scores do not exceed, in the scorer's units."""

    def __init__(self) -> None:
        super().__init__(0.5)


plugin = P50
