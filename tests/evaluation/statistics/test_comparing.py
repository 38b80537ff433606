"""Two systems on the same examples: which procedure decides, what is too little, and that no answer is NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.clustered import cr1, sign_flip, sign_flip_bounds, t_is_safe
from groundwork.evaluation.statistics.comparing import PairedComparison, compare_paired
from groundwork.evaluation.statistics.paired_binary import least_discordant, mcnemar, tango_z


def pairs(b: int, c: int, both: int = 0, neither: int = 0) -> tuple[list[float], list[float]]:
    """Return scores with `b` wins and `c` losses of the candidate."""
    candidate = [1.0] * b + [0.0] * c + [1.0] * both + [0.0] * neither
    return candidate, [0.0] * b + [1.0] * c + [1.0] * both + [0.0] * neither


def figures(value: Any) -> Iterator[float]:
    for item in value.values() if isinstance(value, dict) else [value]:
        if isinstance(item, dict):
            yield from figures(item)
        elif isinstance(item, float):
            yield item


def clean(made: PairedComparison) -> PairedComparison:
    assert all(np.isfinite(f) for f in figures(made.as_dict()))
    return made


def test_binary_scores_of_single_examples_are_compared_by_mcnemar() -> None:
    made = clean(compare_paired(*pairs(12, 2, 36), binary=True))
    assert made.test == "McNemar mid-p"
    assert made.p_value == mcnemar(12, 2).p_value
    assert made.significant
    assert made.sufficient
    assert (made.wins, made.losses, made.ties, made.discordance) == (12, 2, 36, 14 / 50)
    assert made.lower_bound is not None
    assert made.lower_bound > 0


def test_binary_scores_in_clusters_are_not_compared_by_mcnemar() -> None:
    made = clean(compare_paired(*pairs(12, 2, 36), [i // 2 for i in range(50)], binary=True))
    assert made.clusters == 25
    assert "CR1" in made.test


def test_strict_is_the_exact_test_and_never_the_smaller_p_value() -> None:
    mid, exact = (compare_paired(*pairs(12, 4, 34), binary=True, strict=s) for s in (False, True))
    assert mid.p_value is not None
    assert exact.p_value is not None
    assert mid.p_value < exact.p_value


def test_turning_the_two_round_turns_the_difference_round() -> None:
    x, y = pairs(12, 4, 34)
    made, turned = compare_paired(x, y, binary=True), compare_paired(y, x, binary=True)
    assert made.mean == -(turned.mean or 0)
    assert made.difference is not None
    assert turned.difference is not None
    assert made.difference.low == pytest.approx(-turned.difference.high, abs=1e-9)
    assert (made.p_value or 0) + (turned.p_value or 0) == pytest.approx(1.0)


def test_no_examples_are_an_answer_that_decides_nothing() -> None:
    for binary in (True, False):
        made = clean(compare_paired([], [], binary=binary))
        assert not made.sufficient
        assert not made.significant
        assert made.reason == "there are no examples"
        assert (made.difference, made.p_value, made.mean, made.needed_n) == (None, None, None, None)


def test_one_example_decides_nothing() -> None:
    assert not clean(compare_paired([1.0], [0.0], binary=True, min_n=1)).sufficient
    made = clean(compare_paired([1.0], [0.0], binary=False, min_n=1))
    assert made.difference is None
    assert made.reason.startswith("1 cluster;")


def test_two_clusters_decide_nothing_however_many_examples_they_hold() -> None:
    made = clean(compare_paired([1.0] * 100, [0.0] * 100, ["a"] * 50 + ["b"] * 50, binary=True))
    assert not made.significant
    assert made.reason == "2 clusters; fewer than 6 show nothing at alpha 0.05"
    assert made.needed_n is None or made.needed_n >= 100


def test_all_ties_are_no_difference() -> None:
    made = clean(compare_paired([1.0] * 40, [1.0] * 40, binary=True))
    assert made.p_value == 1.0
    assert made.reason == "the two differ on 0 examples; fewer than 5 show nothing at alpha 0.05"
    scores = clean(compare_paired([0.5] * 40, [0.5] * 40, binary=False))
    assert scores.p_value == 1.0
    assert not scores.significant


def test_all_ties_show_that_the_candidate_is_no_worse() -> None:
    made = clean(compare_paired([1.0] * 200, [1.0] * 200, binary=True, margin=0.05))
    assert made.significant
    assert not compare_paired([1.0] * 40, [1.0] * 40, binary=True, margin=0.05).significant


def test_a_constant_gain_is_as_sure_as_so_many_equal_signs() -> None:
    made = clean(compare_paired([0.75] * 40, [0.5] * 40, binary=False))
    assert made.p_value == pytest.approx(0.5**40)
    assert made.significant
    assert made.sd == 0
    assert clean(compare_paired([0.5] * 40, [0.75] * 40, binary=False)).p_value == 1.0


def test_all_wins_are_significant_from_five_on() -> None:
    assert not compare_paired(*pairs(4, 0, 40), binary=True).sufficient
    assert clean(compare_paired(*pairs(5, 0, 40), binary=True)).significant
    whole = clean(compare_paired(*pairs(40, 0), binary=True))
    assert whole.difference is not None
    assert whole.difference.high == 1.0


def test_fewer_examples_than_planned_decide_nothing() -> None:
    made = compare_paired(*pairs(15, 0, 5), binary=True)
    assert made.reason == "20 examples are fewer than the 30 that the plan asks for"
    assert not made.significant
    assert (made.needed_n or 0) >= 30


def test_a_smaller_alpha_asks_for_more_that_differ() -> None:
    assert [least_discordant(a) for a in (0.05, 0.025, 0.01)] == [5, 6, 7]
    assert least_discordant(0.05, "two-sided") == 6
    made = compare_paired(*pairs(6, 0, 40), binary=True, alpha=0.01)
    assert "fewer than 7" in made.reason


def test_a_score_that_is_no_number_is_named_by_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"example 2 is nan") as error:
        compare_paired([0.1, 0.2, float("nan")], [0.0, 0.0, 0.0], binary=False)
    assert error.value.details["places"] == [2]
    with pytest.raises(InvalidInputError, match="example 1"):
        compare_paired([1.0, None, 0.0], [0.0, 0.0, 0.0], binary=True)  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match=r"example 0 of the baseline is 0\.5"):
        compare_paired([1.0], [0.5], binary=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"baseline": [0.0]},
        {"clusters": ["a"]},
        {"weights": [1.0]},
        {"weights": [1.0, 0.0]},
        {"margin": -0.1},
        {"margin": 0.1, "alternative": "two-sided"},
        {"alpha": 1.0},
    ],
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"candidate": [1.0, 0.0], "baseline": [0.0, 0.0], "binary": False} | wrong
    with pytest.raises(InvalidInputError):
        compare_paired(**asked)


def test_below_twenty_clusters_signs_are_turned_and_from_there_on_t_decides() -> None:
    rng = np.random.default_rng(0)
    for g, word in ((6, "exact, 2^6"), (19, "exact, 2^19"), (20, "CR1"), (50, "CR1")):
        x = rng.normal(0.1, 0.3, 3 * g)
        made = clean(
            compare_paired(x, np.zeros_like(x), [i // 3 for i in range(3 * g)], binary=False, min_n=2)
        )
        assert word in made.test


def test_uneven_clusters_are_decided_by_turning_signs() -> None:
    assert t_is_safe(np.full(20, 5.0))
    assert not t_is_safe(np.full(19, 5.0))
    assert not t_is_safe(np.asarray([40.0, 25.0] + [4.0] * 28))
    assert t_is_safe(np.asarray([1.0, 5.0] * 200))
    clusters = ["big"] * 60 + [f"c{i}" for i in range(30)]
    x = np.random.default_rng(1).normal(0.1, 0.3, 90)
    made = clean(compare_paired(x, np.zeros(90), clusters, binary=False))
    assert "9,999 draws" in made.test
    assert made == compare_paired(x, np.zeros(90), clusters, binary=False)


def test_weights_move_the_mean_and_take_binary_scores_to_the_second_procedure() -> None:
    x, y = pairs(10, 5, 25)
    made = clean(compare_paired(x, y, binary=True, weights=[4.0] * 10 + [1.0] * 30))
    assert made.mean == pytest.approx((40 - 5) / 70)
    assert "McNemar" not in made.test
    assert compare_paired(x, y, binary=True, weights=[2.0] * 40).test == "McNemar mid-p"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-4, 4), min_size=7, max_size=40),
    st.integers(6, 9),
    st.sampled_from([0.0, 0.25, 1.0]),
)
def test_the_bound_of_turned_signs_says_the_same_as_their_test(
    values: list[int], clusters: int, margin: float
) -> None:
    x = np.asarray(values, dtype=float)
    group = [i % clusters for i in range(len(values))]
    lower, upper = sign_flip_bounds(x, group, 0.05)
    p = sign_flip(x, group, "greater", -margin).p_value
    if lower is not None:
        assert (p <= 0.05) == (lower > -margin)
    if lower is not None and upper is not None:
        assert lower <= upper


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 60), st.floats(0.01, 0.5))
def test_the_bound_of_tango_says_the_same_as_its_test(b: int, c: int, ties: int, margin: float) -> None:
    made = clean(compare_paired(*pairs(b, c, ties), binary=True, margin=margin, min_n=1))
    assert made.lower_bound is not None
    assert (made.p_value or 1.0) == pytest.approx(made.p_value)
    if abs(tango_z(b, c, b + c + ties, -margin) - 1.6448536) > 1e-6:
        assert made.significant == (made.lower_bound > -margin)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_what_mcnemar_finds_better_has_a_bound_above_nothing(b: int, c: int, ties: int) -> None:
    made = clean(compare_paired(*pairs(b, c, ties), binary=True, min_n=1))
    if made.significant:
        assert (made.lower_bound or -1) > 0


def test_examples_of_one_cluster_that_agree_are_worth_one() -> None:
    one = np.random.default_rng(2).normal(0, 1, 30)
    tripled = np.repeat(one, 3)
    made = cr1(tripled, np.repeat(np.arange(30), 3).tolist())
    single = cr1(one)
    assert made.se == pytest.approx(single.se)
    assert made.effective_n == pytest.approx(30, rel=0.03)
    assert made.design_effect == pytest.approx(3, rel=0.03)


def test_an_interval_of_a_single_cluster_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInputError, match="1 cluster") as error:
        cr1([1.0, 2.0, 3.0], ["a", "a", "a"])
    assert "other documents" in error.value.hint


def test_the_statement_says_what_was_tested_and_what_nobody_checked() -> None:
    made = compare_paired(*pairs(12, 2, 36), binary=True)
    for word in ("McNemar mid-p", "one-sided", "alpha 0.05", "50 examples", "Looked at once", "Not checked"):
        assert word in made.statement
