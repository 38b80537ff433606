"""Dialects are the wire formats that clients speak; one file each, pure functions between bytes and canonical values.

Contract, tested by `groundwork.testing.DialectContract`:
- `parse` accepts every valid body of the public specification, refuses a wrong one with InvalidInputError that names the
  field, keeps what it has no place for in `extra`, and the whole body in `native`;
- what the canonical form cannot hold and may not be left out is named in `native_only`, or refused;
- `render` of a completion whose `native_dialect` is this dialect returns that body as the provider gave it, its id and its
  name of the model included; a body made here names the model as the client asked for it, and the call in its id;
- in a stream, chunks of the provider in this dialect are handed on likewise; the terminator is always the encoder's own;
- a stream opens, carries deltas in order, and ends with the dialect's own terminator, once; `error` ends it explicitly;
- `error_body` is what the dialect's official client turns into its own exception class for that status.
Nothing here does I/O, knows a provider, or reads a clock: `created` is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from groundwork.core.errors import GroundworkError
from groundwork.core.shelf import Shelf
from groundwork.gateway.types import (
    CallMeta,
    ChatRequest,
    Completion,
    DialectName,
    Embeddings,
    EmbedRequest,
    Event,
)


class StreamEncoder(Protocol):
    """Turns events of one completion into bytes of an event stream (text/event-stream); stateful, used once."""

    def start(self) -> bytes:
        """Return what opens the stream; may be empty."""
        ...

    def event(self, event: Event) -> bytes:
        """Return the bytes of one event; may be empty where the dialect gathers or has no place for it."""
        ...

    def end(self, completion: Completion | None = None) -> bytes:
        """Return the rest: final events, usage where asked for or usual, and the terminator."""
        ...

    def error(self, error: GroundworkError) -> bytes:
        """Return an explicit error event that ends the stream; the dialect's client raises on it."""
        ...


class Dialect(Protocol):
    """Constructors take nothing."""

    name: ClassVar[DialectName]

    def parse(self, body: Mapping[str, Any]) -> ChatRequest:
        """Return the canonical request.

        Raises:
            InvalidInputError: a field is missing or of the wrong kind, a schema is no schema, or a tool result answers a
                call that was never made.
        """
        ...

    def render(self, completion: Completion, request: ChatRequest, created: int) -> dict[str, Any]:
        """Return the body of a whole response; `created` is the time in seconds since 1970."""
        ...

    def encoder(self, request: ChatRequest, meta: CallMeta, created: int) -> StreamEncoder: ...

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        """Return the body of an error; its status is `status_of(error)`."""
        ...

    def status_of(self, error: GroundworkError) -> int: ...


class EmbedDialect(Protocol):
    """The dialect of embeddings, which stands on the same shelf; it neither streams nor calls tools."""

    name: ClassVar[DialectName]

    def parse(self, body: Mapping[str, Any]) -> EmbedRequest:
        """Return the canonical request. Raises InvalidInputError."""
        ...

    def render(self, embeddings: Embeddings, request: EmbedRequest) -> dict[str, Any]: ...

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]: ...

    def status_of(self, error: GroundworkError) -> int: ...


DIALECTS: Shelf[Dialect] = Shelf("dialect", home="groundwork.gateway.dialects")
