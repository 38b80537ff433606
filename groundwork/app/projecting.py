"""Where spans of our own come from: answers, calls, ingests, jobs, evaluations: each table is a source of the projector."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, literal, select, type_coerce

from groundwork.answers import spans as answer_spans
from groundwork.answers import store as answer_store
from groundwork.core.clock import Clock
from groundwork.gateway import spans as call_spans
from groundwork.gateway.content import Content, ContentSink
from groundwork.gateway.spans import AttemptRecord, CallRecord
from groundwork.storage import tables as t
from groundwork.storage.columns import Word
from groundwork.storage.improvement_tables import evaluation_results, evaluations
from groundwork.storage.machine import this_process
from groundwork.storage.prepared import Prepared
from groundwork.storage.watching import Watch, among
from groundwork.telemetry.following import bound
from groundwork.telemetry.projection import Bundle, Made

if TYPE_CHECKING:
    from groundwork.telemetry.types import Span

P = bindparam
READY_AFTER = timedelta(milliseconds=500)
"""So long a call of this process may be settled before its texts are handed over, as one that the cache answers is."""
SLOWEST_ANSWER_MS = 150_000
OUT_OF_ORDER_MS = 2_000
log = logging.getLogger("groundwork.telemetry")


@dataclass(frozen=True)
class Policy:
    """What is decided elsewhere.

    Attributes:
        texts: says of an app whether its texts are kept. priced: says whether the price of a provider's model is known.
        days: how old a record may be for which spans are made; 0: of any age.
    """

    texts: Callable[[str], bool] = lambda app: True
    priced: Callable[[str, str], bool] = lambda provider, model: True
    days: float = 0.0
    environment: str = ""


class _Records:
    """What all sources share: looking at one table whose ids stand in the order of time."""

    name: str
    kind: str
    overlap_ms = OUT_OF_ORDER_MS
    shows_open = False

    def __init__(self, watch: Watch, clock: Clock, policy: Policy, table: Any) -> None:
        self.watch = watch
        self.clock = clock
        self.policy = policy
        self._looked_at: int | None = -1
        c = table.c
        self._ids = Prepared(
            select(c.id).where(c.id > P("after"), c.id <= P("until")).order_by(c.id).limit(P("most"))
        )
        self._stretches = {
            digits: Prepared(
                select(func.substr(c.id, 1, digits), func.count())
                .where(c.id >= P("since"), c.id <= P("until"))
                .group_by(func.substr(c.id, 1, digits))
            )
            for digits in (len(self.kind) + 8,)
        }

    def since(self) -> str:
        if not self.policy.days:
            return bound(self.kind, 0)
        oldest = self.clock.now() - timedelta(days=self.policy.days)
        return bound(self.kind, int(oldest.timestamp() * 1000))

    def changed(self) -> bool:
        version = self.watch.version()
        return version is None or version != self._looked_at

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        version = self.watch.version()
        with self.watch.snapshot():
            yield
        self._looked_at = version

    def open_ids(self) -> set[str]:
        return set()

    def hints(self) -> Sequence[str]:
        return ()

    def ids(self, after: str, until: str, most: int) -> list[str]:
        values = {"after": after, "until": until or f"{self.kind}~", "most": most}
        return [str(row[0]) for row in self.watch.rows(self._ids, values)]

    def counts(self, since: str, until: str, digits: int) -> dict[str, int]:
        rows = self.watch.rows(self._stretches[digits], {"since": since, "until": until})
        return {str(bucket): int(count) for bucket, count in rows}

    def make(self, ids: Sequence[str]) -> Made:
        raise NotImplementedError

    def unmake(self, bundles: Sequence[Bundle]) -> None:
        return None

    def outdated(self, bundles: Sequence[Bundle]) -> list[str]:
        return []

    def _bundle(
        self, record_id: str, tenant: str, make: Callable[[], Sequence[Span]], *, poorer: bool = False
    ) -> Bundle:
        """Return a record's spans; none for a record that cannot be read, so that it holds up no other."""
        try:
            return Bundle(record_id, tenant, make(), poorer)
        except Exception:
            log.exception("no spans can be made of %s", record_id)
            return Bundle(record_id, tenant, ())


