"""Why an answer came out as it did: what brought each passage, scores beside thresholds, and a deletion test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.answers.pipeline import Outcome, Pipeline, Recipe, recipe_of
from groundwork.answers.types import Answer, Deletion, Explanation
from groundwork.core.errors import GoneError
from groundwork.knowledge.records import SearchResult
from groundwork.knowledge.types import Hit, Leg

MAX_DELETIONS = 8


def explain(pipeline: Pipeline, answer: Answer, tenant: str) -> Explanation:
    """Explain a recorded answer from its record; the deletion test reads again without one passage at a time.

    The deletion test leaves each cited passage out, or the best-ranked one when the app abstained, and says what would have
    been answered from the rest; the search itself is not repeated.

    Raises:
        GoneError: an erased document was part of the answer.
    """
    if answer.redacted:
        raise GoneError(
            f"the answer `{answer.id}` used an erased document", hint="what it was made from is gone for good"
        )
    recipe = recipe_of(answer, tenant)
    found = SearchResult(recipe.index, answer.pins.snapshot, "", tuple(_hit(h) for h in answer.retrieved))
    cited = {c.chunk_id for c in answer.citations}
    order = [h.chunk_id for h in found.hits if h.chunk_id in cited] or [h.chunk_id for h in found.hits[:1]]
    principal = recipe.principal(answer.principal)
    deletions = tuple(
        _deletion(
            answer, found, chunk, pipeline.read(principal, answer.question, recipe, found, leave_out=chunk)
        )
        for chunk in order[:MAX_DELETIONS]
    )
    checks = _checks(answer, recipe)
    passages = tuple({**h, "cited": h["chunk_id"] in cited} for h in answer.retrieved)
    return Explanation(answer, passages, checks, deletions, _sentences(answer, passages, checks, deletions))


def _checks(answer: Answer, recipe: Recipe) -> tuple[Mapping[str, Any], ...]:
    return (
        {
            "name": "passages found",
            "value": len(answer.retrieved),
            "threshold": 1,
            "passed": bool(answer.retrieved),
        },
        {
            "name": "confidence",
            "value": answer.confidence,
            "threshold": recipe.threshold,
            "passed": answer.confidence >= recipe.threshold,
        },
        {
            "name": "citations that stand in the stored text",
            "value": len(answer.citations),
            "threshold": 1,
            "passed": bool(answer.citations),
        },
    )


def _deletion(answer: Answer, found: SearchResult, chunk: str, outcome: Outcome) -> Deletion:
    document = next(h.document for h in found.hits if h.chunk_id == chunk)
    changed = (outcome.text, outcome.abstained) != (answer.text, answer.abstained)
    return Deletion(chunk, document, outcome.text, outcome.abstained, outcome.confidence, changed)


def _sentences(
    answer: Answer,
    passages: Sequence[Mapping[str, Any]],
    checks: Sequence[Mapping[str, Any]],
    deletions: Sequence[Deletion],
) -> tuple[str, ...]:
    said = [f"{len(passages)} passages were retrieved from the snapshot {answer.pins.snapshot[:7]}."]
    for passage in (p for p in passages if p["cited"]):
        legs = (
            ", ".join(f"{name} rank {leg['rank']}" for name, leg in sorted(passage["legs"].items()))
            or "no leg"
        )
        said.append(
            f"Passage {passage['rank']} from {passage['document']} is quoted; it was found by {legs}."
        )
    if answer.abstained:
        said.append(f"The app declined: {answer.reason}.")
    else:
        said.append(
            f"The confidence {answer.confidence:.2f} is at or above the threshold {answer.threshold:.2f}."
        )
    if answer.calibration is None:
        said.append(
            "The threshold is uncalibrated: nothing is promised about how often such an answer is wrong."
        )
    for deletion in deletions:
        if not deletion.changed:
            said.append(f"Without the passage from {deletion.document} the answer would have been the same.")
        elif deletion.abstained:
            said.append(f"Without the passage from {deletion.document} the app would have declined.")
        else:
            said.append(f"Without the passage from {deletion.document} the answer would have been another.")
    return tuple(said)


def _hit(record: Mapping[str, Any]) -> Hit:
    legs = {n: Leg(g["rank"], g["score"], g["weight"]) for n, g in record["legs"].items()}
    return Hit(
        record["rank"], record["score"], record["document"], record["document_id"], record["chunk_id"],
        record["start"], record["end"], record["text"], record["context"], legs,
    )  # fmt: skip
