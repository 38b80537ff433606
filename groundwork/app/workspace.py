"""The workspace: every room built from the settings, introduced to each other, behind one object that all doors use."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.app import config
from groundwork.app.build import Rooms, build_rooms
from groundwork.core.errors import (
    BusyError,
    DamagedError,
    InvalidInputError,
    NotFoundError,
    NoWorkspaceError,
    StorageFullError,
    UnavailableError,
)
from groundwork.core.principal import LOCAL, Principal
from groundwork.core.settings import AppSpec, IndexSpec, Resolved, Settings, Spec

if TYPE_CHECKING:
    from groundwork.answers.calibration import Calibration
    from groundwork.answers.pipeline import OnEvent
    from groundwork.answers.types import Answer, Conversation, Explanation, LiveReplay, Replay, Turn
    from groundwork.app.accounts import AccountsRoom
    from groundwork.app.doctor import Finding
    from groundwork.app.gateway import GatewayRoom
    from groundwork.app.improving import EvaluationRoom
    from groundwork.app.pathways import PathwaysRoom
    from groundwork.app.releasing import ReleasesRoom
    from groundwork.app.telemetry import TelemetryRoom
    from groundwork.core.erasure import ErasureReceipt
    from groundwork.datasets.store import Datasets
    from groundwork.evaluation.running import OnProgress
    from groundwork.evaluation.types import Evaluation
    from groundwork.gateway.blocking import BlockingGateway
    from groundwork.gateway.catalog import Catalog
    from groundwork.gateway.keys import Keys
    from groundwork.gateway.secrets import Secrets
    from groundwork.gateway.types import Caller
    from groundwork.gateway.usage import UsageBook
    from groundwork.jobs import JobInfo
    from groundwork.knowledge.filters import Filter
    from groundwork.knowledge.records import (
        DocumentInfo,
        DocumentView,
        IngestProgress,
        IngestReport,
        QuarantineEntry,
        SearchResult,
        SnapshotDiff,
        SnapshotInfo,
    )
    from groundwork.knowledge.verify import VerifyReport
    from groundwork.prompts.store import Prompts


@dataclass(frozen=True)
class IndexInfo:
    """One index at a glance; `head` is None before the first ingest."""

    name: str
    head: SnapshotInfo | None
    documents: int
    chunks: int
    quarantined: int
    embedder: str
    strategy: str
    apps: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Workspace:
    """A directory with `groundwork.toml` and everything that was made in it. Safe to use from several threads."""

    def __init__(self, root: Path, resolved: Resolved) -> None:
        self.root = root
        self.resolved = resolved
        self._rooms: Rooms | None = None
        self._door: GatewayRoom | None = None
        self._telemetry: TelemetryRoom | None = None
        self._accounts: AccountsRoom | None = None
        self._evaluation: EvaluationRoom | None = None
        self._releases: ReleasesRoom | None = None
        self._pathways: PathwaysRoom | None = None
        self._lock = threading.RLock()

    # -- opening ----------------------------------------------------------------------------------------------
    @classmethod
    def init(cls, directory: Path) -> Workspace:
        """Make a workspace in `directory` (made if need be), or open the one that is there."""
        root = directory.absolute()
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / config.SPEC_FILE).exists():
                _write_new(root / config.SPEC_FILE, config.NEW_SPEC)
            data = root / config.DATA_FOLDER
            data.mkdir(exist_ok=True)
            if not (data / ".gitignore").exists():
                _write_new(data / ".gitignore", "*\n")
        except OSError as error:
            raise InvalidInputError(
                f"no workspace can be made in {root}: {error.strerror}",
                hint="choose a directory you may write to",
            ) from error
        workspace = cls(root, config.read_config(root))
        workspace._refuse_lost_database()
        workspace.rooms.database.migrate()
        return workspace

    @classmethod
    def open(cls, directory: Path | None = None, **arguments: Any) -> Workspace:
        """Open the workspace in `directory` or the nearest one above it; `arguments` override settings.

        Raises:
            NoWorkspaceError: there is none.
            SettingsError: `groundwork.toml` or a variable does not make sense.
            WorkspaceVersionError: a newer Groundwork wrote it; nothing is changed.
            DamagedError: documents are stored, but the database that knows them is gone.
        """
        start = Path.cwd() if directory is None else directory
        if not start.exists():
            raise NoWorkspaceError(
                f"there is no directory {start}", hint="make a workspace with `groundwork init`"
            )
        root = config.find_root(start)
        workspace = cls(root, config.read_config(root, arguments=arguments))
        workspace._refuse_lost_database()
        workspace.rooms.database.migrate()
        return workspace

    @property
    def spec(self) -> Spec:
        return self.resolved.spec

    @property
    def settings(self) -> Settings:
        return self.resolved.spec.settings

    @property
    def rooms(self) -> Rooms:
        """The rooms of this workspace, built on first use."""
        with self._lock:
            if self._rooms is None:
                self._rooms = build_rooms(
                    self.root / config.DATA_FOLDER,
                    self.spec,
                    lambda: self.door,
                    lambda course: self.telemetry.unanswered.put(course),
                    self._traced,
                )
            return self._rooms

    @property
    def door(self) -> GatewayRoom:
        """The gateway and what belongs to it: keys, usage, catalog, secrets."""
        from groundwork.app.gateway import GatewayRoom

        with self._lock:
            if self._door is None:
                self._door = GatewayRoom(self)
            return self._door

    @property
    def telemetry(self) -> TelemetryRoom:
        """Traces and what is made of them: the store, lists and searches, feedback, dashboards, export."""
        from groundwork.app.telemetry import TelemetryRoom

        with self._lock:
            if self._telemetry is None:
                self._telemetry = TelemetryRoom(self)
            return self._telemetry

    @property
    def accounts(self) -> AccountsRoom:
        """Users, roles, workspaces and sessions."""
        from groundwork.app.accounts import AccountsRoom

        with self._lock:
            if self._accounts is None:
                self._accounts = AccountsRoom(self)
            return self._accounts

    @property
    def evaluation(self) -> EvaluationRoom:
        """Evaluations, comparisons, judges, gates and tuning."""
        from groundwork.app.improving import EvaluationRoom

        with self._lock:
            if self._evaluation is None:
                self._evaluation = EvaluationRoom(self)
            return self._evaluation

    @property
    def releases(self) -> ReleasesRoom:
        """Releases, the environments they stand in, canaries."""
        from groundwork.app.releasing import ReleasesRoom

        with self._lock:
            if self._releases is None:
                self._releases = ReleasesRoom(self)
            return self._releases

    @property
    def pathways(self) -> PathwaysRoom:
        """Roles, plans, labs, quizzes, proofs and the portfolio."""
        from groundwork.app.pathways import PathwaysRoom

        with self._lock:
            if self._pathways is None:
                self._pathways = PathwaysRoom(self)
            return self._pathways

    @property
    def datasets(self) -> Datasets:
        """The datasets: versions of examples, and what waits for review."""
        return self.rooms.datasets

    @property
    def keys(self) -> Keys:
        """The API keys."""
        return self.door.keys

    @property
    def usage(self) -> UsageBook:
        """What was called and what it cost."""
        return self.door.usage

    @property
    def catalog(self) -> Catalog:
        """The models that can be asked for."""
        return self.door.catalog

    @property
    def secrets(self) -> Secrets:
        """The keys of providers, encrypted; for the operator's own commands only."""
        return self.door.secrets

    @property
    def gateway(self) -> BlockingGateway:
        """The one door to every model, for threads; a server uses `door.gateway` on its own event loop."""
        return self.door.blocking

    @property
    def prompts(self) -> Prompts:
        """The prompt templates of `prompts/` with their versions."""
        return self.rooms.prompts

    def close(self) -> None:
        """Let go of connections and child processes; the object may be used again."""
        if self._telemetry is not None:
            self._telemetry.close()
            self._telemetry = None
        self._accounts = None
        self._evaluation = None
        self._pathways = None
        if self._releases is not None:
            self._releases.close()
            self._releases = None
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._rooms is not None:
            self._rooms.close()
            self._rooms = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _traced(self, tenant: str, trace_ids: Sequence[str]) -> Mapping[str, set[str]]:
        from groundwork.app.datasets import documents_of_traces

        return documents_of_traces(self, tenant, trace_ids)

    def _refuse_lost_database(self) -> None:
        """Refuse to begin an empty database beside stored documents: it would call everything well that is lost."""
        data = self.root / config.DATA_FOLDER
        file = data / "groundwork.db"
        if self.settings.database or (file.exists() and file.stat().st_size):
            return
        if any(data.glob("blobs/[0-9a-f][0-9a-f]/*")) or any(data.glob("knowledge/*/*")):
            raise DamagedError(
                f"documents are stored in {data}, but their database {file.name} is {'empty' if file.exists() else 'gone'}",
                hint=f"restore a backup of {file.name}; without one, move {data} away and ingest again",
            )

    # -- knowledge --------------------------------------------------------------------------------------------
    def ingest(
        self,
        paths: Sequence[Path],
        *,
        index: str = "default",
        principal: Principal = LOCAL,
        access: Sequence[str] | None = None,
        progress: Callable[[IngestProgress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        rebuild: bool = False,
        reread: bool = False,
    ) -> IngestReport:
        """Bring an index up to date with files and folders; only what changed is worked on.

        Args:
            paths: files and folders; a document whose file is gone from one of them leaves the index.
            access: who may read what is read now, such as `group:hr`; None: as the spec says, as before, else everybody.
            progress: called often with where it stands.
            cancelled: asked between batches; True stops with CancelledError, and the next run goes on.
            rebuild: make every row anew with the parts that the spec names now.
            reread: read every file again, also those that seem unchanged.
        """
        from groundwork.knowledge.ingest import IngestOptions

        options = IngestOptions(None if access is None else tuple(access), reread, rebuild)
        report = self.rooms.ingestor.ingest(
            list(paths),
            index,
            self.index_spec(index),
            principal,
            options,
            progress or (lambda p: None),
            cancelled or (lambda: False),
        )
        if self.settings.keep_snapshots:
            self.prune(index, self.settings.keep_snapshots, principal)
        return report

    def search(
        self,
        question: str,
        *,
        index: str | None = None,
        strategy: str | Mapping[str, Any] | None = None,
        k: int = 10,
        snapshot: str | None = None,
        filter: Filter | None = None,
        principal: Principal = LOCAL,
    ) -> SearchResult:
        """Return the k best passages of an index; the default app says which index and strategy where they are not named."""
        default = self.app_spec("default")
        name = index or default.index
        self.index_spec(name)
        return self.rooms.searcher.search(
            principal, question, name, strategy or default.strategy, k, snapshot, filter
        )

    def indexes(self, principal: Principal = LOCAL) -> list[IndexInfo]:
        """Return every index of the spec and every other one that holds something, by name."""
        from groundwork.knowledge import store

        rooms = self.rooms
        with rooms.database.read() as connection:
            held = set(store.index_names(connection, principal.tenant))
        found = []
        for name in sorted(held | set(self.spec.indexes)):
            snapshots = self.snapshots(name, principal) if name in held else []
            head = next((s for s in snapshots if s.head), None)
            apps = tuple(sorted(a for a, s in self.spec.apps.items() if s.index == name))
            strategy = self.spec.apps[apps[0]].strategy if apps else AppSpec().strategy
            found.append(
                IndexInfo(
                    name,
                    head,
                    head.documents if head else 0,
                    head.chunks if head else 0,
                    len(self.quarantine(name, principal)),
                    head.embedder if head else "",
                    strategy if isinstance(strategy, str) else str(strategy.get("name")),
                    apps,
                )
            )
        return found

    def documents(
        self,
        index: str = "default",
        principal: Principal = LOCAL,
        *,
        snapshot: str | None = None,
        contains: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[DocumentInfo], int]:
        """Return one page of the documents of a snapshot (the head where none is named), by name, and how many there are."""
        self.index_spec(index)
        if snapshot is None and not self.snapshots(index, principal):
            return [], 0
        return self.rooms.catalogue.documents(principal, index, snapshot, contains, limit, offset)

    def document(
        self,
        document_id: str,
        principal: Principal = LOCAL,
        *,
        snapshot: str | None = None,
        version: str | None = None,
    ) -> DocumentView:
        """Return a document with its text, structure and chunks: of a snapshot, of a version, or the one in use."""
        return self.rooms.catalogue.document(principal, document_id, snapshot, version)

    def original(
        self, document_id: str, principal: Principal = LOCAL, *, version: str | None = None
    ) -> tuple[bytes, str]:
        """Return the bytes that were ingested, and their media type."""
        return self.rooms.catalogue.original(principal, document_id, version)

    def snapshots(self, index: str = "default", principal: Principal = LOCAL) -> list[SnapshotInfo]:
        """Return the snapshots of an index, newest first."""
        from groundwork.knowledge import store

        self.index_spec(index)
        catalogue = self.rooms.catalogue
        with self.rooms.database.read() as connection:
            head = catalogue.head(connection, principal, index)
            return [catalogue.info(r, head) for r in store.snapshots(connection, principal.tenant, index)]

    def snapshot(self, index: str, name: str, principal: Principal = LOCAL) -> SnapshotInfo:
        """Return one snapshot by digest, by a prefix of at least 4 digits, `head` or `head~N`."""
        self.index_spec(index)
        catalogue = self.rooms.catalogue
        with self.rooms.database.read() as connection:
            return catalogue.info(
                catalogue.resolve(connection, principal, index, name),
                catalogue.head(connection, principal, index),
            )

    def diff(self, index: str, old: str, new: str, principal: Principal = LOCAL) -> SnapshotDiff:
        """Return what it takes to get from one snapshot to another; only an owner may, since it names every document."""
        from groundwork.knowledge.diff import diff_manifests, diff_settings

        self.index_spec(index)
        catalogue = self.rooms.catalogue
        with self.rooms.database.read() as connection:
            rows = [catalogue.resolve(connection, principal, index, name) for name in (old, new)]
            parts = [catalogue.parts(connection, principal.tenant, r.index_version) for r in rows]
        readers = [
            lambda versions, r=r, p=p: catalogue.index(principal.tenant, index, p).of_versions(
                r.ref, versions, vectors=False
            )
            for r, p in zip(rows, parts, strict=True)
        ]
        return diff_manifests(
            catalogue.manifest(rows[0].id),
            catalogue.manifest(rows[1].id),
            readers[0],
            readers[1],
            diff_settings(parts[0].spec, parts[1].spec),
        )

    def remove(
        self, names: Sequence[str], *, index: str = "default", principal: Principal = LOCAL
    ) -> IngestReport:
        """Take documents out of an index by name, id or folder; old snapshots keep them, and they may come again."""
        self.index_spec(index)
        return self.rooms.ingestor.remove(index, list(names), principal)

    def rollback(
        self, index: str, snapshot: str, principal: Principal = LOCAL, reason: str = ""
    ) -> SnapshotInfo:
        """Make an earlier (or later) snapshot the head; nothing is lost, and rolling forward is the same move."""
        self.index_spec(index)
        return self.rooms.history.rollback(principal, index, snapshot, reason)

    def prune(self, index: str, keep: int, principal: Principal = LOCAL) -> list[str]:
        """Drop all but the newest `keep` snapshots and the head; answers of dropped ones can no longer be replayed."""
        self.index_spec(index)
        return self.rooms.history.prune(principal, index, keep)

    def maintain(self, index: str = "default", principal: Principal = LOCAL) -> None:
        """Merge and compact the files of an index and remove what crashes left; answers at no snapshot change."""
        self.index_spec(index)
        self.rooms.history.maintain(principal, index)
        self.rooms.sweep()

    def quarantine(self, index: str = "default", principal: Principal = LOCAL) -> list[QuarantineEntry]:
        """Return the files that could not be indexed and why, by path."""
        self.index_spec(index)
        return self.rooms.catalogue.quarantine(principal, index)

    def erase(self, document_ids: Sequence[str], principal: Principal = LOCAL) -> list[ErasureReceipt]:
        """Take documents away for good, everywhere; there is no way back.

        Returns:
            What each room that keeps personal text removed.
        """
        rooms = [*self.rooms.erasable, self.telemetry.eraser]
        return [room.erase_documents(principal, list(document_ids)) for room in rooms]

    # -- answers ----------------------------------------------------------------------------------------------
    def ask(
        self,
        question: str,
        *,
        app: str = "default",
        principal: Principal = LOCAL,
        snapshot: str | None = None,
        conversation: str | None = None,
        history: Sequence[Turn] = (),
        caller: Caller | None = None,
        on_event: OnEvent | None = None,
        environment: str = "",
        release: str = "",
        unit: str = "",
    ) -> Answer:
        """Answer a question from an app's index, with citations, or decline with a reason; either way it is recorded.

        The release that stands in the environment answers; where none does, the app answers as `groundwork.toml` has it.

        Args:
            app: its name; `app@4` names a release of it, `app@staging` an environment.
            conversation: id of the conversation it goes on in, or `new` to begin one.
            history: what was said before, oldest first, where the client keeps the conversation itself.
            caller: on whose account models are asked; None: the principal's.
            on_event: told each sentence as soon as its citations are checked.
            environment: ask what stands there; empty: in the one of the setting `environment`.
            release: ask this release, wherever it stands. unit: whom a canary keeps at one release, such as a session.
        """
        from groundwork.app.answering import Question, answered

        return answered(
            self,
            Question(
                question,
                app,
                principal,
                snapshot,
                conversation,
                history,
                caller,
                on_event,
                "",
                environment,
                release,
                unit,
            ),
        )

    def answer(self, answer_id: str, principal: Principal = LOCAL) -> Answer:
        """Return a recorded answer.

        Raises:
            NotFoundError: no such answer, or it is not the principal's.
        """
        from groundwork.answers import store

        with self.rooms.database.read() as connection:
            found = store.answer(connection, principal, answer_id)
        if found is None:
            raise NotFoundError(
                f"there is no answer `{answer_id}`", hint="list them with `groundwork answers`"
            )
        return found

    def answers(
        self,
        principal: Principal = LOCAL,
        *,
        limit: int = 50,
        before: str | None = None,
        app: str | None = None,
    ) -> list[Answer]:
        """Return recorded answers, newest first; `before` is the id to go on from."""
        from groundwork.answers import store

        with self.rooms.database.read() as connection:
            return store.answers(connection, principal, limit, before, app)

    def replay(self, answer_id: str, principal: Principal = LOCAL) -> Replay:
        """Make a recorded answer again from its pins and say whether the same came out; what came out is noted."""
        from groundwork.answers import store
        from groundwork.answers.replay import replay

        found = replay(self.rooms.pipeline, self.answer(answer_id, principal), principal.tenant)
        # Whoever wants to know is told, also where nothing can be written now.
        with (
            contextlib.suppress(BusyError, StorageFullError, UnavailableError),
            self.rooms.database.write() as connection,
        ):
            store.put_replay(
                connection, principal, found.id, found.result, self.rooms.clock.now().isoformat()
            )
        return found

    def replay_live(
        self,
        answer_id: str,
        principal: Principal = LOCAL,
        *,
        n: int = 1,
        caller: Caller | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> LiveReplay:
        """Ask the models of a recorded answer again, `n` times, and say how far they agree; this costs what they cost.

        Args:
            caller: on whose account; None: the principal's.
        """
        from groundwork.answers.live import replay_live
        from groundwork.gateway.types import Caller

        paying = caller or Caller(principal.tenant, principal.name, access=principal.readable())
        return replay_live(self.rooms.pipeline, self.answer(answer_id, principal), paying, n, progress)

    def conversations(
        self, principal: Principal = LOCAL, *, limit: int = 50, before: str | None = None
    ) -> list[Conversation]:
        """Return conversations, newest first; `before` is the id to go on from."""
        from groundwork.answers import store

        with self.rooms.database.read() as connection:
            return store.conversations(connection, principal, limit, before)

    def conversation(self, conversation_id: str, principal: Principal = LOCAL) -> list[Answer]:
        """Return the answers of a conversation, oldest first.

        Raises:
            NotFoundError: no such conversation, or it is not the principal's.
        """
        from groundwork.answers import store

        with self.rooms.database.read() as connection:
            found = store.conversation(connection, principal, conversation_id)
        if not found:
            raise NotFoundError(
                f"there is no conversation `{conversation_id}`",
                hint="begin one with `groundwork ask --conversation`",
            )
        return found

    def explain(self, answer_id: str, principal: Principal = LOCAL) -> Explanation:
        """Say why a recorded answer came out as it did."""
        from groundwork.answers.explain import explain

        return explain(self.rooms.pipeline, self.answer(answer_id, principal), principal.tenant)

    def calibrate(
        self,
        path: Path,
        *,
        app: str = "default",
        target_risk: float | None = None,
        delta: float = 0.1,
        principal: Principal = LOCAL,
        progress: Callable[[int, int], None] | None = None,
    ) -> Calibration:
        """Find the threshold of an app with a guarantee, on a labelled file, and use it from now on.

        Args:
            path: JSON lines `{question, answers: […], is_impossible?}`.
            target_risk: share of wrong answers to stay under; None: the app's `risk`.
            delta: how often, over draws of the labelled file, the promise may be broken.
        """
        from groundwork.app.calibrate import calibrate_app

        return calibrate_app(
            self, path, app, target_risk, delta, principal, progress or (lambda done, total: None)
        )

    def evaluate(
        self,
        subject: str,
        *,
        dataset: str,
        split: str = "test",
        scorers: Sequence[str | Mapping[str, Any]] | None = None,
        repeats: int = 1,
        title: str = "",
        limit: int | None = None,
        principal: Principal = LOCAL,
        progress: OnProgress | None = None,
        cancelled: Callable[[], bool] | None = None,
        resume: str = "",
    ) -> Evaluation:
        """Run an app, a release, a model or recorded outputs over a dataset, score what comes out, and return the numbers.

        Args:
            subject: such as `handbook`, `handbook@4`, `model:openai/gpt-5-mini`, `file:outputs.jsonl`.
            dataset: such as `golden` (its newest version) or `golden@3`. split: empty: all but the holdout.
            scorers: names or tables; None: the usual ones that have something to score.
            limit: so many examples, drawn at random.
            progress: told often where it stands. cancelled: asked between examples; True stops it.
            resume: id of an evaluation to go on with; everything else is then as it was planned.

        Raises:
            NotFoundError, InvalidInputError: see `Runner.plan`.
            BusyError, ConflictError, GoneError, CancelledError, BudgetExceededError: see `Runner.run`; what is done is kept.
        """
        from groundwork.app.running import evaluate

        return evaluate(
            self,
            principal,
            subject,
            dataset=dataset,
            split=split,
            scorers=scorers,
            repeats=repeats,
            title=title,
            limit=limit,
            progress=progress,
            cancelled=cancelled,
            resume=resume,
        )

    # -- care -------------------------------------------------------------------------------------------------
    def verify(
        self, principal: Principal = LOCAL, progress: Callable[[str, int, int], None] | None = None
    ) -> VerifyReport:
        """Check every blob, manifest and chunk against its digest; names what is damaged and changes nothing."""
        return self.rooms.verifier.verify(principal, progress or (lambda what, done, total: None))

    def doctor(self) -> list[Finding]:
        """Say in plain words what is missing or misconfigured and what to do."""
        from groundwork.app.doctor import examine

        return examine(self)

    # -- background work --------------------------------------------------------------------------------------
    def start_ingest(
        self,
        paths: Sequence[Path],
        *,
        index: str = "default",
        principal: Principal = LOCAL,
        access: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Queue an ingest and return the job's id; it survives a crash of this process and goes on in the next."""
        self.index_spec(index)
        arguments = {
            "paths": [str(p) for p in paths],
            "index": index,
            "access": None if access is None else list(access),
        }
        return self.rooms.jobs(self).enqueue("ingest", arguments, principal, idempotency_key=idempotency_key)

    def jobs(self, principal: Principal = LOCAL, *, limit: int = 50) -> list[JobInfo]:
        """Return background jobs, newest first."""
        return self.rooms.jobs(self).list(principal, limit=limit)

    def job(self, job_id: str, principal: Principal = LOCAL) -> JobInfo:
        """Return one background job."""
        return self.rooms.jobs(self).get(job_id, principal)

    def cancel(self, job_id: str, principal: Principal = LOCAL) -> JobInfo:
        """Ask a background job to stop; what it did is kept."""
        return self.rooms.jobs(self).cancel(job_id, principal)

    def start_worker(self) -> None:
        """Take up background jobs in this process, also those that a dead process left; for a server or worker."""
        self.rooms.jobs(self).start()

    # -- the spec ---------------------------------------------------------------------------------------------
    def take_up_labs(self) -> None:
        """See what labs add to the spec now, also in a server that runs; a spec that is broken meanwhile changes nothing."""
        from dataclasses import replace

        from groundwork.app.lab_parts import take_up
        from groundwork.core.errors import SettingsError

        try:
            fresh = config.read_config(self.root)
        except SettingsError:
            return
        with self._lock:
            changed = take_up(self.spec, fresh.spec)
            origins = {**fresh.origins, **self.resolved.origins}
            self.resolved = replace(self.resolved, origins=origins, left_out=fresh.left_out)
            if changed and self._door is not None:
                self._door.take_up_labs()

    def index_spec(self, name: str) -> IndexSpec:
        """Return the spec of an index.

        Raises:
            NotFoundError: `groundwork.toml` has no index of that name.
        """
        found: IndexSpec = _named(self.spec.indexes, name, "index", "indexes")
        return found

    def app_spec(self, name: str) -> AppSpec:
        """Return the spec of an app.

        Raises:
            NotFoundError: `groundwork.toml` has no app of that name.
        """
        found: AppSpec = _named(self.spec.apps, name, "app", "apps")
        return found


def _named(table: Mapping[str, Any], name: str, kind: str, section: str) -> Any:
    if name not in table:
        import difflib

        near = difflib.get_close_matches(name, table, 1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise NotFoundError(
            f"there is no {kind} `{name}`",
            hint=f"{hint}known: {', '.join(sorted(table))}; add [{section}.{name}] to groundwork.toml",
        )
    return table[name]


def _write_new(path: Path, text: str) -> None:
    import os

    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        aside.rename(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        if error.errno == 28:
            raise StorageFullError(
                f"the disk is full; {path.name} was not written", hint="make room and try again"
            ) from error
        raise
