"""The whole gate, guards and slices included, on simulated columns: how often it promotes what is no better."""

from __future__ import annotations

import numpy as np
import pytest

from groundwork.evaluation.gates.deciding import decide
from tests.evaluation.gates.columns import evidence, gate, pairs

N = 200
RUNS = 150
GUARDED = {
    "guards": [{"metric": "quality", "margin": 0.05}],
    "limits": [{"metric": "quality", "at_least": 0.1}],
    "slices": ["language:"],
}


def simulate(
    runs: int, gain: float, *, clusters: int = 0, seed: int = 0, harm: float = 0.0
) -> dict[str, float]:
    """Return the share of each outcome over runs in which the candidate is truly better by `gain`."""
    rng = np.random.default_rng(seed)
    spec = gate(**GUARDED)
    outcomes = {"promote": 0, "reject": 0, "insufficient": 0}
    for _ in range(runs):
        groups = np.arange(N) if not clusters else np.arange(N) % clusters
        # Within a cluster the differences go together: whether the candidate wins there is drawn once for half of them.
        lean = rng.random(clusters or 1)
        draw = (
            np.where(rng.random(N) < 0.5, lean[groups % (clusters or 1)], rng.random(N))
            if clusters
            else rng.random(N)
        )
        apart = rng.random(N) < 0.25
        won = draw < 0.5 + gain / 0.5
        baseline = np.where(apart, ~won, rng.random(N) < 0.7).astype(float)
        candidate = np.where(apart, won, baseline).astype(float)
        level = rng.normal(0.7, 0.1, N)
        other = level + rng.normal(-harm, 0.1, N)
        names = [f"g{g}" for g in groups]
        tags = [("language:de",) if n % 3 == 0 else ("language:en",) for n in range(N)]
        found = decide(
            spec,
            evidence(
                pairs(candidate.tolist(), baseline.tolist(), clusters=names, tags=tags),
                pairs(other.tolist(), level.tolist(), "quality", clusters=names, tags=tags),
            ),
        )
        outcomes[found.outcome] += 1
    return {k: v / runs for k, v in outcomes.items()}


@pytest.mark.parametrize("clusters", [0, 12, 40])
def test_what_is_no_better_is_hardly_ever_promoted(clusters: int) -> None:
    found = simulate(RUNS, 0.0, clusters=clusters)
    # 5.5 % and the chance of this many runs: three standard errors of a true 5 %.
    assert found["promote"] <= 0.055 + 3 * (0.05 * 0.95 / RUNS) ** 0.5


def test_a_planted_regression_is_rejected() -> None:
    found = simulate(60, -0.1)
    assert found["promote"] == 0
    assert found["reject"] >= 0.98


def test_a_guard_that_is_harmed_rejects_a_better_candidate() -> None:
    found = simulate(40, 0.12, harm=0.1)
    assert found["promote"] == 0
    assert found["reject"] >= 0.98


def test_a_better_candidate_is_promoted() -> None:
    assert simulate(60, 0.1)["promote"] >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [0, 8, 20, 50])
def test_the_level_holds_over_many_runs(clusters: int) -> None:
    assert simulate(4000, 0.0, clusters=clusters, seed=1)["promote"] <= 0.055
