"""What every metric must do: a finite number with an interval around it, or none and why; the same each time."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

from groundwork.evaluation.metrics import Metric, Row
from groundwork.evaluation.types import Measured

CASES = 3


def rows(of: random.Random) -> list[Row]:
    """Return rows as evaluations bring them: some constant, some of one class or one cluster, some with missing scores."""
    n, repeats = of.randint(0, 14), of.randint(1, 3)
    scores: list[Any] = of.choice(
        [[0.0, 1.0], [1.0], [0.25], [0.0, 0.5, 1.0, None], [-1e9, 3.0, 1e9], [None]]
    )
    classes = of.choice([["a"], ["a", "b"], ["a", "b", "c"], [""]])
    expected: list[Any] = of.choice([[None], classes, [*classes, None], [-1e6, 0.0, 2.5], [7.0]])
    sure: list[Any] = of.choice([[None], [0.0, 0.3, 0.5, 1.0], [0.7], [None, 0.9]])
    clusters = of.choice([1, 2, 7, 99])

    def each(choices: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(of.choice(choices) for _ in range(repeats))

    return [
        Row(
            id=f"e{i}",
            cluster=f"c{i % clusters}",
            scores=each(scores),
            confidences=each(sure),
            abstained=each([False, False, True]),
            labels=each(classes),
            expected=of.choice(expected),
        )
        for i in range(n)
    ]


class MetricContract:
    """Subclass it beside a module-scoped fixture `metric` that gives the metric under test."""

    def test_whatever_comes_gives_a_sound_number_and_the_same_again(self, metric: Metric) -> None:
        of = random.Random(0)  # noqa: S311
        for _ in range(CASES):
            drawn = rows(of)
            before = copy.deepcopy(drawn)
            found = metric.measure(drawn)
            check_measured(found)
            assert drawn == before
        assert metric.measure(drawn) == found

    def test_nothing_gives_no_number(self, metric: Metric) -> None:
        found = metric.measure([])
        assert found.value is None
        assert found.method

    def test_one_cluster_gives_no_interval(self, metric: Metric) -> None:
        scored = [
            Row(f"e{i}", "one", (float(i % 2),), (0.6,), (False,), ("ab"[i % 2],), "a") for i in range(8)
        ]
        found = metric.measure(scored)
        assert (found.low, found.high) == (None, None)
        assert found.method

    def test_the_order_of_rows_does_not_matter_for_the_number(self, metric: Metric) -> None:
        scored = [
            Row(f"e{i}", f"c{i}", (i % 3 / 2,), (i % 5 / 5,), (i % 7 == 0,), ("ab"[i % 2],), "ab"[i % 3 % 2])
            for i in range(30)
        ]
        one, other = metric.measure(scored).value, metric.measure(scored[::-1]).value
        assert one == other or (one is not None and other is not None and abs(one - other) < 1e-9)


def check_measured(found: Measured) -> None:
    """Assert what holds of every measured number: finite, n and clusters honest, fit for a record."""
    json.dumps(found.as_dict(), allow_nan=False)
    assert found.method, "it says how it was measured, or why it was not"
    assert (found.low is None) == (found.high is None)
    assert 0 <= found.clusters <= found.n
    if found.value is None:
        assert found.low is None
    if found.low is not None and found.high is not None:
        assert found.low <= found.high
