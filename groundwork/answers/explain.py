"""Why an answer came out as it did: what brought each passage, scores beside thresholds, and a deletion test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from groundwork.answers.pipeline import Outcome, Pipeline, Recipe, recipe_of
from groundwork.answers.prompted import prompted
from groundwork.answers.readers.generative import SUPPORTED_FROM
from groundwork.answers.replay import recorded
from groundwork.answers.types import Answer, Deletion, Explanation
from groundwork.core.errors import GoneError
from groundwork.core.money import usd
from groundwork.knowledge.records import SearchResult
from groundwork.knowledge.types import Hit, Leg

MAX_DELETIONS = 8


def explain(pipeline: Pipeline, answer: Answer, tenant: str) -> Explanation:
    """Explain a recorded answer from its record; the deletion test reads again without one passage at a time.

    The deletion test leaves each cited passage out, or the best-ranked one when the app abstained, and says what would have
    been answered from the rest; the search itself is not repeated. No model is asked: what it said is held against the
    passages that are left.

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
    asked, occasion = answer.standalone or answer.question, replace(recorded(answer), shown=(), strict=False)
    deletions = tuple(
        _deletion(
            answer,
            found,
            chunk,
            pipeline.read(principal, asked, recipe, found, leave_out=chunk, occasion=occasion),
        )
        for chunk in order[:MAX_DELETIONS]
    )
    checks = _checks(answer, recipe)
    passages = tuple({**h, "cited": h["chunk_id"] in cited} for h in answer.retrieved)
    sentences = (*_made(answer), *_sentences(answer, passages, checks, deletions))
    asked_of = prompted(pipeline, answer, tenant)
    return Explanation(answer, passages, checks, deletions, sentences, answer.exchanges, asked_of)


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
        *(
            {
                "name": f"sentence {number} is supported",
                "value": sentence.score,
                "threshold": SUPPORTED_FROM,
                "passed": sentence.supported,
            }
            for number, sentence in enumerate((*answer.sentences, *answer.removed), 1)
            if answer.exchanges
        ),
    )


def _made(answer: Answer) -> list[str]:
    """Return how a model came to its answer: what it was shown, who answered, what was taken out and why."""
    said: list[str] = []
    if answer.standalone:
        said.append(f"Within its conversation the question was understood as “{answer.standalone}”.")
    if answer.shown:
        tokens = sum(s.tokens for s in answer.shown)
        chunks = sum(len(s.chunks) for s in answer.shown)
        stretches = "1 stretch" if len(answer.shown) == 1 else f"{len(answer.shown)} stretches"
        passages = "1 passage" if chunks == 1 else f"{chunks} passages"
        name, _, digest = (answer.pins.prompt or "").partition("@")
        said.append(
            f"The model was shown {stretches} made of {passages}, about {tokens} tokens, with the prompt"
            f" {name}@{digest[:7]}."
        )
    for exchange in answer.exchanges:
        if exchange.error:
            outcome = f"did not answer: {exchange.message or exchange.error}"
        else:
            outcome = f"answered by {exchange.served_by} for {usd(exchange.cost_usd)}"
            outcome += " from the cache" if exchange.cached else ""
        said.append(f"Call to {exchange.model} ({exchange.purpose}, {exchange.reason}): {outcome}.")
    # The name of a model keeps its small letters.
    said += [
        f"{note}." if "/" in note.partition(" ")[0] else f"{note[:1].upper()}{note[1:]}."
        for note in answer.notes
    ]
    for sentence in answer.sentences:
        if sentence.note:
            said.append(f"“{sentence.text}”: {sentence.note}.")
    for sentence in answer.removed:
        said.append(f"Taken out: “{sentence.text}”: {sentence.note} (support {sentence.score:.2f}).")
    if answer.shown and answer.citations:
        said.append("Without a passage means here: what the model said, held against the other passages.")
    return said


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
