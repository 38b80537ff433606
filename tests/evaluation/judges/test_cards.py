"""A card says how far a judge agrees with people, and a gate trusts it as far as that."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from groundwork.bench.judges import card_of, power, simulated
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.judges.admission import admitted, labels_needed, trust_of
from groundwork.evaluation.judges.asking import PAIR_LABELS
from groundwork.evaluation.judges.cards import Judged, make_record
from groundwork.evaluation.judges.samples import Card

YES_NO = ("fail", "pass")


def items(n: int, agree: float, *, raters: int = 1, prevalence: float = 0.5, seed: int = 0) -> list[Judged]:
    """Return items that people pass in a share of cases and on which the judge agrees with them in another."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        human = "pass" if rng.random() < prevalence else "fail"
        other = "fail" if human == "pass" else "pass"
        said = human if rng.random() < agree else other
        people = {f"r{k}": human if rng.random() < 0.95 or k == 0 else other for k in range(raters)}
        made.append(Judged(str(i), people, said, log_ratio=float(rng.normal(5, 1))))
    return made


def test_a_card_holds_agreement_errors_and_confusion_with_their_intervals() -> None:
    table = [("pass", "pass", 40), ("pass", "fail", 10), ("fail", "pass", 5), ("fail", "fail", 45)]
    judged = [Judged(f"{h}{v}{k}", {"ann": h}, v) for h, v, n in table for k in range(n)]
    record = make_record(judged, YES_NO, "pass")
    assert record["n"] == 100
    assert record["confusion"] == {"fail": {"fail": 45, "pass": 5}, "pass": {"fail": 10, "pass": 40}}
    assert record["agreement"]["value"] == 0.85
    assert record["kappa"]["value"] == pytest.approx(0.70)
    assert record["sensitivity"]["value"] == 0.8
    assert record["specificity"]["value"] == 0.9
    assert record["correction"] == {
        "sensitivity": 0.8,
        "n_positive": 50,
        "specificity": 0.9,
        "n_negative": 50,
    }
    json.dumps(record, allow_nan=False)


def test_on_a_scale_near_misses_count_and_in_pairs_they_do_not() -> None:
    labels = ("poor", "fair", "good")
    judged = [Judged(str(i), {"a": labels[i % 3]}, labels[min(i % 3 + (i % 5 == 0), 2)]) for i in range(120)]
    record = make_record(judged, labels, "good")
    assert record["ordered"]
    assert record["kappa"]["value"] > record["kappa_unweighted"]["value"]
    pairs = [Judged(str(i), {"a": PAIR_LABELS[i % 3]}, PAIR_LABELS[i % 2]) for i in range(120)]
    assert not make_record(pairs, PAIR_LABELS, "first")["ordered"]


def test_several_people_are_measured_among_themselves_and_their_majority_against_the_judge() -> None:
    record = make_record(items(200, 0.9, raters=3), YES_NO, "pass")
    assert record["people"]["raters"] == 3
    assert 0.7 < record["people"]["alpha"]["value"] < 1
    assert len(record["people"]["pairs"]) == 3
    divided = [Judged(f"x{n}", {"a": "pass", "b": "fail"}, "pass") for n in range(40)]
    mixed = make_record([*divided, *items(60, 1.0)], YES_NO, "pass")
    assert (mixed["divided"], mixed["n"]) == (40, 100)
    assert 0.7 < mixed["agreement"]["value"] < 0.9


def test_two_people_who_share_only_few_items_are_told_apart_from_none() -> None:
    judged = [
        Judged(str(i), {"a": YES_NO[i % 2]} | ({"b": YES_NO[i % 2]} if i < 3 else {}), YES_NO[i % 2])
        for i in range(120)
    ]
    people = make_record(judged, YES_NO, "pass")["people"]
    assert people["twice"] == 3
    assert people["pairs"][0]["n"] == 3
    alone = make_record(items(20, 0.9), YES_NO, "pass")["people"]
    assert "nothing is known" in alone["note"]


def test_ac1_stands_beside_kappa_where_nearly_everything_has_one_label() -> None:
    assert "ac1" not in make_record(items(200, 0.9), YES_NO, "pass")
    record = make_record(items(200, 0.95, prevalence=0.95), YES_NO, "pass")
    assert record["ac1"]["value"] > record["kappa"]["value"]


@pytest.mark.parametrize(("human", "verdict"), [(None, "pass"), ("pass", None)])
def test_what_is_constant_has_no_kappa_and_lets_nobody_in(human: str | None, verdict: str | None) -> None:
    judged = [Judged(str(i), {"a": human or YES_NO[i % 2]}, verdict or YES_NO[i % 3 % 2]) for i in range(150)]
    record = make_record(judged, YES_NO, "pass")
    assert record["kappa"] is None
    gates, alone, reason = admitted(record)
    assert not gates
    assert not alone
    assert "`pass`" in reason


def test_a_judge_that_cannot_be_read_is_not_measured_on_what_can() -> None:
    judged = [
        *items(120, 1.0),
        *[Judged(f"x{i}", {"a": "pass"}, "", error="judge_garbage") for i in range(40)],
    ]
    record = make_record(judged, YES_NO, "pass")
    assert (record["n"], record["unread"]) == (120, 40)
    assert admitted(record) == (False, False, "40 of 160 verdicts could not be read; at most a tenth may be")
    mute = make_record([Judged("x", {"a": "pass"}, "", error="judge_garbage")], YES_NO, "pass")
    assert not admitted(mute | {"n": 200})[0]


