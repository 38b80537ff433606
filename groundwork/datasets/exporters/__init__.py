"""Exporters write examples as files of other tools; each writes one form, which its importer reads back.

An exporter is one file with a `plugin` that yields, in `lines`, pieces of the text in their order, each ending with a line
break; equal examples give equal text. `suffix` is the ending that its files have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from groundwork.core.shelf import Shelf
from groundwork.datasets.types import Example


class Exporter(Protocol):
    """Writes files of one form."""

    suffix: str

    def lines(self, examples: Iterable[Example]) -> Iterator[str]:
        """Yield the text of a file with these examples."""
        ...


EXPORTERS = Shelf[Exporter]("dataset-exporter", home="groundwork.datasets.exporters")
