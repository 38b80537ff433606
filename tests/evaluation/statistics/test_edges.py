"""What is empty, constant, all one way or no number ends in a value or a clear error, never in NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.agreement import (
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from groundwork.evaluation.statistics.bias import length_bias, position_bias, self_preference
from groundwork.evaluation.statistics.bootstrap import cluster_bootstrap, paired_cluster_bootstrap
from groundwork.evaluation.statistics.calibration import brier, ece
from groundwork.evaluation.statistics.cusum import agreement_cusum
from groundwork.evaluation.statistics.multiplicity import benjamini_hochberg, e_bh, holm
from groundwork.evaluation.statistics.paired_binary import mcnemar, newcombe, tango
from groundwork.evaluation.statistics.power import (
    detectable,
    needed_binary,
    needed_scores,
    power_binary,
    power_non_inferiority,
    power_scores,
)
from groundwork.evaluation.statistics.prediction_powered import ppi, ppi_difference, rogan_gladen
from groundwork.evaluation.statistics.ranking import bradley_terry
from groundwork.evaluation.statistics.rates import clopper_pearson, wilson
from groundwork.evaluation.statistics.selective import aurc, oracle_aurc, risk_at_coverage
from groundwork.evaluation.statistics.statement import error_statement

NAN = float("nan")
REFUSED: list[Callable[[], Any]] = [
    lambda: wilson(0, 0),
    lambda: wilson(3, 2),
    lambda: clopper_pearson(-1, 2),
    lambda: wilson(1, 2, level=1.0),
    lambda: tango(0, 0, 0),
    lambda: tango(3, 3, 5),
    lambda: newcombe(0, 0, 0, 0),
    lambda: mcnemar(-1, 2),
    lambda: holm([0.5, NAN]),
    lambda: holm([1.5]),
    lambda: e_bh([-1.0]),
    lambda: needed_binary(0.2, 0.0),
    lambda: needed_scores(NAN, 0.1),
    lambda: needed_binary(1.2, 0.1),
    lambda: needed_binary(0.2, 0.1, power=1.0),
    lambda: detectable(10),
    lambda: ppi([1.0], [1.0], [0.0]),
    lambda: ppi([1.0, NAN], [1.0, 0.0], [0.0]),
    lambda: ppi([1.0, 0.0], [1.0], [0.0]),
    lambda: rogan_gladen(0.5, 10, 0.5, 10, 0.5, 10),
    lambda: rogan_gladen(0.5, 0, 0.9, 10, 0.9, 10),
    lambda: percent_agreement([], []),
    lambda: cohen_kappa(["a"] * 5, ["a"] * 5),
    lambda: cohen_kappa(["a", "b"], ["a", "c"], labels=["a", "b"]),
    lambda: cohen_kappa(["a", None], ["a", "b"]),
    lambda: krippendorff_alpha([[1, 1, 1], [1, 1, 1]]),
    lambda: krippendorff_alpha([[1, None], [None, 1]]),
    lambda: krippendorff_alpha([["x", "y"], ["x", "y"]], "interval"),
    lambda: krippendorff_alpha([]),
    lambda: position_bias([], []),
    lambda: position_bias(["a"], ["A"]),
    lambda: length_bias([1, 0, 1], [0.0, 0.0, 0.0]),
    lambda: length_bias([1, 1, 1], [0.0, 1.0, 2.0]),
    lambda: self_preference([1.0], [1.0], [True]),
    lambda: bradley_terry([]),
    lambda: bradley_terry([("a", "a", 1.0)]),
    lambda: bradley_terry([("a", "b", NAN)]),
    lambda: aurc([], []),
    lambda: aurc([0.1, NAN], [0.0, 1.0]),
    lambda: risk_at_coverage([0.1], [1.0], 0.0),
    lambda: ece([], []),
    lambda: brier([1.2], [1.0]),
    lambda: cluster_bootstrap([1.0, 2.0], ["a", "a"], np.mean),
    lambda: cluster_bootstrap([1.0, 2.0], None, lambda x: NAN),
    lambda: agreement_cusum([2], 0.9),
]


@pytest.mark.parametrize("call", REFUSED, ids=range(len(REFUSED)))
def test_what_has_no_answer_is_refused_in_words(call: Callable[[], Any]) -> None:
    with pytest.raises(InvalidInputError) as error:
        call()
    assert error.value.message


def test_intervals_of_rates_stay_within_0_and_1() -> None:
    for k, n in ((0, 1), (1, 1), (0, 50), (50, 50), (25, 50)):
        for made in (wilson(k, n), clopper_pearson(k, n)):
            assert 0 <= made.low <= made.value <= made.high <= 1


def test_pairs_that_never_differ_have_an_interval_around_nothing() -> None:
    made = tango(0, 0, 100)
    assert made.low == pytest.approx(-made.high)
    assert made.high == pytest.approx(1.959964**2 / (100 + 1.959964**2), abs=1e-6)
    assert mcnemar(0, 0).p_value == 1.0
    assert tango(1, 0, 1).high == 1.0
    assert tango(0, 1, 1).low == -1.0


def test_newcombe_with_an_empty_margin_has_no_correlation_to_correct_for() -> None:
    made = newcombe(97, 0, 3, 0)
    assert made.low < made.value < made.high
    assert newcombe(10, 0, 0, 0).value == 0


def test_nothing_to_adjust_is_nothing() -> None:
    assert holm([]) == []
    assert benjamini_hochberg([]) == []
    assert e_bh([]) == []
    assert e_bh([100.0, 0.5, 45.0], 0.05) == [True, False, True]


def test_sample_sizes_are_those_of_the_formula_and_show_what_they_promise() -> None:
    assert needed_binary(0.20, 0.05) == 495
    assert needed_binary(0.20, 0.10) == 124
    assert needed_binary(0.15, 0.03) == 1031
    assert needed_scores(0.25, 0.05) == 155
    assert needed_scores(0.25, 0.05, design_effect=2) == 310
    for psi, effect in ((0.2, 0.05), (0.4, 0.1), (0.1, 0.05)):
        assert power_binary(needed_binary(psi, effect), psi, effect) == pytest.approx(0.8, abs=0.03)
    assert power_scores(needed_scores(0.25, 0.05), 0.25, 0.05) == pytest.approx(0.8, abs=0.02)
    assert detectable(495, discordance=0.2) == pytest.approx(0.05, abs=1e-3)
    assert detectable(155, sd=0.25) == pytest.approx(0.05, abs=1e-3)
    assert detectable(0, sd=0.25) is None
    assert detectable(10, discordance=0.1) is None


def test_power_at_the_ends_is_a_number() -> None:
    assert power_binary(0, 0.2, 0.1) == power_scores(1, 0.2, 0.1) == power_non_inferiority(0, 0.2, 0.1) == 0.0
    assert power_scores(10, 0.0, 0.1) == 1.0
    assert power_scores(100, 0.0001, 10.0) == 1.0
    assert power_non_inferiority(200, 0.0, 0.05) == 1.0
    assert power_binary(200, 0.2, 0.0) < 0.05
    assert power_non_inferiority(200, 0.2, 0.05, difference=-0.05) == pytest.approx(0.05, abs=0.005)


def test_below_a_hundred_labels_the_labels_alone_are_binding() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.7).astype(float)
    f = np.where(rng.random(400) < 0.9, y, 1 - y)
    few, many = ppi(y[:99], f[:99], f[99:]), ppi(y[:100], f[:100], f[100:])
    assert (few.binding, many.binding) == ("human", "ppi")
    assert few.bound == wilson(int(y[:99].sum()), 99)
    assert many.bound == many.score
    assert many.bound.width < many.human_only.width


def test_a_rate_near_one_needs_ten_of_either_kind() -> None:
    y = [1.0] * 195 + [0.0] * 5
    assert ppi(y, y, y * 4).binding == "human"


def test_a_judge_that_is_constant_or_wrong_counts_nothing() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(200) < 0.6).astype(float)
    for f in (np.ones(200), 1 - y):
        made = ppi(y, f, np.ones(500))
        assert made.lam == 0
        assert made.estimate.value == pytest.approx(y.mean())
    alone = ppi(y, y, [])
    assert (alone.binding, alone.lam, alone.n_judged) == ("human", 0.0, 0)


def test_all_labels_alike_have_the_interval_of_the_labels() -> None:
    made = ppi([1.0] * 120, [1.0] * 120, [1.0] * 500)
    assert made.binding == "human"
    assert made.bound == wilson(120, 120)
    assert made.estimate.low == made.estimate.high == 1.0


def test_the_difference_of_two_systems_is_that_of_their_pairs() -> None:
    rng = np.random.default_rng(2)
    a, b = (rng.random(600) < 0.8).astype(float), (rng.random(600) < 0.7).astype(float)
    judged_a, judged_b = (np.where(rng.random(600) < 0.9, x, 1 - x) for x in (a, b))
    made = ppi_difference(a[:150], b[:150], judged_a[:150], judged_b[:150], judged_a[150:], judged_b[150:])
    whole = ppi((a - b)[:150], (judged_a - judged_b)[:150], (judged_a - judged_b)[150:], bounds=(-1, 1))
    assert made.estimate.value == pytest.approx(whole.estimate.value)
    assert made.binding == "ppi"


def test_one_label_alone_has_perfect_ac1() -> None:
    assert gwet_ac1(["a"] * 5, ["a"] * 5).value == 1.0
    assert gwet_ac1(["a"], ["b"]).low == -1.0


def test_a_judge_that_always_takes_the_first_slot_is_found() -> None:
    made = position_bias(["a"] * 12 + ["tie"], ["b"] * 12 + ["tie"])
    assert (made.first, made.second) == (12, 0)
    assert made.p_value == pytest.approx(2 / 2**12)
    assert made.first_share is not None
    assert made.first_share.value == 1.0
    fair = position_bias(["a", "b", "tie"], ["a", "b", "tie"])
    assert (fair.p_value, fair.first_share, fair.consistent.value) == (1.0, None, 1.0)


def test_length_that_decides_everything_has_a_finite_slope() -> None:
    made = length_bias([0, 0, 0, 0, 1, 1, 1, 1], [-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0])
    assert 0 < made.slope.value < 20
    assert "Firth" in made.slope.method
    assert made.p_value < 0.05


def test_a_judge_as_generous_to_all_prefers_nobody() -> None:
    made = self_preference([1.0] * 20, [0.5] * 20, [True] * 10 + [False] * 10)
    assert made.difference.value == 0
    assert made.p_value == 1.0
    own = self_preference([1.0] * 10 + [0.5] * 10, [0.5] * 20, [True] * 10 + [False] * 10)
    assert own.p_value < 0.001


def test_variants_that_never_lose_have_no_place_and_are_named() -> None:
    with pytest.raises(InvalidInputError, match="`best`"):
        bradley_terry([("best", "a", 1.0), ("best", "b", 1.0), ("a", "b", 1.0), ("b", "a", 1.0)])
    with pytest.raises(InvalidInputError, match=r"`a`, `b`; `c`, `d`"):
        bradley_terry([("a", "b", 0.5), ("c", "d", 0.5)])


def test_ties_alone_make_everybody_equal() -> None:
    made = bradley_terry([("a", "b", 0.5), ("b", "c", 0.5)] * 5)
    assert [v.strength.value for v in made.variants] == pytest.approx([0, 0, 0])
    assert made.chance("a", "c") == pytest.approx(0.5)


def test_comparisons_of_one_document_are_worth_less_than_independent_ones() -> None:
    matches = [("a", "b", 1.0)] * 40 + [("a", "b", 0.0)] * 20
    alone = bradley_terry(matches).variants[0].strength
    together = bradley_terry(matches, [i // 10 for i in range(60)]).variants[0].strength
    assert together.width > 2 * alone.width


def test_equal_confidences_give_the_same_risk_in_any_order() -> None:
    loss = [1.0, 0.0, 0.0, 1.0, 0.0]
    assert aurc([0.5] * 5, loss) == pytest.approx(0.4)
    assert aurc([0.5] * 5, loss[::-1]) == aurc([0.5] * 5, loss)
    assert risk_at_coverage([0.5] * 5, loss, 0.2) == pytest.approx(0.4)
    assert oracle_aurc([0.0, 0.0]) == 0.0
    assert aurc([0.9], [1.0]) == 1.0


def test_perfect_probabilities_are_perfectly_calibrated() -> None:
    assert ece([0.0, 1.0, 1.0], [0, 1, 1]) == brier([0.0, 1.0, 1.0], [0, 1, 1]) == 0.0
    assert ece([0.5] * 10, [1.0] * 5 + [0.0] * 5, strategy="mass") == 0.0
    assert ece([0.1] * 4, [1.0] * 4) == pytest.approx(0.9)


def test_a_bootstrap_of_equal_seeds_is_equal_and_of_nothing_that_varies_is_a_point() -> None:
    x = np.random.default_rng(3).gamma(2, 1, 60)
    p95 = lambda v: float(np.percentile(v, 95))  # noqa: E731
    made = cluster_bootstrap(x, [i // 3 for i in range(60)], p95, 200)
    assert made == cluster_bootstrap(x, [i // 3 for i in range(60)], p95, 200)
    assert made.low <= made.value <= made.high
    flat = paired_cluster_bootstrap([2.0] * 5, [1.0] * 5, None, p95, 50)
    assert (flat.low, flat.value, flat.high) == (1.0, 1.0, 1.0)


def test_a_judge_that_agrees_less_is_noticed_and_one_that_does_not_rarely_is() -> None:
    rng = np.random.default_rng(4)
    steady = sum(agreement_cusum((rng.random(500) < 0.85).tolist(), 0.85).alarm for _ in range(200))
    assert steady <= 22
    fallen = [agreement_cusum((rng.random(300) < 0.65).tolist(), 0.85) for _ in range(50)]
    assert sum(d.alarm for d in fallen) >= 48
    nothing = agreement_cusum([], 0.85)
    assert (nothing.alarm, nothing.rate, nothing.n) == (False, None, 0)
    assert not agreement_cusum([1] * 100, 1.0).alarm


def test_a_statement_of_several_looks_says_how_often_chance_passes() -> None:
    said = error_statement(metric="correct", test="McNemar", alpha=0.05, n=10, looks=3, guards=["cost"])
    assert "looked at 3 times" in said
    assert "15%" in said
    assert "`cost`" in said
    assert "valid however often" in error_statement(metric="m", test="t", alpha=0.05, looks=9, anytime=True)
