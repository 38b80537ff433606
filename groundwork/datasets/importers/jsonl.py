"""JSON lines: our own form, golden feedback as `groundwork feedback export` writes it, or objects with keys of any names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._columns import guess, is_own, values_of
from groundwork.datasets.importers._source import Source

_FEEDBACK = frozenset({"feedback_id", "input", "expected"})


@dataclass(frozen=True)
class JsonLines:
    """Read an object an example; each line may be in another of the three forms."""

    rank: int = 90

    def recognises(self, source: Source) -> bool:
        return source.kind != "table"

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        for record in source.records():
            if isinstance(record, Fault):
                yield record
                continue
            line, values = record
            try:
                if columns:
                    yield Row(line, values_of(values, guess(values, columns)))
                elif values.keys() >= _FEEDBACK:
                    yield Row(line, feedback_values(values))
                elif is_own(values):
                    yield Row(line, values)
                else:
                    yield Row(line, values_of(values, guess(values, columns)))
            except InvalidInputError as error:
                yield Fault(line, error.message)


def feedback_values(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an example that was golden feedback or a correction."""
    origin = {
        "kind": "feedback",
        **{
            name: str(line.get(name) or "")
            for name in ("answer_id", "trace_id", "span_id", "feedback_id", "principal")
        },
    }
    values: dict[str, Any] = {"input": line["input"], "origin": {k: v for k, v in origin.items() if v}}
    if line.get("expected"):
        values["expected"] = line["expected"]
    if line.get("app"):
        values["tags"] = [f"app:{line['app']}"]
    return values


plugin = JsonLines
