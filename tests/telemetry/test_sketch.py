"""Sketches of times: what they answer is within 1 % of what numpy answers, and merging loses nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.telemetry.sketch import (
    BINS,
    ERROR,
    LEAST,
    MOST,
    Sketch,
    bin_of,
    histograms,
    quantiles,
    value_of,
)

times = st.lists(st.floats(LEAST, MOST), max_size=60)
some_times = st.lists(st.floats(LEAST, MOST), min_size=1, max_size=60)
QS = (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)


@given(some_times, st.floats(0, 1))
def test_a_quantile_is_within_one_percent_of_the_value_at_its_rank(values: list[float], q: float) -> None:
    exact = float(np.quantile(values, q, method="lower"))
    found = Sketch.of(values).quantile(q)
    assert found is not None
    assert abs(found - exact) <= ERROR * exact * (1 + 1e-9)


@given(times, times, times)
def test_merging_is_associative_and_commutative_and_loses_nothing(
    a: list[float], b: list[float], c: list[float]
) -> None:
    left, right, turned = Sketch.of(a), Sketch.of(b), Sketch.of(c)
    left.merge(Sketch.of(b))
    left.merge(Sketch.of(c))
    right.merge(Sketch.of(c))
    whole = Sketch.of(a)
    whole.merge(right)
    turned.merge(Sketch.of(b))
    turned.merge(Sketch.of(a))
    assert left == whole == turned == Sketch.of([*a, *b, *c])


@given(times)
def test_what_is_stored_is_read_back_and_equal_sketches_are_equal_bytes(values: list[float]) -> None:
    made = Sketch.of(values)
    assert Sketch.read(made.write()) == made
    assert Sketch.of(reversed(values)).write() == made.write()
    assert made.count == len(values)


@given(st.lists(some_times, min_size=1, max_size=5))
def test_many_stored_sketches_are_added_up_at_once_as_one_by_one(parts: list[list[float]]) -> None:
    counts = histograms([0] * len(parts), [Sketch.of(p).write() for p in parts], 2)
    whole = Sketch.of(value for part in parts for value in part)
    assert counts.shape == (2, BINS)
    assert quantiles(counts, QS) == [[whole.quantile(q) for q in QS], [None] * len(QS)]


@pytest.mark.parametrize(
    ("value", "like"),
    [(0.0, LEAST), (-5.0, LEAST), (float("nan"), LEAST), (1e300, MOST), (float("inf"), MOST)],
)
def test_a_time_that_is_none_counts_as_the_nearest_that_is(value: float, like: float) -> None:
    assert bin_of(value) == bin_of(like)
    assert 0 <= bin_of(value) < BINS


def test_an_empty_sketch_has_no_quantile_and_takes_no_bytes() -> None:
    assert Sketch().quantile(0.5) is None
    assert Sketch().write() == b""
    assert quantiles(histograms([], [], 1), [0.5]) == [[None]]


def test_values_of_bins_grow() -> None:
    found = [value_of(n) for n in range(BINS)]
    assert found == sorted(found)