# ---- answers ----


class _AnswerRow(NamedTuple):
    id: str
    tenant: str
    app: str
    question: str
    text: str
    abstained: bool
    record: Any
    created_at: str
    principal: str
    redacted: bool


_a = t.answers.c
_ANSWERS = among(_a.id, select(*[_a[name] for name in _AnswerRow._fields]))
_REDACTED = among(_a.id, select(_a.id).where(_a.redacted == literal(True)))
_DOCUMENTS = among(
    t.answer_documents.c.answer_id, select(t.answer_documents.c.answer_id, t.answer_documents.c.document_id)
)


class Answers(_Records):
    """Recorded answers. An id is made when a question is taken up, its row when it is answered."""

    name = "answers"
    kind = "ans"
    overlap_ms = SLOWEST_ANSWER_MS

    def __init__(self, watch: Watch, clock: Clock, policy: Policy) -> None:
        super().__init__(watch, clock, policy, t.answers)

    def make(self, ids: Sequence[str]) -> Made:
        given = {"ids": ",".join(ids)}
        documents: dict[str, list[str]] = {}
        for answer_id, document_id in self.watch.rows(_DOCUMENTS, given):
            documents.setdefault(answer_id, []).append(document_id)
        made = Made()
        for row in self.watch.rows(_ANSWERS, given):
            record = _AnswerRow(*row)
            made.bundles.append(
                self._bundle(
                    record.id,
                    record.tenant,
                    lambda r=record: answer_spans.spans_of(  # type: ignore[misc]
                        answer_store.answer_of(r),
                        further=documents.get(r.id, ()),
                        texts=self.policy.texts(r.app),
                        environment=self.policy.environment,
                    ),
                )
            )
        return made

    def outdated(self, bundles: Sequence[Bundle]) -> list[str]:
        """Answers that were redacted since: their texts may have been stored after the eraser had looked for them."""
        written = [b.record_id for b in bundles if b.spans and not _says_erased(b.spans[0])]
        return [str(row[0]) for row in self.watch.rows(_REDACTED, {"ids": ",".join(written)})]


def _says_erased(span: Span) -> bool:
    from groundwork.telemetry.own import TEXTS

    return span.attributes.get(TEXTS) == "erased"


# ---- calls of models ----

_c = t.calls.c
# The process as text, as it is compared.
_columns = [type_coerce(_c[n], Word).label(n) if n == "process" else _c[n] for n in CallRecord._fields]
_CALLS = among(_c.id, select(*_columns))
_OPEN_CALLS = Prepared(select(_c.id).where(_c.state == "open"))
_at = t.attempts.c
_ATTEMPTS = among(
    _at.call_id, select(*[_at[name] for name in AttemptRecord._fields]).order_by(_at.call_id, _at.n)
)
_v = t.document_versions.c
_ERASED = among(_v.document_id, select(_v.tenant, _v.document_id).where(_v.erased == literal(True)))


