"""Importers read examples from files of other tools; each reads one form.

An importer is one file with a `plugin` that

- says in `recognises` whether a file is of its form, from names alone; the first by `rank` that does gets it;
- yields in `rows` one `Row` an example, its values in our own form (the fields of `Example`), or a `Fault` with the line and
  the reason; it goes on after a fault where it can;
- makes no ids up: a row without one gets an id that follows from its input, so importing twice gives equal examples;
- raises InvalidInputError only for a file that it cannot read at all.

`groundwork.testing.DatasetImporterContract` is run over every name on the shelf.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from groundwork.core.shelf import Shelf

if TYPE_CHECKING:
    from groundwork.datasets.importers._source import Source


@dataclass(frozen=True, slots=True)
class Row:
    """One example as a file has it: the line (or entry, from 1) it begins on, its values, what could not be taken along."""

    line: int
    values: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no example, and why."""

    line: int
    message: str


class Importer(Protocol):
    """Reads files of one form."""

    rank: int

    def recognises(self, source: Source) -> bool:
        """Say whether a file is of this form."""
        ...

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        """Yield what the file holds, in its order.

        Args:
            columns: which column or key holds a field of the example, where somebody says so: `{"input": "Frage"}`; an
                empty name leaves the field out.

        Raises:
            InvalidInputError: it cannot be read at all.
        """
        ...


IMPORTERS = Shelf[Importer]("dataset-importer", home="groundwork.datasets.importers")
