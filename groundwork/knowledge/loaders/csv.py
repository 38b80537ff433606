"""Separated values (CSV, TSV and kin): the delimiter is found out; the file becomes one table with its header row."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._tables import MAX_CELLS, MAX_COLUMNS, write_table
from groundwork.knowledge.loaders._text import MAX_CHARS, TextBuilder
from groundwork.knowledge.types import Parsed

_DELIMITERS = (",", ";", "\t", "|")


class Csv:
    """Read separated values; quoting as in RFC 4180."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/csv", "text/tab-separated-values")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read all rows; the first is taken as the header."""
        decoded = decode(data)
        out = TextBuilder()
        for warning in decoded.warnings:
            out.warn(warning)
        text = decoded.text[: 2 * MAX_CHARS]
        if len(text) < len(decoded.text):
            out.warn(f"the text was cut after {len(text):,} characters")
        write_table(out, list(_rows(text.replace("\x00", ""), out)))
        return out.build()


def delimiter_of(text: str) -> str:
    """Return the delimiter that parts the first rows into the same number of cells, preferring more cells."""
    sample = "\n".join(text[:65_536].splitlines()[:50])
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in _read(sample, delimiter) if row]
        if not widths:
            continue
        width, times = Counter(widths).most_common(1)[0]
        score = times / len(widths) * min(width - 1, 4)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, out: TextBuilder) -> Iterator[list[str]]:
    cells = 0
    for row in _read(text, delimiter_of(text)):
        if len(row) > MAX_COLUMNS:
            out.warn(f"cells beyond column {MAX_COLUMNS:,} were left out")
            row = row[:MAX_COLUMNS]
        cells += len(row)
        if cells > MAX_CELLS:
            out.warn(f"only the first {MAX_CELLS:,} cells were read")
            return
        yield row


def _read(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CHARS * 2)
    yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)


plugin = Csv
