"""From results to numbers: clusters, repeats, what is missing, what is not defined, and known values of metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.datasets.types import Example
from groundwork.evaluation.metrics import METRICS
from groundwork.evaluation.metrics.measuring import column, expressions, make_scorers, measure, rows_of
from groundwork.evaluation.metrics.naming import parse_metric
from groundwork.evaluation.metrics.quantile import Quantile
from groundwork.evaluation.statistics.clustered import cr1
from groundwork.evaluation.statistics.rates import wilson
from groundwork.evaluation.types import Output, Result, Score, not_applicable
from groundwork.testing.scorer import PlainServices
from tests.evaluation.scoring.build import results

VECTORS = json.loads((Path(__file__).parent / "vectors" / "scorers.json").read_text("utf-8"))
SERVICES = PlainServices()


def examples(n: int, clusters: int = 0) -> list[Example]:
    return [
        Example(f"e{i}", "q", expected="x", cluster=f"c{i % clusters}" if clusters else "") for i in range(n)
    ]


def run(spec: Any, expected: list[Any], outputs: list[Output]) -> tuple[list[Result], list[Example]]:
    scorers = make_scorers([spec])
    (name, scorer), *_ = scorers.items()
    known = [Example(f"e{i}", "q", expected=e) for i, e in enumerate(expected)]
    given = [
        Result(i, 0, e.id, "done", o, {name: scorer.score(e, o, SERVICES)})
        for i, (e, o) in enumerate(zip(known, outputs, strict=True))
    ]
    return given, known


def test_a_metric_is_written_as_a_scorer_or_over_one() -> None:
    assert parse_metric("correct") == ("", "correct")
    assert parse_metric(" p95( latency ) ") == ("p95", "latency")
    assert parse_metric("p99.9(latency)") == ({"name": "quantile", "q": pytest.approx(0.999)}, "latency")
    assert parse_metric("pass_3(reward)") == ({"name": "pass_k", "k": 3}, "reward")
    assert parse_metric("risk_at_80(abstention)") == (
        {"name": "risk_at_coverage", "coverage": 0.8},
        "abstention",
    )


@pytest.mark.parametrize(
    "written", ["", "p95(", "p95 latency", "men(f1)", "pass_0(reward)", "mean()", "a(b(c))"]
)
def test_what_names_no_metric_is_refused_with_the_nearest(written: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_metric(written)
    assert refused.value.hint


def test_scorers_go_by_the_name_that_as_gives_and_none_by_two() -> None:
    made = make_scorers(["f1", {"name": "f1", "as": "overlap", "normalise": "unicode"}, "latency"])
    assert list(made) == ["f1", "overlap", "latency"]
    assert expressions(made) == ["f1", "overlap", "latency", "p95(latency)", "p99(latency)", "mean(latency)"]
    with pytest.raises(InvalidInputError):
        make_scorers(["f1", "f1"])
    with pytest.raises(NotFoundError):
        measure("ndcg", [], made)


def test_a_rate_of_examples_that_stand_alone_has_wilsons_interval() -> None:
    given = results("correct", [[Score(float(i < 30))] for i in range(40)])
    found, known = measure("correct", given, make_scorers(["correct"]), examples(40)), wilson(30, 40)
    assert (found.value, found.low, found.high, found.n, found.clusters) == (
        0.75,
        known.low,
        known.high,
        40,
        40,
    )


def test_clusters_widen_the_interval_as_cr1_says() -> None:
    values = [float(i % 8 < 4) for i in range(80)]
    given = results("f1", [[Score(v)] for v in values])
    found = measure("f1", given, make_scorers(["f1"]), examples(80, 8))
    known = cr1(np.array(values), [f"c{i % 8}" for i in range(80)])
    assert (found.low, found.high) == pytest.approx((max(0, known.low), min(1, known.high)))
    assert (found.n, found.clusters) == (80, 8)


def test_a_cost_of_nothing_is_no_rate() -> None:
    given = results("cost", [[Score(0.0)] for _ in range(40)])
    found = measure("cost", given, make_scorers(["cost"]), examples(40))
    assert (found.value, found.low, found.high) == (0.0, None, None)
    assert "all 40 scores are 0" in found.method
    given = results("cost", [[Score(float(i % 2))] for i in range(40)])
    assert measure("cost", given, make_scorers(["cost"]), examples(40)).method == "t"


def test_repeats_are_averaged_within_their_example() -> None:
    given = results("f1", [[Score(1.0), Score(0.0)], [Score(1.0), Score(1.0)]])
    assert measure("f1", given, make_scorers(["f1"]), examples(2)).value == 0.75
    assert column("f1", examples(2), given, make_scorers(["f1"])).values == (0.5, 1.0)


def test_what_is_missing_counts_as_worst_and_what_does_not_apply_is_left_out() -> None:
    given = results("f1", [[Score(1.0)], [Score(None, error="x")], [None], [not_applicable("none")]])
    scorers = make_scorers(["f1"])
    found = measure("f1", given, scorers, examples(4))
    assert (found.value, found.n) == (pytest.approx(1 / 3), 3)
    columned = column("f1", examples(4), given, scorers)
    assert (columned.ids, columned.values, columned.worst) == (("e0", "e1", "e2"), (1.0, None, None), 0.0)


def test_a_repeat_that_is_missing_fails_with_the_others() -> None:
    given = results("reward", [[Score(1.0), Score(1.0)], [Score(1.0), None]])
    assert measure("pass_2(reward)", given, make_scorers(["reward"]), examples(2)).value == 0.5


def test_without_a_bound_the_worst_score_seen_stands_for_what_is_missing() -> None:
    given = results("latency", [[Score(10.0)], [Score(90.0)], [Score(None, error="failed")]])
    rows = rows_of("latency", make_scorers(["latency"])["latency"], given, examples(3))
    assert [r.scores for r in rows] == [(10.0,), (90.0,), (90.0,)]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("r2", "do not vary"),
        ("auroc", "one class"),
        ("kappa", "alone"),
        ("ece", "confidence"),
        ("aurc", "confidence"),
    ],
)
def test_a_metric_that_is_not_defined_has_no_value_and_says_why(metric: str, said: str) -> None:
    spec = "error" if metric == "r2" else "label"
    same = "7" if metric == "r2" else "a"
    sure = 0.9 if metric in ("auroc", "kappa") else None
    given, known = run(spec, [same] * 10, [Output(text=same, confidence=sure) for _ in range(10)])
    found = measure(f"{metric}({spec})", given, make_scorers([spec]), known)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert said in found.method


def test_scores_that_are_all_equal_have_no_interval_unless_they_are_rates() -> None:
    scorers = make_scorers(["f1", "exact"])
    flat = measure("f1", results("f1", [[Score(0.4)]] * 9), scorers, examples(9))
    assert (flat.value, flat.low) == (pytest.approx(0.4), None)
    assert "all 9 scores" in flat.method
    ones = results("exact", [[Score(1.0)]] * 40)
    alone = measure("exact", ones, scorers, examples(40))
    grouped = measure("exact", ones, scorers, examples(40, 4))
    assert alone.low == wilson(40, 40).low
    assert grouped.low == wilson(4, 4).low


def test_nothing_and_one_cluster_have_no_interval() -> None:
    scorers = make_scorers(["exact"])
    assert measure("exact", [], scorers, []).value is None
    one = measure("exact", results("exact", [[Score(1.0)], [Score(0.0)]]), scorers, examples(2, 1))
    assert (one.value, one.low, one.clusters) == (0.5, None, 1)


def test_weights_count_in_means() -> None:
    known = [Example("e0", "q", weight=3.0), Example("e1", "q", weight=1.0), Example("e2", "q", weight=0.0)]
    given = results("f1", [[Score(1.0)], [Score(0.0)], [Score(0.5)]])
    assert measure("f1", given, make_scorers(["f1"]), known).value == 0.75


@pytest.mark.parametrize("case", range(len(VECTORS["classification"])))
def test_classification_agrees_with_scikit_learn(case: int) -> None:
    known = VECTORS["classification"][case]
    sure = known.get("confidence") or [None] * len(known["expected"])
    outputs = [Output(text=p, confidence=c) for p, c in zip(known["predicted"], sure, strict=True)]
    given, those = run("label", known["expected"], outputs)
    scorers = make_scorers(["label"])
    for name in ("accuracy", "macro_f1", "precision", "recall", "kappa"):
        assert measure(f"{name}(label)", given, scorers, those).value == pytest.approx(
            known[name], abs=1e-9
        ), name
    rows = rows_of("label", scorers["label"], given, those)
    for name in ("precision", "recall"):
        found = METRICS.make({"name": name, "positive": "a"}).measure(rows)
        assert found.value == pytest.approx(known[f"{name}_a"], abs=1e-9)
    if "confidence" in known:
        assert measure("auroc(label)", given, scorers, those).value == pytest.approx(known["auroc"], abs=1e-9)
        right, _ = run({"name": "exact", "normalise": "none"}, known["expected"], outputs)
        exact = make_scorers(["exact"])
        if known["auroc_right"] == known["auroc_right"]:
            assert measure("auroc(exact)", right, exact).value == pytest.approx(
                known["auroc_right"], abs=1e-9
            )


def test_calibration_agrees_with_scikit_learn() -> None:
    known = VECTORS["classification"][0]
    outputs = [
        Output(text=p, confidence=c) for p, c in zip(known["predicted"], known["confidence"], strict=True)
    ]
    spec = {"name": "calibration", "of": {"name": "exact", "normalise": "none"}}
    given, those = run(spec, known["expected"], outputs)
    scorers = make_scorers([spec])
    assert measure("calibration", given, scorers, those).value == pytest.approx(known["brier"], abs=1e-9)
    assert measure("brier(calibration)", given, scorers, those).value == pytest.approx(
        known["brier"], abs=1e-9
    )
    assert measure("ece(calibration)", given, scorers, those).value == pytest.approx(
        known["ece_by_hand"], abs=1e-9
    )


@pytest.mark.parametrize("case", [0, 1])
def test_regression_agrees_with_scikit_learn(case: int) -> None:
    known = VECTORS["regression"][case]
    given, those = run("error", known["expected"], [Output(value=p) for p in known["predicted"]])
    for name in ("mae", "rmse", "r2"):
        found = measure(f"{name}(error)", given, make_scorers(["error"]), those)
        assert found.value == pytest.approx(known[name], abs=1e-9)
        assert found.low is not None


def test_aurc_and_risks_follow_the_order_of_confidence() -> None:
    outputs = [
        Output(text="x", confidence=0.9),
        Output(text="wrong", confidence=0.8),
        Output(text="x", confidence=0.7),
        Output(abstained=True, confidence=0.1),
    ]
    given, those = run("abstention", ["x"] * 4, outputs)
    scorers = make_scorers(["abstention"])
    value = {
        m: measure(f"{m}(abstention)", given, scorers, those).value
        for m in ("aurc", "risk", "coverage", "rate")
    }
    assert value["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert (value["risk"], value["coverage"], value["rate"]) == (pytest.approx(1 / 3), 0.75, 0.75)
    assert measure("risk_at_50(abstention)", given, scorers, those).value == 0.5


def test_equal_confidences_share_their_loss_whatever_their_order() -> None:
    outputs = [Output(text=t, confidence=0.5) for t in ("x", "wrong", "x", "wrong")]
    one, those = run("abstention", ["x"] * 4, outputs)
    other, _ = run("abstention", ["x"] * 4, outputs[::-1])
    scorers = make_scorers(["abstention"])
    assert measure("aurc(abstention)", one, scorers, those).value == 0.5
    assert measure("aurc(abstention)", other, scorers, those).value == 0.5


def test_a_quantile_of_any_draw_is_that_of_numpy() -> None:
    rng = np.random.default_rng(3)
    scores = rng.exponential(100, 41)
    rows = rows_of(
        "latency",
        make_scorers(["latency"])["latency"],
        results("latency", [[Score(float(x))] for x in scores]),
    )
    for q in (0.0, 0.05, 0.5, 0.95, 1.0):
        of = Quantile(q).prepare(rows)
        for _ in range(20):
            drawn = rng.integers(0, 41, 41)
            assert of(drawn) == pytest.approx(np.quantile(scores[drawn], q))


@pytest.mark.slow
def test_a_cluster_bootstrap_covers_a_quantile_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    scorers, covered = make_scorers(["latency"]), 0
    for _ in range(150):
        given = results("latency", [[Score(float(x))] for x in rng.exponential(100, 80)])
        found = measure("p50(latency)", given, scorers)
        covered += (found.low or 0) <= 100 * np.log(2) <= (found.high or 0)
    assert 0.9 <= covered / 150 <= 0.99


def test_a_column_is_binary_only_where_every_value_is() -> None:
    scorers = make_scorers(["correct", "latency"])
    whole = results("correct", [[Score(1.0)], [Score(0.0)]])
    assert column("correct", examples(2), whole, scorers).binary
    halved = results("correct", [[Score(1.0), Score(0.0)], [Score(0.0), Score(0.0)]])
    assert not column("correct", examples(2), halved, scorers).binary
    timed = column("p95(latency)", examples(2), results("latency", [[Score(5.0)], [None]]), scorers)
    assert (timed.values, timed.worst, timed.higher_is_better) == ((5.0, None), None, False)
