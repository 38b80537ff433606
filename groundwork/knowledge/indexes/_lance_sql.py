"""Conditions in Lance's SQL for reads and deletes by id; every value becomes an escaped literal.

Scopes and filters of searches never become SQL: they are computed as masks (`_lance_mask.py`).
"""

from __future__ import annotations

from collections.abc import Iterable


def literal(value: str) -> str:
    """Return a SQL literal; in this dialect only the quote is special within a string."""
    return "'" + value.replace("'", "''") + "'"


def any_of(column: str, values: Iterable[str]) -> str:
    """Return `column IN (…)`, or what is never true for no values."""
    listed = ", ".join(literal(v) for v in values)
    return f"{column} IN ({listed})" if listed else "false"
