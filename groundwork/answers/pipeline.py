"""The way of one question: retrieve from a pinned snapshot, read, check citations, compare with the threshold, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.answers import store
from groundwork.answers.citations import check_citations
from groundwork.answers.readers import READERS, Reader
from groundwork.answers.types import Answer, Citation, Draft, Passage, Pins
from groundwork.core.clock import Clock
from groundwork.core.digest import digest_json
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.core.settings import AppSpec
from groundwork.knowledge.records import DocumentView, SearchResult
from groundwork.knowledge.searching import Searcher
from groundwork.knowledge.types import Hit
from groundwork.storage.database import Database

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Recipe:
    """Everything an answer is made with besides the question and the snapshot; its digest is the pin `settings`."""

    app: str
    index: str
    strategy: Any
    passages: int
    model: Any
    reader: str
    threshold: float
    calibration: str | None
    tenant: str
    access: tuple[str, ...] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-compatible values."""
        return {
            "app": self.app,
            "index": self.index,
            "strategy": self.strategy,
            "passages": self.passages,
            "model": self.model,
            "reader": self.reader,
            "threshold": self.threshold,
            "calibration": self.calibration,
            "access": None if self.access is None else list(self.access),
        }

    def principal(self, name: str) -> Principal:
        """Return a principal that sees what the asker saw."""
        return Principal(self.tenant, name, frozenset(self.access or ()), owner=self.access is None)


@dataclass(frozen=True)
class Outcome:
    """What the pipeline made of a question, before it is recorded."""

    text: str
    abstained: bool
    reason: str
    citations: tuple[Citation, ...]
    confidence: float
    hits: tuple[Hit, ...]
    snapshot: str
    draft: Draft


@dataclass(frozen=True)
class Pipeline:
    """Answers questions of one workspace.

    Args:
        make_reader: builds a reader from its spec with what this installation adds, such as a folder of models.
        document: returns a document of a snapshot as the principal may see it: (principal, document id, snapshot digest).
    """

    database: Database
    searcher: Searcher
    document: Callable[[Principal, str, str], DocumentView]
    clock: Clock
    make_reader: Callable[[str | Mapping[str, Any]], Reader] = READERS.make

    def recipe(self, principal: Principal, name: str, spec: AppSpec) -> Recipe:
        """Return what the app is made with now: the spec, the reader's fingerprint, and the newest fitting calibration."""
        reader = self.make_reader(spec.model)
        threshold, calibration = spec.threshold, None
        if threshold is None:
            with self.database.read() as connection:
                record = store.calibration(connection, principal.tenant, name)
            if (
                record is not None
                and record["threshold"] is not None
                and record["holds_for"] == holds_for(spec, reader.fingerprint)
            ):
                threshold, calibration = float(record["threshold"]), str(record["id"])
            else:
                threshold = float(getattr(reader, "default_threshold", DEFAULT_THRESHOLD))
        return Recipe(
            name, spec.index, spec.strategy, spec.passages, reader.pinned(), reader.fingerprint, threshold, calibration,
            principal.tenant, principal.readable(),
        )  # fmt: skip

    def ask(
        self, principal: Principal, question: str, name: str, spec: AppSpec, snapshot: str | None = None
    ) -> Answer:
        """Answer a question and record it.

        Raises:
            InvalidInputError: the question is empty or too long.
            NotFoundError: the index has no snapshot yet.
        """
        recipe = self.recipe(principal, name, spec)
        outcome = self.produce(principal, question, recipe, snapshot)
        settings = recipe.as_dict()
        answer = Answer(
            id=new_id("ans"),
            app=name,
            question=question.strip(),
            text=outcome.text,
            abstained=outcome.abstained,
            reason=outcome.reason,
            citations=outcome.citations,
            pins=Pins(None, outcome.snapshot, spec.prompt, _model_pin(recipe), digest_json(settings)),
            confidence=outcome.confidence,
            threshold=recipe.threshold,
            calibration=recipe.calibration,
            usage={
                "passages": len(outcome.hits),
                "characters": sum(len(h.text) for h in outcome.hits),
                **outcome.draft.usage,
            },
            trace_id=new_id("trc"),
            created_at=self.clock.now().isoformat(),
            principal=principal.name,
            retrieved=tuple(h.as_dict() for h in outcome.hits),
            signals=dict(outcome.draft.signals),
            settings=settings,
        )
        with self.database.write() as connection:
            store.put_answer(connection, principal.tenant, answer)
        return answer

    def produce(self, principal: Principal, question: str, recipe: Recipe, snapshot: str | None) -> Outcome:
        """Make an answer without recording it."""
        found = self.searcher.search(
            principal, question, recipe.index, recipe.strategy, recipe.passages, snapshot
        )
        return self.read(principal, question.strip(), recipe, found)

    def read(
        self, principal: Principal, question: str, recipe: Recipe, found: SearchResult, leave_out: str = ""
    ) -> Outcome:
        """Read the hits of a search; `leave_out` is a chunk that the reader does not get to see."""
        hits = [h for h in found.hits if h.chunk_id != leave_out]
        passages = [
            Passage(h.rank, h.score, h.document, h.document_id, h.chunk_id, h.start, h.end, h.text, h.context)
            for h in hits
        ]
        draft = self.make_reader(recipe.model).read(question, passages)
        views: dict[str, DocumentView] = {}

        def document(identifier: str) -> DocumentView:
            if identifier not in views:
                views[identifier] = self.document(principal, identifier, found.snapshot)
            return views[identifier]

        text, citations = check_citations(draft, passages, document)
        reason = _reason(draft, text, recipe.threshold, len(hits))
        if reason:
            text, citations = "", ()
        return Outcome(
            text, bool(reason), reason, citations, draft.confidence, found.hits, found.snapshot, draft
        )


def holds_for(spec: AppSpec, reader: str) -> dict[str, str]:
    """Return digests of what a calibration depends on: the reader, and how its passages are found."""
    return {
        "reader": reader,
        "retrieval": digest_json([spec.index, spec.strategy, spec.passages]),
        "model": str(spec.model),
    }


def _reason(draft: Draft, text: str, threshold: float, passages: int) -> str:
    if passages == 0:
        return "no passage was found"
    if not draft.quotes:
        return "no sentence of the passages that were found answers it"
    if draft.confidence < threshold:
        return f"the confidence {draft.confidence:.2f} is under the threshold {threshold:.2f}"
    if not text:
        return "no sentence of the passages could be quoted for it"
    return ""


def _model_pin(recipe: Recipe) -> str:
    name = recipe.model if isinstance(recipe.model, str) else str(recipe.model["name"])
    return f"{name}@{recipe.reader}"


def recipe_of(answer: Answer, tenant: str) -> Recipe:
    """Return the recipe that a recorded answer was made with."""
    s: Mapping[str, Any] = answer.settings
    access = None if s["access"] is None else tuple(s["access"])
    return Recipe(
        s["app"],
        s["index"],
        s["strategy"],
        s["passages"],
        s["model"],
        s["reader"],
        s["threshold"],
        s["calibration"],
        tenant,
        access,
    )
