"""Sheets and separated values: find the tables on a grid and write each as readable text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from groundwork.knowledge.loaders._text import TextBuilder, pipe_table

MAX_COLUMNS = 16_384
"""Columns of a row that are read, as many as a spreadsheet has; further ones are left out, with a warning."""
MAX_CELLS = 2_000_000
"""Filled cells of a document that are read."""

Row = Mapping[int, str]
"""The filled cells of a row by column, from 0."""


def regions(rows: Sequence[tuple[int, Row]]) -> Iterator[list[list[str]]]:
    """Yield the tables of a sheet: filled rows that follow each other, parted by empty rows.

    Args:
        rows: row number and filled cells, in order; rows without a filled cell are not there.
    """
    group: list[Row] = []
    last = None
    for number, row in rows:
        if last is not None and number > last + 1:
            yield from _split_columns(group)
            group = []
        group.append(row)
        last = number
    if group:
        yield from _split_columns(group)


def fill_down(
    rows: Sequence[tuple[int, Row]], merged: Sequence[tuple[int, int, int]]
) -> list[tuple[int, Row]]:
    """Return rows with the value of a cell that reaches over several rows in each of them, so that a row speaks for itself.

    Args:
        rows: as for `regions`.
        merged: `(column, first row, last row)` of such cells.
    """
    if not merged:
        return list(rows)
    by_number = {number: dict(row) for number, row in rows}
    for column, first, last in merged:
        value = by_number.get(first, {}).get(column)
        for number in range(first + 1, last + 1):
            if value and number in by_number:
                by_number[number].setdefault(column, value)
    return [(number, by_number[number]) for number, _ in rows]


def _split_columns(rows: Sequence[Row]) -> Iterator[list[list[str]]]:
    """Part rows where a column is empty in all of them, if what stands there are tables and not gaps within one."""
    used = sorted({column for row in rows for column in row})
    parts: list[list[int]] = []
    for column in used:
        if parts and column == parts[-1][-1] + 1:
            parts[-1].append(column)
        else:
            parts.append([column])
    apart = len(parts) > 1 and len(rows) > 1 and all(len(p) > 1 for p in parts)
    for columns in parts if apart else [used]:
        grid = [[row.get(c, "") for c in columns] for row in rows]
        yield [row for row in grid if any(row)]


def write_table(out: TextBuilder, rows: Sequence[Sequence[str]]) -> None:
    """Append a table under its mark; a single cell, and a title that stands alone in the first row, is a paragraph."""
    if len(rows) > 2 and sum(map(bool, rows[0])) == 1 < sum(map(bool, rows[1])):
        out.add("".join(rows[0]))
        rows = rows[1:]
    text = pipe_table(rows)
    if text.startswith("| "):
        out.block("table", text)
    else:
        out.add(text)
