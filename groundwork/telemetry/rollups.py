"""Rollups: what spans add up to by minute, hour and day, so that a dashboard reads a few thousand rows, not millions.

Spans are counted in the order in which they were stored. The position of the last one that is counted and what it added are
committed together, and the position moves by compare and set: a killed process counts nothing twice and leaves nothing out,
and of two that count at the same time one is told that the other was first. A span counts in the bucket in which it began,
however late it comes. Our own spans may be stored again, in a later state: the first state that is complete counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from groundwork.core.clock import Clock, SystemClock
from groundwork.storage.database import Database, insert_or_ignore, insert_or_update
from groundwork.storage.failpoints import failpoint
from groundwork.storage.telemetry_tables import (
    rollup_cursors,
    rollup_dear,
    rollup_groups,
    rollup_own,
    rollups,
    span_counts,
    spans,
)
from groundwork.telemetry.counting import (
    DAY,
    HOUR,
    MINUTE,
    SUMS,
    TIERS,
    Counts,
    Group,
    Spent,
    Tally,
    count,
    is_open,
)
from groundwork.telemetry.sketch import Sketch
from groundwork.telemetry.types import Span

BATCH = 2000
KEPT_DAYS = {MINUTE: 3, HOUR: 100, DAY: 3660}
"""How long buckets are kept, by tier: minutes for what is going on, hours for a quarter, days for ten years."""
MOST_GROUPS = 5000
OTHER = "(other)"
"""What further values are counted under once a tenant has 5,000 groups: senders name apps and models as they like."""
DEAR_OPEN = 2000
DEAR_KEPT = 100
"""Traces by cost that are kept of a day: at least 1,000 while it lasts, and its 100 dearest afterwards. Of each batch of
spans the 100 dearest of each day are looked at; what a trace spent in further batches is added where it is among theirs."""
OWN_DAYS = 400
"""How long it is remembered which of our own spans are counted; older ones are no longer stored again."""
PRUNE_SECONDS = 600.0
_CHUNK = 400
_KEYS = ("tenant", "tier", "start", "group_id")

Raw = Callable[[str, int, int], Sequence[tuple[int, Span]]]
"""`raw(tenant, after_seq, limit)`: spans in the order in which they were stored, with their positions."""


class Roller:
    """Counts stored spans into the rollups.

    Args:
        database: of telemetry.
        raw: gives spans, see `SpanReader.raw`.
        tenants: gives every tenant that has spans.
    """

    def __init__(
        self, database: Database, raw: Raw, tenants: Callable[[], Iterable[str]], clock: Clock | None = None
    ) -> None:
        self._database = database
        self._raw = raw
        self._tenants = tenants
        self._clock = clock or SystemClock()
        self._groups: dict[tuple[str, Group], int] = {}
        self._pruned_at = float("-inf")
        self._caught_up_at = self._clock.monotonic()
        self._looked_at = 0

    def catch_up(self, most: int = 1_000_000, *, batch: int = BATCH) -> int:
        """Count what is not counted yet, at most `most` spans of each tenant, and return how many spans were looked at."""
        looked_at = 0
        for tenant in self._tenants():
            done = 0
            while done < most:
                step = self._step(tenant, min(batch, most - done))
                done += step
                if step == 0:
                    break
            looked_at += done
        self._caught_up_at = self._clock.monotonic()
        self._looked_at += looked_at
        if looked_at and self._clock.monotonic() - self._pruned_at >= PRUNE_SECONDS:
            self.prune()
            self._pruned_at = self._clock.monotonic()
        return looked_at

    def counters(self) -> Mapping[str, float]:
        """Return what this process did: `spans` looked at, and `lag_seconds` since everything was counted."""
        return {
            "spans": self._looked_at,
            "lag_seconds": max(0.0, self._clock.monotonic() - self._caught_up_at),
        }

    def totals(self) -> Mapping[str, int]:
        """Return what all rollups together say: `answers`, and how many of them `abstained`; of all tenants."""
        days = select(func.sum(rollups.c.answers), func.sum(rollups.c.abstained)).where(rollups.c.tier == DAY)
        with self._database.read() as connection:
            answers, abstained = connection.execute(days).one()
        return {"answers": int(answers or 0), "abstained": int(abstained or 0)}

    def traces(self) -> int:
        """Return how many traces of all tenants have come, those that were deleted since among them."""
        of = select(span_counts.c.value).where(span_counts.c.name == "num")
        with self._database.read() as connection:
            return int(connection.execute(of).scalar() or 0)

    def position(self, tenant: str) -> int:
        """Return the position of the last span that is counted; 0 when none is."""
        with self._database.read() as connection:
            found = connection.execute(
                select(rollup_cursors.c.seq).where(rollup_cursors.c.tenant == tenant)
            ).scalar()
        return int(found or 0)

    def prune(self) -> int:
        """Remove buckets that are older than is kept, and traces that are not among the dearest of past days."""
        now = int(self._clock.now().timestamp())
        removed = 0
        with self._database.write() as connection:
            for tier, days in KEPT_DAYS.items():
                old = delete(rollups).where(rollups.c.tier == tier, rollups.c.start < now - days * DAY)
                removed += connection.execute(old).rowcount
            connection.execute(delete(rollup_own).where(rollup_own.c.day < now - OWN_DAYS * DAY))
            past = now - now % DAY - DAY
            full = (
                select(rollup_dear.c.tenant, rollup_dear.c.day)
                .where(rollup_dear.c.day < past)
                .group_by(rollup_dear.c.tenant, rollup_dear.c.day)
                .having(func.count() > 2 * DEAR_KEPT)
            )
            for tenant, day in connection.execute(full).all():
                removed += _keep_dearest(connection, tenant, day, DEAR_KEPT)
        return removed

    def forget(self, tenant: str, trace_ids: Sequence[str]) -> int:
        """Remove the names of traces; what they added to sums stays, as a sum tells nothing of one of its parts."""
        removed = 0
        with self._database.write() as connection:
            for some in _chunks(list(trace_ids)):
                named = and_(rollup_dear.c.tenant == tenant, rollup_dear.c.trace_id.in_(some))
                removed += connection.execute(delete(rollup_dear).where(named)).rowcount
        return removed

    def _step(self, tenant: str, limit: int) -> int:
        """Count one batch; answer how many spans were looked at, also when another process had them first."""
        position = self.position(tenant)
        found = self._raw(tenant, position, limit)
        if not found:
            return 0
        fine_after = int(self._clock.now().timestamp()) - KEPT_DAYS[MINUTE] * DAY
        fresh: dict[tuple[str, Group], int] = {}
        with self._database.write() as connection:
            if not self._move(connection, tenant, position, found[-1][0]):
                return len(found)
            failpoint("rollups.moved")
            fresh_spans = _not_counted_yet(connection, tenant, found)
            spent_below = _spent_below(connection, tenant, position, found[-1][0])
            counts = count(fresh_spans, fine_after, spent_below)
            _add_counted(connection, tenant, counts.counted)
            self._store(connection, tenant, counts, fresh)
            failpoint("rollups.stored")
        failpoint("rollups.committed")
        if len(self._groups) > 4 * MOST_GROUPS:
            self._groups.clear()
        self._groups.update(fresh)
        return len(found)

    @staticmethod
    def _move(connection: Connection, tenant: str, old: int, new: int) -> bool:
        """Move the position, unless another process has; on PostgreSQL whoever else tries waits for this transaction."""
        insert_or_ignore(connection, rollup_cursors, {"tenant": tenant, "seq": 0, "counted": 0})
        at_old = and_(rollup_cursors.c.tenant == tenant, rollup_cursors.c.seq == old)
        return bool(connection.execute(update(rollup_cursors).where(at_old).values(seq=new)).rowcount == 1)

    def _store(
        self, connection: Connection, tenant: str, counts: Counts, fresh: dict[tuple[str, Group], int]
    ) -> None:
        groups = {group for _, _, group in counts.tallies}
        ids = {group: self._group_id(connection, tenant, group, fresh) for group in sorted(groups)}
        now = int(self._clock.now().timestamp())
        for tier in TIERS:
            oldest = now - KEPT_DAYS[tier] * DAY
            tallies: dict[tuple[int, int], Tally] = {}
            for (of, start, group), tally in counts.tallies.items():
                if of == tier and start >= oldest:
                    # Two groups may share an id, once further values are counted together.
                    tallies.setdefault((start, ids[group]), Tally()).merge(tally)
            _add(connection, tenant, tier, tallies)
        _add_dear(connection, tenant, counts, ids)

    def _group_id(
        self, connection: Connection, tenant: str, group: Group, fresh: dict[tuple[str, Group], int]
    ) -> int:
        known = self._groups.get((tenant, group)) or fresh.get((tenant, group))
        if known is None:
            known = _find_group(connection, tenant, group)
            if known is None and _count_groups(connection, tenant) >= MOST_GROUPS:
                group_of_all = Group(OTHER, "", "", OTHER, OTHER, "", group.principal, group.kind, group.root)
                known = _find_group(connection, tenant, group_of_all) or _make_group(
                    connection, tenant, group_of_all
                )
            known = known or _make_group(connection, tenant, group)
            fresh[tenant, group] = known
        return known


def _not_counted_yet(
    connection: Connection, tenant: str, found: Sequence[tuple[int, Span]]
) -> list[tuple[int, Span]]:
    """Return the spans without states of our own of which an earlier complete one is counted, and note the others."""
    own: dict[tuple[int, int], int] = {}
    for seq, span in found:
        if span.source == "groundwork" and not is_open(span):
            own.setdefault(_own_key(span), seq)
    known: set[tuple[int, int]] = set()
    for day in {day for day, _ in own}:
        numbers = sorted(number for of, number in own if of == day)
        for some in _chunks(numbers):
            same = and_(rollup_own.c.tenant == tenant, rollup_own.c.day == day, rollup_own.c.span.in_(some))
            known.update((day, row.span) for row in connection.execute(select(rollup_own.c.span).where(same)))
    rows = [{"tenant": tenant, "day": day, "span": number} for day, number in sorted(own.keys() - known)]
    if rows:
        connection.execute(rollup_own.insert(), rows)
    return [
        (seq, span)
        for seq, span in found
        if span.source != "groundwork" or (own.get(_own_key(span)) == seq and _own_key(span) not in known)
    ]


def _own_key(span: Span) -> tuple[int, int]:
    second = span.started_ns // 1_000_000_000
    return second - second % DAY, int(span.span_id, 16) - (1 << 63)


def _spent_below(connection: Connection, tenant: str, after: int, through: int) -> set[int]:
    """Return the places of spans whose tokens and cost are those of the calls beneath them, which count instead."""
    within = and_(spans.c.tenant == tenant, spans.c.seq > after, spans.c.seq <= through, spans.c.metered == 2)
    return set(connection.execute(select(spans.c.seq).where(within)).scalars())


def _add_counted(connection: Connection, tenant: str, counted: int) -> None:
    more = rollup_cursors.c.counted + counted
    connection.execute(update(rollup_cursors).where(rollup_cursors.c.tenant == tenant).values(counted=more))


def _find_group(connection: Connection, tenant: str, group: Group) -> int | None:
    same = [rollup_groups.c[name] == value for name, value in group._asdict().items()]
    found = connection.execute(
        select(rollup_groups.c.id).where(rollup_groups.c.tenant == tenant, *same)
    ).scalar()
    return None if found is None else int(found)


def _make_group(connection: Connection, tenant: str, group: Group) -> int:
    insert_or_ignore(connection, rollup_groups, {"tenant": tenant, **group._asdict()})
    made = _find_group(connection, tenant, group)
    assert made is not None
    return made


def _count_groups(connection: Connection, tenant: str) -> int:
    counting = select(func.count()).select_from(rollup_groups).where(rollup_groups.c.tenant == tenant)
    return int(connection.execute(counting).scalar_one())


def _add(connection: Connection, tenant: str, tier: int, tallies: Mapping[tuple[int, int], Tally]) -> None:
    """Add tallies by start and group to the rows of one tier."""
    for some in _chunks(sorted({start for start, _ in tallies})):
        within = and_(rollups.c.tenant == tenant, rollups.c.tier == tier, rollups.c.start.in_(some))
        for row in connection.execute(select(rollups).where(within)).mappings():
            tally = tallies.get((row["start"], row["group_id"]))
            if tally is not None:
                tally.merge(_read(row))
    rows = [
        {**dict(zip(_KEYS, (tenant, tier, start, group), strict=True)), **_write(tally)}
        for (start, group), tally in sorted(tallies.items())
    ]
    insert_or_update(connection, rollups, rows)


def _read(row: RowMapping) -> Tally:
    tally = Tally()
    for name in SUMS:
        setattr(tally, name, row[name])
    tally.latency, tally.first_token = Sketch.read(row["latency"]), Sketch.read(row["first_token"])
    return tally


def _write(tally: Tally) -> dict[str, Any]:
    sums = {name: getattr(tally, name) for name in SUMS}
    return {**sums, "latency": tally.latency.write(), "first_token": tally.first_token.write()}


def _add_dear(connection: Connection, tenant: str, counts: Counts, ids: Mapping[Group, int]) -> None:
    added: dict[tuple[int, str, int], Spent] = {}
    for (dear, group), spent in counts.dear.items():
        key = (dear.day, dear.trace_id, ids[group])
        before = added.get(key, Spent("", 0))
        added[key] = Spent(before.answer_id or spent.answer_id, before.cost_nanousd + spent.cost_nanousd)
    rows = [
        {
            "tenant": tenant,
            "day": day,
            "trace_id": trace,
            "group_id": group,
            "answer_id": spent.answer_id,
            "cost_nanousd": spent.cost_nanousd,
        }
        for (day, trace, group), spent in _dearest(added)
    ]
    if rows:
        connection.execute(_more_spent(connection.dialect.name), rows)
    for day in sorted({day for day, _, _ in added}):
        held = select(func.count()).where(rollup_dear.c.tenant == tenant, rollup_dear.c.day == day)
        if int(connection.execute(held).scalar_one()) > DEAR_OPEN:
            _keep_dearest(connection, tenant, day, DEAR_OPEN // 2)


def _dearest(added: Mapping[tuple[int, str, int], Spent]) -> list[tuple[tuple[int, str, int], Spent]]:
    """Return the dearest of each day of a batch; the others are not among the dearest of the day either."""
    order = sorted(added.items(), key=lambda item: (item[0][0], -item[1].cost_nanousd, item[0]))
    taken: dict[int, int] = {}
    kept = []
    for key, spent in order:
        taken[key[0]] = taken.get(key[0], 0) + 1
        if taken[key[0]] <= DEAR_KEPT:
            kept.append((key, spent))
    return kept


@cache
def _more_spent(dialect: str) -> Any:
    """Return the statement that adds to what traces cost."""
    insert = postgresql.insert(rollup_dear) if dialect == "postgresql" else sqlite.insert(rollup_dear)
    return insert.on_conflict_do_update(
        index_elements=["tenant", "day", "trace_id", "group_id"],
        set_={
            "cost_nanousd": rollup_dear.c.cost_nanousd + insert.excluded.cost_nanousd,
            "answer_id": func.coalesce(func.nullif(rollup_dear.c.answer_id, ""), insert.excluded.answer_id),
        },
    )


def _keep_dearest(connection: Connection, tenant: str, day: int, kept: int) -> int:
    of_day = and_(rollup_dear.c.tenant == tenant, rollup_dear.c.day == day)
    order = (rollup_dear.c.cost_nanousd.desc(), rollup_dear.c.trace_id, rollup_dear.c.group_id)
    rest = select(rollup_dear.c.trace_id, rollup_dear.c.group_id).where(of_day).order_by(*order).offset(kept)
    removed = 0
    for some in _chunks(list(connection.execute(rest.limit(2**31)).all())):
        these = or_(*(and_(rollup_dear.c.trace_id == t, rollup_dear.c.group_id == g) for t, g in some))
        removed += connection.execute(delete(rollup_dear).where(of_day, these)).rowcount
    return removed


def _chunks(values: list[Any]) -> Iterable[list[Any]]:
    return (values[n : n + _CHUNK] for n in range(0, len(values), _CHUNK))
