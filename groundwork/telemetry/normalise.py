"""Make a span of the store out of one that somebody sent: conventions are asked, and time and identity set right."""

from __future__ import annotations

from collections.abc import Callable

from groundwork.telemetry.conventions import candidates
from groundwork.telemetry.journey import SCHEMA, read_ours
from groundwork.telemetry.limits import CLOCK_NOTE
from groundwork.telemetry.plain import word
from groundwork.telemetry.raw import CLIENT, ERROR, INTERNAL, OK, RawSpan
from groundwork.telemetry.reading import Reading, Usage
from groundwork.telemetry.types import Span, SpanKind, Status

Price = Callable[[str, str, Usage], int | None]
"""What a call cost in billionths of a US dollar: provider, model, tokens; None where nobody knows."""
KIND_NAMES = {INTERNAL: "internal", 2: "server", CLIENT: "client", 4: "producer", 5: "consumer"}
_STATUS: dict[int, Status] = {OK: "ok", ERROR: "error"}
_PRICED = ("generation", "embedding")


def normalised(
    raw: RawSpan, *, now_ns: int, price: Price | None = None, principal: str = "", key_id: str | None = None
) -> Span:
    """Return the span as it is stored.

    Args:
        raw: is used up: its attributes become those of the span.
        now_ns: wall time, which stands in where the sender told none that can be.
        principal: who sends it. key_id: with which key; None: what its attributes say.
        price: what is asked for the cost of a generation or an embedding where the sender told none.

    Never raises, whatever the attributes hold. Equal spans give equal results.
    """
    notes = _set_times(raw, now_ns)
    reading = Reading(raw)
    if SCHEMA in raw.attributes:
        read_ours(reading)  # nothing is left to guess
    else:
        found = [(convention, convention.recognise(raw)) for convention in candidates(raw)]
        for convention, name in found:
            if name:
                reading.schema = reading.schema or name
                convention.read(reading)
        _usual(reading)
    kind: SpanKind = reading.kind or "span"
    _usage(reading, kind, price)
    reading.attributes.update(notes)
    if raw.kind > INTERNAL and raw.kind != usual_kind(kind):
        reading.set("span.kind", KIND_NAMES.get(raw.kind))
    scope = raw.scope
    return Span(
        trace_id=raw.trace_id,
        span_id=raw.span_id,
        name=raw.name,
        started_ns=raw.started_ns,
        ended_ns=raw.ended_ns,
        parent_id=raw.parent_id,
        kind=kind,
        status=_STATUS.get(raw.status, "unset"),
        status_message=raw.status_message,
        service=word(raw.resource.get("service.name")),
        scope=f"{scope.name}@{scope.version}" if scope.name and scope.version else scope.name,
        app=reading.app,
        release=reading.release,
        environment=reading.environment,
        user_id=reading.user,
        principal=principal,
        session_id=reading.session,
        provider=reading.provider,
        model=reading.model.rpartition("models/")[2],
        input_tokens=reading.input_tokens,
        output_tokens=reading.output_tokens,
        cached_tokens=reading.cached_tokens,
        cost_nanousd=reading.cost_nanousd,
        first_token_ms=reading.first_token_ms,
        cached=reading.cached,
        answer_id=reading.answer_id,
        call_id=reading.call_id,
        job_id=reading.job_id,
        key_id=reading.key_id if key_id is None else key_id,
        prompt=reading.prompt,
        snapshot=reading.snapshot,
        input=reading.input,
        output=reading.output,
        attributes=reading.attributes,
        original=reading.original,
        resource=raw.resource,
        events=tuple(raw.events),
        links=tuple(raw.links),
        schema=reading.schema,
        source=raw.source,
        cut=raw.dropped,
    )


def usual_kind(kind: SpanKind) -> int:
    """Return the OTLP kind that a span about such work has if nothing else is said: calls of models go out."""
    return CLIENT if kind in _PRICED else INTERNAL


def _usual(reading: Reading) -> None:
    """Fill in what any program may say, whatever its convention."""
    names, resource = reading.attributes, reading.span.resource
    if not reading.user:
        reading.user = (
            word(names.get("user.id")) or word(names.get("enduser.id")) or word(names.get("gen_ai.user.id"))
        )
    if not reading.session:
        reading.session = word(names.get("session.id")) or word(names.get("gen_ai.conversation.id"))
    if not reading.environment:
        reading.environment = word(resource.get("deployment.environment.name")) or word(
            resource.get("deployment.environment")
        )
    if not reading.release:
        reading.release = word(resource.get("service.version"))


def _usage(reading: Reading, kind: SpanKind, price: Price | None) -> None:
    """Put the counts under their names, and ask for the cost where nobody told it."""
    if reading.input_tokens is None and reading.output_tokens is None:
        return
    names = reading.attributes
    for name, value in (
        ("gen_ai.usage.input_tokens", reading.input_tokens),
        ("gen_ai.usage.output_tokens", reading.output_tokens),
        ("gen_ai.usage.cache_read.input_tokens", reading.cached_tokens),
        ("gen_ai.usage.cache_creation.input_tokens", reading.cache_write_tokens),
        ("gen_ai.usage.reasoning.output_tokens", reading.reasoning_tokens),
    ):
        if value is not None:
            names.setdefault(name, value)
    if reading.cost_nanousd is None and price is not None and kind in _PRICED and reading.model:
        usage = Usage(
            reading.input_tokens or 0,
            reading.output_tokens or 0,
            reading.cached_tokens or 0,
            reading.cache_write_tokens or 0,
            reading.reasoning_tokens or 0,
        )
        reading.cost_nanousd = price(reading.provider, reading.model, usage)


def _set_times(raw: RawSpan, now_ns: int) -> dict[str, str]:
    """Put something possible where no time was told, and return what is to be said of it.

    Times that were told and cannot be right are kept here; the store looks at those of every span.
    """
    if raw.started_ns > 0 and raw.ended_ns > 0:
        return {}
    told = [name for name, at in (("start", raw.started_ns), ("end", raw.ended_ns)) if at <= 0]
    if raw.started_ns <= 0:
        raw.started_ns = raw.ended_ns if raw.ended_ns > 0 else now_ns
    if raw.ended_ns <= 0:
        raw.ended_ns = raw.started_ns
    return {CLOCK_NOTE: f"no {' and no '.join(told)} was told"}
