"""Which rows a scope may see: tenant, then access list, then the caller's filter."""

from __future__ import annotations

from groundwork.knowledge.filters import Value, matches
from groundwork.knowledge.indexes import Scope
from groundwork.knowledge.types import FILTER_FIELDS, ChunkRow

STORED_FIELDS = ("media_type", "language", "modified")
"""Fields kept beside a row; `document_id` and `ordinal` are the row's own."""


def stored_fields(row: ChunkRow) -> dict[str, Value]:
    """Return the fields of a row that are kept, which are those filters may use and the row does not hold itself."""
    return {name: row.fields[name] for name in STORED_FIELDS if name in row.fields}


def filter_values(row: ChunkRow) -> dict[str, Value]:
    """Return everything a filter may name, with the row's own document and ordinal."""
    assert set(FILTER_FIELDS) == {*STORED_FIELDS, "document_id", "ordinal"}
    return {**stored_fields(row), "document_id": row.document_id, "ordinal": row.ordinal}


def visible(row: ChunkRow, scope: Scope) -> bool:
    """Say whether the scope may see the row."""
    if row.tenant != scope.tenant:
        return False
    if scope.access is not None and not set(scope.access).intersection(row.access):
        return False
    return scope.filter is None or matches(scope.filter, filter_values(row))
