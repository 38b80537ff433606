"""The way in for spans of other programs: decoded, normalised, priced, and handed to the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from groundwork.telemetry.normalise import Price, normalised
from groundwork.telemetry.otlp.decode import pieces
from groundwork.telemetry.otlp.limits import Limits, Tally
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.types import Added, Span


class Store(Protocol):
    """What takes spans; see `telemetry/store.py`."""

    def add(self, tenant: str, spans: Sequence[Span]) -> Added:
        """Store spans and return when they are committed."""
        ...

    async def add_async(self, tenant: str, spans: Sequence[Span]) -> Added:
        """The same without blocking the event loop."""
        ...


@dataclass(frozen=True)
class Intake:
    """Reads what others send.

    Args:
        price: what is asked for the cost of a call that nobody told.
        limits: of one request.
    """

    store: Store
    price: Price | None = None
    limits: Limits = field(default_factory=Limits)

    def pieces(
        self, body: bytes, *, json_encoded: bool, tally: Tally, now_ns: int, principal: str, key_id: str = ""
    ) -> Iterator[list[Span]]:
        """Yield the spans of an OTLP request as they are stored, piece by piece.

        Args:
            body: an `ExportTraceServiceRequest`, inflated.
            tally: counts what is rejected and set right.
            now_ns: wall time. principal, key_id: who sends, which no attribute of a span can claim.

        Raises:
            InvalidInputError: the body is no such request; nothing has been yielded then.
        """
        for piece in pieces(body, json_encoded=json_encoded, tally=tally, limits=self.limits):
            yield list(self.read(piece, now_ns=now_ns, principal=principal, key_id=key_id))

    def take(self, tenant: str, body: bytes, *, json_encoded: bool, now_ns: int, principal: str) -> Tally:
        """Store the spans of an OTLP request of this very process, and return what came of it.

        Raises:
            InvalidInputError: the body is no such request. BusyError, StorageFullError: see `SpanStore.add`.
        """
        tally = Tally()
        for spans in self.pieces(
            body, json_encoded=json_encoded, tally=tally, now_ns=now_ns, principal=principal
        ):
            self.store.add(tenant, spans)
        return tally

    def read(
        self, spans: Iterable[RawSpan], *, now_ns: int, principal: str, key_id: str = ""
    ) -> Iterator[Span]:
        """Yield spans as they are stored."""
        for raw in spans:
            yield normalised(raw, now_ns=now_ns, price=self.price, principal=principal, key_id=key_id)
