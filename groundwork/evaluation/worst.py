"""The examples an evaluation did worst on, with what the scorers say of why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.evaluation.types import Result, Score

MEASURES = ("latency", "cost")
"""Scorers that say how dear an output was, not how good."""


@dataclass(frozen=True, slots=True)
class Worst:
    """One result that is not what it should be.

    Attributes:
        scorer, score: the first scorer it did worst by; empty and None where the output failed.
        why: what went wrong, in words.
    """

    result: Result
    scorer: str
    score: float | None
    why: str


def quality(scorers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the scorers that say how good an output is, in their order."""
    return [name for name, known in scorers.items() if known.get("name") not in MEASURES]


def primary(scorers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the scorer that stands for an evaluation: the first that says how good an output is; empty for none."""
    names = quality(scorers)
    return "correct" if "correct" in names else names[0] if names else ""


def worst(
    scorers: Mapping[str, Mapping[str, Any]], results: Sequence[Result], limit: int = 10
) -> list[Worst]:
    """Return the worst results, worst first: those without output, then by their least score; perfect ones are left out."""
    names = quality(scorers)
    found: list[tuple[tuple[float, float, int, int], Worst]] = []
    for result in results:
        if result.state == "produced":
            continue
        if result.output.failed:
            why = result.output.message or result.output.error
            found.append(((0, 0.0, result.seq, result.repeat), Worst(result, "", None, why)))
            continue
        scored = [(goodness(scorers[n], s), n, s) for n in names if (s := result.scores.get(n)) and s.applies]
        if not scored:
            continue
        least, name, score = min(scored, key=lambda x: x[0])
        if least >= 1.0:
            continue
        mean = sum(g for g, _, _ in scored) / len(scored)
        why = score.reason or score.error or score.label
        found.append(((1 + least, mean, result.seq, result.repeat), Worst(result, name, score.value, why)))
    return [w for _, w in sorted(found, key=lambda x: x[0])[:limit]]


def goodness(known: Mapping[str, Any], score: Score) -> float:
    """Return how good a score is, from 0 to 1; a missing one is 0, and one without bounds is 1 where it is there."""
    if score.value is None:
        return 0.0
    if known.get("higher_is_better", True):
        return min(1.0, max(0.0, score.value))
    return min(1.0, max(0.0, 1.0 - score.value)) if known.get("worst") is not None else 1.0
