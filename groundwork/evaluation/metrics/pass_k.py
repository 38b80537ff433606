"""pass^k: would a task succeed in k tries out of k?

Source: Yao, Shinn, Razavi and Narasimhan, tau-bench (2024), section 4: the mean over tasks of C(c, k) / C(n, k), where c of
n tries of a task succeeded. It is unbiased, unlike the k-th power of the success rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from groundwork.core.errors import SettingsError
from groundwork.evaluation.metrics import Row
from groundwork.evaluation.metrics._base import PerExample
from groundwork.evaluation.types import Measured


class PassK(PerExample):
    """The chance that k tries of an example all succeed, averaged over examples; between 0 and 1. A missing try failed.

    Args:
        k: tries; `pass_3(reward)` is `k = 3`. Each example needs at least so many repeats.
        success: the least score that is a success.
    """

    def __init__(self, k: int = 1, success: float = 1 - 1e-6) -> None:
        if k < 1:
            raise SettingsError(f"pass^{k} does not exist", hint="`k` is at least 1")
        self.k = k
        self.success = success

    def value(self, row: Row) -> float | None:
        tries = len(row.scores)
        if tries < self.k:
            return None
        won = sum(s is not None and s >= self.success for s in row.scores)
        return comb(won, self.k) / comb(tries, self.k)

    def measure(self, rows: Sequence[Row], *, level: float = 0.95, seed: int = 0) -> Measured:
        short = sum(len(r.scores) < self.k for r in rows)
        if rows and short == len(rows):
            return Measured(None, None, None, 0, 0, f"no example was repeated {self.k} times")
        found = super().measure(rows, level=level, seed=seed)
        if not short:
            return found
        note = f"{found.method}; {short} examples with fewer than {self.k} repeats left out"
        return Measured(found.value, found.low, found.high, found.n, found.clusters, note)


plugin = PassK
