"""Reading rollups: sums by group over a stretch of time, from the fewest buckets that make it up, and as a series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, select

from groundwork.core.principal import Principal
from groundwork.storage.telemetry_tables import rollup_dear, rollup_groups, rollups
from groundwork.telemetry.counting import DAY, HOUR, MINUTE, SUMS, TIERS
from groundwork.telemetry.rollups import KEPT_DAYS
from groundwork.telemetry.sketch import histograms, quantiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILTERS = {
    "app": "app", "service": "service", "release": "release", "provider": "provider", "model": "model", "key": "key_id",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as `counting.Group` has it; where several are put together, what differs is empty."""

    kind: str
    root: bool
    app: str = ""
    service: str = ""
    release: str = ""
    provider: str = ""
    model: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the spans of a group add up to; the times are counts by bin of the sketch."""

    group: GroupRow
    sums: Mapping[str, int]
    latency: NDArray[np.float64]
    first_token: NDArray[np.float64]


class RollupReader:
    """Reads the groups that a principal may see and that filters leave, within one transaction.

    Args:
        filters: of `FILTERS`, exact values.
        now: seconds since 1970; what is no longer kept in fine buckets is read from coarser ones.
    """

    def __init__(
        self, connection: Connection, principal: Principal, filters: Mapping[str, str], now: int
    ) -> None:
        self._connection = connection
        self._tenant = principal.tenant
        self._now = now
        self._groups = _groups(connection, principal, filters)
        self._narrowed = bool(filters) or not principal.owner

    def sums(self, start: int, end: int) -> list[Counted]:
        """Return the sums by group over `start <= time < end`."""
        rows: list[Any] = []
        for tier, first, last in covering(start, end, self._now):
            rows += self._rows(tier, first, last)
        return _add_up((0, self._groups[row.group_id], row) for row in rows).get(0, [])

    def series(self, start: int, end: int, step: int) -> list[tuple[int, list[Counted]]]:
        """Return, for every step from `start`, the sums by kind of span; a step of which nothing is known has none."""
        tier = max(t for t in TIERS if step % t == 0)
        rows = self._rows(tier, start, end)
        alike = {i: GroupRow(group.kind, group.root) for i, group in self._groups.items()}
        found = _add_up((row.start - (row.start - start) % step, alike[row.group_id], row) for row in rows)
        return [(at, found.get(at, [])) for at in range(start, end, step)]

    def dearest(self, start: int, end: int, limit: int) -> list[tuple[str, str, str, int]]:
        """Return `(trace, answer, app, cost in billionths of a USD)` of what cost most in the days from start to end."""
        cost = func.sum(rollup_dear.c.cost_nanousd)
        statement = (
            select(
                rollup_dear.c.trace_id, func.max(rollup_dear.c.answer_id), func.max(rollup_groups.c.app), cost
            )
            .join(rollup_groups, rollup_groups.c.id == rollup_dear.c.group_id)
            .where(
                rollup_dear.c.tenant == self._tenant,
                rollup_dear.c.day >= start - start % DAY,
                rollup_dear.c.day < end,
                *self._among(rollup_dear.c.group_id),
            )
            .group_by(rollup_dear.c.trace_id)
            .order_by(cost.desc(), rollup_dear.c.trace_id)
            .limit(limit)
        )
        return [(row[0], row[1], row[2], int(row[3])) for row in self._connection.execute(statement)]

    def _rows(self, tier: int, start: int, end: int) -> Sequence[Any]:
        columns = [rollups.c.start, rollups.c.group_id, rollups.c.latency, rollups.c.first_token]
        within = and_(
            rollups.c.tenant == self._tenant,
            rollups.c.tier == tier,
            rollups.c.start >= start,
            rollups.c.start < end,
            *self._among(rollups.c.group_id),
        )
        found = self._connection.execute(select(*columns, *(rollups.c[name] for name in SUMS)).where(within))
        return [row for row in found if row.group_id in self._groups]

    def _among(self, column: Any) -> list[Any]:
        """Return the condition that leaves only groups that may be seen; none where all may."""
        return [column.in_(list(self._groups))] if self._narrowed else []


def grain(at: int, now: int) -> int:
    """Return the width of the finest buckets that are still kept of a time, in seconds."""
    return next((tier for tier in TIERS if at >= now - KEPT_DAYS[tier] * DAY + DAY), DAY)


def covering(start: int, end: int, now: int) -> list[tuple[int, int, int]]:
    """Return `(tier, from, to)` of the buckets that make up a stretch of time: days inside, hours and minutes at its edges.

    An edge inside a bucket that is the finest kept of its time is moved outward, so that the whole bucket counts.
    """
    fine, rough = grain(start, now), grain(end, now)
    at, end = start - start % fine, end + -end % rough
    parts: list[tuple[int, int, int]] = []
    while at < end:
        tier = next(t for t in (DAY, HOUR, MINUTE) if at % t == 0 and (at + t <= end or t == MINUTE))
        if parts and parts[-1][0] == tier:
            parts[-1] = (tier, parts[-1][1], at + tier)
        else:
            parts.append((tier, at, at + tier))
        at += tier
    return parts


def times(counts: Sequence[NDArray[np.float64]], qs: Sequence[float]) -> tuple[int, list[float | None]]:
    """Return how many values the histograms hold together, and their quantiles in milliseconds."""
    if not counts:
        return 0, [None] * len(qs)
    whole = sum(counts[1:], counts[0])
    return int(whole.sum()), quantiles(whole.reshape(1, -1), qs)[0]


def _groups(connection: Connection, principal: Principal, filters: Mapping[str, str]) -> dict[int, GroupRow]:
    wanted = [rollup_groups.c[FILTERS[name]] == value for name, value in filters.items()]
    if not principal.owner:
        wanted.append(rollup_groups.c.principal == principal.name)
    rows = connection.execute(
        select(rollup_groups).where(rollup_groups.c.tenant == principal.tenant, *wanted)
    )
    names = ("kind", "root", "app", "service", "release", "provider", "model", "key_id")
    return {row["id"]: GroupRow(**{name: row[name] for name in names}) for row in rows.mappings()}


def _add_up(rows: Iterable[tuple[int, GroupRow, Any]]) -> dict[int, list[Counted]]:
    """Add rows up by place and group."""
    sums: dict[tuple[int, GroupRow], list[int]] = {}
    places: list[int] = []
    latency: list[bytes] = []
    first_token: list[bytes] = []
    numbers: dict[tuple[int, GroupRow], int] = {}
    for place, group, row in rows:
        key = (place, group)
        values = row[4:]
        before = sums.get(key)
        sums[key] = list(values) if before is None else [a + b for a, b in zip(before, values, strict=True)]
        places.append(numbers.setdefault(key, len(numbers)))
        latency.append(row.latency)
        first_token.append(row.first_token)
    slow, first = histograms(places, latency, len(numbers)), histograms(places, first_token, len(numbers))
    found: dict[int, list[Counted]] = {}
    for key, n in numbers.items():
        named = dict(zip(SUMS, sums[key], strict=True))
        found.setdefault(key[0], []).append(Counted(key[1], named, slow[n], first[n]))
    return found
