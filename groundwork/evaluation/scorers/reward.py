"""The reward that an environment gave for a task, such as whether an agent left its database as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from groundwork.core.errors import SettingsError
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, finite
from groundwork.evaluation.types import Output, Score, not_applicable


class Reward(Base):
    """The reward of a run, brought to 0 (worst) to 1 (best); pass^k over it asks whether it comes every time.

    Args:
        key: where in an output's value the reward stands, when the value is an object.
        low, high: the worst and the best reward there is; what lies beyond counts as that.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"value"})
    metrics: ClassVar[tuple[str, ...]] = ("mean", "pass_1")

    def __init__(self, key: str = "reward", low: float = 0.0, high: float = 1.0) -> None:
        if not low < high:
            raise SettingsError(
                f"rewards from {low:g} to {high:g} have no order", hint="`low` is less than `high`"
            )
        self.key = key
        self.low = low
        self.high = high

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        value = output.value
        if isinstance(value, Mapping):
            value = value.get(self.key)
        if isinstance(value, bool):
            value = float(value)
        reward = finite(value)
        if reward is None:
            return (
                not_applicable(f"the output brings no `{self.key}`")
                if value is None
                else Score(
                    None, error="no_number", reason=f"the reward `{str(value)[:80]}` is no finite number"
                )
            )
        share = min(1.0, max(0.0, (reward - self.low) / (self.high - self.low)))
        return Score(share, label="pass" if share >= 1 - 1e-6 else "fail")


plugin = Reward
