"""What a kind of record is: typed fields over the tables of one room, read for one principal; nothing is written.

A kind is one file in `kinds/`, named as predicates name it. It says in which table its records lie, by what they are told
apart, when they were made, and which of their fields may be asked about. Fields hold no text that people wrote: a predicate
asks about versions, outcomes and numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Column, ColumnElement, Table, and_, func, or_

from groundwork.core.digest import digest_bytes
from groundwork.core.principal import Principal
from groundwork.core.shelf import Shelf
from groundwork.evidence.sql import unindexed
from groundwork.evidence.types import FieldInfo, FieldType, KindInfo

LAB = "lab-"
"""Beginning of the names of what a lab laid out."""
_AFTER_LAB = "lab."
"""Follows after every text that begins so, in the order of code points that both databases compare by."""


@dataclass(frozen=True)
class Field:
    """One field: its type, the expression that reads it, and what it means.

    A field of type `list` is read as a JSON list of texts, see `sql.json_words`.
    """

    type: FieldType
    at: ColumnElement[Any]
    about: str


def text(column: ColumnElement[Any], about: str) -> Field:
    """Return a field that is compared as text."""
    return Field("text", column, about)


def number(column: ColumnElement[Any], about: str) -> Field:
    """Return a field that is compared as a number."""
    return Field("number", column, about)


def flag(column: ColumnElement[Any], about: str) -> Field:
    """Return a field that is true or false."""
    return Field("flag", column, about)


def time(column: ColumnElement[Any], about: str) -> Field:
    """Return a field that is a time, ISO 8601 in UTC."""
    return Field("time", column, about)


def words(column: ColumnElement[Any], about: str) -> Field:
    """Return a field that is a list of texts."""
    return Field("list", column, about)


def described(**fields: Field) -> Mapping[str, Field]:
    """Return the fields of a kind by name."""
    return fields


class Kind:
    """The contract of a kind; a file in `kinds/` fills it in and names the class `plugin`.

    Attributes:
        title: the records in words, plural. room: who keeps them. made_by: the command that makes one.
        table: where they lie; `source` joins what else is read, None: the table alone.
        id: by what one is told apart within its tenant. at: when it was made, ISO 8601 in UTC.
        fields: what may be asked. named: fields that carry a name; a record is a lab's where one begins with `lab-`.
        owner: the column that names the person it is about; None: it belongs to the workspace.
        forgotten: columns that say nothing about what the record is, such as how far a job has come: no part of its digest.
        watched: fields, not columns of the row, that belong to its digest all the same.
        page: address of its page, with fields in braces; "" where it has none.
    """

    title: ClassVar[str]
    room: ClassVar[str]
    made_by: ClassVar[str]
    table: ClassVar[Table]
    source: ClassVar[Any] = None
    id: ClassVar[ColumnElement[Any]]
    at: ClassVar[ColumnElement[Any]]
    fields: ClassVar[Mapping[str, Field]]
    named: ClassVar[tuple[str, ...]] = ()
    owner: ClassVar[ColumnElement[Any] | None] = None
    only: ClassVar[ColumnElement[Any] | None] = None
    forgotten: ClassVar[frozenset[str]] = frozenset()
    watched: ClassVar[tuple[str, ...]] = ()
    page: ClassVar[str] = ""

    def origin(self) -> Any:
        """Return what to select from."""
        return self.table if self.source is None else self.source

    def visible(self, principal: Principal, labs: bool, *, walk: bool = False) -> ColumnElement[bool]:
        """Return the condition for what a principal may rest a predicate on: of the tenant, and of a person their own.

        Args:
            labs: those of labs too. walk: do not look the tenant up in an index, since nearly every row is its.
        """
        tenant = self.table.c.tenant
        conditions: list[ColumnElement[bool]] = [(unindexed(tenant) if walk else tenant) == principal.tenant]
        if self.owner is not None:
            conditions.append(self.owner == principal.name)
        if self.only is not None:
            conditions.append(self.only)
        if not labs:
            conditions += [_of_no_lab(self.fields[name].at) for name in self.named]
        return and_(*conditions)

    def damaged(self, row: Mapping[str, Any], key: Any) -> str:
        """Say what is wrong with a stored record, "" when nothing is.

        Args:
            row: its columns. key: the workspace's public key (Ed25519), None where it is not at hand.
        """
        return ""

    walked: ClassVar[tuple[str, ...]] = ()
    """Fields that an index helps with; a find without a test of equality on one of them walks the table."""

    timed: ClassVar[bool] = False
    """Ids are given in the order of time, so that the newest are found without looking at all."""

    checks: ClassVar[bool] = False
    """`damaged` has something to say: records of this kind are looked at before anything rests on them."""

    def info(self, name: str) -> KindInfo:
        """Return the kind as it is shown."""
        return KindInfo(
            name,
            self.title,
            self.room,
            tuple(FieldInfo(n, f.type, f.about) for n, f in self.fields.items()),
            self.made_by,
            personal=self.owner is not None,
        )


def _of_no_lab(name: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return that a name does not begin with `lab-`; of a plain column by its place in the order, which costs least."""
    if isinstance(name, Column) and not name.nullable:
        return or_(name < LAB, name >= _AFTER_LAB)
    return or_(name.is_(None), func.substr(name, 1, len(LAB)) != LAB)


def content_digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value; unlike `digest_json` also of one with lone surrogates, as file names have them."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return digest_bytes(text.encode("ascii"))


KINDS = Shelf[Kind]("kind", home="groundwork.evidence.kinds", aside=frozenset({"waiting"}))
"""Every kind that predicates can ask about."""
