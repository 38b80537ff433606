"""Langfuse's SDK: `langfuse.*` on top of OpenTelemetry."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from groundwork.telemetry.messages import readable
from groundwork.telemetry.plain import number, parsed, word
from groundwork.telemetry.raw import ERROR, RawSpan
from groundwork.telemetry.reading import Reading
from groundwork.telemetry.types import SpanKind

KINDS: dict[str, SpanKind] = {
    "generation": "generation", "agent": "agent", "tool": "tool", "chain": "chain", "retriever": "retrieval",
    "evaluator": "evaluation", "embedding": "embedding", "guardrail": "guardrail", "span": "span", "event": "span",
}  # fmt: skip
INPUT = ("input", "prompt_tokens", "input_tokens", "promptTokens", "inputTokens")
OUTPUT = ("output", "completion_tokens", "output_tokens", "completionTokens", "outputTokens")
CACHED = (
    "input_cached_tokens",
    "cache_read_input_tokens",
    "input_cache_read",
    "input_cached",
    "cached_tokens",
)
WRITTEN = ("cache_creation_input_tokens", "input_cache_creation")
REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens")
_APART = ("input_cached_tokens", "input_cache_read", "input_cached", "input_cache_creation")
_SETTINGS = {
    "temperature": "temperature", "max_tokens": "max_tokens", "maxTokens": "max_tokens", "top_p": "top_p", "topP": "top_p",
    "seed": "seed", "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
}  # fmt: skip


class Langfuse:
    """Translates observations and what the SDK says of their trace."""

    marks: ClassVar = frozenset({"langfuse"})
    rank: ClassVar = 12

    def recognise(self, span: RawSpan) -> str:
        if not any(name.startswith("langfuse.") for name in span.attributes):
            return ""
        version = span.scope.version if "langfuse" in span.scope.name.lower() else ""
        return f"langfuse@{version}" if version else "langfuse"

    def read(self, reading: Reading) -> None:
        take, names = reading.take, reading.attributes
        kind = word(take("langfuse.observation.type")).lower()
        if reading.kind is None and kind in KINDS and KINDS[kind] != "span":
            reading.kind = KINDS[kind]
        model = word(take("langfuse.observation.model.name"))
        if model:
            reading.model = reading.model or model
            reading.set("gen_ai.request.model", model)
        usage(reading, _value(take("langfuse.observation.usage_details")))
        cost(reading, _value(take("langfuse.observation.cost_details")))
        settings(reading, _value(take("langfuse.observation.model.parameters")))
        begun = word(_value(take("langfuse.observation.completion_start_time"))).strip('"')
        if begun:
            reading.first_token(_since(reading, begun))
        asked = _both(reading, "input")
        said = _both(reading, "output")
        if reading.kind in ("generation", None):
            reading.asked(asked)
            reading.answered(said)
        else:
            reading.input = reading.input or readable(asked)
            reading.output = reading.output or readable(said, reply=True)
        if word(take("langfuse.observation.level")).upper() == "ERROR":
            reading.span.status = ERROR
            said_of_it = word(names.get("langfuse.observation.status_message"))
            reading.span.status_message = reading.span.status_message or said_of_it
        name, version = take("langfuse.observation.prompt.name"), take("langfuse.observation.prompt.version")
        if name is not None:
            reading.set("gen_ai.prompt.name", name)
            reading.prompt = f"{word(name)}@{word(version)}" if version is not None else word(name)
        reading.of_user(names.get("langfuse.user.id", names.get("langfuse.trace.user.id")))
        reading.of_session(names.get("langfuse.session.id"))
        reading.release = reading.release or word(names.get("langfuse.release"))
        reading.environment = reading.environment or word(names.get("langfuse.environment"))


def usage(reading: Reading, details: Any) -> None:
    """Read token counts by name; parts that Langfuse counts beside the input are added to it."""
    if not isinstance(details, dict):
        return

    def first(names: tuple[str, ...]) -> Any:
        return next((details[n] for n in names if details.get(n) is not None), None)

    read = first(INPUT)
    if isinstance(read, int) and "input" in details:
        read += sum(details[n] for n in _APART if isinstance(details.get(n), int) and details[n] > 0)
    reading.tokens(read, first(OUTPUT), first(CACHED), first(WRITTEN), first(REASONING))


def cost(reading: Reading, details: Any) -> None:
    """Read a cost in US dollars by name."""
    if not isinstance(details, dict):
        return
    total = number(details.get("total"))
    parts = [number(value) for name, value in details.items() if name != "total"]
    known = [part for part in parts if part is not None]
    reading.cost_usd(total if total is not None else sum(known) if known else None)


def settings(reading: Reading, parameters: Any) -> None:
    """Read the parameters of a request; what stands for nothing (`"null"`) is left out."""
    if not isinstance(parameters, dict):
        return
    for old, new in _SETTINGS.items():
        value = parameters.get(old)
        if value is not None and value not in ("null", "None", ""):
            told = number(value)
            reading.set(
                f"gen_ai.request.{new}", value if told is None else int(told) if told == int(told) else told
            )


def _both(reading: Reading, name: str) -> Any:
    """Return the input or output of the observation, else that of its trace, which a root carries."""
    own, trace = reading.take(f"langfuse.observation.{name}"), reading.take(f"langfuse.trace.{name}")
    return own if own is not None else trace


def _value(value: Any) -> Any:
    found = parsed(value) if isinstance(value, str) else None
    return value if found is None else found


def _since(reading: Reading, moment: str) -> float | None:
    try:
        at = datetime.fromisoformat(moment[:40])
        return reading.since_start_ms(int(at.timestamp() * 1e9))
    except (ValueError, OverflowError, OSError):
        return None


plugin = Langfuse
