"""A predicate, and what comes of asking it.

The grammar, as it stands in YAML; every key that is not named here is refused with the nearest known one:

    all: [PREDICATE, …]              every one holds; a name given by `as` is known to those after it
    any: [PREDICATE, …]              one holds
    attest: SENTENCE                 no record can show it; a person says so, and it never counts as proven
    find: KIND                       there are records of this kind …
      as: NAME                       … the one chosen is called so: `$NAME.field` in later predicates is its value
      where: {FIELD: TEST, …}        … that fit every test
      count: {at_least: 1, at_most}  … so many of them (default: at least 1)
      spread: {field, at_least}      … with so many different values of a field
      span: {at_least_days}          … the newest so many days younger than the oldest
      share: {where, at_least, at_most}   … of which such a share (0 to 1) fits these tests too
      each: {FIELD: TEST, …}         … and every one of them fits these as well
      per: FIELD                     … all of it within one value of a field (three versions of one prompt)
      because: SENTENCE, do: COMMAND what is said when it is missing, and what would bring it

    TEST   VALUE                     equal; a list: one of them; `$NAME.field`: the value of a record found before
           {not: V} {at_least: N} {at_most: N} {above: N} {below: N} {after: TIME} {before: TIME} {prefix: TEXT} {has: V}
           {exists: true|false}      several in one mapping must all hold; `has`: the list of the field contains it

Numbers are compared as numbers, times as ISO 8601 in UTC; a field that is null fits no test but `exists: false` and `not`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["proven", "not_yet", "broken", "unavailable"]
"""Holds; does not hold yet; held by records that are damaged; no room keeps such records yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """One record that a predicate rests on.

    Attributes:
        kind, id: of the record. digest: SHA-256 of its canonical content, so that a change is seen later.
        values: the fields that were looked at, as they were. at: when it was made. address: its page, "" when it has none.
    """

    kind: str
    id: str
    digest: str
    values: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a predicate still lacks, in one sentence, and the command that would bring it (may be "")."""

    sentence: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """A kind of record that no room keeps yet, and the room it waits for."""

    kind: str
    room: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one predicate; deterministic for equal records.

    Attributes:
        outcome: see `Outcome`; `unavailable` wins over `not_yet`, `broken` over both.
        digest: of the predicate with its parameters filled in.
        found: what holds it up, in the order of the predicate; also the part that is there when it is not yet proven.
        missing: what it lacks; empty when proven. waits: kinds without a room. attested: sentences that a person must say.
    """

    outcome: Outcome
    digest: str
    found: tuple[Found, ...] = ()
    missing: tuple[Missing, ...] = ()
    waits: tuple[Waits, ...] = ()
    attested: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        return self.outcome == "proven"


RecordState = Literal["same", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What became of a record since it was found: same, changed (its digest differs), gone; `why` in words."""

    found: Found
    state: RecordState
    why: str = ""


FieldType = Literal["text", "number", "flag", "time", "list"]


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field that predicates can ask about; `type` says which tests fit."""

    name: str
    type: FieldType
    about: str


@dataclass(frozen=True, slots=True)
class KindInfo:
    """A kind of record as it is shown: what it is, the room that keeps it, its fields, the command that makes one.

    Attributes:
        waiting: no room keeps such records yet; `room` is the one it waits for, and there are no fields.
        personal: a person sees their own alone.
    """

    name: str
    title: str
    room: str
    fields: tuple[FieldInfo, ...] = ()
    made_by: str = ""
    waiting: bool = False
    personal: bool = False
