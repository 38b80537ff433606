"""Bound how often a schema is evaluated along one path through a value, before anything is evaluated.

A few lines of schema can ask for exponential work: definitions that refer twice to the next one, or an object whose
property is checked by two references to the whole. Validators follow such references; this counts them first.

For a value of depth d, a subschema s is evaluated once, together with every subschema that applies to the same value
(`allOf`, `anyOf`, `$ref`, …), and those that apply to one item or property below it, at depth d - 1:

    E(s, d) = 1 + sum of E(t, d) over t in place + E of what applies to one child at d - 1

with the larger of both where the value may be an object or an array. Properties of different names never apply to the same
child, so the costliest counts. References that lead back to the same value are followed once, as the validator does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else", "contentSchema")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_OBJECT_CHILDREN = ("additionalProperties", "unevaluatedProperties", "propertyNames")
_ARRAY_CHILDREN = ("items", "additionalItems", "unevaluatedItems", "contains")
_ELSEWHERE = 200  # a reference to a schema of the validator's own, such as the meta-schema
_MOST_STEPS = 200_000  # subschemas times depth: what counting itself may cost


class _Step(NamedTuple):
    fixed: int
    in_place: tuple[int, ...]
    of_objects: tuple[tuple[int, ...], ...]
    of_arrays: tuple[tuple[int, ...], ...]


class Cost:
    """The bounds of one schema by depth of the value; `limit` stands for this and anything larger."""

    def __init__(self, root: Mapping[str, Any], limit: int) -> None:
        self.limit = limit
        self._root = root
        self._anchors: dict[str, Any] | None = None
        self._numbers: dict[int, int] = {}
        self._schemas: list[Mapping[str, Any]] = []
        self._steps: list[_Step] = []
        self._bounds: list[int] = []
        self._below: list[int] = []
        self._lock = threading.Lock()
        self._number(root)
        for schema in self._schemas:  # grows while it is read
            self._steps.append(self._step(schema))

    def of(self, widths: Sequence[int]) -> int:
        """Return the bound for a value with so many values at each depth, the whole first."""
        if len(self._bounds) < len(widths) and len(widths) * len(self._steps) > _MOST_STEPS:
            return self.limit
        with self._lock:
            while len(self._bounds) < len(widths):
                self._go_deeper()
        total = sum(width * bound for width, bound in zip(widths, self._bounds, strict=False))
        return min(total, self.limit)

    def _go_deeper(self) -> None:
        """Add the bounds of values that nest one deeper than the ones so far."""
        below, here = self._below, [0] * len(self._steps)
        try:
            for is_object in (True, False):
                known: dict[int, int] = {}
                for number in range(len(self._steps)):
                    here[number] = max(here[number], self._at(number, is_object, below, known))
        except RecursionError:
            here = [self.limit] * len(self._steps)
        self._below = here
        self._bounds.append(here[0])

    def _at(self, number: int, is_object: bool, below: Sequence[int], known: dict[int, int]) -> int:
        if number in known:
            return known[number]
        known[number] = 0  # a reference back to the same value ends here
        step = self._steps[number]
        total = step.fixed + sum(self._at(inner, is_object, below, known) for inner in step.in_place)
        if below:
            for group in step.of_objects if is_object else step.of_arrays:
                total += max(below[inner] for inner in group)
        known[number] = total = min(total, self.limit)
        return total

    def _number(self, schema: object) -> int:
        """Return the number of a subschema, a new one where it is new; True and False share one."""
        key = id(schema) if isinstance(schema, dict) else 0
        if key not in self._numbers:
            self._numbers[key] = len(self._schemas)
            self._schemas.append(schema if isinstance(schema, dict) else {})
        return self._numbers[key]

    def _step(self, schema: Mapping[str, Any]) -> _Step:
        in_place = list(self._in_place(schema))
        return _Step(
            1 + _ELSEWHERE * sum(inner is None for inner in in_place),
            tuple(self._number(inner) for inner in in_place if inner is not None),
            self._groups(schema, _OBJECT_CHILDREN, "properties", "patternProperties"),
            self._groups(schema, _ARRAY_CHILDREN, "prefixItems", ""),
        )

    def _groups(
        self, schema: Mapping[str, Any], words: Sequence[str], one_of: str, all_of: str
    ) -> tuple[tuple[int, ...], ...]:
        """Return groups of subschemas of which one each applies to a child."""
        found = [[schema[w]] if isinstance(schema[w], dict) else schema[w] for w in words if w in schema]
        named, patterns = schema.get(one_of), schema.get(all_of)
        found.append(list(named.values()) if isinstance(named, dict) else named)
        if isinstance(patterns, dict):
            found.extend([inner] for inner in patterns.values())
        return tuple(tuple(map(self._number, group)) for group in found if isinstance(group, list) and group)

    def _in_place(self, schema: Mapping[str, Any]) -> Iterator[object]:
        for word in _IN_PLACE_LISTS:
            many = schema.get(word)
            if isinstance(many, list):
                yield from many
        for word in _IN_PLACE:
            if word in schema:
                yield schema[word]
        for word in ("dependentSchemas", "dependencies"):
            named = schema.get(word)
            if isinstance(named, dict):
                yield from (inner for inner in named.values() if isinstance(inner, dict))
        for word in _REFERENCES:
            reference = schema.get(word)
            if isinstance(reference, str):
                yield self._resolve(reference)

    def _resolve(self, reference: str) -> object:
        """Return the subschema that is referred to, None where it is not found in this schema."""
        base, _, fragment = reference.partition("#")
        if not base and fragment.startswith("/"):
            found: Any = self._root
            for part in fragment[1:].split("/"):
                part = unquote(part).replace("~1", "/").replace("~0", "~")
                if isinstance(found, dict) and part in found:
                    found = found[part]
                elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
                    found = found[int(part)]
                else:
                    return None
            return found
        if reference in ("#", ""):
            return self._root
        if self._anchors is None:
            self._anchors = dict(_anchors(self._root))
        return self._anchors.get(fragment or base.rpartition("/")[2])


def _anchors(root: object) -> Iterator[tuple[str, Any]]:
    level = [root]
    while level:
        found = level.pop()
        if isinstance(found, dict):
            for word in ("$anchor", "$dynamicAnchor"):
                if isinstance(found.get(word), str):
                    yield found[word], found
            for word in ("$id", "id"):
                if isinstance(found.get(word), str):
                    yield found[word].rstrip("#").rpartition("/")[2], found
            level.extend(found.values())
        elif isinstance(found, list):
            level.extend(found)
