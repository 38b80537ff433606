"""Hand spans on in batches: what the target takes moves the cursor, what it refuses is counted, the rest comes again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import func, select

from groundwork.core.clock import Clock
from groundwork.core.errors import GroundworkError
from groundwork.storage.database import Database
from groundwork.storage.telemetry_tables import spans as stored_spans
from groundwork.telemetry.cursors import Cursors
from groundwork.telemetry.exporting.pace import Pace
from groundwork.telemetry.exporting.sending import NotSentError, Sender, rejected, verdict, words
from groundwork.telemetry.masking import without_texts
from groundwork.telemetry.otlp import encode
from groundwork.telemetry.outcomes import OPEN
from groundwork.telemetry.types import Span

NAME = "export"
IDLE_S = 1.0
PROBE_SPANS = 16
_SPAN_BYTES = 1000


class Reader(Protocol):
    """What the exporter reads."""

    def raw(self, tenant: str, after_seq: int, limit: int) -> list[tuple[int, Span]]:
        """Return spans in order of arrival."""
        ...

    def tenants(self) -> list[str]:
        """Return who has spans."""
        ...


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How spans are handed on.

    Attributes:
        as_json: OTLP as JSON instead of protobuf.
        sample: share of the traces, from 0 to 1; all spans of a trace share its fate.
        content: also texts of prompts and outputs.
        batch: spans of one request. batch_bytes: about the largest request; a batch over it is halved.
        spool_spans, spool_bytes: what may wait while the target is down; beyond that the oldest are skipped and counted.
    """

    as_json: bool = False
    sample: float = 1.0
    content: bool = True
    batch: int = 512
    batch_bytes: int = 4 * 1024 * 1024
    spool_spans: int = 1_000_000
    spool_bytes: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class ExportStatus:
    """Where the export stands.

    Attributes:
        target: address without secrets; empty: none is set.
        state: `off`, `well`, `retrying`, `open` (the breaker is), `misconfigured` (somebody has to look at it).
        waiting: spans stored and not handed on. sent: taken by the target. sampled_out: left out by the sample.
        rejected: taken in part: those it did not store. dropped: refused for good. skipped: waited beyond the spool.
        error: what went wrong last; empty when all is well. sent_at: ISO 8601, UTC.
    """

    target: str = ""
    state: Literal["off", "well", "retrying", "open", "misconfigured"] = "off"
    waiting: int = 0
    sent: int = 0
    sampled_out: int = 0
    rejected: int = 0
    dropped: int = 0
    skipped: int = 0
    error: str = ""
    sent_at: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_COUNTS = ("sent", "sampled_out", "rejected", "dropped", "skipped")


