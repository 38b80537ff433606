"""From an answer of live traffic to a score: without a reference, by the scorer that the canary names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from groundwork.answers.types import Answer
from groundwork.core.errors import (
    CancelledError,
    ContextLengthError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import SCORERS, Scorer, Services
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence, Passage
from groundwork.releases.trials import Scored


def scorer_of(spec: Any, *, binary: bool = False) -> Scorer:
    """Return the scorer of a canary.

    Raises:
        NotFoundError, SettingsError: there is none such. InvalidInputError: it needs a reference, which live traffic does
            not have, or scores have to be 0 or 1 and are not.
    """
    table = {"name": spec} if isinstance(spec, str) else {k: v for k, v in dict(spec).items() if k != "as"}
    made = SCORERS.make(table)
    lacking = sorted(made.needs & {"expected", "relevant", "tools", "context"})
    if lacking:
        raise InvalidInputError(
            f"the scorer `{table.get('name')}` needs {', '.join(lacking)}, which a request of live traffic does not have",
            hint="take one without a reference, such as `served_well`",
        )
    if binary and not made.binary:
        raise InvalidInputError(
            f"the scorer `{table.get('name')}` is not one of 0 and 1, so requests without pairs cannot be judged by it",
            hint="take `served_well`, or leave `mirror` on",
        )
    return made


def scored(scorer: Scorer, services: Services, question: str, answer: Answer) -> Scored:
    """Return the score of an answer; an answer that cannot be scored has none."""
    example = Example(id="", input=question)
    try:
        found = scorer.score(example, output_of(answer), services)
    except GroundworkError as error:
        return Scored(answer.id, None, "", error.code)
    if found.value is None or not math.isfinite(found.value):
        return Scored(answer.id, None, found.label, found.error)
    value = found.value if scorer.higher_is_better else -found.value
    return Scored(answer.id, float(value), found.label)


def failed(scorer: Scorer, code: str) -> Scored:
    """Return the score of a request that brought no answer: the worst there is."""
    worst = scorer.worst if scorer.worst is not None else 0.0
    return Scored("", float(worst if scorer.higher_is_better else -worst), "failed", code)


def counts(error: Exception) -> bool:
    """Say whether an error speaks against the release: what the asker did wrong, or a client that left, does not."""
    if isinstance(error, ContextLengthError):
        return True
    return not isinstance(
        error, InvalidInputError | NotFoundError | ForbiddenError | UnauthenticatedError | CancelledError
    )


def output_of(answer: Answer) -> Output:
    """Return an answer as what scorers look at."""
    usage: Mapping[str, float] = answer.usage
    return Output(
        text="" if answer.abstained else answer.text,
        abstained=answer.abstained,
        reason=answer.reason,
        confidence=answer.confidence,
        passages=tuple(
            Passage(
                str(h.get("text", "")),
                str(h.get("document", "")),
                str(h["document_id"]),
                str(h["chunk_id"]),
                int(h.get("rank", 0)),
                float(h.get("score", 0.0)),
                int(h.get("start", 0)),
                int(h.get("end", 0)),
            )
            for h in answer.retrieved
        ),
        citations=tuple(
            CitedPassage(c.quote, c.document, c.document_id, c.chunk_id, c.start, c.end)
            for c in answer.citations
        ),
        sentences=tuple(OutputSentence(s.text, s.citations, s.supported) for s in answer.sentences),
        latency_ms=float(answer.timings.get("total", 0.0)),
        cost_usd=float(usage.get("cost_usd", 0.0)),
        model=answer.served_by,
        answer_id=answer.id,
        trace_id=answer.trace_id,
        documents=tuple(sorted({str(h["document_id"]) for h in answer.retrieved})),
    )
