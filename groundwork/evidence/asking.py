"""From one `find` to statements: what fits becomes WHERE, counts and shares become aggregates, nothing is read in whole.

Names are bound outside; here they are plain values. A later `find` that must hold beside this one narrows it beforehand
(a semi-join), so that the search does not walk through records that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from groundwork.core.principal import Principal
from groundwork.evidence.kinds.waiting import WAITING
from groundwork.evidence.records import KINDS, Field, Kind
from groundwork.evidence.sql import contains
from groundwork.evidence.tree import Find, Ref, Test

Env = Mapping[str, Mapping[str, Any]]
"""Values by field, by the name of a record that was chosen."""
SHOWN = 20
"""Records of one `find` that a finding rests on by name; more are counted."""
FEW = 1000
"""So many different values are simply tried; of more, only those that lead on."""
STAND_INS = 3
"""Newest records tried for the sake of an explanation, where none can be joined with what comes after."""
GROUPS = 1000
"""Groups of `per` that are looked at, those with most records first."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a predicate is asked: whose records, whether a lab's count, and which damaged ones do not.

    `alone`: the installation has no other tenant.
    """

    connection: Connection
    principal: Principal
    labs: bool
    excluded: Mapping[str, frozenset[str]]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What the aggregates of a `find` say of one group of records.

    Attributes:
        group: value of `per`, None without one. n: records. spread: different values. days: between oldest and newest.
        share: of them that fits, None where there are none. misfits: of them that do not fit `each`.
    """

    group: Any
    n: int
    spread: int
    days: float
    share: float | None
    misfits: int

    def holds(self, find: Find) -> bool:
        """Say whether all that is asked of the records as a whole is so."""
        if self.n < find.at_least or (find.at_most is not None and self.n > find.at_most):
            return False
        if find.spread and self.spread < find.spread[1]:
            return False
        if find.span_days is not None and self.days < find.span_days:
            return False
        if self.misfits:
            return False
        if find.share:
            if self.share is None:
                return False
            low, high = find.share.at_least, find.share.at_most
            return not ((low is not None and self.share < low) or (high is not None and self.share > high))
        return True


NOTHING = Tally(None, 0, 0, 0.0, None, 0)
"""Of no record at all."""
_made: dict[str, Kind] = {}


def kind_of(name: str) -> Kind:
    """Return a kind by its name; made once."""
    if name not in _made:
        _made[name] = KINDS.get(name)()
    return _made[name]


# ---- conditions ----


def fitting(find: Find, scope: Scope, env: Env, later: Sequence[Find] = ()) -> ColumnElement[bool]:
    """Return the condition for the records that a `find` is about.

    Args:
        later: finds that must hold beside it; what cannot be joined with them is left out.
    """
    kind = kind_of(find.kind)
    known = {test.field for test in find.where if test.op in ("is", "one_of")}
    walk = scope.alone and bool(kind.walked) and known.isdisjoint(kind.walked)
    conditions = [kind.visible(scope.principal, scope.labs, walk=walk)]
    conditions += [condition(test, kind.fields[test.field], env) for test in find.where]
    bad = scope.excluded.get(find.kind)
    if bad:
        conditions.append(kind.id.not_in(sorted(bad)))
    if find.name:
        conditions += _joins(find, scope, env, later)
    return and_(*conditions)


def _joins(find: Find, scope: Scope, env: Env, later: Sequence[Find]) -> list[ColumnElement[bool]]:
    """Return for each later find that needs this one's value that it finds anything with it."""
    made: list[ColumnElement[bool]] = []
    for n, other in enumerate(later):
        if other.kind in WAITING or other.at_least < 1:
            continue
        kind = kind_of(other.kind)
        for test in other.where:
            if test.op != "is" or not isinstance(test.value, Ref) or test.value.name != find.name:
                continue
            known = tuple(t for t in other.where if not isinstance(t.value, Ref) or t.value.name in env)
            rest = Find(kind=other.kind, where=known, name=other.name)
            column = kind.fields[test.field].at
            inner: Select[Any] = (
                select(column)
                .select_from(kind.origin())
                .where(fitting(rest, scope, env, later[n + 1 :]), column.is_not(None))
                .correlate(None)
            )
            made.append(kind_of(find.kind).fields[test.value.field].at.in_(inner))
    return made


