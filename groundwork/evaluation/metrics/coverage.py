"""Coverage: how much is answered at all."""

from __future__ import annotations

from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import PerExample


class Coverage(PerExample):
    """The share of repeats that were answered and not declined, between 0 and 1; higher is not better by itself."""

    higher_is_better = True

    def value(self, row: Row) -> float | None:
        silent = row.abstained or (False,) * len(row.scores)
        return 1 - sum(silent) / len(silent) if silent else None


plugin = Coverage
