"""What was called and what it cost: totals, calls with their attempts, and where every budget stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Row, Select, case, func, select

from groundwork.core.clock import Clock
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.gateway.budgets import end_of, start_of
from groundwork.gateway.keys import nanousd
from groundwork.gateway.ledger_admission import APP
from groundwork.gateway.records import NANO, Period, UsageRow
from groundwork.storage import tables as t
from groundwork.storage.database import Database

if TYPE_CHECKING:
    from groundwork.core.settings import Spec

Group = Literal["key", "app", "release", "provider", "model", "day", "answer"]
GROUPS: tuple[Group, ...] = ("key", "app", "release", "provider", "model", "day", "answer")
MOST_ROWS = 10_000
MOST_CALLS = 10_000
_UWH = 1_000_000
FAILED = ("failed", "incomplete", "lost")


@dataclass(frozen=True)
class AttemptRow:
    """One attempt at a provider."""

    id: str
    n: int
    reason: str
    provider: str
    model: str
    state: str
    status: int | None
    failure: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    latency_ms: float
    first_token_ms: float | None
    started_at: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CallRow:
    """One call: `model` as it was asked for, `provider` and `served_model` who served it in the end.

    `attempts` stand there only when one call is looked at.
    """

    id: str
    key_id: str
    principal: str
    app: str
    release: str
    answer_id: str
    parent: str
    dialect: str
    operation: str
    model: str
    provider: str
    served_model: str
    stream: bool
    state: str
    cached: bool
    structured: str
    error: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated: bool
    reserved_usd: float
    cost_usd: float
    energy_wh: float
    latency_ms: float
    first_token_ms: float | None
    prompt: str
    snapshot: str
    trace_id: str
    started_at: str
    finished_at: str | None
    attempts: tuple[AttemptRow, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class BudgetRow:
    """Where a budget stands in its present window; `left_usd` is never negative, `resets_at` None for `total`."""

    scope: str
    period: Period
    start: str
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    left_usd: float
    resets_at: str | None
    name: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


class UsageBook:
    """Reads the ledger. An owner sees the whole tenant, anybody else the calls that were made in their name."""

    def __init__(self, database: Database, clock: Clock, spec: Spec | None = None) -> None:
        self._database = database
        self._clock = clock
        self._spec = spec

    def totals(
        self,
        principal: Principal,
        by: Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        *,
        filters: Mapping[str, str] | None = None,
    ) -> list[UsageRow]:
        """Return totals by any of `key`, `app`, `release`, `provider`, `model`, `day`, `answer`, dearest first.

        Tokens of a call to an app are those of the calls that the app made, and are counted there.

        Args:
            by: what to group by; nothing: one row of all.
            since, until: days `2026-11-01`, both included; None: without end.

        Raises:
            InvalidInputError: an unknown group or a day that is none.
        """
        groups = _groups(by)
        first, last = _day(since), _day(until)
        if principal.owner and "answer" not in groups and not filters:
            query = self._from_days(principal, groups, first, last)
        else:
            query = self._from_calls(principal, groups, first, last, filters or {})
        with self._database.read() as connection:
            return [_usage_row(row, groups) for row in connection.execute(query.limit(MOST_ROWS))]

    def calls(
        self,
        principal: Principal,
        filters: Mapping[str, str] | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[CallRow]:
        """Return calls, newest first.

        Args:
            filters: wanted values of `key` (its id), `app`, `release`, `model` (asked for or served), `provider`, `state`,
                `answer`, `parent`, `principal`, `day` (of UTC).
            before: the id to go on from.

        Raises:
            InvalidInputError: an unknown filter, or `limit` is not 1 to 10,000.
        """
        if not 1 <= limit <= MOST_CALLS:
            raise InvalidInputError(
                f"{limit} calls cannot be listed at once", hint=f"ask for 1 to {MOST_CALLS:,}"
            )
        c = t.calls.c
        query = select(t.calls).where(*_visible(principal), *_filtered(filters or {}))
        if before is not None:
            query = query.where(c.id < before)
        with self._database.read() as connection:
            return [_call(row) for row in connection.execute(query.order_by(c.id.desc()).limit(limit))]

    def call(self, principal: Principal, call_id: str) -> CallRow:
        """Return a call with its attempts.

        Raises:
            NotFoundError: there is none, or the principal may not know of it.
        """
        a = t.attempts.c
        with self._database.read() as connection:
            row = connection.execute(
                select(t.calls).where(*_visible(principal), t.calls.c.id == call_id)
            ).one_or_none()
            if row is None:
                raise NotFoundError(
                    f"there is no call `{call_id[:64]}`", hint="list them with `groundwork usage calls`"
                )
            attempts = connection.execute(select(t.attempts).where(a.call_id == call_id).order_by(a.n))
            return _call(row, tuple(_attempt(r) for r in attempts))

    def budgets(self, principal: Principal, key_id: str | None = None) -> list[BudgetRow]:
        """Return where every budget stands now: of active keys, of apps and of the workspace.

        Args:
            key_id: only those of this key.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            wanted = list(self._limits(connection, principal, key_id))
            w = t.budget_windows.c
            stored = {
                (row.scope, row.period, row.start): row
                for row in connection.execute(
                    select(t.budget_windows).where(
                        w.tenant == principal.tenant,
                        w.start.in_([start_of(p, now) for p in ("day", "month", "total")]),
                    )
                )
            }
            return [
                _budget(
                    scope,
                    name,
                    period,
                    limit,
                    stored.get((scope, period, start_of(period, now))),
                    now,
                    lambda s=scope, p=period: self._spent(connection, principal.tenant, s, p, now),
                )
                for scope, name, period, limit in wanted
            ]

    def _limits(
        self, connection: Connection, principal: Principal, key_id: str | None
    ) -> Iterable[tuple[str, str, Period, int]]:
        k = t.api_keys.c
        query = select(k.id, k.name, k.limits).where(k.tenant == principal.tenant, k.revoked_at.is_(None))
        if key_id is not None:
            query = query.where(k.id == key_id)
        if not principal.owner:
            query = query.where(k.created_by == principal.name)
        for row in connection.execute(query.order_by(k.id)):
            for period, usd in row.limits["budget_usd"].items():
                yield f"key:{row.id}", row.name, period, nanousd(usd)
        if key_id is not None or self._spec is None or not principal.owner:
            return
        for name, app in sorted(self._spec.apps.items()):
            yield from _spec_limits(f"app:{name}", name, app.budget_day_usd, app.budget_month_usd)
        settings = self._spec.settings
        yield from _spec_limits("workspace", "", settings.budget_day_usd, settings.budget_month_usd)

    def _spent(self, connection: Connection, tenant: str, scope: str, period: Period, now: datetime) -> int:
        """Return what was spent in a window that no call has opened yet."""
        d = t.usage_days.c
        kind, _, name = scope.partition(":")
        start = start_of(period, now)
        query = select(func.coalesce(func.sum(d.cost_nanousd), 0)).where(d.tenant == tenant)
        if period != "total":
            query = query.where(
                d.day >= start, d.day <= f"{start}-31" if period == "month" else d.day == start
            )
        if kind in ("key", "app"):
            query = query.where((d.key_id if kind == "key" else d.app) == name)
        return int(connection.execute(query).scalar_one())

    def _from_days(
        self, principal: Principal, groups: tuple[str, ...], first: str | None, last: str | None
    ) -> Select[Any]:
        d = t.usage_days.c
        columns = {
            "key": d.key_id, "app": d.app, "release": d.release, "provider": d.provider, "model": d.model, "day": d.day,
        }  # fmt: skip
        sums = [
            func.coalesce(func.sum(column), 0).label(column.name)
            for column in (
                d.calls,
                d.failed,
                d.cached,
                d.input_tokens,
                d.output_tokens,
                d.cost_nanousd,
                d.energy_uwh,
            )
        ]
        query = select(*[columns[g].label(g) for g in groups], *sums).where(d.tenant == principal.tenant)
        if first is not None:
            query = query.where(d.day >= first)
        if last is not None:
            query = query.where(d.day <= last)
        return _ordered(query, [columns[g] for g in groups], func.sum(d.cost_nanousd))

    def _from_calls(
        self,
        principal: Principal,
        groups: tuple[str, ...],
        first: str | None,
        last: str | None,
        filters: Mapping[str, str],
    ) -> Select[Any]:
        c = t.calls.c
        day = func.substr(c.started_at, 1, 10)
        columns = {
            "key": c.key_id, "app": c.app, "release": c.release, "provider": c.provider, "model": c.served_model,
            "day": day, "answer": c.answer_id,
        }  # fmt: skip
        own = c.provider != APP
        sums = [
            func.count().label("calls"),
            _count(c.state.in_(FAILED)).label("failed"),
            _count(c.cached).label("cached"),
            _sum(case((own, c.input_tokens), else_=0)).label("input_tokens"),
            _sum(case((own, c.output_tokens), else_=0)).label("output_tokens"),
            _sum(c.cost_nanousd).label("cost_nanousd"),
            _sum(c.energy_uwh).label("energy_uwh"),
        ]
        query = select(*[columns[g].label(g) for g in groups], *sums).where(
            *_visible(principal), *_filtered(filters), c.state != "open"
        )
        if "answer" in groups:
            query = query.where(c.answer_id != "")
        if first is not None:
            query = query.where(c.started_at >= first)
        if last is not None:
            query = query.where(day <= last)
        return _ordered(query, [columns[g] for g in groups], func.sum(c.cost_nanousd))


