"""What is said of a tuning: the gain of choosing so, every configuration with its test, and whether to change anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from groundwork.evaluation.statistics.comparing import PairedComparison, compare_paired
from groundwork.evaluation.statistics.multiplicity import holm
from groundwork.evaluation.tuning.selecting import Chosen, Floats, Places, Scores, Unseen
from groundwork.evaluation.tuning.types import Configuration, said_p

MIN_N = 30
MIN_CLUSTERS = 10
"""Fewer clusters leave blocks that hold none."""


def report(
    scores: Scores,
    configurations: Sequence[Configuration],
    clusters: Sequence[str],
    weights: Sequence[float],
    chosen: Chosen,
    unseen: Unseen | None,
    order: Places,
    *,
    binary: bool,
    sign: float,
    alpha: float,
    costs: Mapping[int, Mapping[str, float]],
) -> dict[str, Any]:
    """Return what came out, JSON-compatible; nothing of it is about examples that a choice had seen, but where it says so.

    Args:
        chosen: of all examples. unseen: None where there are too few examples to look at it so.
        sign: 1 where higher is better, else -1; scores are turned so that higher is better, the report turns them back.
        costs: by configuration, mean latency and cost.
    """
    n = len(clusters)
    rows = [
        _row(scores, i, c, chosen, order, clusters, weights, binary, sign, alpha, costs.get(i, {}))
        for i, c in enumerate(configurations)
    ]
    _adjust(rows)
    best = rows[chosen.best]
    found: dict[str, Any] = {
        "n": n,
        "clusters": len(set(clusters)),
        "alpha": alpha,
        "configurations": sorted(rows, key=lambda r: (-r["n"], -sign * r["value"], r["place"])),
        "default": rows[0]["value"],
        "chosen": {
            "place": chosen.best,
            "title": best["title"],
            "changes": best["changes"],
            "value": best["value"],
        },
        "naive_gain": best["gain"]["value"] if chosen.best else 0.0,
        "gain": None,
        "blocks": [],
    }
    if unseen is not None and len(unseen.places):
        groups, heavy = [clusters[p] for p in unseen.places], [weights[p] for p in unseen.places]
        found["gain"] = _gain(_paired(unseen.chosen, unseen.default, groups, heavy, binary, alpha), sign)
        found["blocks"] = _blocks(unseen, configurations, sign)
    found |= _verdict(found, best, chosen.best, alpha)
    return found


def _blocks(unseen: Unseen, configurations: Sequence[Configuration], sign: float) -> list[dict[str, Any]]:
    gains = sign * (unseen.chosen - unseen.default)
    ends = np.cumsum([len(b.places) for b in unseen.blocks])
    return [
        {
            "before": b.before,
            "n": len(b.places),
            "place": b.chosen,
            "title": configurations[b.chosen].title,
            "gain": float(gains[end - len(b.places) : end].mean()),
        }
        for b, end in zip(unseen.blocks, ends, strict=True)
    ]


def _row(
    scores: Scores,
    place: int,
    configuration: Configuration,
    chosen: Chosen,
    order: Places,
    clusters: Sequence[str],
    weights: Sequence[float],
    binary: bool,
    sign: float,
    alpha: float,
    costs: Mapping[str, float],
) -> dict[str, Any]:
    """Return one configuration on the examples it was tried on, against the app as it is on the same ones."""
    part = np.sort(order[: chosen.seen[place]])
    own, default = scores.of(place, part), scores.of(0, part)
    groups, heavy = [clusters[p] for p in part], [weights[p] for p in part]
    paired = _paired(own, default, groups, heavy, binary, alpha)
    whole = len(part) == len(clusters)
    value, low, high = _interval(own * sign, groups, heavy)
    return {
        "place": place,
        "title": configuration.title,
        "changes": dict(configuration.changes),
        "n": len(part),
        "whole": whole,
        "value": value,
        "low": low,
        "high": high,
        "gain": _gain(paired, sign),
        # One that was dropped on the way has shown nothing; it still counts in the correction.
        "p": paired.p_value if whole and place and paired.p_value is not None else 1.0,
        "p_holm": 1.0,
        **costs,
    }


def _adjust(rows: Sequence[dict[str, Any]]) -> None:
    others = [r for r in rows if r["place"]]
    for row, adjusted in zip(others, holm([r["p"] for r in others]), strict=True):
        row["p_holm"] = adjusted


def _paired(
    own: Floats,
    default: Floats,
    clusters: Sequence[str],
    weights: Sequence[float],
    binary: bool,
    alpha: float,
) -> PairedComparison:
    return compare_paired(
        own,
        default,
        list(clusters),
        binary=binary,
        alternative="greater",
        alpha=alpha,
        min_n=MIN_N,
        weights=list(weights),
    )


def _gain(paired: PairedComparison, sign: float) -> dict[str, Any]:
    """Return a paired difference in the units and the direction of the metric."""
    interval = paired.difference
    value = paired.mean if paired.mean is not None else 0.0
    ends = None if interval is None else sorted((sign * interval.low, sign * interval.high))
    return {
        "value": sign * value,
        "better": value > 0,
        "low": ends[0] if ends else None,
        "high": ends[1] if ends else None,
        "p": paired.p_value,
        "test": paired.test,
        "n": paired.n,
        "clusters": paired.clusters,
        "wins": paired.wins,
        "losses": paired.losses,
        "sufficient": paired.sufficient,
        "reason": paired.reason,
        "needed_n": paired.needed_n,
        "statement": paired.statement,
    }


def _interval(
    values: Floats, clusters: Sequence[str], weights: Sequence[float]
) -> tuple[float, float | None, float | None]:
    from groundwork.evaluation.metrics._base import mean_measured

    found = mean_measured([float(v) for v in values], clusters, weights)
    return float(found.value if found.value is not None else 0.0), found.low, found.high


def _verdict(found: Mapping[str, Any], best: Mapping[str, Any], place: int, alpha: float) -> dict[str, Any]:
    """Say whether to change anything, and why not."""
    gain, recommended, outcome = found["gain"], False, "keep"
    if found["n"] < MIN_N or found["clusters"] < MIN_CLUSTERS or gain is None:
        outcome = "insufficient"
        reason = (
            f"{found['n']} examples in {found['clusters']} clusters show nothing: "
            f"at least {MIN_N} in {MIN_CLUSTERS} are needed"
        )
    elif place == 0:
        reason = "no configuration scored better than the app as it is"
    elif not gain["sufficient"] or gain["p"] is None or gain["p"] > alpha:
        outcome = "insufficient"
        needed = gain["needed_n"] if gain["better"] else None
        more = f"; about {needed:,} unseen examples would show a gain of this size" if needed else ""
        why = gain["reason"] or said_p(gain["p"])
        reason = f"on unseen examples the gain of choosing so may be luck ({why}){more}"
    elif best["p_holm"] > alpha:
        outcome = "insufficient"
        reason = (
            f"choosing so gains, but no single configuration is shown to: `{best['title']}` has "
            f"{said_p(best['p_holm'])} after Holm's correction for {len(found['configurations']) - 1} configurations"
        )
    else:
        recommended, outcome = True, "change"
        reason = (
            f"`{best['title']}` is better ({said_p(best['p_holm'])} after Holm's correction), and choosing so "
            f"gains on unseen examples too ({said_p(gain['p'])})"
        )
    return {"recommended": recommended, "outcome": outcome, "reason": reason}
