"""OTLP's JSON, as the file exporter of the OpenTelemetry collector and our own export write it: a request on every line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.otlp.json_form import spans
from groundwork.telemetry.otlp.limits import Limits, Tally
from groundwork.telemetry.raw import RawSpan


class OtlpJson:
    """Spans that cannot be ones are the reason a record is quarantined, after the others were read."""

    rank: ClassVar = 5

    def recognises(self, record: Mapping[str, Any]) -> bool:
        return isinstance(record.get("resourceSpans"), list)

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        tally = Tally()
        yield from spans(record, Limits(), tally)
        if tally.rejected:
            raise InvalidInputError(tally.message())


plugin = OtlpJson
