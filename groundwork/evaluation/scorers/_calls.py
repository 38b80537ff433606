"""Tool calls against those that should be made: equal arguments, accepted ones, or arguments that fit a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.types import ToolUse
from groundwork.gateway.schemas import faults

MAX_CALLS = 1000
"""Of longer runs the first so many calls are compared."""


def fits(call: ToolUse, wanted: Mapping[str, Any], *, arguments: bool = True) -> bool:
    """Say whether a call is the one that is wanted.

    `{name}` alone wants the tool, whatever its arguments. `arguments` must be equal, as JSON is (`1` and `1.0` are, `1` and
    `true` are not). `accepted` lists the values that each argument may have; an empty text among them says that it may be
    missing, and others may not be there. `schema` is a JSON Schema of the arguments. A call that failed fits nothing.
    """
    if call.name != wanted.get("name") or call.error:
        return False
    if not arguments:
        return True
    if (accepted := wanted.get("accepted")) is not None and not _accepted(call.arguments, accepted):
        return False
    if (schema := wanted.get("schema")) is not None and invalid(call, schema):
        return False
    expected = wanted.get("arguments", wanted.get("kwargs"))
    return expected is None or same(call.arguments, expected)


def invalid(call: ToolUse, schema: Any) -> str:
    """Return what of a call's arguments does not fit a schema; empty where all does.

    Raises:
        InvalidInputError: it is no JSON Schema.
    """
    if not isinstance(schema, Mapping):
        raise InvalidInputError("the schema of a tool is no object")
    return "; ".join(faults(dict(schema), _plain(call.arguments), 1))


def same(one: Any, other: Any) -> bool:
    """Say whether two values are equal as JSON is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def matched_in_order(
    calls: Sequence[ToolUse], wanted: Sequence[Mapping[str, Any]], *, arguments: bool = True
) -> int:
    """Return how many of the wanted calls were made in their order: the longest common subsequence."""
    before = [0] * (len(wanted) + 1)
    for call in calls[:MAX_CALLS]:
        row = [0]
        for j, want in enumerate(wanted):
            row.append(before[j] + 1 if fits(call, want, arguments=arguments) else max(before[j + 1], row[j]))
        before = row
    return before[-1]


def matched_anyhow(
    calls: Sequence[ToolUse], wanted: Sequence[Mapping[str, Any]], *, arguments: bool = True
) -> int:
    """Return how many of the wanted calls were made in whatever order, each by a call of its own: a maximum matching."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    made = calls[:MAX_CALLS]
    if not made or not wanted:
        return 0
    table = np.array([[fits(c, w, arguments=arguments) for w in wanted] for c in made], dtype=np.int8)
    return int((maximum_bipartite_matching(csr_matrix(table), perm_type="column") >= 0).sum())


def _accepted(arguments: Mapping[str, Any], accepted: Any) -> bool:
    if not isinstance(accepted, Mapping) or any(name not in accepted for name in arguments):
        return False
    return all(
        any(same(arguments[name], v) for v in values) if name in arguments else "" in values
        for name, values in accepted.items()
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
