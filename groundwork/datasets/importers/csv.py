"""A table with a head line: comma, semicolon or tab, columns by their names; also what `dataset export` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._columns import guess, values_of
from groundwork.datasets.importers._source import Source


@dataclass(frozen=True)
class Csv:
    """Read a row an example; columns that stand for nothing go into the metadata."""

    rank: int = 80

    def recognises(self, source: Source) -> bool:
        return source.kind == "table"

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        found: dict[str, str] | None = None
        for record in source.records():
            if isinstance(record, Fault):
                yield record
                continue
            line, cells = record
            found = guess(cells, columns) if found is None else found
            try:
                yield Row(line, values_of(cells, found))
            except InvalidInputError as error:
                yield Fault(line, error.message)


plugin = Csv
