"""Judged queries of a retrieval set: `queries.jsonl` with `query` and, by document, the grade in `relevant`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._columns import guess, values_of
from groundwork.datasets.importers._source import Source


@dataclass(frozen=True)
class Retrieval:
    """Read a query an example; what should be found stands in `relevant`, and no answer is expected."""

    rank: int = 30

    def recognises(self, source: Source) -> bool:
        return source.kind != "table" and source.first.keys() >= {"query", "relevant"}

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        for record in source.records():
            if isinstance(record, Fault):
                yield record
                continue
            line, values = record
            try:
                found = values_of(values, guess(values, {"expected": "", **columns}))
            except InvalidInputError as error:
                yield Fault(line, error.message)
                continue
            if not found.get("relevant"):
                yield Fault(line, "no document is relevant to it")
                continue
            yield Row(line, found)


plugin = Retrieval
