"""A span as somebody sent it, before anybody has asked what its attributes mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from groundwork.telemetry.types import SpanEvent, SpanLink

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
"""The kinds of a span in OTLP; 0 says nothing."""
UNSET, OK, ERROR = 0, 1, 2
"""The codes of a status in OTLP."""


class Scope(NamedTuple):
    """What instrumentation made a span, and by which schema it wrote."""

    name: str = ""
    version: str = ""
    schema_url: str = ""


NO_SCOPE = Scope()


@dataclass(slots=True)
class RawSpan:
    """One span as it came; ids are lower-case hexadecimal digits of the right length.

    Attributes:
        attributes: plain values (text, numbers, truth values, None, lists, dicts with text as keys), none of them NaN.
        kind, status: as OTLP numbers them.
        dropped: how many attributes, events and links were cut off on the way or by the limits of decoding.
        source: as in `Span.source`.
    """

    trace_id: str
    span_id: str
    name: str
    started_ns: int
    ended_ns: int
    parent_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    scope: Scope = NO_SCOPE
    events: Sequence[SpanEvent] = ()
    links: Sequence[SpanLink] = ()
    kind: int = 0
    status: int = UNSET
    status_message: str = ""
    dropped: int = 0
    source: str = "otlp"
