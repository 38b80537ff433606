"""Tuning meets the workspace: apps with something changed are asked without recording, at a scratch index where need be."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from groundwork.answers.pipeline import Outcome, Recipe
from groundwork.answers.readers import READERS, Occasion
from groundwork.app.once import failed_output, patiently
from groundwork.app.tuning_scratch import Scratch
from groundwork.core.digest import digest_json
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.core.settings import AppSpec
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation.tuning.book import Tunings
from groundwork.evaluation.tuning.space import CHUNKERS, PASSAGES, STRATEGIES, THRESHOLDS
from groundwork.evaluation.tuning.tuner import Now, Tuner
from groundwork.evaluation.tuning.types import Configuration
from groundwork.evaluation.types import CitedPassage, Output, OutputSentence, Passage
from groundwork.gateway.types import Caller
from groundwork.knowledge.records import SearchResult
from groundwork.knowledge.retrievers import RETRIEVERS

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.jobs import JobContext

JOB = "tune"
RANKED = 30
"""Passages that are searched for when only the ranking is measured; ten documents are scored, and some share passages."""
MOST_CHUNKS = 20_000
"""A larger index is not cut anew for a search: embedding it takes longer than anybody waits."""
SCRATCH = "scratch"
OF_VECTORS = ("dense", "mmr")


def make_tuner(workspace: Workspace) -> Tuner:
    """Return the tuner of a workspace."""
    rooms, room = workspace.rooms, workspace.evaluation

    def dataset(principal: Principal, ref: str) -> DatasetVersion:
        return workspace.datasets.get(principal, ref)

    def examples(principal: Principal, digest: str, split: str) -> list[Example]:
        return workspace.datasets.examples(principal, digest, split=split, purpose="tune")

    book = Tunings(rooms.database, rooms.clock)
    return Tuner(book, rooms.leases, rooms.clock, Bench(workspace), dataset, examples, lambda: room.services)


def start_tuning(
    workspace: Workspace, principal: Principal, tuning_id: str, *, idempotency_key: str | None = None
) -> str:
    """Queue a tuning that was planned and return the job's id; it goes on after a crash in the next process."""
    jobs = workspace.rooms.jobs(workspace)
    job = jobs.enqueue(JOB, {"tuning": tuning_id}, principal, idempotency_key=idempotency_key or None)
    workspace.evaluation.tuner.book.change(principal, tuning_id, job_id=job)
    return job


def work(workspace: Workspace, context: JobContext) -> dict[str, Any]:
    """Run a tuning as a job. It may run twice: a second run finds what the first one wrote."""
    found = workspace.evaluation.tuner.run(
        context.principal,
        str(context.arguments["tuning"]),
        progress=context.progress,
        cancelled=context.cancelled,
        owner=f"job {context.id}",
    )
    return {"tuning": found.id, "state": found.state, "outcome": (found.report or {}).get("outcome", "")}


