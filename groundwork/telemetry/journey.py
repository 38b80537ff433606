"""Our own spans on a journey: every field of a span as attributes that others understand, and back without a loss.

A field that has a name in the conventions travels under it; where the span's attributes say something else there, and for
fields that only we know, it travels as `groundwork.<field>`. `groundwork.schema` marks such a span, so that whoever reads it
here again has nothing to guess.
"""

from __future__ import annotations

from typing import Any, cast, get_args

from groundwork.telemetry.messages import messages_of, text_of
from groundwork.telemetry.plain import number, whole
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import Span, SpanKind

SCHEMA = "groundwork.schema"
KINDS = frozenset(get_args(SpanKind))
OPERATIONS: dict[str, str] = {
    "generation": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "retrieval": "retrieval",
}
"""`gen_ai.operation.name` for kinds that have one."""
_WORDS = {
    "user_id": "user.id",
    "session_id": "session.id",
    "provider": "gen_ai.provider.name",
    "model": "gen_ai.request.model",
    "prompt": "gen_ai.prompt.name",
}
"""Fields with a name in the conventions."""
_COUNTS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
}
_RESOURCE = {"release": "service.version", "environment": "deployment.environment.name"}
_OURS = ("app", "answer_id", "call_id", "job_id", "key_id", "snapshot")
_TEXTS = {
    "input": ("gen_ai.input.messages", "input.value"),
    "output": ("gen_ai.output.messages", "output.value"),
}
_READ = {"user_id": "user", "session_id": "session"}
"""Fields that a `Reading` calls otherwise."""


def kind_of(value: Any) -> SpanKind | None:
    """Return the kind that a word names, None for anything else."""
    return cast("SpanKind", value) if isinstance(value, str) and value in KINDS else None


def resource_of(span: Span) -> dict[str, Any]:
    """Return the resource attributes a span travels with."""
    made = dict(span.resource)
    if span.service:
        made.setdefault("service.name", span.service)
    for field, name in _RESOURCE.items():
        value = getattr(span, field)
        if value:
            made.setdefault(name, value)
    return made


def attributes_of(span: Span) -> dict[str, Any]:
    """Return the attributes a span travels with: its own, and its fields under their names."""
    made = dict(span.attributes)
    made[SCHEMA] = span.schema
    made["groundwork.kind"] = span.kind
    if span.kind in OPERATIONS:
        made.setdefault("gen_ai.operation.name", OPERATIONS[span.kind])
    for field, name in _WORDS.items():
        value = getattr(span, field)
        if value:
            made.setdefault(name, value)
        if made.get(name, "") != value:
            made[f"groundwork.{field}"] = value
    for field, name in _COUNTS.items():
        count = getattr(span, field)
        if count is not None:
            made.setdefault(name, count)
        if made.get(name) != count:
            made[f"groundwork.{field}"] = "none" if count is None else count
    for field, name in _RESOURCE.items():
        value = getattr(span, field)
        if span.resource.get(name, value) != value:
            made[f"groundwork.{field}"] = value
    for field in _OURS:
        if getattr(span, field):
            made[f"groundwork.{field}"] = getattr(span, field)
    if span.cost_nanousd is not None:
        made["groundwork.cost_nanousd"] = span.cost_nanousd
        made.setdefault("gen_ai.usage.cost", span.cost_nanousd / 1e9)
    if span.first_token_ms is not None:
        made["groundwork.first_token_ms"] = span.first_token_ms
        made.setdefault("gen_ai.response.time_to_first_chunk", span.first_token_ms / 1000)
    if span.cached:
        made["groundwork.cached"] = True
    for field, (messages, plain) in _TEXTS.items():
        text = getattr(span, field)
        if messages not in made and text and plain not in made:
            made[plain] = text
        elif text != _told(made, messages, plain, field):
            made[f"groundwork.{field}"] = text
    return made


def read_ours(reading: Reading) -> None:
    """Fill in every field of a span that `attributes_of` has sent; what only carries a field is no attribute of the span."""
    names, resource = reading.attributes, reading.span.resource
    schema = names.pop(SCHEMA)
    reading.schema = schema if isinstance(schema, str) else "groundwork"
    reading.kind = kind_of(names.pop("groundwork.kind", None))
    for field, name in _WORDS.items():
        setattr(reading, _READ.get(field, field), _word(names.pop(f"groundwork.{field}", names.get(name))))
    for field, name in _COUNTS.items():
        setattr(reading, field, whole(names.pop(f"groundwork.{field}", names.get(name))))
    for field, name in _RESOURCE.items():
        setattr(reading, field, _word(names.pop(f"groundwork.{field}", resource.get(name))))
    for field in _OURS:
        setattr(reading, field, _word(names.pop(f"groundwork.{field}", "")))
    reading.cost_nanousd = whole(names.pop("groundwork.cost_nanousd", None))
    reading.first_token_ms = number(names.pop("groundwork.first_token_ms", None))
    reading.cached = names.pop("groundwork.cached", None) is True
    reading.cache_write_tokens = whole(names.get("gen_ai.usage.cache_creation.input_tokens"))
    reading.reasoning_tokens = whole(names.get("gen_ai.usage.reasoning.output_tokens"))
    for field, (messages, plain) in _TEXTS.items():
        told = names.pop(f"groundwork.{field}", None)
        if told is None:
            told = _told(names, messages, plain, field)
            names.pop(plain, None)
        setattr(reading, field, _word(told))


def _told(names: dict[str, Any], messages: str, plain: str, field: str) -> str:
    """Return the text that the attributes carry by themselves."""
    if messages in names:
        role = "user" if field == "input" else "assistant"
        return text_of(messages_of(names[messages], role) or (), reply=field == "output")
    return _word(names.get(plain, ""))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
