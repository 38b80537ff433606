"""Every formula agrees to 1e-6 with what other software answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from groundwork.evaluation.statistics.agreement import (
    cohen_kappa,
    gwet_ac1,
    kappa_with_error,
    krippendorff_alpha,
)
from groundwork.evaluation.statistics.bias import length_bias, self_preference
from groundwork.evaluation.statistics.calibration import brier, ece
from groundwork.evaluation.statistics.clustered import cr1, sign_flip
from groundwork.evaluation.statistics.confidence_sequence import ConfidenceSequence
from groundwork.evaluation.statistics.multiplicity import benjamini_hochberg, holm
from groundwork.evaluation.statistics.paired_binary import mcnemar, newcombe, tango
from groundwork.evaluation.statistics.power import power_scores
from groundwork.evaluation.statistics.prediction_powered import ppi, rogan_gladen
from groundwork.evaluation.statistics.ranking import bradley_terry
from groundwork.evaluation.statistics.rates import clopper_pearson, t_of, wilson, z_of
from groundwork.evaluation.statistics.selective import aurc, oracle_aurc, risk_at_coverage
from groundwork.evaluation.statistics.sequential import log_e_value
from tests.evaluation.statistics.references import FOLDER, cases, near

Case = dict[str, Any]


def test_every_file_of_numbers_says_which_software_made_it() -> None:
    for path in FOLDER.glob("*.json"):
        assert any(character.isdigit() for character in json.loads(path.read_text())["made_by"]), path.name


@pytest.mark.parametrize("case", cases("rates"))
def test_wilson_and_clopper_pearson(case: Case) -> None:
    made, exact = (f(case["k"], case["n"], case["level"]) for f in (wilson, clopper_pearson))
    assert [made.low, made.high] == [near(v) for v in case["wilson"]]
    assert [exact.low, exact.high] == [near(v) for v in case["clopper_pearson"]]


@pytest.mark.parametrize("case", cases("mcnemar"))
def test_mcnemar_exact_and_mid_p(case: Case) -> None:
    for name, alternative, strict in (
        ("exact_greater", "greater", True),
        ("exact_two_sided", "two-sided", True),
        ("mid_greater", "greater", False),
        ("mid_two_sided", "two-sided", False),
    ):
        made = mcnemar(case["b"], case["c"], alternative=alternative, strict=strict)  # type: ignore[arg-type]
        assert made.p_value == near(case[name]), name


@pytest.mark.parametrize("case", cases("tango"))
def test_tango(case: Case) -> None:
    n = case["both"] + case["b"] + case["c"] + case["neither"]
    made = tango(case["b"], case["c"], n, case["level"])
    assert (made.low, made.high) == (near(case["low"]), near(case["high"]))


@pytest.mark.parametrize("case", cases("newcombe"))
def test_newcombe(case: Case) -> None:
    made = newcombe(case["both"], case["b"], case["c"], case["neither"], case["level"])
    assert (made.low, made.high) == (near(case["low"]), near(case["high"]))


@pytest.mark.parametrize("case", cases("multiplicity"))
def test_holm_and_benjamini_hochberg(case: Case) -> None:
    assert holm(case["p"]) == [near(v) for v in case["holm"]]
    assert benjamini_hochberg(case["p"]) == [near(v) for v in case["bh"]]


@pytest.mark.parametrize("case", cases("cr1"))
def test_cr1_with_and_without_weights(case: Case) -> None:
    made = cr1(case["values"], case["clusters"], weights=case["weights"])
    assert (made.mean, made.se) == (near(case["mean"]), near(case["se"]))
    assert (made.low, made.high) == (near(case["low"]), near(case["high"]))


@pytest.mark.parametrize("case", cases("sign_flip"))
@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_sign_flip(case: Case, alternative: Any) -> None:
    made = sign_flip(case["values"], case["clusters"], alternative, case["null"])
    assert made.p_value == near(case[alternative])


@pytest.mark.parametrize("case", cases("ppi"))
def test_plain_ppi_has_the_point_and_the_variance_of_the_reference(case: Case) -> None:
    edges = (-np.inf, np.inf)
    columns = case["labels"], case["judged"], case["unlabelled"]
    made = ppi(*columns, lam=case["lam"], quantile="normal", ddof=0, bounds=edges)
    if case["lam"] is not None:
        assert made.estimate.value == near(case["value"])
        assert (made.estimate.low, made.estimate.high) == (near(case["low"]), near(case["high"]))
        t = ppi(*columns, lam=case["lam"], ddof=0, bounds=edges)
        n = len(case["labels"])
        assert t.estimate.width == near((case["high"] - case["low"]) * t_of(0.025, n - 1) / z_of(0.025))


@pytest.mark.parametrize("case", [c for c in cases("ppi") if c.values[0]["lam"] is None])
def test_the_judge_counts_as_much_as_in_the_reference(case: Case) -> None:
    made = ppi(case["labels"], case["judged"], case["unlabelled"], bounds=(-np.inf, np.inf), ddof=0)
    assert made.estimate.value == near(case["value"])


@pytest.mark.parametrize("case", cases("e_process"))
def test_the_e_process_of_pairs(case: Case) -> None:
    assert log_e_value(case["wins"], case["losses"]) == near(case["log_e"])


@pytest.mark.parametrize("case", cases("confidence_sequence"))
def test_the_empirical_bernstein_confidence_sequence_at_every_moment(case: Case) -> None:
    sequence = ConfidenceSequence(case["alpha"])
    for x, low, high in zip(case["x"], case["low"], case["high"], strict=True):
        made = sequence.add(x)
        assert (made.low, made.high) == (near(low), near(high))


@pytest.mark.parametrize("case", cases("betting"))
def test_the_betting_confidence_sequence_up_to_the_step_of_its_grid(case: Case) -> None:
    sequence = ConfidenceSequence(case["alpha"], method="betting")
    for x, low, high in zip(case["x"], case["low"], case["high"], strict=True):
        made = sequence.add(x)
        assert abs(made.low - low) <= 0.0021
        assert abs(made.high - high) <= 0.0021


@pytest.mark.parametrize("case", cases("kappa"))
def test_cohens_kappa_with_the_error_of_fleiss_cohen_and_everitt(case: Case) -> None:
    value, se = kappa_with_error(case["a"], case["b"], weights=case["weights"])
    made = cohen_kappa(case["a"], case["b"], weights=case["weights"])
    assert (value, se) == (near(case["kappa"]), near(case["se"]))
    assert made.value == value
    assert made.high == near(min(1.0, case["kappa"] + z_of(0.025) * case["se"]))


@pytest.mark.parametrize("case", cases("krippendorff"))
@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_krippendorffs_alpha_with_ratings_missing(case: Case, metric: Any) -> None:
    made = krippendorff_alpha(case["ratings"], metric)
    assert made.value == near(case[metric])
    assert made.low <= made.value <= made.high


@pytest.mark.parametrize("case", cases("ac1"))
def test_gwets_ac1(case: Case) -> None:
    made = gwet_ac1(case["a"], case["b"])
    assert made.value == near(case["ac1"])
    assert (made.low, made.high) == (near(case["low"]), near(case["high"]))


@pytest.mark.parametrize("case", cases("bradley_terry"))
def test_bradley_terry_with_and_without_ties(case: Case) -> None:
    made = {v.name: v.strength for v in bradley_terry([tuple(m) for m in case["matches"]]).variants}
    for name, strength, se in zip(case["names"], case["strength"], case["se"], strict=True):
        assert made[name].value == near(strength)
        assert made[name].high == near(strength + z_of(0.025) * se)


@pytest.mark.parametrize("case", cases("selective"))
def test_the_area_under_the_risk_coverage_curve(case: Case) -> None:
    assert aurc(case["confidence"], case["loss"]) == near(case["aurc"])
    assert oracle_aurc(case["loss"]) == near(case["oracle"])
    assert risk_at_coverage(case["confidence"], case["loss"], 0.8) == near(case["risk_at_80"])


@pytest.mark.parametrize("case", cases("calibration"))
def test_calibration_error_and_brier_score(case: Case) -> None:
    assert brier(case["p"], case["y"]) == near(case["brier"])
    assert ece(case["p"], case["y"], 10) == near(case["ece10"])
    assert ece(case["p"], case["y"], 15) == near(case["ece15"])


@pytest.mark.parametrize("case", cases("rogan_gladen"))
def test_rogan_gladen(case: Case) -> None:
    keys = ("rate", "n", "sensitivity", "n_positive", "specificity", "n_negative")
    made = rogan_gladen(*(case[k] for k in keys))
    assert (made.value, made.low, made.high) == tuple(near(case[k]) for k in ("value", "low", "high"))


@pytest.mark.parametrize("case", cases("length_bias"))
def test_the_slope_on_length(case: Case) -> None:
    made = length_bias(case["preferred"], case["log_ratio"]).slope
    assert (made.value, made.low, made.high) == tuple(near(case[k]) for k in ("slope", "low", "high"))


@pytest.mark.parametrize("case", cases("welch"))
def test_self_preference_is_welchs_test(case: Case) -> None:
    gaps = [*case["own"], *case["others"]]
    made = self_preference(gaps, [0.0] * len(gaps), [True] * len(case["own"]) + [False] * len(case["others"]))
    assert made.p_value == near(case["p"])
    assert (made.difference.low, made.difference.high) == (near(case["low"]), near(case["high"]))


@pytest.mark.parametrize("case", cases("power"))
def test_the_power_of_the_paired_t_test(case: Case) -> None:
    made = power_scores(case["n"], case["sd"], case["effect"], two_sided=case["two_sided"])
    assert made == near(case["power"])
