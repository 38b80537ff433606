"""Tests that may be looked at after every example: levels, state, and numbers that stay finite."""

from __future__ import annotations

import json
from itertools import product
from math import exp, isfinite, log
from typing import Literal

import numpy as np
import pytest

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.confidence_sequence import ConfidenceSequence
from groundwork.evaluation.statistics.power import power_sequential
from groundwork.evaluation.statistics.sequential import (
    SequentialPairs,
    SequentialRates,
    average_e,
    log_e_value,
    log_e_values,
)

Outcome = Literal["win", "loss", "tie"]


def test_the_bet_begins_at_one_and_is_fair_at_every_step() -> None:
    assert log_e_value(0, 0) == pytest.approx(0)
    for w, lost in product(range(15), range(15)):
        after = (exp(log_e_value(w + 1, lost)) + exp(log_e_value(w, lost + 1))) / 2
        assert after == pytest.approx(exp(log_e_value(w, lost)))


def test_the_bet_stays_finite_however_one_sided_the_pairs_are() -> None:
    assert log_e_value(5000, 0) == pytest.approx(5001 * log(2) - log(5001), rel=1e-6)
    assert all(isfinite(log_e_value(0, n)) for n in (1000, 5000, 100_000))
    assert log_e_value(0, 2000) < log_e_value(0, 1000) < 0
    w, lost = np.meshgrid(np.arange(40), np.arange(40))
    assert np.allclose(log_e_values(w, lost), np.vectorize(log_e_value)(w, lost))


def test_a_run_of_wins_decides_for_benefit_and_a_run_of_losses_for_harm() -> None:
    for outcome, decision in (("win", "benefit"), ("loss", "harm")):
        process = SequentialPairs()
        found = [process.add(outcome) for _ in range(12)]  # type: ignore[arg-type]
        assert found[-1] == decision
        assert process.decided_at == found.index(decision) + 1
        assert process.add("win" if outcome == "loss" else "loss") == decision


def test_ties_move_nothing_but_the_count() -> None:
    process = SequentialPairs()
    for _ in range(100):
        assert process.add("tie") is None
    assert (process.n, process.benefit, process.p_benefit, process.p_harm) == (
        100,
        pytest.approx(0),
        1.0,
        1.0,
    )


def test_both_budgets_are_their_own() -> None:
    careful, quick = SequentialPairs(harm_alpha=0.001), SequentialPairs(harm_alpha=0.2)
    for _ in range(8):
        careful.add("loss")
        quick.add("loss")
    assert quick.decision == "harm"
    assert careful.decision is None


def test_a_process_goes_on_from_what_was_stored() -> None:
    rng = np.random.default_rng(0)
    words: list[Outcome] = [("win", "loss", "tie")[i] for i in rng.choice(3, 200, p=[0.2, 0.1, 0.7])]
    whole, parted = SequentialPairs(), SequentialPairs()
    for word in words:
        whole.add(word)
        parted = SequentialPairs.restore(json.loads(json.dumps(parted.state())))
        parted.add(word)
    assert parted.state() == whole.state()
    rates, again = SequentialRates(), SequentialRates()
    for side, good in zip(rng.random(300) < 0.3, rng.random(300) < 0.8, strict=True):
        rates.add("candidate" if side else "baseline", bool(good))
        again = SequentialRates.restore(json.loads(json.dumps(again.state())))
        again.add("candidate" if side else "baseline", bool(good))
    assert again.state() == rates.state()


def test_no_better_candidate_is_promoted_in_more_than_five_of_a_hundred_streams_at_any_look() -> None:
    assert power_sequential(500, 0.2, 0.0) == pytest.approx(0.029, abs=0.001)
    assert power_sequential(500, 0.2, 0.0, every=10) == pytest.approx(0.0226, abs=0.001)
    assert power_sequential(500, 0.2, 0.1) > 0.99
    assert power_sequential(0, 0.2, 0.1) == 0.0


def test_the_announced_power_of_looking_is_what_streams_show() -> None:
    rng, found = np.random.default_rng(3), 0
    for _ in range(400):
        process = SequentialPairs()
        for u in rng.random(150):
            if process.add("win" if u < 0.2 else "loss" if u > 0.95 else "tie") == "benefit":
                found += 1
                break
    assert found / 400 == pytest.approx(power_sequential(150, 0.25, 0.15), abs=0.06)


def test_rates_on_different_requests_find_harm_and_rarely_where_there_is_none() -> None:
    rng = np.random.default_rng(4)
    decided = {0.85: 0, 0.65: 0}
    for rate in decided:
        for _ in range(100):
            process = SequentialRates()
            for mine, u in zip(rng.random(600) < 0.5, rng.random(600), strict=True):
                process.add("candidate" if mine else "baseline", bool(u < (rate if mine else 0.85)))
            decided[rate] += process.decision == "harm"
    assert decided[0.85] <= 5
    assert decided[0.65] >= 90


def test_one_side_alone_says_nothing() -> None:
    process = SequentialRates()
    for _ in range(500):
        assert process.add("baseline", True) is None
    assert process.benefit == process.harm == 0


@pytest.mark.parametrize("method", ["bernstein", "betting"])
def test_a_confidence_sequence_narrows_and_holds_the_mean_at_every_moment(
    method: Literal["bernstein", "betting"],
) -> None:
    rng, missed = np.random.default_rng(5), 0
    for _ in range(60):
        sequence, width = ConfidenceSequence(method=method), 1.0
        held = True
        for x in rng.beta(3, 1, 150):
            made = sequence.add(float(x))
            held &= made.low <= 0.75 <= made.high
            assert made.width <= width + 1e-12
            width = made.width
        missed += not held
        assert width < 0.35
    assert missed <= 6


def test_a_confidence_sequence_goes_on_from_what_was_stored() -> None:
    for method in ("bernstein", "betting"):
        whole = ConfidenceSequence(low=-1, high=1, method=method)  # type: ignore[arg-type]
        parted = ConfidenceSequence(low=-1, high=1, method=method)  # type: ignore[arg-type]
        for x in np.random.default_rng(6).uniform(-1, 1, 50):
            made = whole.add(float(x))
            parted = ConfidenceSequence.restore(json.loads(json.dumps(parted.state())))
            assert parted.add(float(x)) == made


def test_scores_outside_their_bounds_are_refused() -> None:
    sequence = ConfidenceSequence()
    for x in (1.5, -0.1, float("nan")):
        with pytest.raises(InvalidInputError, match=r"outside 0\.\.1"):
            sequence.add(x)
    assert sequence.interval.low == 0
    assert sequence.interval.high == 1
    with pytest.raises(InvalidInputError):
        SequentialPairs().add("draw")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        SequentialPairs(alpha=0)


def test_the_mean_of_e_values_is_one() -> None:
    assert average_e([0.0, 4.0]) == 2.0
    for wrong in ([], [-1.0], [float("inf")]):
        with pytest.raises(InvalidInputError):
            average_e(wrong)
