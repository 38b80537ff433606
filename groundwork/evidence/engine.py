"""The checker: answers predicates over the records of a workspace, and looks at records again that were found before.

It reads and never writes. Everything is asked within one transaction, so that an answer is about one state of the records.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from groundwork.core.clock import Clock
from groundwork.core.principal import Principal
from groundwork.evidence.asking import Scope, kind_of
from groundwork.evidence.kinds.waiting import TITLES, WAITING
from groundwork.evidence.parse import filled, predicate_digest, read_predicate
from groundwork.evidence.records import KINDS, Kind, content_digest
from groundwork.evidence.search import Hold, Result, Search
from groundwork.evidence.tree import Predicate, finds
from groundwork.evidence.types import Finding, Found, KindInfo, Missing, Rechecked
from groundwork.storage.database import Database
from groundwork.storage.tables import tenants

if TYPE_CHECKING:
    from groundwork.releases.key import SigningKey

AT_ONCE = 500
"""Ids of one statement."""
Bad = dict[str, dict[str, str]]
"""What is wrong, by kind and id."""


class Checker:
    """Answers predicates for one principal at a time. Safe to use from several threads.

    Args:
        key: what releases are signed with, so that a forged one is seen; None: only their digests are looked at.
    """

    def __init__(self, database: Database, clock: Clock, key: SigningKey | None = None) -> None:
        self._database = database
        self._clock = clock
        self._key = key

    def check(
        self,
        principal: Principal,
        predicate: Mapping[str, Any],
        *,
        parameters: Mapping[str, Mapping[str, Any]] = {},
        labs: bool = False,
    ) -> Finding:
        """Answer a predicate.

        Args:
            parameters: values by name, written `$NAME.field` in the predicate; only plain ones are filled in.
            labs: records of labs (those whose name begins with `lab-`) count too.

        Raises:
            InvalidInputError: the predicate cannot be read; see `read_predicate`.
        """
        read = read_predicate(filled(predicate, parameters))
        digest = predicate_digest(read)
        with self._database.read() as connection:
            return self._checked(connection, principal, read, digest, labs)

    def recheck(self, principal: Principal, found: Sequence[Found]) -> tuple[Rechecked, ...]:
        """Look at records again, in their order: the same, changed, or gone for this principal."""
        wanted: dict[str, list[Found]] = {}
        for record in found:
            wanted.setdefault(record.kind, []).append(record)
        now: dict[tuple[str, str], Found] = {}
        known = set(KINDS.names())
        with self._database.read() as connection:
            scope = Scope(connection, principal, True, {})
            for kind, records in wanted.items():
                if kind in known:
                    fields = tuple(
                        sorted({f for r in records for f in r.values if f in kind_of(kind).fields})
                    )
                    hold = Hold(kind, tuple(dict.fromkeys(r.id for r in records)), fields)
                    now |= {(kind, r.id): r for r in _dressed(scope, [hold])[0]}
        return tuple(_rechecked(record, now.get((record.kind, record.id))) for record in found)

    def kinds(self) -> list[KindInfo]:
        """Return every kind that a predicate can name, sorted; those that wait for their room too."""
        there = [kind_of(name).info(name) for name in KINDS.names()]
        waiting = [KindInfo(name, TITLES[name], room, waiting=True) for name, room in WAITING.items()]
        return sorted([*there, *waiting], key=lambda kind: kind.name)

    # -- within -----------------------------------------------------------------------------------------------
    def _checked(
        self, connection: Connection, principal: Principal, read: Predicate, digest: str, labs: bool
    ) -> Finding:
        """Answer, then look at what it rests on; what is damaged is left out and the rest is asked again."""
        others = select(tenants.c.name).where(tenants.c.name != principal.tenant).limit(1)
        alone = connection.execute(others).first() is None
        bad: Bad = {}
        first: Result | None = None
        while True:
            excluded = {kind: frozenset(ids) for kind, ids in bad.items()}
            scope = Scope(connection, principal, labs, excluded, alone)
            result = Search(scope).answer(read)
            found, rows = _dressed(scope, result.holds)
            first = first or result
            more = self._damaged(rows, bad)
            if not more:
                break
            for kind, ids in more.items():
                bad.setdefault(kind, {}).update(ids)
        finding = Finding(result.outcome, digest, tuple(found), result.missing, result.waits, result.attested)
        if not bad or (len(result.missing) <= len(first.missing) and not _weighs(read, bad)):
            return finding
        told = [
            Missing(f"The {kind} `{identifier}` is damaged and does not count: {why}.")
            for kind, ids in bad.items()
            for identifier, why in ids.items()
        ]
        return replace(finding, outcome="broken", missing=(*told, *result.missing))

    def _damaged(self, rows: Sequence[tuple[str, str, Mapping[str, Any]]], known: Bad) -> Bad:
        found: Bad = {}
        for name, identifier, row in rows:
            kind = kind_of(name)
            if kind.checks and identifier not in known.get(name, {}):
                why = kind.damaged(row, None if self._key is None else self._key.public())
                if why:
                    found.setdefault(name, {})[identifier] = why
        return found


def _weighs(read: Predicate, bad: Bad) -> bool:
    """Say whether a predicate asks something of every record of a kind that has damaged ones: nobody knows then."""
    return any(
        find.kind in bad and (find.each or find.at_most is not None or find.share is not None)
        for find in finds(read)
    )


def _dressed(
    scope: Scope, holds: Sequence[Hold]
) -> tuple[list[Found], list[tuple[str, str, Mapping[str, Any]]]]:
    """Return the records of holds with digest and values, each once in the order found; and their rows."""
    fields: dict[tuple[str, str], dict[str, None]] = {}
    for hold in holds:
        for identifier in hold.ids:
            fields.setdefault((hold.kind, identifier), {}).update(dict.fromkeys(hold.fields))
    by_kind: dict[str, list[str]] = {}
    for kind, identifier in fields:
        by_kind.setdefault(kind, []).append(identifier)
    rows = {
        (name, identifier): row
        for name, ids in by_kind.items()
        for identifier, row in _rows(
            scope,
            kind_of(name),
            ids,
            sorted({f for i in ids for f in fields[name, i]}),
        ).items()
    }
    found = [
        _found(name, identifier, rows[name, identifier], list(looked))
        for (name, identifier), looked in fields.items()
        if (name, identifier) in rows
    ]
    return found, [(name, identifier, row) for (name, identifier), row in rows.items()]


def _rows(
    scope: Scope, kind: Kind, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """Return rows by id: columns by their name, fields as `f_NAME`."""
    wanted = dict.fromkeys([*fields, *kind.watched, *_in_page(kind)])
    columns = [
        *[column.label(f"c_{column.name}") for column in kind.table.c],
        *[kind.fields[name].at.label(f"f_{name}") for name in wanted],
        kind.id.label("i"),
        kind.at.label("a"),
    ]
    made: dict[str, Mapping[str, Any]] = {}
    for n in range(0, len(ids), AT_ONCE):
        query = (
            select(*columns)
            .select_from(kind.origin())
            .where(kind.visible(scope.principal, True), kind.id.in_(list(ids[n : n + AT_ONCE])))
        )
        made |= {str(row["i"]): dict(row) for row in scope.connection.execute(query).mappings()}
    return made


def _found(name: str, identifier: str, row: Mapping[str, Any], fields: Sequence[str]) -> Found:
    kind = kind_of(name)
    content = {
        column.name: row[f"c_{column.name}"] for column in kind.table.c if column.name not in kind.forgotten
    }
    content |= {f"watched {field}": row[f"f_{field}"] for field in kind.watched}
    page = {field: row[f"f_{field}"] for field in _in_page(kind)}
    return Found(
        kind=name,
        id=identifier,
        digest=content_digest({"kind": name, "content": content}),
        values={field: _value(kind.fields[field].type, row[f"f_{field}"]) for field in fields},
        at=str(row["a"] or ""),
        address=kind.page.format(id=identifier, **page) if kind.page else "",
    )


def _value(kind: str, read: Any) -> Any:
    return json.loads(read) if kind == "list" and isinstance(read, str) else read


def _in_page(kind: Kind) -> list[str]:
    return [field for field in kind.fields if f"{{{field}}}" in kind.page and field != "id"]


def _rechecked(then: Found, now: Found | None) -> Rechecked:
    if now is None:
        return Rechecked(then, "gone", f"the {then.kind} `{then.id}` is not there any more")
    if now.digest == then.digest:
        return Rechecked(then, "same")
    moved = [
        f"`{name}` was {was}, is {now.values[name]}"
        for name, was in then.values.items()
        if name in now.values and now.values[name] != was
    ]
    why = (
        "; ".join(moved)
        or "something of it that was not looked at is another; it may have been erased in part"
    )
    return Rechecked(then, "changed", f"the {then.kind} `{then.id}`: {why}")
