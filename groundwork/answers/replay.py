"""Make a recorded answer again from its pins, and say honestly whether the same came out."""

from __future__ import annotations

from collections.abc import Sequence

from groundwork.answers.pipeline import Outcome, Pipeline, recipe_of
from groundwork.answers.readers import Occasion
from groundwork.answers.types import Answer, Difference, Replay, ReplayResult
from groundwork.core.errors import GoneError, NotFoundError, OtherRequestError


def replay(pipeline: Pipeline, answer: Answer, tenant: str) -> Replay:
    """Run the answer's recipe at its snapshot and compare.

    Returns:
        `redacted` when an erased document was part of it; else what `compare` says. A snapshot that was pruned is a drift
        whose difference names the snapshot, since nothing can be made again without it.
    """
    if answer.redacted:
        return Replay(answer.id, "redacted", (Difference("documents", "retrieved", "erased"),))
    recipe = recipe_of(answer, tenant)
    now = pipeline.make_reader(recipe.model).fingerprint
    parts = [] if now == recipe.reader else [Difference("model", recipe.reader, now)]
    try:
        outcome = again(pipeline, answer, tenant)
    except OtherRequestError as error:
        return Replay(
            answer.id,
            "drifted",
            (*parts, Difference("request", str(error.details["was"]), str(error.details["now"]))),
        )
    except (NotFoundError, GoneError) as error:
        return Replay(
            answer.id, "drifted", (*parts, Difference("snapshot", answer.pins.snapshot, error.message))
        )
    return compare(answer, outcome, parts)


def again(pipeline: Pipeline, answer: Answer, tenant: str) -> Outcome:
    """Make a recorded answer from its recipe at its snapshot; what models said is taken from the record.

    Raises:
        NotFoundError, GoneError: the snapshot is not there any more.
        OtherRequestError: the models would be asked something else now.
    """
    recipe = recipe_of(answer, tenant)
    principal = recipe.principal(answer.principal)
    asked = answer.standalone or answer.question
    found = pipeline.searcher.search(
        principal, asked, recipe.index, recipe.strategy, recipe.passages, answer.pins.snapshot
    )
    return pipeline.read(principal, asked.strip(), recipe, found, occasion=recorded(answer))


def recorded(answer: Answer) -> Occasion:
    """Return the occasion on which models say what they said."""
    said = tuple(e for e in answer.exchanges if e.purpose == "answer")
    return Occasion(recorded=said, shown=answer.shown, calibrated=answer.settings.get("escalate_below"))


def compare(answer: Answer, outcome: Outcome, parts: Sequence[Difference] = ()) -> Replay:
    """Compare a recorded answer with what came out now; scores are compared exactly."""
    differences = list(parts)
    was_ids = [str(h["chunk_id"]) for h in answer.retrieved]
    now_ids = [h.chunk_id for h in outcome.hits]
    was_scores = [float(h["score"]) for h in answer.retrieved]
    now_scores = [h.score for h in outcome.hits]
    was_cited = [(c.document_id, c.start, c.end, c.quote) for c in answer.citations]
    now_cited = [(c.document_id, c.start, c.end, c.quote) for c in outcome.citations]
    same_text = (answer.text, answer.abstained) == (
        outcome.text,
        outcome.abstained,
    ) and was_cited == now_cited
    if answer.text != outcome.text or answer.abstained != outcome.abstained:
        differences.append(Difference("text", answer.text or answer.reason, outcome.text or outcome.reason))
    elif was_cited != now_cited:
        differences.append(Difference("citations", _places(was_cited), _places(now_cited)))
    if was_ids != now_ids:
        differences.append(Difference("retrieved", " ".join(was_ids), " ".join(now_ids)))
    elif was_scores != now_scores:
        differences.append(Difference("score", str(was_scores), str(now_scores)))
    if answer.confidence != outcome.confidence:
        differences.append(Difference("confidence", str(answer.confidence), str(outcome.confidence)))
    result: ReplayResult = "drifted"
    if (
        same_text
        and was_ids == now_ids
        and was_scores == now_scores
        and answer.confidence == outcome.confidence
    ):
        result = "identical"
    elif same_text and set(was_ids) == set(now_ids):
        result = "same-set"
    return Replay(answer.id, result, tuple(differences))


def _places(cited: Sequence[tuple[str, int, int, str]]) -> str:
    return "; ".join(f"{document} {start}:{end}" for document, start, end, _ in cited)
