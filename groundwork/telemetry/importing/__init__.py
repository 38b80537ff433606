"""Importers read the traces that other tools export; each reads the records of one tool.

A record is one JSON value: a line of a JSONL file, an element of a JSON list, a whole JSON document, or a row of a table.
An importer is one file with a `plugin` that

- says in `recognises` whether a record is one of its own, from its names alone; the first by `rank` that does gets it;
- yields in `spans` what the record tells, as raw spans whose attributes a convention understands, so that nothing is
  interpreted twice; equal records give equal ids, so that importing twice adds nothing;
- raises InvalidInputError for a record it cannot read, saying why; the record is then quarantined and the rest goes on.

`groundwork.testing.ImporterContract` is run over every name on the shelf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from groundwork.core.shelf import Shelf
from groundwork.telemetry.raw import RawSpan


class Importer(Protocol):
    """Reads the records of one tool."""

    rank: int

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Say whether this is a record of the tool."""
        ...

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        """Yield the spans of a record.

        Raises:
            InvalidInputError: it cannot be read.
        """
        ...


IMPORTERS = Shelf[Importer]("trace-importer", home="groundwork.telemetry.importing")
