"""Measure the gate's procedures: how often each promotes what is no better, and finds what is.

Every design runs the procedure on simulated worlds in which the candidate is no better (A/A; for non-inferiority it is worse
by exactly the margin) and on worlds in which it is better by what the design was planned for. The announced power is what
the platform says before a run: from the exact distributions where there are any, otherwise from other simulated worlds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from groundwork.bench import gates_designs as made
from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.rates import wilson

ALLOWED_FALSE = 0.055
ALLOWED_GAP = 0.03
ENOUGH = 1000
"""From so many runs the bounds hold for the rates themselves, with fewer for their intervals."""
Progress = Callable[[int, int, str], object]


def run(worlds: int = 2000, seed: int = 0, progress: Progress | None = None) -> dict[str, Any]:
    """Simulate every design.

    Args:
        worlds: runs of each design, A/A and with an effect, at least 20.
        seed: equal seeds make equal worlds.

    Returns:
        `{designs: [{design, procedure, n, clusters, false_promotion, false_promotion_low, false_promotion_high, power,
        power_low, power_high, announced_power, effect, worlds, holds}], comparators: [...], alpha, seed, worlds, seconds,
        holds}`. Rates are shares of the worlds with their 95 % Wilson intervals (cautious: worlds are drawn in strata).
    """
    if worlds < 20:
        raise InvalidInputError(f"{worlds} runs tell nothing", hint="simulate at least 20, or leave 2000")
    began = time.monotonic()
    rows: dict[str, list[dict[str, Any]]] = {"designs": [], "comparators": []}
    every = list(made.designs())
    for i, design in enumerate(every):
        rng = np.random.default_rng([seed, i])
        found = design.simulate(rng, worlds)
        rows["comparators" if design.comparator else "designs"].append(_row(design, found, worlds))
        if progress is not None:
            progress(i + 1, len(every), design.name)
    designs = rows["designs"]
    return {
        **rows,
        "alpha": made.ALPHA,
        "worlds": worlds,
        "seed": seed,
        "most_false": max(d["false_promotion"] for d in designs),
        "widest_gap": max(
            abs(d["power"] - d["announced_power"]) for d in designs if d["announced_power"] is not None
        ),
        "holds": all(d["holds"] for d in designs),
        "digest": digest_json([[d["design"], d["false_promotion"], d["power"]] for d in designs]),
        "seconds": round(time.monotonic() - began, 2),
    }


def _row(design: made.Design, found: made.Found, worlds: int) -> dict[str, Any]:
    wrong = wilson(int(found.false), worlds)
    right = wilson(int(found.right), worlds) if found.right is not None else None
    announced = found.announced
    row: dict[str, Any] = {
        "design": design.name,
        "procedure": design.procedure,
        "n": design.n,
        "clusters": design.clusters,
        "effect": design.effect,
        "false_promotion": wrong.value,
        "false_promotion_low": wrong.low,
        "false_promotion_high": wrong.high,
        "power": right.value if right else None,
        "power_low": right.low if right else None,
        "power_high": right.high if right else None,
        "announced_power": announced,
        "worlds": worlds,
    }
    row |= found.more
    if not design.comparator:
        gap = 0.0 if right is None or announced is None else abs(right.value - announced)
        few = worlds < ENOUGH
        slack = 2 * ((right.high - right.low) / 2) if few and right else 0.0
        row["holds"] = (wrong.low if few else wrong.value) <= ALLOWED_FALSE and gap <= ALLOWED_GAP + slack
    return row
