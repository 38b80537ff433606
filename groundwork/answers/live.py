"""Ask the models of a recorded answer again, and say how far they agree with what they said then."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from groundwork.answers.calibration import wilson
from groundwork.answers.generating.talking import UNANSWERED
from groundwork.answers.pipeline import Outcome, Pipeline, recipe_of
from groundwork.answers.readers import ModelReader, Occasion
from groundwork.answers.reading.terms import tokens
from groundwork.answers.types import Answer, Citation, LiveReplay, LiveRun, Share
from groundwork.core.errors import GoneError, GroundworkError, InvalidInputError
from groundwork.gateway.types import Caller

MAX_RUNS = 100


def replay_live(
    pipeline: Pipeline,
    answer: Answer,
    caller: Caller,
    n: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> LiveReplay:
    """Make a recorded answer `n` times from its recipe at its snapshot, asking the models and not the cache.

    Nothing is recorded but the calls themselves, in the ledger.

    Raises:
        GoneError: an erased document was part of the answer, or its snapshot is not there any more.
        InvalidInputError: no model was asked for it, or `n` is not 1 to 100.
    """
    if answer.redacted:
        raise GoneError(f"the answer `{answer.id}` used an erased document", hint="it cannot be made again")
    if not 1 <= n <= MAX_RUNS:
        raise InvalidInputError(f"an answer can be made 1 to {MAX_RUNS} times, not {n}")
    recipe = recipe_of(answer, caller.tenant)
    if not isinstance(pipeline.make_reader(recipe.model), ModelReader):
        raise InvalidInputError(
            f"the answer `{answer.id}` was made without a model",
            hint=f"`groundwork replay {answer.id}` makes it again",
        )
    principal, asked = recipe.principal(answer.principal), answer.standalone or answer.question
    found = pipeline.searcher.search(
        principal, asked, recipe.index, recipe.strategy, recipe.passages, answer.pins.snapshot
    )
    calling = replace(caller, app=answer.app, snapshot=found.snapshot, cache="off")
    occasion = Occasion(calling, calibrated=recipe.escalate_below)
    runs: list[LiveRun] = []
    for done in range(1, n + 1):
        try:
            outcome = pipeline.read(principal, asked.strip(), recipe, found, occasion=occasion)
        except UNANSWERED as error:
            runs.append(_failed(error))
        else:
            runs.append(compare_run(answer, outcome))
        if progress is not None:
            progress(done, n)
    return LiveReplay(
        answer.id,
        tuple(runs),
        _share([r.same_text for r in runs]),
        _share([r.same_citations for r in runs]),
        _share([r.same_abstention for r in runs]),
        _mean([r.token_f1 for r in runs]),
        _mean([r.rouge_l for r in runs]),
        _mean([r.citation_overlap for r in runs]),
        round(sum(r.cost_usd for r in runs), 9),
    )


def compare_run(answer: Answer, outcome: Outcome) -> LiveRun:
    """Return how far an outcome agrees with the recorded answer."""
    was = [(c.document_id, c.start, c.end) for c in answer.citations]
    now = [(c.document_id, c.start, c.end) for c in outcome.citations]
    f1, rouge = agreement(answer.text, outcome.text)
    return LiveRun(
        outcome.text,
        outcome.draft.served_by,
        answer.text == outcome.text and answer.abstained == outcome.abstained,
        was == now,
        answer.abstained == outcome.abstained,
        f1,
        rouge,
        overlap(answer.citations, outcome.citations),
        round(sum(e.cost_usd for e in outcome.draft.exchanges), 9),
    )


def agreement(one: str, other: str) -> tuple[float, float]:
    """Return token F1 and ROUGE-L of two texts, both 1 when neither says anything.

    Source:
        Rajpurkar et al., SQuAD (2016), section 4.1; Lin, ROUGE (2004), section 3.
    """
    a = [t.term for t in tokens(one)]
    b = [t.term for t in tokens(other)]
    if not a or not b:
        return (1.0, 1.0) if not a and not b else (0.0, 0.0)
    shared = sum((Counter(a) & Counter(b)).values())
    return _f1(shared, len(a), len(b)), _f1(_common(a, b), len(a), len(b))


def overlap(one: Sequence[Citation], other: Sequence[Citation]) -> float:
    """Return the characters that both cite over those that either cites; 1 when neither cites anything."""
    a, b = _characters(one), _characters(other)
    return round(len(a & b) / len(a | b), 6) if a or b else 1.0


def _characters(citations: Sequence[Citation]) -> set[tuple[str, int]]:
    return {(c.document_id, at) for c in citations for at in range(c.start, c.end)}


def _f1(shared: int, one: int, other: int) -> float:
    return round(2 * shared / (one + other), 6)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        corner = 0
        for j, b in enumerate(other, 1):
            corner, row[j] = row[j], corner + 1 if a == b else max(row[j], row[j - 1])
    return row[-1]


def _failed(error: GroundworkError) -> LiveRun:
    return LiveRun("", "", False, False, False, 0.0, 0.0, 0.0, 0.0, f"{error.code}: {error.message}")


def _share(hits: Sequence[bool]) -> Share:
    rate = wilson(sum(hits), len(hits))
    return Share(rate.value, rate.low, rate.high)


def _mean(values: Sequence[float]) -> Share:
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Share(round(mean, 6), 0.0, 1.0)
    from scipy.special import stdtrit

    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
    reach = float(stdtrit(len(values) - 1, 0.975)) * spread
    return Share(round(mean, 6), round(max(0.0, mean - reach), 6), round(min(1.0, mean + reach), 6))
