"""What scorers share: their usual declarations, the score of a failed output, and the text that an output stands for."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.types import Output, Score, not_applicable

NO_REFERENCE = "the example has no reference"


class Base:
    """The declarations of most scorers; see `scorers.Scorer` for their meaning."""

    version: ClassVar[int] = 1
    higher_is_better: ClassVar[bool] = True
    worst: ClassVar[float | None] = 0.0
    binary: ClassVar[bool] = False
    needs: ClassVar[frozenset[str]] = frozenset()
    metrics: ClassVar[tuple[str, ...]] = ("mean",)

    def failed(self, output: Output) -> Score:
        """Return the score of an output that was not brought: the worst, or a missing one where there is no bound."""
        reason = f"no output: {output.message or output.error}"
        if self.worst is None:
            return Score(None, label="failed", reason=reason, error=output.error)
        return Score(self.worst, label="failed", reason=reason)


def declined(output: Output) -> bool:
    """Say whether an output gives no answer: it abstained, or nothing visible came out."""
    return output.abstained or (not output.text.strip() and output.value is None)


def answer_of(output: Output) -> str:
    """Return the answer as text: empty where it declined, the value as JSON where there is only a value."""
    if output.abstained:
        return ""
    if output.text or output.value is None:
        return output.text
    return written(output.value)


def written(value: Any) -> str:
    """Return a value as text: itself, or canonical JSON."""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    )


def has_reference(example: Example) -> bool:
    """Say whether there is something to compare an answer with; for an impossible example that is the empty answer."""
    return example.impossible or bool(example.references)


def without_reference() -> Score:
    return not_applicable(NO_REFERENCE)


def finite(value: Any) -> float | None:
    """Return a value as a finite number, or None; a truth value is no number."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
