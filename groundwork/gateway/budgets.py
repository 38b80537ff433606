"""Budgets as windows of time: what is held for calls in flight and what was spent, never more together than the limit.

A window's row is changed by one statement that compares and sets, so that any number of processes may hold from it at
once. It is made with the first call that needs it, from what the usage of its days says was spent, so that a budget set in
the middle of a month counts what was spent before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from groundwork.core.errors import BudgetExceededError
from groundwork.gateway import ledger_statements as sql
from groundwork.gateway.records import NANO, BudgetLimit, Period
from groundwork.storage.prepared import Cursor, Prepared


class Window(NamedTuple):
    """One budget over one stretch of time; a call's row keeps those that hold its reservation."""

    scope: str
    period: Period
    start: str
    limit_nanousd: int


@lru_cache(maxsize=4096)
def windows_of(
    scope: str, budget: tuple[tuple[Period, int], ...], limits: tuple[BudgetLimit, ...], day: str
) -> tuple[Window, ...]:
    """Return the windows that a call counts in, always in the same order.

    Args:
        scope, budget: of the key; empty without one. limits: of app and workspace. day: `2026-11-20`, UTC.
    """
    given = [*limits, *(BudgetLimit(scope, period, most) for period, most in budget)]
    return tuple(sorted(Window(b.scope, b.period, _start(b.period, day), b.limit_nanousd) for b in given))


def start_of(period: Period, now: datetime) -> str:
    """Return the name of the window a moment falls in: `2026-11-20`, `2026-11` or `all`, in UTC."""
    return _start(period, now.astimezone(UTC).date().isoformat())


def end_of(period: Period, now: datetime) -> datetime | None:
    """Return when the window of a moment ends and the budget is whole again; None: never."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight + timedelta(days=1)
    if period == "month":
        return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    return None


def hold(cursor: Cursor, tenant: str, windows: Sequence[Window], amount: int, now: datetime) -> None:
    """Hold an amount from every window, or from none.

    Raises:
        BudgetExceededError: a window does not have it.
    """
    held: list[Window] = []
    for window in windows:
        if not _take(cursor, tenant, window, amount):
            release(cursor, tenant, held, amount, 0)
            raise _exceeded(cursor, tenant, window, amount, now)
        held.append(window)


def release(cursor: Cursor, tenant: str, windows: Iterable[Window], amount: int, cost: int) -> None:
    """Give back what was held, and count what was spent."""
    if not amount and not cost:
        return
    for window in windows:
        values = {**_key(tenant, window), "amount": amount, "cost": cost}
        if not cursor.run(sql.RELEASE, values):
            _open(cursor, tenant, window)
            cursor.run(sql.RELEASE, values)


def spent_before(cursor: Cursor, tenant: str, window: Window) -> int:
    """Return what the usage of the window's days says was spent."""
    first, last = _days(window)
    kind, _, name = window.scope.partition(":")
    statement: Prepared = {"key": sql.SPENT_BY_KEY, "app": sql.SPENT_BY_APP}.get(kind, sql.SPENT_BY_ALL)
    row = cursor.one(statement, {"tenant": tenant, "first": first, "last": last, "name": name})
    return int(row[0]) if row is not None else 0


def _start(period: Period, day: str) -> str:
    return {"total": "all", "month": day[:7], "day": day}[period]


def _take(cursor: Cursor, tenant: str, window: Window, amount: int) -> bool:
    values = {**_key(tenant, window), "amount": amount, "most": window.limit_nanousd}
    if cursor.run(sql.HOLD, values):
        return True
    if cursor.one(sql.WINDOW, _key(tenant, window)) is not None:
        return False
    _open(cursor, tenant, window)
    return bool(cursor.run(sql.HOLD, values))


def _open(cursor: Cursor, tenant: str, window: Window) -> None:
    cursor.run(
        sql.OPEN_WINDOW,
        {
            "tenant": tenant,
            "scope": window.scope,
            "period": window.period,
            "start": window.start,
            "reserved_nanousd": 0,
            "spent_nanousd": spent_before(cursor, tenant, window),
        },
    )


def _exceeded(cursor: Cursor, tenant: str, window: Window, amount: int, now: datetime) -> BudgetExceededError:
    reserved, spent = cursor.one(sql.WINDOW, _key(tenant, window)) or (0, 0)
    left = max(0, window.limit_nanousd - reserved - spent)
    end = end_of(window.period, now)
    whose = {"key": "of this API key", "workspace": "of the workspace"}.get(
        window.scope.partition(":")[0], f"of the app `{window.scope.partition(':')[2]}`"
    )
    span = {"day": "for the day", "month": "for the month", "total": "in total"}[window.period]
    opens = f"; it is whole again at {end.isoformat(timespec='minutes')}" if end else ""
    return BudgetExceededError(
        f"the budget {whose} {span} has {_usd(left)} left of {_usd(window.limit_nanousd)}, "
        f"and this call may cost {_usd(amount)}",
        hint=f"ask for fewer output tokens or a cheaper model, or have the budget raised{opens}",
        scope=window.scope,
        period=window.period,
        limit_usd=window.limit_nanousd / NANO,
        left_usd=left / NANO,
        spent_usd=spent / NANO,
        reserved_usd=reserved / NANO,
        needed_usd=amount / NANO,
        resets_at=end.isoformat() if end else None,
    )


def _usd(nanousd: int) -> str:
    text = f"{nanousd / NANO:.9f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents.ljust(2, '0')}"


def _key(tenant: str, window: Window) -> dict[str, str]:
    return {"tenant": tenant, "scope": window.scope, "period_": window.period, "start_": window.start}


def _days(window: Window) -> tuple[str, str]:
    if window.period == "total":
        return "", "9999-12-31"
    return (
        (window.start, window.start)
        if window.period == "day"
        else (f"{window.start}-01", f"{window.start}-31")
    )