class Calls(_Records):
    """Calls in the ledger that have ended, with their attempts, and their texts where this process has them."""

    name = "calls"
    kind = "call"

    def __init__(self, watch: Watch, clock: Clock, policy: Policy, sink: ContentSink) -> None:
        super().__init__(watch, clock, policy, t.calls)
        self._sink = sink
        self._texts: dict[str, Content] = {}
        self._priced = lru_cache(4096)(policy.priced)
        self._me = json.dumps(this_process(), sort_keys=True, separators=(",", ":"))

    def open_ids(self) -> set[str]:
        return {str(row[0]) for row in self.watch.rows(_OPEN_CALLS, {})}

    def hints(self) -> Sequence[str]:
        return self._sink.ids()

    def make(self, ids: Sequence[str]) -> Made:
        given = {"ids": ",".join(ids)}
        attempts: dict[str, list[AttemptRecord]] = {}
        for row in self.watch.rows(_ATTEMPTS, given):
            attempts.setdefault(row[0], []).append(AttemptRecord(*row))
        found = self._sink.take(ids)
        calls = [CallRecord(*row) for row in self.watch.rows(_CALLS, given)]
        shown = self._shown(calls)
        made = Made()
        for call in calls:
            content = found.get(call.id)
            if content is not None and call.answer_id in shown:
                content = content._replace(documents=shown[call.answer_id])
            if call.state == "open" or (content is None and self._may_come(call)):
                made.not_ready.append(call.id)
                continue
            if content is not None:
                self._texts[call.id] = content
            made.bundles.append(
                self._bundle(
                    call.id,
                    call.tenant,
                    lambda call=call, content=content: self._spans(  # type: ignore[misc]
                        call, attempts.get(call.id, ()), content
                    ),
                    poorer=content is None and self._is_kept(call),
                )
            )
        return made

    def _shown(self, calls: Sequence[CallRecord]) -> dict[str, tuple[str, ...]]:
        """Return the documents that answers show which apps gave to calls: the caller knew none of them."""
        answers = sorted({c.answer_id for c in calls if c.answer_id and c.provider == call_spans.APP})
        shown: dict[str, tuple[str, ...]] = {}
        if answers:
            for answer_id, document_id in self.watch.rows(_DOCUMENTS, {"ids": ",".join(answers)}):
                shown[answer_id] = (*shown.get(answer_id, ()), document_id)
        return shown

    def unmake(self, bundles: Sequence[Bundle]) -> None:
        self._sink.put_back(self._handed(bundles))

    def outdated(self, bundles: Sequence[Bundle]) -> list[str]:
        """Calls whose prompts held a document that has been erased since; made again, they have no texts."""
        held = self._handed(bundles)
        documents = {d for content in held.values() for d in content.documents}
        if not documents:
            return []
        erased = {(row[0], row[1]) for row in self.watch.rows(_ERASED, {"ids": ",".join(sorted(documents))})}
        if not erased:
            return []
        tenants = {b.record_id: b.tenant for b in bundles}
        return [i for i, c in held.items() if any((tenants[i], d) in erased for d in c.documents)]

    def _handed(self, bundles: Sequence[Bundle]) -> dict[str, Content]:
        held = {b.record_id: self._texts.pop(b.record_id, None) for b in bundles}
        return {i: c for i, c in held.items() if c is not None}

    def _may_come(self, call: CallRecord) -> bool:
        """Say whether the texts of a call that ended a moment ago may still be handed over by this process."""
        if not self._is_kept(call) or call.process != self._me or call.finished_at is None:
            return False
        ended = datetime.fromisoformat(call.finished_at)
        now = self.clock.now()
        return timedelta(0) <= now.astimezone(UTC) - ended.astimezone(UTC) < READY_AFTER

    def _is_kept(self, call: CallRecord) -> bool:
        # A refused call was never handed over, nor is what an app's answer says a second time.
        return self.policy.texts(call.app) and bool(call.provider)

    def _spans(
        self, call: CallRecord, attempts: Sequence[AttemptRecord], content: Content | None
    ) -> Sequence[Span]:
        return call_spans.spans_of(
            call,
            attempts,
            content,
            texts=self.policy.texts(call.app),
            priced=self._priced(call.provider, call.served_model),
            missing=content is None and self._is_kept(call),
            environment=self.policy.environment,
        )


# ---- ingests and jobs ----


@dataclass(frozen=True)
class IngestRecord:
    """A row of `ingests`."""

    id: str
    tenant: str
    index: str
    report: Any
    started_at: str
    finished_at: str | None
    principal: str


_i = t.ingests.c
_INGESTS = among(
    _i.id, select(_i.id, _i.tenant, _i.index_name, _i.report, _i.started_at, _i.finished_at, _i.principal)
)


class Ingests(_Records):
    """Ingests that have ended."""

    name = "ingests"
    kind = "ing"

    def __init__(self, watch: Watch, clock: Clock, policy: Policy) -> None:
        super().__init__(watch, clock, policy, t.ingests)

    def make(self, ids: Sequence[str]) -> Made:
        from groundwork.app.work_spans import ingest_spans

        rows = [IngestRecord(*row) for row in self.watch.rows(_INGESTS, {"ids": ",".join(ids)})]
        environment = self.policy.environment
        return Made(
            [self._bundle(r.id, r.tenant, lambda r=r: ingest_spans(r, environment)) for r in rows]  # type: ignore[misc]
        )


