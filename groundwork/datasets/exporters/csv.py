"""A table for spreadsheets: a head line, lists and objects as JSON, and no cell that a spreadsheet takes for a formula.

Source of the guard: OWASP, CSV Injection: a cell that begins with `=`, `+`, `-`, `@`, tab or carriage return gets a quote in
front. The importer takes it off again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from groundwork.datasets.content import body_of
from groundwork.datasets.types import Example

COLUMNS = (
    "id", "input", "expected", "impossible", "context", "relevant", "tools", "cluster", "tags", "split", "licence",
    "weight", "metadata",
)  # fmt: skip
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True)
class Csv:
    """Write everything but the origin."""

    suffix: str = ".csv"

    def lines(self, examples: Iterable[Example]) -> Iterator[str]:
        stream = io.StringIO()
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for example in examples:
            values = {"id": example.id, "split": example.split, **body_of(example)}
            writer.writerow([guarded(_cell(name, values.get(name))) for name in COLUMNS])
            yield stream.getvalue()
            stream.seek(0)
            stream.truncate()
        if stream.tell():
            yield stream.getvalue()


def guarded(cell: str) -> str:
    """Return the cell with a quote in front where it begins like a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if name == "tags" and not any(set(tag) & set('[];|,"{}') for tag in value):
        return "; ".join(value)
    if isinstance(value, str) and not (
        name in ("input", "expected") and value.lstrip().startswith(("[", "{", '"'))
    ):
        return value
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


plugin = Csv
