"""One output meets its scorers: each answers a score that can be kept, whatever it does."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import (
    BudgetExceededError,
    CancelledError,
    GoneError,
    GroundworkError,
    MissingDependencyError,
    MissingModelError,
    NotFoundError,
    SettingsError,
    StorageFullError,
)
from groundwork.datasets.types import Example
from groundwork.evaluation.judges.types import Asker, JudgeVerdict, Shown
from groundwork.evaluation.scorers import Scorer, Services
from groundwork.evaluation.types import Output, Score

if TYPE_CHECKING:
    from groundwork.evaluation.scorers import FloatArray

ENDS_IT_ALL = (
    BudgetExceededError,
    CancelledError,
    GoneError,
    MissingDependencyError,
    MissingModelError,
    NotFoundError,
    SettingsError,
    StorageFullError,
)
"""What would befall every further example too; everything else is the score of one."""
log = logging.getLogger("groundwork.evaluation")


@dataclass(frozen=True, slots=True)
class OnceServices:
    """The services of one run of one example: a judge that is not deterministic is paid once for it, also after a crash."""

    services: Services
    scope: str

    def embed(self, texts: Sequence[str]) -> FloatArray:
        return self.services.embed(texts)

    def judge(self, name: str) -> Asker:
        return _OnceAsker(self.services.judge(name), self.scope)

    def grounded(self, claim: str, passages: Sequence[str]) -> Any:
        return self.services.grounded(claim, passages)


class _OnceAsker:
    """A judge that asks under the scope of the run, told apart by what it is shown."""

    def __init__(self, asker: Asker, scope: str) -> None:
        self._asker = asker
        self._scope = scope
        self.name, self.version = asker.name, asker.version
        self.labels, self.passing = asker.labels, asker.passing

    def ask(self, shown: Shown, scope: str = "") -> JudgeVerdict:
        return self._asker.ask(shown, self._scope)


def score_all(
    scorers: Mapping[str, Scorer], example: Example, output: Output, services: Services
) -> dict[str, Score]:
    """Return the scores of one output by the names of the scorers.

    A scorer that fails, or answers what is no number, is a missing score with `error`: it counts as the worst.

    Raises:
        GroundworkError: what would befall every further example too, such as an exhausted budget.
    """
    return {name: _score(name, scorer, example, output, services) for name, scorer in scorers.items()}


def _score(name: str, scorer: Scorer, example: Example, output: Output, services: Services) -> Score:
    try:
        score = scorer.score(example, output, services)
    except ENDS_IT_ALL:
        raise
    except GroundworkError as error:
        return Score(None, reason=error.message, error=error.code)
    except Exception as error:
        log.exception("the scorer `%s` failed on the example `%s`", name, example.id)
        return Score(
            None, reason=f"the scorer failed: {type(error).__name__}: {error}"[:500], error="scorer_failed"
        )
    return _kept(score)


def _kept(score: Score) -> Score:
    """Return a score that may be stored: a finite number or none."""
    if not isinstance(score, Score):
        return Score(
            None, reason=f"the scorer answered {type(score).__name__}, no score", error="scorer_failed"
        )
    value = score.value
    if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
        return replace(
            score, value=None, error="not_finite", reason=f"the scorer answered {value!r}", parts={}
        )
    parts = _finite(score.parts)
    if parts is not score.parts or isinstance(value, bool):
        score = replace(score, parts=parts, value=None if value is None else float(value))
    return score if math.isfinite(score.cost_usd) else replace(score, cost_usd=0.0)


def _finite(value: Any) -> Any:
    """Return a JSON value without NaN and infinities; the same object where there are none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        changed = {k: _finite(v) for k, v in value.items()}
        return changed if any(changed[k] is not value[k] for k in changed) else value
    if isinstance(value, list | tuple):
        items = [_finite(v) for v in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value
