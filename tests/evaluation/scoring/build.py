"""Small makers of examples, outputs and results for the tests of scorers and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import SCORERS
from groundwork.evaluation.types import Output, Result, Score
from groundwork.testing.scorer import PlainServices


def scored(spec: str | dict[str, Any], example: Example, output: Output, services: Any = None) -> Score:
    """Return what a scorer made of its spec says."""
    return SCORERS.make(spec).score(example, output, services or PlainServices())


def results(name: str, scores: Sequence[Sequence[Score | None]]) -> list[Result]:
    """Return the results of examples `e0`, `e1`, … with these scores of their repeats; None leaves a result out."""
    return [
        Result(i, k, f"e{i}", "done", Output(), {name: score})
        for i, repeats in enumerate(scores)
        for k, score in enumerate(repeats)
        if score is not None
    ]
