"""Cohen's kappa: agreement of predicted and expected labels beyond chance.

Source: Cohen, A coefficient of agreement for nominal scales (1960).
"""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.evaluation.metrics._labels import OfConfusion, Table


class Kappa(OfConfusion):
    """Cohen's kappa, 1 for full agreement and 0 for that of chance; not defined where only one label occurs."""

    def number(self, table: Table, classes: Sequence[str]) -> float | None:
        total = float(table.sum())
        chance = float((table.sum(axis=0) * table.sum(axis=1)).sum()) / total**2
        return None if chance >= 1 else (float(table.trace()) / total - chance) / (1 - chance)


plugin = Kappa
