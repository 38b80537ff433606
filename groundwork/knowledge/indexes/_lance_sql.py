"""Scopes and filters as Lance's SQL; every value becomes an escaped literal, no user's string becomes a name."""

from __future__ import annotations

from collections.abc import Iterable

from groundwork.knowledge.filters import And, Eq, Exists, Filter, In, Not, Or, Range, Value
from groundwork.knowledge.indexes import Scope

ALWAYS, NEVER = "true", "false"


def literal(value: Value) -> str:
    """Return a SQL literal; in this dialect only the quote is special within a string."""
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def any_of(column: str, values: Iterable[Value]) -> str:
    """Return `column IN (…)`, or what is never true for no values."""
    listed = ", ".join(literal(v) for v in values)
    return f"{column} IN ({listed})" if listed else NEVER


def where(scope: Scope) -> str:
    """Return the condition of a scope: tenant, access list and the caller's filter, ANDed in this order."""
    parts = [f"tenant = {literal(scope.tenant)}"]
    if scope.access is not None:
        tokens = ", ".join(literal(token) for token in scope.access)
        parts.append(f"array_has_any(access, [{tokens}])" if tokens else NEVER)
    if scope.filter is not None:
        parts.append(f"({condition(scope.filter)})")
    return " AND ".join(parts)


def condition(tree: Filter) -> str:
    """Return SQL that is true where `filters.matches` says so and never NULL, so that NOT means not."""
    match tree:
        case Eq(name, value):
            return f"({name} IS NOT NULL AND {name} = {literal(value)})"
        case In(name, values):
            return f"({name} IS NOT NULL AND {any_of(name, values)})"
        case Range(name, low, high):
            ends = [f"{name} IS NOT NULL"]
            ends += [] if low is None else [f"{name} >= {literal(low)}"]
            ends += [] if high is None else [f"{name} <= {literal(high)}"]
            return "(" + " AND ".join(ends) + ")"
        case Exists(name):
            return f"({name} IS NOT NULL)"
        case And(parts):
            return "(" + " AND ".join(condition(p) for p in parts) + ")" if parts else ALWAYS
        case Or(parts):
            return "(" + " OR ".join(condition(p) for p in parts) + ")" if parts else NEVER
        case Not(part):
            return f"(NOT {condition(part)})"