class Exporter:
    """Follows the store of all tenants and posts to one target. One step at a time; see `step`.

    Args:
        target: the address, for people. sender: made when the first span is due.
    """

    def __init__(
        self,
        database: Database,
        reader: Reader,
        clock: Clock,
        target: str,
        sender: Callable[[], Sender],
        options: ExportOptions = ExportOptions(),
    ) -> None:
        self._database = database
        self._reader = reader
        self._clock = clock
        self._target = target
        self._make = sender
        self._sender: Sender | None = None
        self._options = options
        self._cursors = Cursors(database)
        self._pace = Pace()
        self._lock = threading.Lock()
        self._loaded: tuple[dict[str, Any], int] | None = None

    def step(self) -> float:
        """Hand one batch of each tenant on and return the seconds after which the next step is due; 0: at once.

        Never raises for what the target or the database does; `status` says what it was.
        """
        with self._lock:
            try:
                self._loaded = self._cursors.load(NAME)
                more = False
                for tenant in self._reader.tenants():
                    wait = self._tenant(tenant)
                    if wait is None:
                        continue
                    if wait > 0:
                        return wait
                    more = True
                return 0.0 if more else IDLE_S
            except GroundworkError as error:
                return self._failed(error.message, misconfigured=error.status == 400)
            except NotSentError as error:
                return self._failed(str(error))

    def drain(self, most: int = 1000) -> None:
        """Step until nothing is left or a pause is due; for commands and for the end of a process."""
        for _ in range(most):
            if self.step() > 0:
                return

    def status(self) -> ExportStatus:
        """Return where the export stands, also when another process does it."""
        state, _ = self._cursors.load(NAME)
        at = state.get("at") or {}
        waiting = sum(self._behind(tenant, int(at.get(tenant, 0))) for tenant in self._reader.tenants())
        return ExportStatus(
            self._target,
            state.get("state", "well"),
            waiting,
            **{name: int(state.get(name, 0)) for name in _COUNTS},
            error=str(state.get("error", "")),
            sent_at=str(state.get("sent_at", "")),
        )

    def skip(self) -> int:
        """Count everything that waits as handed on, and return how much that was."""
        with self._lock:
            self._loaded = self._cursors.load(NAME)
            skipped = 0
            for tenant in self._reader.tenants():
                behind = self._behind(tenant, self._at(tenant))
                if behind:
                    skipped += behind
                    self._save(tenant, self._newest(tenant), skipped=behind)
            return skipped

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            if self._sender is not None:
                self._sender.close()
                self._sender = None

    # -- one tenant -------------------------------------------------------------------------------------------
    def _tenant(self, tenant: str) -> float | None:
        """Hand one batch on: None where there was nothing, else the seconds to wait before the next."""
        after = self._at(tenant)
        options = self._options
        limit = options.batch if self._pace.failures == 0 else min(options.batch, PROBE_SPANS)
        found = self._reader.raw(tenant, after, limit)
        if not found:
            return None
        last = found[-1][0]
        spans = [span for _, span in found if span.attributes.get(OPEN) is not True]
        chosen = [span for span in spans if sampled(span.trace_id, options.sample)]
        counts = {"sampled_out": len(spans) - len(chosen)}
        if chosen:
            wait = self._post([s if options.content else without_texts(s) for s in chosen], counts)
            if wait is not None:
                self._cap(tenant, after)
                return wait
        self._save(tenant, last, **counts)
        return 0.0

    def _post(self, spans: Sequence[Span], counts: dict[str, Any]) -> float | None:
        """Post spans, in halves where they are too many; return the seconds to wait where the target does not take them."""
        body = self._encoded(spans)
        if len(body) > self._options.batch_bytes and len(spans) > 1:
            return self._halves(spans, counts)
        try:
            sent = self._out().send(body)
        except NotSentError as error:
            return self._failed(str(error))
        match verdict(sent):
            case "taken":
                self._pace.succeeded()
                refused, why = rejected(sent, as_json=self._options.as_json)
                counts["sent"] = counts.get("sent", 0) + max(0, len(spans) - refused)
                counts["rejected"] = counts.get("rejected", 0) + refused
                if refused:
                    counts["error"] = f"{refused} spans were not stored: {why}"
            case "too_large" if len(spans) > 1:
                return self._halves(spans, counts)
            case "too_large" | "refused":
                self._pace.succeeded()
                counts["dropped"] = counts.get("dropped", 0) + len(spans)
                counts["error"] = f"{len(spans)} spans were refused: {words(sent)}"
            case "misconfigured":
                return self._failed(words(sent), sent.retry_after_s, misconfigured=True)
            case _:
                return self._failed(words(sent), sent.retry_after_s)
        return None

    def _halves(self, spans: Sequence[Span], counts: dict[str, Any]) -> float | None:
        middle = len(spans) // 2
        first = self._post(spans[:middle], counts)
        return first if first is not None else self._post(spans[middle:], counts)

    def _encoded(self, spans: Sequence[Span]) -> bytes:
        return encode.to_json(spans) if self._options.as_json else encode.to_protobuf(spans)

    def _out(self) -> Sender:
        if self._sender is None:
            self._sender = self._make()
        return self._sender

    # -- where it stands --------------------------------------------------------------------------------------
    def _at(self, tenant: str) -> int:
        state = self._loaded[0] if self._loaded else {}
        return int((state.get("at") or {}).get(tenant, 0))

    def _save(self, tenant: str, seq: int, **counts: Any) -> None:
        """Move the cursor; where another process has moved it meanwhile, its word counts and the spans come twice."""
        state, version = self._loaded or self._cursors.load(NAME)
        state = {**state, "at": {**(state.get("at") or {}), tenant: seq}}
        for name in _COUNTS:
            state[name] = int(state.get(name, 0)) + int(counts.get(name, 0))
        if counts.get("sent"):
            state["sent_at"] = self._clock.now().isoformat(timespec="milliseconds")
        state["state"], state["error"] = "well", counts.get("error", "")
        saved = self._cursors.save(NAME, state, version)
        self._loaded = (state, version + 1) if saved else self._cursors.load(NAME)

    def _failed(self, why: str, asked_s: float | None = None, *, misconfigured: bool = False) -> float:
        wait = self._pace.failed(asked_s)
        state, version = self._loaded or self._cursors.load(NAME)
        told = "misconfigured" if misconfigured else self._pace.state
        state = {**state, "state": told, "error": why[:300]}
        if self._cursors.save(NAME, state, version):
            self._loaded = (state, version + 1)
        return wait

    def _cap(self, tenant: str, after: int) -> None:
        """Skip the oldest where more waits than the spool holds."""
        most = min(self._options.spool_spans, max(1, self._options.spool_bytes // _SPAN_BYTES))
        behind = self._behind(tenant, after)
        if behind <= most:
            return
        c = stored_spans.c
        oldest_kept = select(c.seq).where(c.tenant == tenant).order_by(c.seq.desc()).offset(most).limit(1)
        with self._database.read() as connection:
            seq = connection.execute(oldest_kept).scalar()
        if seq is not None and int(seq) > after:
            state, version = self._loaded or self._cursors.load(NAME)
            state = {**state, "at": {**(state.get("at") or {}), tenant: int(seq)}}
            state["skipped"] = int(state.get("skipped", 0)) + behind - most
            if self._cursors.save(NAME, state, version):
                self._loaded = (state, version + 1)

    def _behind(self, tenant: str, after: int) -> int:
        c = stored_spans.c
        with self._database.read() as connection:
            query = select(func.count()).select_from(stored_spans).where(c.tenant == tenant, c.seq > after)
            return int(connection.execute(query).scalar() or 0)

    def _newest(self, tenant: str) -> int:
        c = stored_spans.c
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(c.seq)).where(c.tenant == tenant)).scalar() or 0)


def sampled(trace_id: str, share: float) -> bool:
    """Say whether a trace is among the share; the same trace always is or is not, here and at every other sender."""
    return share >= 1.0 or int(trace_id[:13] or "0", 16) / 16**13 < share