def condition(test: Test, field: Field, env: Env) -> ColumnElement[bool]:
    """Return one test as a condition; where it is null it does not hold, as in WHERE."""
    column: Any = field.at
    value = test.value
    if isinstance(value, Ref):
        value = env.get(value.name, {}).get(value.field)
        if value is None and test.op != "not":
            return false()
    said: ColumnElement[bool]
    match test.op:
        case "exists":
            there: ColumnElement[bool] = column.is_not(None)
            if field.type == "text":
                there = and_(there, column != "")
            elif field.type == "list":
                there = and_(there, column != "[]")
            return there if value else ~there
        case "not":
            if value is None:
                return true()
            differs: ColumnElement[bool] = (
                column.not_in(value) if isinstance(value, tuple) else column != value
            )
            return or_(column.is_(None), differs)
        case "one_of":
            said = column.in_(value)
        case "prefix":
            said = func.substr(column, 1, len(value)) == value
        case "has":
            said = contains(column, literal(value, Text))
        case "at_least":
            said = column >= value
        case "at_most":
            said = column <= value
        case "above" | "after":
            said = column > value
        case "below" | "before":
            said = column < value
        case _:
            said = column == value
    return said


def _whether(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return 1 where a condition holds, 0 where it does not or is null."""
    return case((condition, 1), else_=0)


# ---- statements ----


def tallies(find: Find, scope: Scope, env: Env) -> list[Tally]:
    """Return what the aggregates say, for each group of `per` the largest first; one tally without `per`."""
    kind = kind_of(find.kind)
    where = fitting(find, scope, env)
    if not find.per and not _measures(find):
        return [Tally(None, _count(find, kind, where, scope), 0, 0.0, None, 0)]
    return _aggregated(find, kind, scope, where, env, ()).get((), [NOTHING])


def tallies_by(find: Find, scope: Scope) -> dict[tuple[Any, ...], list[Tally]]:
    """Return the tallies for every value of what the find compares with records before it, in one look.

    For a find whose only use of others is `field: $NAME.field`; the keys are those values, in the order of the tests.
    """
    kind = kind_of(find.kind)
    free = replace(find, name="", where=tuple(t for t in find.where if not isinstance(t.value, Ref)))
    columns = [kind.fields[t.field].at for t in find.where if isinstance(t.value, Ref)]
    where = and_(fitting(free, scope, {}), *[column.is_not(None) for column in columns])
    return _aggregated(find, kind, scope, where, {}, columns)


def joined_by_value(find: Find) -> bool:
    """Say whether `tallies_by` can be asked: it compares with other records, and by equality alone."""
    used = [test for test in find.tests if isinstance(test.value, Ref)]
    return bool(used) and all(test in find.where and test.op == "is" for test in used)


def _aggregated(
    find: Find,
    kind: Kind,
    scope: Scope,
    where: ColumnElement[bool],
    env: Env,
    by: Sequence[ColumnElement[Any]],
) -> dict[tuple[Any, ...], list[Tally]]:
    zero: ColumnElement[Any] = literal(0)
    columns: list[ColumnElement[Any]] = [
        func.count().label("n"),
        (func.count(func.distinct(kind.fields[find.spread[0]].at)) if find.spread else zero).label("spread"),
        func.min(kind.at).label("oldest"),
        func.max(kind.at).label("newest"),
        (_share(find, kind, env) if find.share else zero).label("share"),
        (_misfits(find, kind, env) if find.each else zero).label("misfits"),
    ]
    query = select(*columns).select_from(kind.origin()).where(where)
    if find.per:
        group = kind.fields[find.per].at
        query = (
            query.add_columns(group.label("per"))
            .where(group.is_not(None))
            .group_by(group)
            .order_by(func.count().desc(), func.max(kind.at).desc(), group)
        )
        query = query if by else query.limit(GROUPS)
    query = query.add_columns(*[column.label(f"by_{n}") for n, column in enumerate(by)]).group_by(*by)
    found: dict[tuple[Any, ...], list[Tally]] = {}
    for row in scope.connection.execute(query).all():
        tally = Tally(
            row.per if find.per else None,
            int(row.n),
            int(row.spread or 0),
            _days(row.oldest, row.newest),
            None if not find.share or not row.n else int(row.share or 0) / int(row.n),
            int(row.misfits or 0),
        )
        found.setdefault(tuple(getattr(row, f"by_{n}") for n in range(len(by))), []).append(tally)
    return found


def _measures(find: Find) -> bool:
    return bool(find.spread or find.span_days is not None or find.share or find.each)


def _count(find: Find, kind: Kind, where: ColumnElement[bool], scope: Scope) -> int:
    """Return how many there are; counting stops where it is decided."""
    enough = find.at_least if find.at_most is None else find.at_most + 1
    inner = select(literal(1)).select_from(kind.origin()).where(where).limit(max(enough, 1)).subquery()
    return int(scope.connection.execute(select(func.count()).select_from(inner)).scalar_one())


def _share(find: Find, kind: Kind, env: Env) -> ColumnElement[Any]:
    assert find.share is not None
    tests = [condition(t, kind.fields[t.field], env) for t in find.share.where]
    return func.sum(_whether(and_(*tests)))


def _misfits(find: Find, kind: Kind, env: Env) -> ColumnElement[Any]:
    tests = [condition(t, kind.fields[t.field], env) for t in find.each]
    return func.sum(1 - _whether(and_(*tests)))


def candidates(
    find: Find,
    scope: Scope,
    env: Env,
    needed: Sequence[str],
    groups: Sequence[Any] | None,
    later: Sequence[Find],
) -> list[dict[str, Any]]:
    """Return the different values of the fields that later finds need, newest first.

    Where there are many, only those that can be joined with later finds; where none can, the newest few all the same.

    Args:
        needed: fields of the record, not empty. groups: values of `per` that hold; None: all.
    """
    few = _values(find, scope, env, needed, groups, (), FEW + 1)
    if len(few) <= FEW:
        return few
    return _values(find, scope, env, needed, groups, later, None) or few[:STAND_INS]


def _values(
    find: Find,
    scope: Scope,
    env: Env,
    needed: Sequence[str],
    groups: Sequence[Any] | None,
    later: Sequence[Find],
    limit: int | None,
) -> list[dict[str, Any]]:
    kind = kind_of(find.kind)
    where = fitting(find, scope, env, later)
    if groups is not None:
        where = and_(where, kind.fields[find.per].at.in_(list(groups)))
    fields = [kind.fields[name].at for name in needed]
    columns = [field.label(f"f_{name}") for name, field in zip(needed, fields, strict=True)]
    query = select(*columns).select_from(kind.origin()).where(where)
    if kind.timed and any(field is kind.id for field in fields):
        query = query.order_by(kind.id.desc())
    else:
        query = query.group_by(*fields).order_by(
            func.max(kind.at).desc(), *[field.desc() for field in fields]
        )
    rows = scope.connection.execute(query.limit(limit)).mappings()
    return [{name: row[f"f_{name}"] for name in needed} for row in rows]


def chosen_ids(
    find: Find, scope: Scope, env: Env, chosen: Mapping[str, Any] | None, group: Any = None
) -> list[str]:
    """Return the records that hold a find up, newest first, the chosen one in front; of `span` the oldest too.

    Args:
        chosen: values of the record that was chosen under its name; None: no name is needed. group: value of `per`.
    """
    kind = kind_of(find.kind)
    where = fitting(find, scope, env)
    if find.per and group is not None:
        where = and_(where, kind.fields[find.per].at == group)
    first: list[str] = []
    if chosen:
        same = [_equal(kind.fields[name].at, value) for name, value in chosen.items()]
        first = _ids(kind, and_(where, *same), scope, 1)
    wanted = max(1, find.at_least if kind.checks else min(find.at_least, SHOWN))
    found = list(first)
    if find.spread:
        field = kind.fields[find.spread[0]].at
        newest = (
            select(func.max(kind.at).label("a"), field.label("v"))
            .select_from(kind.origin())
            .where(where, field.is_not(None))
            .group_by(field)
            .order_by(func.max(kind.at).desc(), field)
            .limit(find.spread[1] if kind.checks else min(find.spread[1], SHOWN))
        )
        for row in scope.connection.execute(newest).all():
            found += _ids(kind, and_(where, field == row.v), scope, 1)
    if find.span_days is not None:
        found += _ids(kind, where, scope, 1)
        found += _ids(kind, where, scope, 1, oldest=True)
    if len(set(found)) < wanted:
        found += _ids(kind, where, scope, wanted)
    kept = list(dict.fromkeys(found))
    return kept[: max(wanted, len(first), _least(find))]


def _least(find: Find) -> int:
    """How many records are needed to show spread and span."""
    return (find.spread[1] if find.spread else 0) + (2 if find.span_days is not None else 0)


def _ids(kind: Kind, where: ColumnElement[bool], scope: Scope, most: int, oldest: bool = False) -> list[str]:
    keys = (kind.id,) if kind.timed else (kind.at, kind.id)
    order = [key.asc() if oldest else key.desc() for key in keys]
    query = select(kind.id.label("i")).select_from(kind.origin()).where(where).order_by(*order).limit(most)
    return [str(row.i) for row in scope.connection.execute(query)]


def _equal(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _days(oldest: str | None, newest: str | None) -> float:
    if not oldest or not newest:
        return 0.0
    return (datetime.fromisoformat(newest) - datetime.fromisoformat(oldest)).total_seconds() / 86400
