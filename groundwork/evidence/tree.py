"""A predicate after reading: a tree of frozen values, and the mapping that says what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Op = Literal[
    "is",
    "one_of",
    "not",
    "at_least",
    "at_most",
    "above",
    "below",
    "after",
    "before",
    "prefix",
    "has",
    "exists",
]


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a field of a record that was found before."""

    name: str
    field: str

    def __str__(self) -> str:
        return f"${self.name}.{self.field}"


@dataclass(frozen=True, slots=True)
class Test:
    """One test of one field; `value` is a plain value, a tuple for `one_of` and a `not` of several, or a `Ref`."""

    __test__ = False  # no test of pytest

    field: str
    op: Op
    value: Any


@dataclass(frozen=True, slots=True)
class Share:
    """Of the records found, such a share fits these tests too."""

    where: tuple[Test, ...]
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """There are records of a kind; see the grammar in `types.py`. `path` says where it stands in the whole predicate."""

    kind: str
    where: tuple[Test, ...] = ()
    name: str = ""
    at_least: int = 1
    at_most: int | None = None
    spread: tuple[str, int] | None = None
    span_days: float | None = None
    share: Share | None = None
    each: tuple[Test, ...] = ()
    per: str = ""
    because: str = ""
    do: str = ""
    path: str = ""

    @property
    def tests(self) -> tuple[Test, ...]:
        return (*self.where, *(self.share.where if self.share else ()), *self.each)

    @property
    def counts(self) -> bool:
        """More is asked than that there is one."""
        return bool(
            self.at_least != 1
            or self.at_most is not None
            or self.spread
            or self.span_days is not None
            or self.share
            or self.each
        )


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; names of one part are known to those after it."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds; names inside it are known inside it alone."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Attest:
    """A person says so."""

    sentence: str


Predicate = Find | AllOf | AnyOf | Attest


def finds(predicate: Predicate) -> Iterator[Find]:
    """Yield every `find` in it, in order."""
    if isinstance(predicate, Find):
        yield predicate
    elif isinstance(predicate, AllOf | AnyOf):
        for part in predicate.parts:
            yield from finds(part)


def refs(predicate: Predicate) -> frozenset[Ref]:
    """Return the values of earlier records that it needs."""
    found = set()
    for find in finds(predicate):
        found |= {test.value for test in find.tests if isinstance(test.value, Ref)}
    return frozenset(found)


def meaning(predicate: Predicate) -> dict[str, Any]:
    """Return the predicate as a mapping of what it means: without sentences, commands and what is the default."""
    if isinstance(predicate, AllOf | AnyOf):
        word = "all" if isinstance(predicate, AllOf) else "any"
        return {word: [meaning(part) for part in predicate.parts]}
    if isinstance(predicate, Attest):
        return {"attest": predicate.sentence}
    made: dict[str, Any] = {"find": predicate.kind}
    if predicate.name:
        made["as"] = predicate.name
    if predicate.where:
        made["where"] = _tests(predicate.where)
    if predicate.at_least != 1 or predicate.at_most is not None:
        made["count"] = _bounds(predicate.at_least, predicate.at_most)
    if predicate.spread:
        made["spread"] = {"field": predicate.spread[0], "at_least": predicate.spread[1]}
    if predicate.span_days is not None:
        made["span"] = {"at_least_days": predicate.span_days}
    if predicate.share:
        share = predicate.share
        made["share"] = {"where": _tests(share.where), **_bounds(share.at_least, share.at_most)}
    if predicate.each:
        made["each"] = _tests(predicate.each)
    if predicate.per:
        made["per"] = predicate.per
    return made


def _bounds(at_least: float | None, at_most: float | None) -> dict[str, Any]:
    return {k: v for k, v in (("at_least", at_least), ("at_most", at_most)) if v is not None}


def _tests(tests: tuple[Test, ...]) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = {}
    for test in tests:
        value = str(test.value) if isinstance(test.value, Ref) else test.value
        made.setdefault(test.field, {})[test.op] = list(value) if isinstance(value, tuple) else value
    return {field: made[field] for field in sorted(made)}


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping of parameters with text, numbers and truth values alone, so that it can be filled in."""
    return {k: v for k, v in value.items() if isinstance(v, str | int | float | bool)}