@dataclass(frozen=True)
class JobRecord:
    """A row of `jobs`."""

    id: str
    tenant: str
    kind: str
    state: str
    arguments: Any
    progress: Any
    result: Any
    error: Any
    principal: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel_requested: bool
    attempts: int


_j = t.jobs.c
_JOBS = among(_j.id, select(*[_j[name] for name in JobRecord.__dataclass_fields__]))
_OPEN_JOBS = Prepared(select(_j.id).where(_j.state.in_([literal("queued"), literal("running")])))


class Jobs(_Records):
    """Background jobs, those that wait or run as well."""

    name = "jobs"
    kind = "job"
    shows_open = True

    def __init__(self, watch: Watch, clock: Clock, policy: Policy) -> None:
        super().__init__(watch, clock, policy, t.jobs)

    def open_ids(self) -> set[str]:
        return {str(row[0]) for row in self.watch.rows(_OPEN_JOBS, {})}

    def make(self, ids: Sequence[str]) -> Made:
        from groundwork.app.work_spans import job_spans

        rows = [JobRecord(*row) for row in self.watch.rows(_JOBS, {"ids": ",".join(ids)})]
        environment = self.policy.environment
        return Made(
            [self._bundle(r.id, r.tenant, lambda r=r: job_spans(r, environment)) for r in rows]  # type: ignore[misc]
        )


_e = evaluations.c
_EVALUATIONS = among(
    _e.id,
    select(
        _e.id, _e.tenant, _e.app, _e.dataset, _e.dataset_version, _e.split, _e.state, _e.plan, _e.record, _e.progress,
        _e.summary, _e.cost_nanousd, _e.release, _e.job_id, _e.created_at, _e.created_by, _e.started_at, _e.finished_at,
    ),
)  # fmt: skip
_OPEN_EVALUATIONS = Prepared(select(_e.id).where(_e.state.in_([literal("planned"), literal("running")])))
_r = evaluation_results.c
_RAN = among(
    _r.evaluation_id,
    select(_r.evaluation_id, _r.example_id, _r.answer_id, _r.trace_id)
    .where(_r.seq < literal(128), _r.repeat == literal(0), _r.trace_id != literal(""))
    .order_by(_r.evaluation_id, _r.seq),
)


class Evaluations(_Records):
    """Evaluations, those that wait or run as well; one that is resumed is made again when it ends."""

    name = "evaluations"
    kind = "evl"
    shows_open = True

    def __init__(self, watch: Watch, clock: Clock, policy: Policy) -> None:
        super().__init__(watch, clock, policy, evaluations)

    def open_ids(self) -> set[str]:
        return {str(row[0]) for row in self.watch.rows(_OPEN_EVALUATIONS, {})}

    def make(self, ids: Sequence[str]) -> Made:
        from groundwork.app.evaluation_spans import EvaluationRecord, Ran, evaluation_spans

        given = {"ids": ",".join(ids)}
        ran: dict[str, list[Ran]] = {}
        for evaluation_id, *rest in self.watch.rows(_RAN, given):
            ran.setdefault(evaluation_id, []).append(Ran(*rest))
        environment = self.policy.environment
        rows = [EvaluationRecord(*row) for row in self.watch.rows(_EVALUATIONS, given)]
        return Made(
            [
                self._bundle(r.id, r.tenant, lambda r=r: evaluation_spans(r, ran.get(r.id, ()), environment))  # type: ignore[misc]
                for r in rows
            ]
        )


@dataclass
class Sources:
    """The sources of a workspace, over one connection."""

    watch: Watch
    clock: Clock
    policy: Policy
    sink: ContentSink
    all: list[_Records] = field(init=False)

    def __post_init__(self) -> None:
        w, c, p = self.watch, self.clock, self.policy
        self.all = [
            Answers(w, c, p),
            Calls(w, c, p, self.sink),
            Ingests(w, c, p),
            Jobs(w, c, p),
            Evaluations(w, c, p),
        ]
