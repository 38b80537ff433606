"""Spans out of an OTLP request, in bounded pieces; a span that cannot be one is counted and named, the rest goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from groundwork.telemetry.otlp import json_form
from groundwork.telemetry.otlp.limits import Limits, Tally
from groundwork.telemetry.raw import RawSpan


def pieces(
    body: bytes, *, json_encoded: bool, tally: Tally, limits: Limits = Limits()
) -> Iterator[list[RawSpan]]:
    """Return the spans of a request in lists of at most `limits.piece`, each made when it is asked for.

    Args:
        body: an `ExportTraceServiceRequest`, inflated.
        tally: counts what comes in and what does not, while the pieces are taken.

    Raises:
        InvalidInputError: the body is no such request at all; said before the first piece.
    """
    if json_encoded:
        spans = json_form.spans(json_form.read(body, tally), limits, tally)
    else:
        from groundwork.telemetry.otlp import protobuf

        spans = protobuf.spans(body, limits, tally)
    return _cut(spans, limits, tally)


def _cut(spans: Iterator[RawSpan], limits: Limits, tally: Tally) -> Iterator[list[RawSpan]]:
    within = itertools.islice(spans, limits.spans)
    while piece := list(itertools.islice(within, limits.piece)):
        tally.accepted += len(piece)
        yield piece
    beyond = sum(1 for _ in spans)
    if beyond:
        tally.reject(f"a request brings at most {limits.spans} spans", beyond)
