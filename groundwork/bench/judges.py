"""Measure how far judges agree with people on published sets, and whether a card finds a judge that leans.

Every agreement is computed from the verdicts in the folder; where a figure is published for the same two raters it stands
beside ours. The simulation plants a leaning of known size into a judge that else makes honest mistakes, makes the card, and
counts how often the card says so; without a leaning it counts how often the card says so wrongly.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundwork.bench.judged_sets import JudgedSet, ReadSet, raters_of, read_set
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.judges.admission import admitted
from groundwork.evaluation.judges.asking import PAIR_LABELS
from groundwork.evaluation.judges.cards import Judged, make_record, shown_interval
from groundwork.evaluation.statistics.agreement import (
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)
from groundwork.evaluation.statistics.rates import wilson

LABELS = 200
BIAS = 0.15
ACCURACY = 0.80
"""How often the simulated judge says what people say, when it does not lean."""
LEANINGS = ("position", "length", "self_preference")


def run(
    folders: Sequence[Path],
    *,
    simulate: int = 400,
    labels: int = LABELS,
    bias: float = BIAS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Return agreement on each folder, and power and false alarms of the card over `simulate` made-up judges each."""
    begun = time.perf_counter()
    result: dict[str, Any] = {}
    if folders:
        result["sets"] = {folder.name: measured(read_set(folder)) for folder in folders}
    if simulate:
        result["simulation"] = power(simulate, labels, bias, seed, progress)
    result["seed"] = seed
    result["wall_s"] = round(time.perf_counter() - begun, 1)
    return result


def measured(found: ReadSet) -> dict[str, Any]:
    """Return every agreement of a set with its interval: people among themselves, each judge with each of them and all."""
    result: dict[str, Any] = {"kind": found.kind, "data": found.digest[:12]}
    if not found.judged:
        return {**result, "note": found.note}
    first = found.judged[0]
    result["items"] = len(first.items)
    if len(raters_of(first.items)) > 1:
        result["people"] = _people(first, found.published)
    result["judges"] = {one.judge: _judge(one) for one in found.judged}
    return result


def _people(one: JudgedSet, published: Mapping[str, float]) -> dict[str, Any]:
    raters = raters_of(one.items)
    ratings = [[j.people.get(r) for j in one.items] for r in raters]
    found: dict[str, Any] = {}
    for (i, a), (k, b) in itertools.combinations(enumerate(ratings, 1), 2):
        entry = _agreement(a, b, one.labels)
        if f"{i}-{k}" in published:
            entry["published"] = published[f"{i}-{k}"]
        found[f"{raters[i - 1]} with {raters[k - 1]}"] = entry
    found["krippendorff_alpha"] = shown_interval(krippendorff_alpha(ratings, labels=list(one.labels)))
    return found


def _judge(one: JudgedSet) -> dict[str, Any]:
    card = make_record(one.items, one.labels, one.passing, family=one.family, ordered=False)
    allowed = admitted(card)
    found: dict[str, Any] = {"n": card["n"], "unread": card["unread"], "divided": card["divided"]}
    found["with most people"] = {k: card[k] for k in ("agreement", "kappa", "ac1") if card.get(k)}
    raters = raters_of(one.items)
    if len(raters) > 1:
        for rater in raters:
            found[f"with {rater}"] = _agreement(
                [j.people.get(rater) for j in one.items], _verdicts(one), one.labels
            )
    final = [j.members.get("final", {}).get("label") for j in one.items]
    if any(final):
        found["with the final label"] = _agreement(final, _verdicts(one), one.labels)
        if card["unread"]:
            every = tuple(dict.fromkeys((*one.labels, *one.said)))
            found["with the final label, unread as a label"] = _agreement(final, one.said, every)
    if len(one.labels) > 2 and one.labels != PAIR_LABELS:
        scale = make_record(one.items, one.labels, one.passing, ordered=True)
        found["kappa, quadratic weights"] = scale["kappa"]
    for name in ("sensitivity", "specificity", "position", "length", "self_preference"):
        if card.get(name) and not (name in LEANINGS and card[name].get("found") is None):
            found[name] = card[name]
    for name, value in one.rounds.items():
        found[name] = round(value, 4)
    found["may gate"], found["may gate unattended"] = allowed[0], allowed[1]
    found["because"] = allowed[2] or "its lower bound of kappa is at least .60 on at least 100 labels"
    return found


