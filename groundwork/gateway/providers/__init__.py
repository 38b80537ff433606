"""Providers serve models: one file each, speaking one wire format outward and events inward.

Contract, tested by `groundwork.testing.ProviderContract` against a scripted upstream:
- one attempt per call: no retry, no sleep, no fallback here; the flow above does that and writes a ledger row for each;
- every failure is a `groundwork.gateway.failures.Failure`, never another exception; a cancelled attempt closes its
  connection before CancelledError leaves;
- limits hold: a line, a body, a number of tool calls, a stream without end, a decompressed size, all end in a Failure;
- redirects are refused; the secret goes to the configured origin alone;
- events come in order: any of text, reasoning, tool_call; then `finish` once; `usage` once, before or after it. A stream
  that ends without `finish` is a Failure;
- tool calls of one completion have distinct ids and indexes 0, 1, …;
- usage is what the provider said; where it said nothing the event is left out, and the flow estimates.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from groundwork.core.shelf import Shelf
from groundwork.gateway.types import (
    ChatRequest,
    Completion,
    DialectName,
    Embeddings,
    EmbedRequest,
    Event,
    ModelInfo,
)

if TYPE_CHECKING:
    from groundwork.gateway.transport import Transport


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt is made.

    Attributes:
        model: the provider's own name of the model.
        transport: the pooled HTTP client with its limits; providers in this process ignore it.
        secret: the provider's key, "" where it needs none. Only `transport` sends it, only to the provider's origin.
        timeout_s: seconds until the whole attempt must have ended.
        headers: further headers, such as `traceparent`.
        access: document access of the caller, for apps served as models: None reads everything.
        context: what an app needs to know of the call it serves: `{tenant, principal, key_id, call_id, trace_id}`.
    """

    model: str
    transport: Transport | None = None
    secret: str = ""
    timeout_s: float = 120.0
    headers: Mapping[str, str] = field(default_factory=dict)
    access: tuple[str, ...] | None = ()
    context: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """Constructors only remember parameters: those of `ProviderSpec` that apply, and `options`."""

    dialect: ClassVar[DialectName | None]
    """The dialect it speaks outward, whose native bodies it hands through; None for one in this process."""

    deterministic: ClassVar[bool]

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        """Return a whole completion. Raises Failure."""
        ...

    def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        """Yield events as they come (an async generator). Raises Failure."""
        ...

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        """Return one finite vector per input. Raises Failure; code `unsupported` where it does not embed."""
        ...

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        """Return what it says it serves; ids without the provider's prefix. Raises Failure."""
        ...

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        """Return the input tokens by the model's own count, None where it cannot tell. Raises Failure."""
        ...


PROVIDERS: Shelf[Provider] = Shelf("provider", home="groundwork.gateway.providers")