@dataclass(frozen=True)
class Bench:
    """What of a workspace the tuner works with."""

    workspace: Workspace

    def now(
        self,
        principal: Principal,
        app: str,
        *,
        retrieval: bool,
        prompts: Sequence[str],
        models: Sequence[str],
    ) -> Now:
        """Return the app as it stands, and what may be tried of it.

        Raises:
            NotFoundError: there is no such app. InvalidInputError: its index holds nothing yet, or it asks no model and
                prompts or models are to be tried.
        """
        workspace = self.workspace
        spec = workspace.app_spec(app)
        try:
            snapshot = workspace.snapshot(spec.index, "head", principal)
        except NotFoundError as error:
            raise InvalidInputError(
                f"the app `{app}` cannot answer: its index `{spec.index}` holds nothing yet",
                hint=f"bring documents into it: `groundwork ingest PATH --index {spec.index}`",
            ) from error
        recipe = workspace.rooms.pipeline.recipe(principal, app, spec)
        view, digest = workspace.rooms.catalogue.view(principal, spec.index, snapshot.id)
        chunker = view.parts.spec["chunker"]
        vectors = view.parts.embedder is not None
        notes: list[str] = []
        choices: dict[str, Sequence[Any]] = {"strategy": _strategies(vectors)}
        if snapshot.chunks <= MOST_CHUNKS:
            choices["chunker"] = [c for c in map(_spelled, CHUNKERS) if c != chunker]
        else:
            notes.append(f"the index holds {snapshot.chunks:,} chunks, too many to be cut anew for a search")
        if retrieval:
            notes.append(f"only the ranking is measured, over {RANKED} passages; nothing is answered")
            _refuse_further(prompts, models, "the metric looks at passages alone")
        else:
            choices |= {"passages": PASSAGES, "threshold": THRESHOLDS}
            choices |= self._written(spec, prompts, models)
        parts = {
            "strategy": spec.strategy,
            "chunker": chunker,
            "passages": spec.passages,
            "threshold": recipe.threshold,
            "prompt": spec.prompt,
            "model": spec.model,
        }
        described = {"recipe": recipe.as_dict(), "snapshot": digest, "retrieval": retrieval}
        return Now(parts, choices, digest, digest_json(described), tuple(notes))

    def estimate(
        self, principal: Principal, app: str, raw: Configuration, examples: Sequence[Example]
    ) -> float | None:
        """Return what the outputs of a configuration would cost, in USD."""
        from groundwork.app.subject_app import AppSubject

        spec = changed(self.workspace.app_spec(app), raw)
        return AppSubject(self.workspace, principal, app, spec, "").estimate(examples)

    @contextmanager
    def maker(
        self, principal: Principal, app: str, snapshot: str, *, retrieval: bool, check: Callable[[], None]
    ) -> Iterator[Asking]:
        """Give what makes outputs; scratch indexes are removed afterwards."""
        folder = self.workspace.rooms.data / SCRATCH
        _sweep(str(folder))
        made = Asking(self.workspace, principal, app, snapshot, retrieval, check, str(folder))
        try:
            yield made
        finally:
            made.close()

    def _written(
        self, spec: AppSpec, prompts: Sequence[str], models: Sequence[str]
    ) -> dict[str, Sequence[Any]]:
        if isinstance(spec.model, str) and spec.model in READERS.names() and not spec.cascade:
            _refuse_further(prompts, models, "the app asks no model")
            return {}
        named = [m for m in self.workspace.spec.models if isinstance(spec.model, str)]
        return {"prompt": list(prompts), "model": list(models) or ([] if spec.cascade else named)}


@dataclass
class Asking:
    """Makes outputs of an app with something changed. Called from several threads; a scratch index is built once."""

    workspace: Workspace
    principal: Principal
    app: str
    snapshot: str
    retrieval: bool
    check: Callable[[], None]
    folder: str
    _scratch: dict[str, Scratch] = field(default_factory=dict)
    _recipes: dict[str, Recipe] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def output(self, raw: Configuration, example: Example, scope: str) -> Output:
        """Return the output of a configuration, without a threshold."""
        begun = time.perf_counter()
        try:
            recipe = self._recipe(raw)
            found = self._search(raw, recipe, example.question)
            if self.retrieval:
                return Output(passages=passages_of(found), latency_ms=_ms(begun))
            caller = Caller(
                self.principal.tenant,
                self.principal.name,
                access=self.principal.readable(),
                app=self.app,
                once=scope,
            )
            occasion = Occasion(replace(caller, snapshot=found.snapshot), calibrated=recipe.escalate_below)
            pipeline = self.workspace.rooms.pipeline
            outcome = patiently(
                lambda: pipeline.read(
                    self.principal, example.question, replace(recipe, threshold=0.0), found, occasion=occasion
                )
            )
        except GroundworkError as error:
            return replace(failed_output(error), latency_ms=_ms(begun))
        return output_of(outcome, passages_of(found), _ms(begun))

    def threshold(self, configuration: Configuration) -> float:
        """Return the confidence under which a configuration declines: its own, else the app's, calibrated or not."""
        if "threshold" in configuration.changes:
            return float(configuration.changes["threshold"])
        return 0.0 if self.retrieval else self._recipe(configuration.raw).threshold

    def close(self) -> None:
        """Remove every scratch index."""
        with self._lock:
            for scratch in self._scratch.values():
                scratch.remove()
            self._scratch.clear()

    def _recipe(self, raw: Configuration) -> Recipe:
        with self._lock:
            if raw.digest not in self._recipes:
                spec = changed(self.workspace.app_spec(self.app), raw)
                self._recipes[raw.digest] = self.workspace.rooms.pipeline.recipe(
                    self.principal, self.app, spec
                )
            return self._recipes[raw.digest]

    def _search(self, raw: Configuration, recipe: Recipe, question: str) -> SearchResult:
        k = RANKED if self.retrieval else recipe.passages
        if "chunker" not in raw.changes:
            searcher = self.workspace.rooms.searcher
            return searcher.search(self.principal, question, recipe.index, recipe.strategy, k, self.snapshot)
        return self._scratched(raw.changes["chunker"], recipe.index).search(question, recipe.strategy, k)

    def _scratched(self, chunker: Any, index: str) -> Scratch:
        key = digest_json(chunker)
        with self._lock:
            if key not in self._scratch:
                place = f"{self.folder}/{os.getpid()}-{id(self)}-{key[:12]}"
                self._scratch[key] = Scratch.build(
                    self.workspace.rooms, self.principal, index, self.snapshot, chunker, place, self.check
                )
            return self._scratch[key]