def _ordered(query: Select[Any], columns: list[Any], cost: Any) -> Select[Any]:
    if not columns:
        return query
    return query.group_by(*columns).order_by(cost.desc(), *columns)


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)


def _count(condition: Any) -> Any:
    return _sum(case((condition, 1), else_=0))


def _groups(by: Sequence[str]) -> tuple[str, ...]:
    for group in by:
        if group not in GROUPS:
            raise InvalidInputError(
                f"usage cannot be grouped by `{str(group)[:50]}`", hint=f"groups are {', '.join(GROUPS)}"
            )
    return tuple(dict.fromkeys(by))


def _day(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise InvalidInputError(f"{given[:50]!r} is no day", hint="write it as `2026-11-01`") from error
    return (at.astimezone(UTC) if at.tzinfo is not None else at).date().isoformat()


def _visible(principal: Principal) -> tuple[Any, ...]:
    c = t.calls.c
    own = () if principal.owner else (c.principal == principal.name,)
    return c.tenant == principal.tenant, *own


def _filtered(filters: Mapping[str, str]) -> list[Any]:
    c = t.calls.c
    columns = {
        "key": c.key_id, "app": c.app, "release": c.release, "provider": c.provider, "state": c.state,
        "answer": c.answer_id, "parent": c.parent, "principal": c.principal, "day": func.substr(c.started_at, 1, 10),
    }  # fmt: skip
    conditions: list[Any] = []
    for name, wanted in filters.items():
        if name == "model":
            conditions.append((c.model == wanted) | (c.served_model == wanted))
        elif name in columns:
            conditions.append(columns[name] == wanted)
        else:
            known = ", ".join(sorted({"model", *columns}))
            raise InvalidInputError(f"calls cannot be filtered by `{name}`", hint=f"filters are {known}")
    return conditions


def _usage_row(row: Row[Any], groups: tuple[str, ...]) -> UsageRow:
    return UsageRow(
        group={g: str(getattr(row, g)) for g in groups},
        calls=int(row.calls),
        failed=int(row.failed),
        cached=int(row.cached),
        input_tokens=int(row.input_tokens),
        output_tokens=int(row.output_tokens),
        cost_usd=int(row.cost_nanousd) / NANO,
        energy_wh=int(row.energy_uwh) / _UWH,
    )


def _call(row: Row[Any], attempts: tuple[AttemptRow, ...] = ()) -> CallRow:
    names = [n for n in CallRow.__dataclass_fields__ if n in row._fields]
    return CallRow(
        **{name: getattr(row, name) for name in names},
        reserved_usd=row.reserved_nanousd / NANO,
        cost_usd=row.cost_nanousd / NANO,
        energy_wh=row.energy_uwh / _UWH,
        attempts=attempts,
    )


def _attempt(row: Row[Any]) -> AttemptRow:
    names = [n for n in AttemptRow.__dataclass_fields__ if n in row._fields]
    return AttemptRow(**{name: getattr(row, name) for name in names}, cost_usd=row.cost_nanousd / NANO)


def _spec_limits(
    scope: str, name: str, day: float | None, month: float | None
) -> Iterable[tuple[str, str, Period, int]]:
    if day is not None:
        yield scope, name, "day", nanousd(day)
    if month is not None:
        yield scope, name, "month", nanousd(month)


def _budget(
    scope: str, name: str, period: Period, limit: int, row: Row[Any] | None, now: datetime, spent_before: Any
) -> BudgetRow:
    spent = int(row.spent_nanousd) if row is not None else spent_before()
    reserved = int(row.reserved_nanousd) if row is not None else 0
    end = end_of(period, now)
    return BudgetRow(
        scope=scope,
        period=period,
        start=start_of(period, now),
        limit_usd=limit / NANO,
        spent_usd=spent / NANO,
        reserved_usd=reserved / NANO,
        left_usd=max(0, limit - spent - reserved) / NANO,
        resets_at=end.isoformat(timespec="seconds") if end is not None else None,
        name=name,
    )
