"""Risk at a coverage: what goes wrong when only a share of the questions, the surest, is answered."""

from __future__ import annotations

import math

from groundwork.core.errors import SettingsError
from groundwork.evaluation.metrics._selective import Floats, Selective


class RiskAtCoverage(Selective):
    """The mean loss among the surest share of answers; between 0 and 1, lower is better.

    Args:
        coverage: share that is answered, over 0 and at most 1; `risk_at_80(abstention)` is `coverage = .8`.
    """

    def __init__(self, coverage: float = 0.8) -> None:
        if not 0 < coverage <= 1:
            raise SettingsError(
                f"a coverage of {coverage:g} does not exist", hint="it is over 0 and at most 1"
            )
        self.coverage = coverage

    def number(self, losses: Floats) -> float | None:
        return float(losses[: math.ceil(self.coverage * len(losses) - 1e-9)].mean())


plugin = RiskAtCoverage