def changed(spec: AppSpec, configuration: Configuration) -> AppSpec:
    """Return the spec of an app with the changes of a configuration, but for the chunker, which is the index's."""
    changes = {k: v for k, v in configuration.changes.items() if k not in ("chunker",)}
    return AppSpec.model_validate({**spec.model_dump(), **changes})


def passages_of(found: SearchResult) -> tuple[Passage, ...]:
    """Return hits as the passages of an output."""
    return tuple(
        Passage(h.text, h.document, h.document_id, h.chunk_id, h.rank, float(h.score), h.start, h.end)
        for h in found.hits
    )


def output_of(outcome: Outcome, passages: tuple[Passage, ...], took_ms: float) -> Output:
    """Return what the pipeline made as an output; nothing of it was recorded."""
    text = outcome.text
    spent = sum(e.cost_usd for e in outcome.draft.exchanges)
    return Output(
        text=text,
        abstained=outcome.abstained,
        reason=outcome.reason,
        confidence=min(1.0, max(0.0, outcome.confidence)),
        passages=passages,
        citations=tuple(
            CitedPassage(c.quote, c.document, c.document_id, c.chunk_id, c.start, c.end)
            for c in outcome.citations
        ),
        sentences=tuple(
            OutputSentence(text[s.start : s.end], tuple(s.citations), bool(s.citations))
            for s in outcome.sentences
        ),
        latency_ms=took_ms,
        cost_usd=spent,
        model=outcome.draft.served_by,
    )


def _strategies(vectors: bool) -> list[Any]:
    known = RETRIEVERS.names()
    named = [s for s in STRATEGIES if (s if isinstance(s, str) else s["name"]) in known]
    named += [n for n in known if n not in STRATEGIES]
    return [s for s in named if vectors or (s if isinstance(s, str) else s["name"]) not in OF_VECTORS]


def _spelled(chunker: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a chunker with every parameter, as an index version has it."""
    from groundwork.knowledge.pipeline import spec_of

    spelled: dict[str, Any] = spec_of("", chunker, {}, None, "")["chunker"]
    return spelled


def _refuse_further(prompts: Sequence[str], models: Sequence[str], why: str) -> None:
    if prompts or models:
        raise InvalidInputError(
            f"prompts and models change nothing: {why}", hint="leave out --prompt and --model"
        )


def _sweep(folder: str, older_s: float = 86_400.0) -> None:
    """Remove scratch indexes that a dead process left over a day ago."""
    if not os.path.isdir(folder):
        return
    for entry in os.scandir(folder):
        if time.time() - entry.stat().st_mtime > older_s:
            shutil.rmtree(entry.path, ignore_errors=True)


def _ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)


__all__ = ["Asking", "Bench", "make_tuner", "start_tuning", "work"]
