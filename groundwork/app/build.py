"""Settings become objects here and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.clock import Clock, SystemClock
from groundwork.core.erasure import Erasable
from groundwork.core.errors import InternalError
from groundwork.core.once import once
from groundwork.core.principal import LOCAL, Principal
from groundwork.core.settings import Spec
from groundwork.storage.blobs import Blobs
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases
from groundwork.storage.tombstones import Tombstones

if TYPE_CHECKING:
    from groundwork.answers.pipeline import Course, Pipeline
    from groundwork.answers.readers import Reader
    from groundwork.app.gateway import GatewayRoom
    from groundwork.app.workspace import Workspace
    from groundwork.datasets.store import Datasets, Traced
    from groundwork.jobs import Jobs
    from groundwork.knowledge.catalogue import Catalogue
    from groundwork.knowledge.embedders import Embedder
    from groundwork.knowledge.history import History
    from groundwork.knowledge.ingest import Ingestor
    from groundwork.knowledge.pipeline import IndexVersion
    from groundwork.knowledge.searching import Searcher
    from groundwork.knowledge.verify import Verifier
    from groundwork.prompts.store import Prompts
    from groundwork.prompts.types import PromptVersion


@dataclass
class Rooms:
    """The objects of one workspace; each is made when it is first asked for, so that a small command stays small."""

    data: Path
    spec: Spec
    clock: Clock = field(default_factory=SystemClock)
    door: Callable[[], GatewayRoom] | None = None
    failed: Callable[[Course], None] = lambda course: None
    traced: Traced | None = None
    _jobs: Jobs | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def database(self) -> Database:
        return Database(self.spec.settings.database or self.data / "groundwork.db")

    @once
    def blobs(self) -> Blobs:
        return Blobs(self.spec.settings.blobs or self.data / "blobs")

    @once
    def leases(self) -> Leases:
        return Leases(self.database)

    @once
    def tombstones(self) -> Tombstones:
        return Tombstones(self.database, self.data / "tombstone.key")

    @once
    def catalogue(self) -> Catalogue:
        from groundwork.knowledge.catalogue import Catalogue

        return Catalogue(self.database, self.blobs, self._locate, self._build)

    @once
    def searcher(self) -> Searcher:
        from groundwork.knowledge.searching import Searcher

        return Searcher(self.catalogue, self._text_of, self.spec.settings.max_question_chars)

    @once
    def pipeline(self) -> Pipeline:
        from groundwork.answers.pipeline import Pipeline

        def document(principal: Principal, identifier: str, snapshot: str) -> Any:
            return self.catalogue.document(principal, identifier, snapshot, chunks=False)

        return Pipeline(self.database, self.searcher, document, self.clock, self.make_reader, self.failed)

    @once
    def prompts(self) -> Prompts:
        from groundwork.prompts.store import Prompts

        return Prompts(self.database, self.data.parent / "prompts", self.clock)

    @once
    def datasets(self) -> Datasets:
        from groundwork.datasets.store import Datasets

        return Datasets(self.database, self.clock, *([] if self.traced is None else [self.traced]))

    @once
    def ingestor(self) -> Ingestor:
        from groundwork.app.parser import SandboxParser
        from groundwork.knowledge.choice import EmbedderChoice
        from groundwork.knowledge.ingest import Ingestor

        settings = self.spec.settings
        max_bytes = settings.max_file_mib * 2**20
        return Ingestor(
            self.database,
            self.blobs,
            self.leases,
            self.catalogue,
            EmbedderChoice(self.blobs, self._minilm_present, self._make_embedder),
            lambda: SandboxParser(settings.parser_workers, max_bytes),
            self.clock,
            max_bytes,
            settings.lease_wait_seconds,
            lambda principal, content: self.tombstones.holds(principal.tenant, content),
        )

    @once
    def history(self) -> History:
        from groundwork.knowledge.history import History
        from groundwork.releases.environments import held_snapshots

        wait = self.spec.settings.lease_wait_seconds
        return History(self.database, self.leases, self.catalogue, wait, held_snapshots)

    @once
    def verifier(self) -> Verifier:
        from groundwork.knowledge.verify import Verifier

        return Verifier(self.database, self.blobs, self.catalogue)

    @once
    def erasable(self) -> list[Erasable]:
        from groundwork.answers.erasure import AnswersEraser
        from groundwork.datasets.erasure import DatasetsEraser
        from groundwork.evaluation.erasure import EvaluationsEraser
        from groundwork.evaluation.judges.erasure import JudgesEraser
        from groundwork.gateway.erasure import GatewayEraser
        from groundwork.knowledge.erasure import KnowledgeEraser
        from groundwork.releases.erasure import ReleasesEraser

        wait = self.spec.settings.lease_wait_seconds
        knowledge = KnowledgeEraser(
            self.database, self.blobs, self.leases, self.catalogue, self.tombstones, self.clock, wait
        )
        return [
            knowledge,
            AnswersEraser(self.database),
            GatewayEraser(self.database),
            DatasetsEraser(self.database),
            ReleasesEraser(self.database),
            JudgesEraser(self.database),
            EvaluationsEraser(self.database),
            *self._pathways_eraser(),
        ]

    def _pathways_eraser(self) -> list[Erasable]:
        """Return the eraser of pathways; none where that room was taken out of the installation."""
        try:
            from groundwork.pathways.erasure import PathwaysEraser
        except ImportError:
            return []
        return [PathwaysEraser(self.database)]

    def sweep(self) -> int:
        """Remove blobs that nothing refers to and that are over an hour old; return how many there were."""
        from groundwork.knowledge import store

        with self.database.read() as connection:
            wanted = store.all_version_blobs(connection) | store.all_other_blobs(connection)
        return self.blobs.sweep(wanted).blobs

    def jobs(self, workspace: Workspace) -> Jobs:
        """Return the job engine with the handlers of every room."""
        with self._lock:
            if self._jobs is None:
                from groundwork.app.work import make_jobs

                self._jobs = make_jobs(workspace, self)
            return self._jobs

    def close(self) -> None:
        """Stop the job engine and close the database."""
        if self._jobs is not None:
            self._jobs.stop()
            self._jobs = None
        if "database" in self.__dict__:
            self.database.close()

    def _locate(self, tenant: str, index: str, version: str) -> str:
        base = self.spec.settings.knowledge or str(self.data / "knowledge")
        return f"{base}/{tenant}/{index}/{version[:16]}"

    def _build(self, spec: Mapping[str, Any]) -> IndexVersion:
        from groundwork.knowledge.pipeline import IndexVersion, make_embedder

        stored = spec["embedder"]
        embedder = None if stored is None else make_embedder(stored, self._given(stored))
        return IndexVersion(spec, embedder)

    def _minilm_present(self) -> bool:
        from groundwork.models.weights import MINILM, is_present

        return is_present(MINILM, self.spec.settings.models)

    def _make_embedder(self, spec: Mapping[str, Any]) -> Embedder:
        from groundwork.knowledge.embedders import EMBEDDERS

        return EMBEDDERS.make({**spec, **self._given(spec)})

    def make_reader(self, spec: str | Mapping[str, Any]) -> Reader:
        """Return a reader with what this installation adds to its spec: the folder of models, the gateway, the prompts."""
        from groundwork.answers.readers import READERS

        table: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
        if table.get("name") in ("extractive", "generative"):
            table.setdefault("models", self.spec.settings.models)
        if table.get("name") == "generative":
            table.update(gateway=self._door().blocking, prompts=self._prompt, count=self._count)
        return READERS.make(table)

    def _prompt(self, name: str, ref: str) -> PromptVersion:
        return self.prompts.get(LOCAL, name, ref)

    def _count(self, text: str, model: str) -> int:
        from groundwork.gateway.tokens import count_text

        candidates = self._door().catalog.resolve(model).candidates
        return count_text(text, candidates[0].tokenizer if candidates else "")

    def _door(self) -> GatewayRoom:
        if self.door is None:
            raise InternalError(
                "these rooms were built without a gateway", hint="open them through a workspace"
            )
        return self.door()

    def _given(self, embedder: Mapping[str, Any]) -> dict[str, Any]:
        """What an embedder gets from this installation, which changes no vector."""
        settings = self.spec.settings
        if embedder["name"] == "minilm":
            return {"threads": settings.threads, "models": settings.models}
        if embedder["name"] == "lsa":
            return {"read": self.blobs.get}
        return {}

    def _text_of(self, principal: Principal, version: str) -> str:
        from groundwork.knowledge import store

        with self.database.read() as connection:
            reading = store.versions(connection, principal.tenant, [version])[version]
        return self.catalogue.text(reading.text)


def build_rooms(
    data: Path,
    spec: Spec,
    door: Callable[[], GatewayRoom] | None = None,
    failed: Callable[[Course], None] = lambda course: None,
    traced: Traced | None = None,
) -> Rooms:
    """Return the rooms of a workspace whose data folder is `data`.

    Args:
        door: leads to its gateway when a room needs it. failed: told of questions that could not be answered.
        traced: says which documents were shown in traces.
    """
    return Rooms(data, spec, door=door, failed=failed, traced=traced)