def _verdicts(one: JudgedSet) -> list[str | None]:
    return [j.verdict or None for j in one.items]


def _agreement(a: Sequence[str | None], b: Sequence[str | None], labels: Sequence[str]) -> dict[str, Any]:
    both = [(x, y) for x, y in zip(a, b, strict=True) if x in labels and y in labels]
    one, other = [x for x, _ in both], [y for _, y in both]
    found: dict[str, Any] = {"n": len(both)}
    try:
        found["kappa"] = shown_interval(cohen_kappa(one, other, labels=labels))
        found["agreement"] = shown_interval(percent_agreement(one, other))
        found["ac1"] = shown_interval(gwet_ac1(one, other, labels=labels))
    except InvalidInputError as error:
        found["note"] = error.message
    return found


# ---- simulation ----


def power(
    runs: int,
    labels: int = LABELS,
    bias: float = BIAS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Return how often a card finds a planted leaning, and how often it finds one that is not there, with Wilson intervals.

    A leaning of 15 points means that the judge takes the first place, the longer output, or its own family in 15 of 100
    pairs more than a judge without it: in 65 instead of 50.
    """
    rng = np.random.default_rng(seed)
    designs: dict[str, dict[str, Any]] = {}
    total, done = runs * 2 * len(LEANINGS), 0
    for leaning in LEANINGS:
        found = {}
        for name, size in (("power", bias), ("false_alarms", 0.0)):
            hits = 0
            for _ in range(runs):
                hits += bool(card_of(simulated(rng, labels, {leaning: size}))[leaning].get("found"))
                done += 1
                if done % 100 == 0:
                    progress(done, total)
            found[name] = shown_interval(wilson(hits, runs))
        designs[leaning] = found
    return {
        "runs": runs,
        "labels": labels,
        "bias_points": round(100 * bias, 1),
        "accuracy": ACCURACY,
        **designs,
    }


def card_of(items: Sequence[Judged]) -> dict[str, Any]:
    """Return the card of a simulated judge of pairs."""
    return make_record(items, PAIR_LABELS, "first", family="gpt")


def simulated(rng: np.random.Generator, n: int, bias: Mapping[str, float]) -> list[Judged]:
    """Return pairs as a judge would judge them that agrees with people in 80 of 100 and leans by `bias`.

    In each pair one output is of the judge's family, lengths are log-normal, and people prefer either equally often, so that
    a judge that follows its leaning in a share 2b of the pairs, and judges honestly else, takes that side b more often.
    """
    truth = rng.random(n) < 0.5
    ratio = rng.normal(0.0, 0.7, n)
    own = rng.random(n) < 0.5
    items = []
    for i in range(n):
        honest = truth[i] if rng.random() < ACCURACY else not truth[i]
        said = []
        for first_shown in (True, False):
            pick = bool(honest)
            if rng.random() < 2 * bias.get("position", 0.0):
                pick = first_shown
            if rng.random() < 2 * bias.get("length", 0.0):
                pick = bool(ratio[i] > 0)
            if rng.random() < 2 * bias.get("self_preference", 0.0):
                pick = bool(own[i])
            said.append("first" if pick else "second")
        items.append(
            Judged(
                item=str(i),
                people={"ann": "first" if truth[i] else "second"},
                verdict=said[0] if said[0] == said[1] else "tie",
                preference=said[0],
                swapped=said[1],
                log_ratio=float(ratio[i]),
                family="gpt" if own[i] else "llama",
                other_family="llama" if own[i] else "gpt",
            )
        )
    return items
