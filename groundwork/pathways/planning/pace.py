"""A person's own pace, from the labs they have finished: how long they took against what was estimated.

The logarithm of the ratio is normal around the person's own mean; the belief in that mean begins at 0 with the spread of the
way, and each lab sharpens it (conjugate normal with known noise). Nobody is asked for an estimate of themselves: students'
own worst cases were held by half of them (Buehler, Griffin and Ross, 1994).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

from groundwork.pathways.planning.types import Pace

LAB_NOISE = 0.35
"""Spread of the logarithm of one lab's ratio around the person's own; an estimate of ours until enough labs are measured."""
MAX_RATIO = 5.0
"""A lab is counted as at most so many times as long, or as short, as estimated: somebody left it open, or knew it."""


def learned(sigma: float, minutes: Iterable[tuple[float, float]], *, noise: float = LAB_NOISE) -> Pace:
    """Return what is believed of a person's pace.

    Args:
        sigma: spread of the speed before anything is known. minutes: of each finished lab, taken and estimated.
    """
    logs = []
    for taken, estimated in minutes:
        if taken > 0 and estimated > 0:
            ratio = taken / estimated
            logs.append(math.log(min(MAX_RATIO, max(1 / MAX_RATIO, ratio))))
    if not logs or sigma <= 0:
        return Pace(0.0, sigma, 0)
    precision = 1 / sigma**2 + len(logs) / noise**2
    return Pace(sum(logs) / noise**2 / precision, precision**-0.5, len(logs))


def sentence(pace: Pace) -> str:
    """Say the pace in words."""
    if not pace.n:
        return "Your pace is not known yet; the plan takes the reference and learns from the labs you finish."
    factor = math.exp(pace.mean)
    labs = f"{pace.n} finished lab{'s' if pace.n != 1 else ''}"
    if 0.95 < factor < 1.05:
        return f"By {labs} your pace is that of the reference."
    if factor > 1:
        return f"By {labs} your pace is {factor:.2g} times slower than the reference."
    return f"By {labs} your pace is {1 / factor:.2g} times faster than the reference."


def moved(before: date, after: date) -> str:
    """Say where the middle of a forecast went."""
    if (before.year, before.month) == (after.year, after.month):
        return f"The forecast stays in {before:%B %Y}."
    return f"The forecast moved from {before:%B %Y} to {after:%B %Y}."
