"""The spans of a call, made of its rows in the ledger: the call by the GenAI conventions, and its attempts below it.

A call that needed one attempt is one span, which says of the attempt what the call does not; of several each has a span.
Pure: equal rows give equal spans. Tokens and cost stand on the call alone, as the ledger has them, so that their sums over
spans are those of the ledger; a call of an app has none, because the calls that the app made have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from groundwork.gateway.content import USER, Content, messages_of, reply_of, tools_of
from groundwork.gateway.flow_trace import span_hex, trace_hex
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
)
from groundwork.telemetry.types import Span, SpanEvent, SpanKind, Status

SCOPE = "groundwork.gateway"
APP = "app"
OPERATIONS = {"chat": "chat", "embed": "embeddings"}
STATUS: Mapping[str, Status] = {"done": "ok", "failed": "error", "incomplete": "error", "lost": "error"}
REFUSALS = {"budget_exceeded": "groundwork.refused.budget", "rate_limited": "groundwork.refused.rate"}
_HEX = frozenset("0123456789abcdef")


class CallRecord(NamedTuple):
    """The columns of a call that its span is made of, in the order they are read."""

    id: str
    tenant: str
    key_id: str
    principal: str
    app: str
    release: str
    answer_id: str
    parent: str
    dialect: str
    operation: str
    model: str
    provider: str
    served_model: str
    stream: bool
    state: str
    cached: bool
    structured: str
    error: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated: bool
    reserved_nanousd: int
    cost_nanousd: int
    energy_uwh: int
    latency_ms: float
    first_token_ms: float | None
    prompt: str
    snapshot: str
    trace_id: str
    span_id: str
    process: str
    started_at: str
    finished_at: str | None


class AttemptRecord(NamedTuple):
    """The columns of an attempt that its span is made of, in the order they are read."""

    call_id: str
    n: int
    id: str
    reason: str
    provider: str
    model: str
    state: str
    status: int | None
    failure: str
    input_tokens: int
    output_tokens: int
    cost_nanousd: int
    latency_ms: float
    first_token_ms: float | None
    started_at: str


def trace_of(call: CallRecord) -> str:
    """Return the trace of a call: the one it was made in, else its own."""
    return trace_hex(call.trace_id or call.id)


def spans_of(
    call: CallRecord,
    attempts: Sequence[AttemptRecord],
    content: Content | None = None,
    *,
    texts: bool = True,
    priced: bool = True,
    missing: bool = False,
    environment: str = "",
) -> list[Span]:
    """Return the spans of a call that has ended, its own first.

    Args:
        content: what was asked and said, where it was kept.
        texts: whether it is to be kept.
        priced: whether the price of who served it is known; a cost of 0 is unknown otherwise.
        missing: texts should have been kept and are not there; the span says so.
    """
    own = span_id(call.id)
    trace = trace_of(call)
    started = nanoseconds(call.started_at)
    ended = started + ms(call.latency_ms)
    if not call.latency_ms and call.state == "lost" and call.finished_at:
        ended = max(ended, nanoseconds(call.finished_at))
    whole = _call(call, own, trace, started, ended, attempts, content, texts, priced, missing, environment)
    if len(attempts) < 2:
        return [whole]
    return [whole, *[_attempt(call, attempt, own, trace, environment) for attempt in attempts]]


def _call(
    call: CallRecord,
    own: str,
    trace: str,
    started: int,
    ended: int,
    attempts: Sequence[AttemptRecord],
    content: Content | None,
    texts: bool,
    priced: bool,
    missing: bool,
    environment: str,
) -> Span:
    is_app = call.provider == APP
    operation = OPERATIONS.get(call.operation, call.operation)
    served = call.served_model
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_workflow" if is_app else operation,
        "gen_ai.request.model": call.model,
        "groundwork.call.id": call.id,
        "groundwork.call.state": call.state,
        "groundwork.dialect": call.dialect,
        "groundwork.attempts": len(attempts),
    }
    if call.provider:
        attributes["gen_ai.provider.name"] = call.provider
    if served:
        attributes["gen_ai.response.model"] = served
    if call.stream:
        attributes["gen_ai.request.stream"] = True
    if len(attempts) == 1:
        _only(attributes, attempts[0])
    _usage(attributes, call, is_app)
    if call.parent:
        attributes["groundwork.call.parent"] = call.parent
    if call.snapshot:
        attributes["groundwork.snapshot"] = call.snapshot
    if call.error:
        attributes["error.type"] = call.error
    if call.prompt:
        attributes["gen_ai.prompt.name"] = call.prompt.partition("@")[0]
    if call.structured != "none":
        attributes["groundwork.structured"] = call.structured
    if call.first_token_ms is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = call.first_token_ms / 1000
    asked, said = _texts(attributes, content, texts, missing)
    kind: SpanKind = "chain" if is_app else "embedding" if call.operation == "embed" else "generation"
    unknown = not priced and not call.cost_nanousd and not call.cached and bool(call.input_tokens)
    return Span(
        trace_id=trace,
        span_id=own,
        parent_id=_parent(call, is_app),
        name=f"{operation} {call.model}".rstrip(),
        started_ns=started,
        ended_ns=ended,
        kind=kind,
        status=STATUS.get(call.state, "unset"),
        status_message=call.error,
        service=SERVICE,
        scope=SCOPE,
        app=call.app,
        release=call.release,
        environment=environment,
        principal=call.principal,
        user_id=str(content.asked.get(USER) or "") if content is not None else "",
        provider=call.provider,
        model=served or call.model,
        input_tokens=None if is_app else call.input_tokens,
        output_tokens=None if is_app else call.output_tokens,
        cached_tokens=None if is_app else call.cached_input_tokens,
        cost_nanousd=None if is_app or unknown else call.cost_nanousd,
        first_token_ms=call.first_token_ms,
        cached=call.cached,
        answer_id=call.answer_id,
        call_id=call.id,
        key_id=call.key_id,
        prompt=call.prompt,
        input=asked,
        output=said,
        attributes=attributes,
        resource=RESOURCE,
        events=tuple(_events(call, started, ended)),
        schema=SCHEMA,
        source=SOURCE,
    )


def _only(attributes: dict[str, Any], attempt: AttemptRecord) -> None:
    """Set what the only attempt of a call tells beside the call."""
    if attempt.status is not None:
        attributes["http.response.status_code"] = attempt.status
    if attempt.failure:
        attributes["groundwork.attempt.failure"] = attempt.failure
    attributes["groundwork.attempt.latency_ms"] = attempt.latency_ms


def _usage(attributes: dict[str, Any], call: CallRecord, is_app: bool) -> None:
    # An app tells its client how much its own calls read and wrote; here that would be counted twice.
    prefix = "groundwork.made" if is_app else "gen_ai.usage"
    for name, count in (
        ("input_tokens", call.input_tokens),
        ("output_tokens", call.output_tokens),
        ("cache_read.input_tokens", call.cached_input_tokens),
        ("cache_creation.input_tokens", call.cache_write_tokens),
        ("reasoning.output_tokens", call.reasoning_tokens),
    ):
        if count:
            attributes[f"{prefix}.{name}"] = count
    if call.estimated:
        attributes["groundwork.usage.estimated"] = True
    if not is_app:
        if call.cost_nanousd:
            attributes["groundwork.cost_usd"] = call.cost_nanousd / 1e9
        if call.reserved_nanousd:
            attributes["groundwork.reserved_usd"] = call.reserved_nanousd / 1e9
        if call.energy_uwh:
            attributes["groundwork.energy_wh"] = call.energy_uwh / 1e6


def _texts(
    attributes: dict[str, Any], content: Content | None, texts: bool, missing: bool
) -> tuple[str, str]:
    """Set the messages of a call and return what was asked and said as people read it."""
    if not texts:
        attributes[TEXTS] = "off"
        return "", ""
    if content is None:
        if missing:
            attributes[TEXTS] = "missing"
        return "", ""
    attributes.update(
        {k: v for k, v in content.asked.items() if v is not None and v != "" and v != () and k != USER}
    )
    if "gen_ai.request.stop_sequences" in attributes:
        attributes["gen_ai.request.stop_sequences"] = list(attributes["gen_ai.request.stop_sequences"])
    if content.documents:
        attributes[DOCUMENT_IDS] = sorted(content.documents)
    if content.inputs:
        attributes["gen_ai.embeddings.inputs"] = len(content.inputs)
        return "\n".join(content.inputs), ""
    attributes["gen_ai.input.messages"] = messages_of(content.messages)
    if content.tools:
        attributes["gen_ai.tool.definitions"] = tools_of(content.tools)
    reply = [] if content.said is None else reply_of(content.said)
    if reply:
        attributes["gen_ai.output.messages"] = reply
        attributes["gen_ai.response.finish_reasons"] = [reply[0]["finish_reason"]]
    return _asked(content), _said(content)


def _asked(content: Content) -> str:
    """Return the conversation in words: only the question where there is nothing before it, instructions left out."""
    turns = [m for m in content.messages if m.role != "system"] or list(content.messages)
    if len(turns) == 1:
        return turns[0].text
    return "\n\n".join(f"{m.role}: {m.text or _names(m.tool_calls)}" for m in turns if m.text or m.tool_calls)


def _said(content: Content) -> str:
    said = content.said
    if said is None:
        return ""
    return "\n".join(p for p in (said.text, _names(said.tool_calls)) if p)


def _names(calls: Sequence[Any]) -> str:
    return "\n".join(f"{c.name}({c.arguments})" for c in calls)


def _parent(call: CallRecord, is_app: bool) -> str:
    if len(call.span_id) == 16 and _HEX.issuperset(call.span_id):
        return call.span_id
    if call.answer_id and not is_app:
        return span_id(call.answer_id)
    return span_id(call.parent) if call.parent else ""


def _events(call: CallRecord, started: int, ended: int) -> Sequence[SpanEvent]:
    events = []
    if call.cached:
        events.append(SpanEvent("groundwork.cache.hit", started))
    if call.error in REFUSALS and not call.provider:
        events.append(SpanEvent(REFUSALS[call.error], started, {"error.type": call.error}))
    if call.first_token_ms is not None:
        events.append(SpanEvent("gen_ai.first_token", started + ms(call.first_token_ms)))
    if call.structured != "none":
        events.append(
            SpanEvent("groundwork.structured_output", ended, {"groundwork.structured": call.structured})
        )
    return events


def _attempt(call: CallRecord, attempt: AttemptRecord, own: str, trace: str, environment: str) -> Span:
    started = nanoseconds(attempt.started_at)
    attributes: dict[str, Any] = {
        "groundwork.attempt": attempt.n,
        "groundwork.reason": attempt.reason,
        "groundwork.call.state": attempt.state,
        "gen_ai.provider.name": attempt.provider,
        "gen_ai.request.model": attempt.model,
    }
    if attempt.status is not None:
        attributes["http.response.status_code"] = attempt.status
    if attempt.failure:
        attributes["error.type"] = attempt.failure
    # Not under the names that are summed up: the call has them all together.
    for name, count in (
        ("input_tokens", attempt.input_tokens),
        ("output_tokens", attempt.output_tokens),
        ("cost_nanousd", attempt.cost_nanousd),
        ("first_token_ms", attempt.first_token_ms),
    ):
        if count and call.provider != APP:
            attributes[f"groundwork.attempt.{name}"] = count
    return Span(
        trace_id=trace,
        span_id=span_hex(attempt.id),
        parent_id=own,
        name=f"attempt {attempt.provider}/{attempt.model}",
        started_ns=started,
        ended_ns=started + ms(attempt.latency_ms),
        kind="http",
        status=STATUS.get(attempt.state, "unset"),
        status_message=attempt.failure,
        service=SERVICE,
        scope=SCOPE,
        app=call.app,
        release=call.release,
        environment=environment,
        principal=call.principal,
        provider=attempt.provider,
        model=attempt.model,
        answer_id=call.answer_id,
        call_id=call.id,
        key_id=call.key_id,
        attributes=attributes,
        resource=RESOURCE,
        schema=SCHEMA,
        source=SOURCE,
    )
