"""What conventions find in a span: each fills in what is still empty, so the most particular one is asked first."""

from __future__ import annotations

from typing import Any, NamedTuple

from groundwork.telemetry.messages import Message, messages_of, readable, text_of
from groundwork.telemetry.plain import number, whole, word
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.types import SpanKind


class Usage(NamedTuple):
    """Tokens of one call of a model; `cached` and `cache_write` are part of `input`, `reasoning` of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Reading:
    """What is known of a span so far; empty and None are what nobody has said.

    Attributes:
        attributes: the span's attributes as they will be stored; conventions take older names out of it.
        original: what was taken out.
        told: whether token counts are those of this very call (and not sums of the calls below it).
    """

    __slots__ = (
        "answer_id", "app", "attributes", "cache_write_tokens", "cached", "cached_tokens", "call_id", "cost_nanousd",
        "environment", "first_token_ms", "input", "input_tokens", "job_id", "key_id", "kind", "model", "original", "output",
        "output_tokens", "prompt", "provider", "reasoning_tokens", "release", "schema", "session", "snapshot", "span",
        "user",
    )  # fmt: skip

    def __init__(self, span: RawSpan) -> None:
        self.span = span
        self.attributes = span.attributes
        self.original: dict[str, Any] = {}
        self.kind: SpanKind | None = None
        self.provider = self.model = self.input = self.output = self.user = self.session = ""
        self.app = self.release = self.environment = self.schema = ""
        self.answer_id = self.call_id = self.job_id = self.key_id = self.prompt = self.snapshot = ""
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.cache_write_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        self.cost_nanousd: int | None = None
        self.first_token_ms: float | None = None
        self.cached = False

    def take(self, name: str) -> Any:
        """Return an attribute and move it to the originals; None where it is absent."""
        attributes = self.attributes
        if name not in attributes:
            return None
        value = self.original[name] = attributes.pop(name)
        return value

    def take_all(self, *prefixes: str) -> None:
        """Move every attribute under the prefixes to the originals."""
        for name in [n for n in self.attributes if n.startswith(prefixes)]:
            self.original[name] = self.attributes.pop(name)

    def set(self, name: str, value: Any) -> None:
        """Put an attribute under its name in the conventions where nothing stands there yet."""
        if value is not None and value != "":
            self.attributes.setdefault(name, value)

    def rename(self, old: str, new: str) -> Any:
        """Give an attribute its name in the conventions and return its value."""
        value = self.take(old)
        self.set(new, value)
        return value

    def tokens(
        self,
        input: Any = None,
        output: Any = None,
        cached: Any = None,
        cache_write: Any = None,
        reasoning: Any = None,
    ) -> None:
        """Note how many tokens were read and written; what is no count is passed over."""
        if self.input_tokens is None and input is not None:
            self.input_tokens = whole(input)
        if self.output_tokens is None and output is not None:
            self.output_tokens = whole(output)
        if self.cached_tokens is None and cached is not None:
            self.cached_tokens = whole(cached)
        if self.cache_write_tokens is None and cache_write is not None:
            self.cache_write_tokens = whole(cache_write)
        if self.reasoning_tokens is None and reasoning is not None:
            self.reasoning_tokens = whole(reasoning)

    def cost_usd(self, value: Any) -> None:
        """Note what it cost in US dollars, as the sender says."""
        if self.cost_nanousd is None and value is not None:
            usd = number(value)
            if usd is not None and 0 <= usd < 9e9:
                self.cost_nanousd = round(usd * 1e9)

    def asked(self, value: Any, role: str = "user") -> None:
        """Note what went in: messages where it is such, else text."""
        if value is None or self.input:
            return
        messages = messages_of(value, role)
        if messages:
            self.heard(messages)
        else:
            self.input = readable(value)

    def heard(self, messages: list[Message]) -> None:
        """Note the messages that went in."""
        self.set("gen_ai.input.messages", messages)
        if not self.input:
            self.input = text_of(messages)

    def answered(self, value: Any) -> None:
        """Note what came out: messages where it is such, else text."""
        if value is None or self.output:
            return
        messages = messages_of(value, "assistant")
        if messages:
            self.said(messages)
        else:
            self.output = readable(value, reply=True)

    def said(self, messages: list[Message]) -> None:
        """Note the messages that came out."""
        self.set("gen_ai.output.messages", messages)
        if not self.output:
            self.output = text_of(messages, reply=True)

    def of_user(self, value: Any) -> None:
        """Note whom it was for."""
        if not self.user and value is not None:
            self.user = word(value)

    def of_session(self, value: Any) -> None:
        """Note the conversation it belongs to."""
        if not self.session and value is not None:
            self.session = word(value)

    def first_token(self, ms: float | None) -> None:
        """Note the time to the first token in milliseconds; what lies before the start is passed over."""
        if self.first_token_ms is None and ms is not None and 0 <= ms < 1e9:
            self.first_token_ms = ms

    def since_start_ms(self, at_ns: int) -> float | None:
        """Return how long after the span's start a moment lies."""
        return (at_ns - self.span.started_ns) / 1e6 if at_ns >= self.span.started_ns else None
