"""The trace of an answer, made of its record: what was understood, retrieved, read and checked, and how long each took.

Pure: equal records give equal spans. The calls of models are spans of their own, made of the ledger; they hang under the
stage that made them, because that stage's span id went out with the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.answers.types import Answer, Exchange
from groundwork.core.errors import GroundworkError
from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry import outcomes
from groundwork.telemetry.ids import span_id
from groundwork.telemetry.own import (
    DOCUMENT_IDS,
    RESOURCE,
    SCHEMA,
    SERVICE,
    SOURCE,
    TEXTS,
    ms,
    nanoseconds,
    sorted_ids,
    texts_message,
    without_empty,
)
from groundwork.telemetry.types import Span, SpanEvent, SpanKind

if TYPE_CHECKING:
    from groundwork.answers.pipeline import Course

SCOPE = "groundwork.answers"
RERANKING = frozenset({"mmr"})
"""Strategies that order anew what another one has found."""
MOST_EVENTS = 50


def spans_of(
    answer: Answer, *, further: Sequence[str] = (), texts: bool = True, environment: str = ""
) -> list[Span]:
    """Return the spans of an answer, the root first.

    Args:
        further: ids of documents that earlier turns of its conversation used, whose text may show in the question.
        texts: whether what people and models wrote is kept.
    """
    return _Trace(answer, further, texts, environment).spans()


def spans_of_failed(course: Course, *, texts: bool = True, environment: str = "") -> list[Span]:
    """Return the spans of a question that could not be answered: how far it came, and what went wrong."""
    error = course.error
    known = isinstance(error, GroundworkError)
    code = error.code if isinstance(error, GroundworkError) else type(error).__name__
    message = error.message if isinstance(error, GroundworkError) else "something unforeseen"
    root, trace = span_id(course.answer_id), trace_hex(course.trace_id or course.answer_id)
    ended = nanoseconds(course.ended_at)
    begun = [(stage, ended - ms((course.ended - at) * 1000)) for stage, at in course.stages]
    ends = [*(at for _, at in begun[1:]), ended]
    names: Mapping[str, tuple[str, SpanKind]] = {
        "understanding": ("understand question", "chain"), "retrieval": ("retrieval", "retrieval"),
        "reading": ("read", "chain"),
    }  # fmt: skip
    shared: dict[str, Any] = {
        "trace_id": trace, "service": SERVICE, "scope": SCOPE, "app": course.app, "environment": environment,
        "principal": course.principal.name, "session_id": course.conversation or "", "resource": RESOURCE,
        "schema": SCHEMA, "source": SOURCE,
    }  # fmt: skip
    said = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": course.app,
        "error.type": code,
        "groundwork.hint": error.hint if isinstance(error, GroundworkError) else None,
        TEXTS: None if texts else "off",
    }
    event = SpanEvent("exception", ended, {"exception.type": code, "exception.message": message})
    found = [
        Span(
            span_id=root, parent_id=course.parent_span, name="answer", kind="answer", status="error",
            status_message=message if known else code, started_ns=begun[0][1] if begun else ended, ended_ns=ended,
            input=course.question if texts else "", attributes=without_empty(said), events=(event,), **shared,
        )
    ]  # fmt: skip
    for (stage, at), end in zip(begun, ends, strict=True):
        if stage == "understanding" and len(begun) > 1:
            continue  # as in an answer, where it is shown only when there was something to understand
        name, kind = names[stage]
        broke = end == ended
        found.append(
            Span(
                span_id=span_id(course.answer_id, stage), parent_id=root, name=name, kind=kind,
                status="error" if broke else "ok", started_ns=at, ended_ns=max(at, end),
                attributes={"error.type": code} if broke else {}, **shared,
            )
        )  # fmt: skip
    return found


class _Trace:
    def __init__(self, answer: Answer, further: Sequence[str], texts: bool, environment: str) -> None:
        self.answer = answer
        self.texts = texts
        self.environment = environment
        self.retrieved = sorted_ids([str(h.get("document_id", "")) for h in answer.retrieved])
        self.documents = sorted_ids([*self.retrieved, *further])
        self.root = span_id(answer.id)
        self.trace = trace_hex(answer.trace_id or answer.id)
        self.ended = nanoseconds(answer.created_at)
        timings = answer.timings
        known = sum(ms(timings.get(s)) for s in ("understanding", "retrieval", "reading", "checking"))
        asked = sum(ms(e.latency_ms) for e in answer.exchanges)
        # Records from before stages were timed know how long their models took, and nothing else.
        self.started = self.ended - max(ms(timings.get("total")), known, 0 if timings else asked)
        self.at = {"understanding": self.started}
        place = self.started
        for stage in ("understanding", "retrieval", "reading", "checking"):
            self.at[stage] = place
            place += ms(timings.get(stage)) if timings else (asked if stage == "reading" else 0)
        self.at["end"] = place

    def spans(self) -> list[Span]:
        found = [self._root()]
        condensing = [e for e in self.answer.exchanges if e.purpose == "condense"]
        if condensing or self.answer.standalone:
            found.append(self._understanding(condensing))
        found.append(self._retrieval())
        if _name(self.answer.settings.get("strategy")) in RERANKING:
            found.append(self._rerank())
        found.append(self._reading([e for e in self.answer.exchanges if e.purpose != "condense"]))
        found.append(self._checking())
        return found

    # ---- the parts ----

    def _root(self) -> Span:
        answer = self.answer
        kept = [s for s in answer.sentences if s.start >= 0]
        unsupported = sum(not s.supported for s in kept) + len(answer.removed)
        attributes = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": answer.app,
            "gen_ai.conversation.id": answer.conversation,
            "groundwork.answer.id": answer.id,
            outcomes.ABSTAINED: answer.abstained,
            "groundwork.reason": answer.reason,
            outcomes.SENTENCES: len(kept) + len(answer.removed),
            outcomes.UNSUPPORTED: unsupported,
            "groundwork.citations": len(answer.citations),
            "groundwork.confidence": answer.confidence,
            "groundwork.threshold": answer.threshold,
            "groundwork.calibration": answer.calibration,
            "groundwork.settings.digest": answer.pins.settings,
            "groundwork.model.pin": answer.pins.model,
            "groundwork.served_by": answer.served_by,
            "groundwork.incomplete": answer.incomplete or None,
            "groundwork.notes": list(answer.notes) if self.texts else None,
            **self._documents(self.documents),
        }
        return self._span(
            "",
            "answer",
            "answer",
            self.started,
            self.ended,
            attributes,
            parent=answer.parent_span,
            input=answer.question,
            output=answer.text,
            events=tuple(self._outcome()),
        )

    def _outcome(self) -> Sequence[SpanEvent]:
        answer = self.answer
        events = []
        if answer.abstained:
            said = {
                "groundwork.reason": answer.reason,
                "groundwork.confidence": answer.confidence,
                "groundwork.threshold": answer.threshold,
            }
            events.append(SpanEvent("groundwork.abstained", self.at["end"], said))
        if answer.incomplete:
            events.append(SpanEvent("groundwork.incomplete", self.at["end"]))
        if answer.redacted:
            events.append(SpanEvent("groundwork.erased", self.ended, {TEXTS: "erased"}))
        return events

    def _understanding(self, exchanges: Sequence[Exchange]) -> Span:
        return self._span(
            "understanding",
            "understand question",
            "chain",
            self.at["understanding"],
            self.at["retrieval"],
            {
                "gen_ai.operation.name": "plan",
                "groundwork.rewritten_by": "model" if exchanges else "rule",
                **self._exchanges(exchanges),
                **self._documents(self.documents),
            },
            input=self.answer.question,
            output=self.answer.standalone or self.answer.question,
        )

    def _retrieval(self) -> Span:
        settings = self.answer.settings
        index = str(settings.get("index", ""))
        hits = [self._hit(h) for h in self.answer.retrieved]
        asked = self.answer.standalone or self.answer.question
        attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": index,
            "gen_ai.retrieval.query.text": self._kept(asked),
            "gen_ai.retrieval.top_k": settings.get("passages"),
            # Without texts under another name, since the usual one is that of texts.
            "gen_ai.retrieval.documents" if self.texts else "groundwork.retrieved": hits,
            "groundwork.strategy": _name(settings.get("strategy")),
            "groundwork.hits": len(hits),
            **self._documents(self.retrieved),
        }
        names = dict.fromkeys(str(h.get("document", "")) for h in self.answer.retrieved)
        return self._span(
            "retrieval",
            f"retrieval {index}".strip(),
            "retrieval",
            self.at["retrieval"],
            self.at["reading"],
            attributes,
            input=asked,
            output="\n".join(n for n in names if n),
        )

    def _rerank(self) -> Span:
        name = _name(self.answer.settings.get("strategy"))
        return self._span(
            "rerank",
            f"rerank {name}",
            "rerank",
            self.at["reading"],
            self.at["reading"],
            {
                "gen_ai.operation.name": "rerank",
                "groundwork.strategy": name,
                "groundwork.order": [str(h.get("chunk_id", "")) for h in self.answer.retrieved],
                "groundwork.untimed": True,  # the record knows the order, and the time of retrieval as a whole
            },
            parent=span_id(self.answer.id, "retrieval"),
        )

    def _reading(self, exchanges: Sequence[Exchange]) -> Span:
        answer = self.answer
        said = next((e.text for e in reversed(exchanges) if e.text), "" if exchanges else answer.text)
        called = bool(exchanges)
        attributes = {
            # The calls below are the generations, with tokens and cost; a reader that asks no model is one itself.
            "gen_ai.operation.name": "invoke_workflow" if called else "generate_content",
            "gen_ai.prompt.name": (answer.pins.prompt or "").partition("@")[0],
            "gen_ai.request.model": None if called else answer.served_by,
            "groundwork.reader": _name(answer.settings.get("model")),
            "groundwork.shown": [
                {"number": s.number, "document": s.document, "document_id": s.document_id, "start": s.start,
                 "end": s.end, "tokens": s.tokens}
                for s in answer.shown
            ],
            **{f"groundwork.signal.{name}": value for name, value in sorted(answer.signals.items())},
            **self._exchanges(exchanges),
            **self._documents(self.documents),
        }  # fmt: skip
        if not called and self.texts and answer.question:
            asked = answer.standalone or answer.question
            attributes["gen_ai.input.messages"] = texts_message("user", self._kept(asked))
            if said:
                attributes["gen_ai.output.messages"] = texts_message("assistant", self._kept(said))
        return self._span(
            "reading",
            f"read {_name(answer.settings.get('model'))}".strip(),
            "chain" if called else "generation",
            self.at["reading"],
            self.at["checking"],
            attributes,
            input=answer.standalone or answer.question,
            output=said,
            model="" if called else answer.served_by,
            provider="" if called else "groundwork",
            events=tuple(self._asked(exchanges)),
        )

    def _checking(self) -> Span:
        answer = self.answer
        kept = [s for s in answer.sentences if s.start >= 0]
        events = []
        for sentence in [*(s for s in kept if not s.supported), *answer.removed][:MOST_EVENTS]:
            said = {
                "groundwork.sentence": self._kept(sentence.text),
                "groundwork.score": sentence.score,
                "groundwork.note": sentence.note,
                "groundwork.shown": sentence.start >= 0,
            }
            events.append(SpanEvent("groundwork.sentence.unsupported", self.at["end"], without_empty(said)))
        attributes = {
            "gen_ai.operation.name": "guardrail",
            "groundwork.citations": len(answer.citations),
            "groundwork.supported": sum(s.supported for s in kept),
            "groundwork.removed": len(answer.removed),
            "groundwork.cited": sorted_ids([c.chunk_id for c in answer.citations]),
            **self._documents(self.retrieved),
        }
        return self._span(
            "checking",
            "check citations",
            "guardrail",
            self.at["checking"],
            self.at["end"],
            attributes,
            events=tuple(events),
        )

    # ---- what they share ----

    def _hit(self, hit: Mapping[str, Any]) -> dict[str, Any]:
        legs = hit.get("legs") or {}
        found = {
            "id": hit.get("chunk_id"),
            "score": hit.get("score"),
            "rank": hit.get("rank"),
            "document": self._kept(str(hit.get("document", ""))),
            "document_id": hit.get("document_id"),
            "start": hit.get("start"),
            "end": hit.get("end"),
            "legs": {name: dict(leg) for name, leg in legs.items()} or None,
            "content": self._kept(str(hit.get("text", ""))),
        }
        return without_empty(found)

    def _exchanges(self, exchanges: Sequence[Exchange]) -> dict[str, Any]:
        if not exchanges:
            return {}
        return {
            "groundwork.exchanges": [
                without_empty(
                    {
                        "purpose": e.purpose,
                        "reason": e.reason,
                        "model": e.model,
                        "served_by": e.served_by,
                        "finish": e.finish,
                        "call_id": e.call_id,
                        "cost_usd": e.cost_usd,
                        "latency_ms": e.latency_ms,
                        "cached": e.cached or None,
                        "error": e.error,
                    }
                )
                for e in exchanges
            ]
        }

    def _asked(self, exchanges: Sequence[Exchange]) -> Sequence[SpanEvent]:
        """Return an event for each change of model: it failed, or was not sure enough."""
        place = self.at["reading"]
        events = []
        for exchange in exchanges:
            if exchange.reason != "first":
                said = {"groundwork.reason": exchange.reason, "gen_ai.request.model": exchange.model}
                events.append(SpanEvent(f"groundwork.{exchange.reason}", place, said))
            place += ms(exchange.latency_ms)
            if exchange.error:
                said = {"error.type": exchange.error, "gen_ai.request.model": exchange.model}
                events.append(SpanEvent("groundwork.model_failed", place, said))
        return events

    def _kept(self, text: str) -> str:
        return text if self.texts else ""

    def _documents(self, ids: Sequence[str]) -> dict[str, Any]:
        return {DOCUMENT_IDS: list(ids)} if ids else {}

    def _span(
        self,
        part: str,
        name: str,
        kind: SpanKind,
        started: int,
        ended: int,
        attributes: Mapping[str, Any],
        *,
        parent: str | None = None,
        input: str = "",
        output: str = "",
        model: str = "",
        provider: str = "",
        events: tuple[SpanEvent, ...] = (),
    ) -> Span:
        answer = self.answer
        said = without_empty(attributes)
        if answer.redacted:
            said[TEXTS] = "erased"
        elif not self.texts:
            said[TEXTS] = "off"
        return Span(
            trace_id=self.trace,
            span_id=span_id(answer.id, part) if part else self.root,
            parent_id=self.root if parent is None else parent,
            name=name,
            started_ns=started,
            ended_ns=max(started, ended),
            kind=kind,
            status="ok",
            service=SERVICE,
            scope=SCOPE,
            app=answer.app,
            release=answer.pins.release or "",
            environment=self.environment,
            principal=answer.principal,
            session_id=answer.conversation or "",
            provider=provider,
            model=model,
            answer_id=answer.id,
            prompt=answer.pins.prompt or "" if part in ("", "reading") else "",
            snapshot=_snapshot(answer) if part in ("", "retrieval") else "",
            input=self._kept(input),
            output=self._kept(output),
            attributes=said,
            resource=RESOURCE,
            events=events,
            schema=SCHEMA,
            source=SOURCE,
        )


def _name(spec: Any) -> str:
    """Return the name of a plug-in from its spec: a word, or a table with `name`."""
    return str(spec.get("name", "")) if isinstance(spec, Mapping) else str(spec or "")


def _snapshot(answer: Answer) -> str:
    index = str(answer.settings.get("index", ""))
    return f"{index}@{answer.pins.snapshot}" if answer.pins.snapshot else ""