def test_nothing_labelled_is_no_card() -> None:
    with pytest.raises(InvalidInputError, match="no item has a label of a person"):
        make_record([Judged("x", {}, "pass")], YES_NO, "pass")


@pytest.mark.parametrize(
    ("n", "low", "value", "gates", "alone", "words"),
    [
        (99, 0.9, 0.95, False, False, "1 more are needed"),
        (100, 0.39, 0.6, False, False, "more labels would do"),
        (100, 0.2, 0.35, False, False, "more labels would not help"),
        (100, 0.40, 0.7, True, False, "to decide unattended"),
        (100, 0.60, 0.8, True, True, ""),
    ],
)
def test_admission_is_by_the_lower_bound_and_says_what_would_change_it(
    n: int, low: float, value: float, gates: bool, alone: bool, words: str
) -> None:
    found = admitted({"n": n, "kappa": {"value": value, "low": low}})
    assert found[:2] == (gates, alone)
    assert words in found[2]


def test_the_labels_needed_bring_the_bound_where_it_should_be() -> None:
    assert labels_needed(100, 0.6, 0.4, 0.5) == 400
    assert labels_needed(100, 0.5, 0.3, 0.5) is None
    record = make_record(items(100, 0.8, seed=3), YES_NO, "pass")
    need = labels_needed(100, record["kappa"]["value"], record["kappa"]["low"], 0.5)
    assert need is not None
    again = make_record(items(need, 0.8, seed=3), YES_NO, "pass")
    width = record["kappa"]["value"] - record["kappa"]["low"]
    assert again["kappa"]["value"] - again["kappa"]["low"] == pytest.approx(
        width * (100 / need) ** 0.5, rel=0.15
    )


def test_a_card_of_another_version_counts_for_nothing() -> None:
    record: dict[str, Any] = {"n": 200, "kappa": {"value": 0.9, "low": 0.8}}
    card = Card("jcd_1", "right", "old", "card", record, "", "")
    assert trust_of("right", "old", card).unattended
    other = trust_of("right", "new", card)
    assert not other.gates
    assert "another version" in other.reason
    assert "nobody has measured it" in trust_of("right", "new", None).reason


def test_each_planted_leaning_is_found_and_an_honest_judge_is_cleared() -> None:
    rng = np.random.default_rng(1)
    for leaning in ("position", "length", "self_preference"):
        found = card_of(simulated(rng, 200, {leaning: 0.25}))
        assert found[leaning]["found"], leaning
        assert found[leaning]["points"]["value"] > 0.15
    honest = card_of(simulated(np.random.default_rng(6), 200, {}))
    assert [honest[k]["found"] for k in ("position", "length", "self_preference")] == [False, False, False]


def test_a_judge_of_single_outputs_that_likes_length_or_its_own_is_found() -> None:
    rng = np.random.default_rng(2)
    judged = []
    for i in range(400):
        human, long, own = rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5
        said = human if rng.random() < 0.9 else not human
        said = said or (own and rng.random() < 0.5)
        said = said and (long or rng.random() < 0.5)
        judged.append(
            Judged(
                str(i),
                {"a": YES_NO[human]},
                YES_NO[said],
                log_ratio=6.0 + long,
                family="gpt" if own else "llama",
            )
        )
    record = make_record(judged, YES_NO, "pass", family="gpt")
    assert record["length"]["found"]
    assert record["length"]["points"]["value"] > 0
    assert record["length"]["slope"]["low"] > 0
    assert record["self_preference"]["found"]
    assert record["self_preference"]["points"]["value"] > 0


def test_a_stratified_sample_is_weighted_back_to_what_it_was_drawn_from() -> None:
    rng = np.random.default_rng(4)
    judged = []
    for i in range(300):
        verdict = "pass" if i < 150 else "fail"
        human = verdict if rng.random() < (0.95 if verdict == "pass" else 0.6) else YES_NO[verdict == "fail"]
        weight = 6.0 if verdict == "pass" else 1.0
        judged.append(Judged(str(i), {"a": human}, verdict, weight=weight, stratum=verdict))
    record = make_record(judged, YES_NO, "pass")
    whole = [Judged(f"{j.item}/{k}", j.people, j.verdict) for j in judged for k in range(int(j.weight))]
    assert "weighted by stratum" in record["kappa"]["method"]
    assert record["kappa"]["value"] == pytest.approx(
        make_record(whole, YES_NO, "pass")["kappa"]["value"], abs=1e-6
    )
    assert record["kappa"]["low"] < record["kappa"]["value"] < record["kappa"]["high"]


@pytest.mark.slow
def test_a_leaning_of_15_points_is_found_in_nine_of_ten_cards_of_200_labels_and_one_that_is_not_there_in_one_of_twenty() -> (
    None
):
    found = power(500, 200, 0.15, seed=11)
    for leaning in ("position", "length", "self_preference"):
        assert found[leaning]["power"]["value"] >= 0.90, leaning
        assert found[leaning]["false_alarms"]["value"] <= 0.05, leaning
