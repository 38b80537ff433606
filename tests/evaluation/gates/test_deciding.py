"""What a gate decides from pairs of scores, and that nothing that is missing passes for good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.gates.deciding import Decision, decide
from groundwork.evaluation.pairing import Pairs, pair
from tests.evaluation.gates.columns import binary, column, evidence, gate, pairs


def judge(
    candidate: list[Any], baseline: list[Any], spec: dict[str, Any] | None = None, *more: Pairs, **said: Any
) -> Decision:
    return decide(gate(**(spec or {})), evidence(pairs(candidate, baseline), *more, **said))


def scores(
    n: int, gain: float = 0.0, *, seed: int = 0, spread: float = 0.1
) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)
    base = rng.random(n)
    return (base + gain + rng.normal(0, spread, n)).tolist(), base.tolist()


def test_a_better_candidate_is_promoted_with_the_bound_that_was_shown() -> None:
    found = judge(*binary(400, 0.6, 0.15, 0.05))
    assert found.outcome == "promote"
    first = found.checks[0]
    assert first.bound is not None
    assert 0 < first.bound < 0.1
    assert first.difference == pytest.approx(0.1)
    assert "at least +0.06" in found.headline


def test_a_worse_candidate_is_rejected() -> None:
    found = judge(*binary(400, 0.6, 0.05, 0.15))
    assert (found.outcome, found.checks[0].state) == ("reject", "fail")
    assert "is worse" in found.headline


def test_what_is_as_good_is_rejected_when_there_were_enough_examples_to_see_the_effect() -> None:
    found = judge(*binary(1000, 0.6, 0.1, 0.1))
    assert found.outcome == "reject"
    assert "worth finding" in found.headline


def test_too_few_examples_are_not_enough_and_say_how_many_more() -> None:
    found = judge(*binary(60, 0.6, 0.15, 0.08))
    assert found.outcome == "insufficient"
    assert found.still_needed is not None
    assert found.still_needed > 300
    assert f"About {found.still_needed:,} more examples" in found.headline


def test_fewer_examples_than_the_gate_asks_for_decide_nothing_however_clear() -> None:
    found = judge([1.0] * 20, [0.0] * 20)
    assert found.outcome == "insufficient"
    assert "decides from 30" in found.headline


def test_an_empty_set_decides_nothing() -> None:
    found = judge([], [])
    assert found.outcome == "insufficient"
    assert "no example" in found.headline
    assert found.still_needed


def test_a_metric_that_is_not_there_decides_nothing() -> None:
    found = decide(
        gate(guards=[{"metric": "tone", "margin": 0.1}]), evidence(pairs(*binary(400, 0.6, 0.15, 0.05)))
    )
    assert found.outcome == "insufficient"
    assert any("`tone` could not be compared" in r for r in found.reasons)


def test_a_constant_metric_decides_nothing_and_is_said() -> None:
    for value in (0.0, 0.5, 1.0):
        found = judge([value] * 200, [value] * 200)
        assert found.outcome in ("insufficient", "reject")
        assert any("for every example on both sides" in w for w in found.warnings)


def test_two_clusters_decide_nothing() -> None:
    candidate, baseline = scores(200, 0.5)
    names = ["one"] * 100 + ["two"] * 100
    found = decide(gate(), evidence(pairs(candidate, baseline, clusters=names)))
    assert found.outcome == "insufficient"
    assert "2 clusters" in found.headline
    assert found.needed_n == 600


def test_numbers_that_are_none_count_as_missing_against_the_candidate() -> None:
    candidate, baseline = binary(400, 0.6, 0.15, 0.05)
    holes: list[float | None] = [float("nan") if i % 4 == 0 else v for i, v in enumerate(candidate)]
    found = judge(holes, baseline)
    assert found.outcome == "reject"
    assert any("100 scores of the candidate missing, counted as the worst" in w for w in found.warnings)


def test_missing_scores_of_the_baseline_do_not_help_the_candidate() -> None:
    candidate, baseline = binary(400, 0.7, 0.1, 0.1)
    holes: list[float | None] = [None if i % 3 == 0 else v for i, v in enumerate(baseline)]
    assert judge(candidate, holes).outcome == "reject"
    # As the worst, the same holes would have made it look better.
    filled = [0.0 if v is None else v for v in holes]
    assert judge(candidate, filled).outcome == "promote"


def test_an_arm_that_failed_entirely_never_passes() -> None:
    n = 100
    dead = judge([0.0] * n, [1.0] * n, failed_candidate=n)
    assert dead.outcome == "reject"
    assert "no output for any" in dead.headline
    broken = judge([1.0] * n, [0.0] * n, failed_baseline=n)
    assert broken.outcome == "insufficient"
    assert "Run it again" in broken.headline


def test_a_guard_that_is_worse_rejects_and_one_that_is_not_shown_is_not_enough() -> None:
    candidate, baseline = binary(400, 0.6, 0.15, 0.05)
    spec = {"guards": [{"metric": "tone", "margin": 0.02}]}
    worse = judge(candidate, baseline, spec, pairs(*scores(400, -0.1), "tone"))
    assert worse.outcome == "reject"
    assert worse.headline.startswith("`tone` is worse by more than")
    open_ = judge(candidate, baseline, spec, pairs(*scores(400, 0.0, spread=0.4), "tone"))
    assert open_.outcome == "insufficient"
    assert open_.still_needed
    held = judge(candidate, baseline, spec, pairs(*scores(400, 0.0, spread=0.05), "tone"))
    assert held.outcome == "promote"


def test_a_guard_that_is_not_required_only_warns() -> None:
    spec = {"guards": [{"metric": "tone", "margin": 0.02, "required": False}]}
    found = judge(*binary(400, 0.6, 0.15, 0.05), spec, pairs(*scores(400, -0.1), "tone"))
    assert found.outcome == "promote"
    assert any("`tone` is worse" in w for w in found.warnings)


def test_a_metric_that_is_better_when_low_is_turned_round() -> None:
    spec = {"primary": {"metric": "latency", "effect": 20}}
    base, fast = [100.0 + i % 9 for i in range(100)], [60.0 + i % 7 for i in range(100)]

    def decided(candidate: list[float], baseline: list[float]) -> Decision:
        found = pairs(candidate, baseline, "latency", up=False, worst=None)
        return decide(gate(**spec), evidence(found))

    good = decided(fast, base)
    assert good.outcome == "promote"
    assert good.checks[0].bound is not None
    assert good.checks[0].bound < 0
    assert decided(base, fast).outcome == "reject"


def test_relative_margins_and_quantiles_use_paired_bootstrap_bounds() -> None:
    candidate, baseline = binary(300, 0.6, 0.2, 0.05)
    rng = np.random.default_rng(1)
    before = rng.lognormal(5, 0.4, 300)
    for factor, outcome in ((1.0, "promote"), (1.6, "reject")):
        after = before * factor * rng.lognormal(0, 0.02, 300)
        slow = pairs(after.tolist(), before.tolist(), "latency", up=False, worst=None)
        found = judge(
            candidate, baseline, {"guards": [{"metric": "latency", "margin": 0.2, "relative": True}]}, slow
        )
        assert found.outcome == outcome
        assert "bootstrap" in found.checks[1].test


def test_costs_of_nothing_on_both_sides_hold_a_relative_guard() -> None:
    free = pairs([0.0] * 300, [0.0] * 300, "cost", up=False, worst=None)
    spec = {"guards": [{"metric": "cost", "margin": 0.1, "relative": True}]}
    assert judge(*binary(300, 0.6, 0.2, 0.05), spec, free).outcome == "promote"
    paid = pairs([0.01] * 300, [0.0] * 300, "cost", up=False, worst=None)
    assert judge(*binary(300, 0.6, 0.2, 0.05), spec, paid).outcome == "reject"


def test_limits_bind_the_candidate_alone() -> None:
    slow = pairs([900.0] * 300, [900.0] * 300, "latency", up=False, worst=None)
    for most, outcome in ((1000, "promote"), (800, "reject")):
        found = judge(
            *binary(300, 0.6, 0.2, 0.05), {"limits": [{"metric": "latency", "at_most": most}]}, slow
        )
        assert found.outcome == outcome
    assert (
        judge(*binary(300, 0.6, 0.2, 0.05), {"limits": [{"metric": "cost", "at_most": 1}]}).outcome
        == "insufficient"
    )


def test_a_judge_that_has_not_earned_it_decides_nothing() -> None:
    found = judge(
        *binary(400, 0.6, 0.15, 0.05), untrusted={"correct": "the judge `strict` has 12 of 100 labels"}
    )
    assert found.outcome == "insufficient"
    assert "12 of 100 labels" in found.headline


def test_a_slice_that_is_worse_blocks_what_is_better_on_the_whole() -> None:
    n = 400
    tags = [("language:de",) if i < 100 else ("language:en",) for i in range(n)]
    candidate = [0.0 if i < 30 else 1.0 for i in range(n)]
    baseline = [1.0 if i < 200 else 0.0 for i in range(n)]
    found = decide(gate(slices=["language:"]), evidence(pairs(candidate, baseline, tags=tags)))
    assert found.checks[0].state == "pass"
    assert found.outcome == "reject"
    assert [s.tag for s in found.slices if s.blocks] == ["language:de"]


def test_small_slices_are_shown_and_not_tested() -> None:
    tags = [("rare",) if i < 10 else () for i in range(400)]
    found = decide(gate(slices=["rare", "absent"]), evidence(pairs(*binary(400, 0.6, 0.15, 0.05), tags=tags)))
    assert {s.tag: s.n for s in found.slices} == {"rare": 10, "absent": 0}
    assert all(s.p_worse is None and not s.blocks for s in found.slices)
    assert found.outcome == "promote"


def test_non_inferiority_passes_what_is_as_good_and_not_what_is_worse() -> None:
    spec = {"primary": {"metric": "correct", "test": "non_inferiority", "margin": 0.05}}
    assert judge(*binary(800, 0.7, 0.05, 0.05), spec).outcome == "promote"
    assert judge(*binary(800, 0.7, 0.02, 0.15), spec).outcome == "reject"


def test_decisions_are_the_same_for_the_same_evidence() -> None:
    given = evidence(pairs(*scores(100, 0.05)))
    assert decide(gate(), given) == decide(gate(), given)


def test_columns_that_name_an_example_twice_or_point_apart_are_refused() -> None:
    twice = column([1, 0], ids=["a", "a"])
    with pytest.raises(InvalidInputError, match="twice"):
        pair(twice, twice)
    with pytest.raises(InvalidInputError, match="when high on one side"):
        pair(column([1.0, 0.0], up=False), column([1.0, 0.0]))


def test_a_quantile_takes_examples_beyond_it() -> None:
    rng = np.random.default_rng(2)
    times = rng.lognormal(5, 0.4, 60).tolist()
    few = pairs([t * 1.01 for t in times], times, "p95(latency)", up=False, worst=None)
    found = judge(
        *binary(60, 0.5, 0.4, 0.0),
        {"guards": [{"metric": "p95(latency)", "margin": 0.2, "relative": True}]},
        replace(few, measure="p95", statistics=few.functions),
    )
    assert found.outcome == "insufficient"
    assert "compared from 100" in found.headline
