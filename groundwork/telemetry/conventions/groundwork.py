"""Our own attributes, `groundwork.*`, which the SDK and any program that knows us may set on any span."""

from __future__ import annotations

from typing import ClassVar

from groundwork.telemetry.journey import kind_of
from groundwork.telemetry.plain import number, whole
from groundwork.telemetry.raw import RawSpan
from groundwork.telemetry.reading import Reading

WORDS = {
    "groundwork.app": "app",
    "groundwork.release": "release",
    "groundwork.environment": "environment",
    "groundwork.user": "user",
    "groundwork.session": "session",
    "groundwork.provider": "provider",
    "groundwork.model": "model",
    "groundwork.answer_id": "answer_id",
    "groundwork.call_id": "call_id",
    "groundwork.job_id": "job_id",
    "groundwork.prompt": "prompt",
    "groundwork.snapshot": "snapshot",
    "groundwork.input": "input",
    "groundwork.output": "output",
}
"""Attribute by attribute, the field of a `Reading` it fills."""


class Groundwork:
    """What stands in a field of the span is no attribute of it any more, and nothing is lost by that."""

    marks: ClassVar = frozenset({"groundwork"})
    rank: ClassVar = 0

    def recognise(self, span: RawSpan) -> str:
        return "groundwork" if any(name.startswith("groundwork.") for name in span.attributes) else ""

    def read(self, reading: Reading) -> None:
        names = reading.attributes
        for name in [n for n in names if n.startswith("groundwork.")]:
            value = names[name]
            if name in WORDS and isinstance(value, str):
                setattr(reading, WORDS[name], value)
            elif name == "groundwork.kind" and kind_of(value):
                reading.kind = kind_of(value)
            elif name == "groundwork.cost_nanousd" and whole(value) is not None:
                reading.cost_nanousd = whole(value)
            elif name == "groundwork.first_token_ms" and number(value) is not None:
                reading.first_token(number(value))
            elif name == "groundwork.cached":
                reading.cached = value is True
            else:
                continue
            del names[name]


plugin = Groundwork
