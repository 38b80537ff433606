"""Where a judge leans: to a place, to a length, to its own family. Always beside what people say of the same items.

A judge that prefers longer answers where people do so too is right, so length and family are measured on the difference
between judge and people; the plain slope of procedure P7 is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.statistics.bias import length_bias, position_bias
from groundwork.evaluation.statistics.bias import self_preference as welch_preference
from groundwork.evaluation.statistics.paired_binary import mcnemar, tango

ALPHA = 0.05
LEAST = 10
"""Items below which nothing is said of a leaning."""


def position(preferences: Sequence[str], swapped: Sequence[str], level: float = 0.95) -> dict[str, Any]:
    """Return whether a judge of pairs prefers a place: exact binomial test over the pairs whose verdict moved with it.

    Args:
        preferences, swapped: `a`, `b` or `tie`, both in terms of the same two outputs.
    """
    if not preferences:
        return {"found": None, "note": "no pair was judged in both orders"}
    made = position_bias(preferences, swapped, level)
    return {
        "found": made.p_value < ALPHA,
        "p_value": round(made.p_value, 6),
        "n": made.n,
        "first": made.first,
        "second": made.second,
        "consistent": _plain(made.consistent),
        "first_share": _plain(made.first_share) if made.first_share else None,
        "points": _plain(made.bias),
    }


def length(
    judge: Sequence[float],
    people: Sequence[float],
    log_ratio: Sequence[float | None],
    *,
    pairs: bool,
    level: float = 0.95,
) -> dict[str, Any]:
    """Return whether a judge prefers longer outputs more than people do.

    Args:
        judge, people: 1, .5 or 0 for the first of a pair; 1 or 0 for passing.
        log_ratio: ln(length of the first / of the second) of a pair; ln(length) of one output; None where unknown.

    Returns:
        `points`: in how many more of 100 items it sides with the longer one than people do. Of one output, how much more
        than people it passes those longer than the median, compared with the others.
    """
    known = [(j, p, r) for j, p, r in zip(judge, people, log_ratio, strict=True) if r is not None]
    if len(known) < LEAST:
        return {
            "found": None,
            "n": len(known),
            "note": f"lengths of {len(known)} items are known; {LEAST} are needed",
        }
    j, p, r = (np.asarray(column, dtype=np.float64) for column in zip(*known, strict=True))
    if not pairs:
        r = r - float(np.median(r))
    found = {"n": len(known), "slope": _slope(j, r), "people": _slope(p, r)}
    differs = np.abs(r) > 1e-9
    if pairs:
        return {**found, **_paired((j - p)[differs] * np.sign(r)[differs], level)}
    longer = r > 1e-9 if (r > 1e-9).any() else r > -1e-9
    return {**found, **_grouped(j, p, longer, level)}


def self_preference(
    judge: Sequence[float],
    people: Sequence[float],
    own: Sequence[int | None],
    *,
    pairs: bool,
    family: str = "",
    level: float = 0.95,
) -> dict[str, Any]:
    """Return whether a judge is kinder to outputs of its own family than people are.

    Args:
        own: of one output 1 where it is of the family, 0 where not; of a pair 1 where only the first is, -1 where only the
            second is; None where nobody knows.

    Returns:
        `points`: of pairs, in how many more of 100 it sides with its own than people do; of one output, how much more than
        people it passes its own, compared with the others.
    """
    known = [(j, p, o) for j, p, o in zip(judge, people, own, strict=True) if o is not None]
    mine = sum(1 for _, _, o in known if o)
    base: dict[str, Any] = {"family": family, "own": mine, "n": len(known)}
    if mine < LEAST or (not pairs and len(known) - mine < LEAST):
        return {
            **base,
            "found": None,
            "note": f"{mine} outputs are known to be of its own family; {LEAST} are needed",
        }
    j, p, o = (np.asarray(column, dtype=np.float64) for column in zip(*known, strict=True))
    if pairs:
        return {**base, **_paired(((j - p) * o)[o != 0], level)}
    return {**base, **_grouped(j, p, o > 0, level)}


def _paired(gaps: Any, level: float) -> dict[str, Any]:
    """Return by how much signed gaps between judge and people are off zero: exact binomial, Tango's interval."""
    towards, away = int((gaps > 1e-9).sum()), int((gaps < -1e-9).sum())
    n = int(gaps.size)
    if not n:
        return {"found": None, "note": "no pair tells"}
    p_value = mcnemar(towards, away, alternative="two-sided", strict=True).p_value
    return {
        "found": p_value < ALPHA,
        "p_value": round(p_value, 6),
        "towards": towards,
        "away": away,
        "points": _plain(tango(towards, away, n, level)),
    }


def _grouped(judge: Any, people: Any, group: Any, level: float) -> dict[str, Any]:
    try:
        made = welch_preference(list(judge), list(people), list(group), level)
    except InvalidInputError as error:
        return {"found": None, "note": error.message}
    return {
        "found": made.p_value < ALPHA,
        "p_value": round(made.p_value, 6),
        "points": _plain(made.difference),
    }


def _slope(preferred: Any, log_ratio: Any) -> dict[str, Any] | None:
    """Return the slope of a logistic regression on the log length ratio, ties left out; None where there is none."""
    decided = np.abs(preferred - 0.5) > 1e-9
    try:
        made = length_bias(list(preferred[decided]), list(log_ratio[decided]))
    except (InvalidInputError, ValueError, np.linalg.LinAlgError):
        return None
    if not np.isfinite([made.slope.value, made.slope.low, made.slope.high]).all():
        return None
    return {
        **_plain(made.slope),
        "odds_twice_as_long": round(made.odds_twice_as_long, 4),
        "p_value": round(made.p_value, 6),
        "n": made.n,
    }


def _plain(made: Any) -> dict[str, Any]:
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in made.as_dict().items()}
