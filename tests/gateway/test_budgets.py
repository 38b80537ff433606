"""Budgets: never more held and spent than the limit, by day, month and in total, for keys, apps and the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.clock import ManualClock
from groundwork.core.errors import BudgetExceededError
from groundwork.core.principal import LOCAL
from groundwork.gateway import budgets
from groundwork.gateway.records import BudgetLimit
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, Books, asking, ending, open_books


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


def windows(house: Books) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (row.scope.partition(":")[0], row.start): (row.reserved_nanousd, row.spent_nanousd)
        for row in house.rows(t.budget_windows)
    }


def test_a_call_counts_in_every_budget_it_falls_under(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 1, "month": 1, "total": 1})
    limits = (BudgetLimit("app:handbook", "day", 10**9), BudgetLimit("workspace", "month", 10**9))
    admission = asking(caller, reserve=100, limits=limits)
    house.admit(admission)
    five = {
        ("key", "2026-11-20"),
        ("key", "2026-11"),
        ("key", "all"),
        ("app", "2026-11-20"),
        ("workspace", "2026-11"),
    }
    assert windows(house) == dict.fromkeys(five, (100, 0))
    house.settle(ending(admission, cost=30))
    assert windows(house) == dict.fromkeys(five, (0, 30))


def test_a_refusal_says_which_budget_has_what_left_and_when_it_is_whole_again(house: Books) -> None:
    caller, info = house.key(budget_usd={"day": 3e-6, "month": 1})
    house.call(caller, reserve=1000, cost=700)
    with pytest.raises(BudgetExceededError) as caught:
        house.admit(asking(caller, reserve=2500))
    details = caught.value.details
    assert (details["scope"], details["period"]) == (f"key:{info.id}", "day")
    assert (details["limit_usd"], details["left_usd"], details["needed_usd"]) == (3e-6, 2.3e-6, 2.5e-6)
    assert details["resets_at"] == "2026-11-21T00:00:00+00:00"
    assert windows(house) == {("key", "2026-11-20"): (0, 700), ("key", "2026-11"): (0, 700)}


def test_a_budget_may_be_used_to_the_last_billionth_and_no_further(house: Books) -> None:
    caller, _ = house.key(budget_usd={"total": 1000e-9})
    house.call(caller, reserve=999, cost=999)
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=2))
    house.call(caller, reserve=1, cost=1)
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=1))


def test_a_call_that_costs_nothing_needs_no_budget(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 0})
    house.call(caller)
    assert windows(house) == {}


def test_a_call_that_cost_more_than_was_held_is_counted_as_it_was(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 1000e-9})
    house.call(caller, reserve=10, cost=5000)
    assert windows(house) == {("key", "2026-11-20"): (0, 5000)}
    with pytest.raises(BudgetExceededError) as caught:
        house.admit(asking(caller, reserve=1))
    assert caught.value.details["left_usd"] == 0


def test_a_day_begins_anew_at_midnight_and_a_call_stays_with_the_day_it_began(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 1000e-9})
    admission = asking(caller, reserve=1000)
    house.admit(admission)
    house.clock.advance(12 * 3600)
    house.call(caller, reserve=1000, cost=400)
    house.settle(ending(admission, cost=900))
    assert windows(house) == {("key", "2026-11-20"): (0, 900), ("key", "2026-11-21"): (0, 400)}
    assert {row.day: row.cost_nanousd for row in house.rows(t.usage_days)} == {
        "2026-11-20": 900,
        "2026-11-21": 400,
    }


def test_a_budget_set_later_counts_what_was_spent_before(house: Books) -> None:
    caller, _ = house.key()
    house.call(caller, reserve=1000, cost=800)
    house.keys.update(LOCAL, "key", budget_usd={"month": 1000e-9})
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=300))
    house.call(caller, reserve=200, cost=200)
    assert windows(house) == {("key", "2026-11"): (0, 1000)}


def test_raising_a_budget_opens_it_at_once_and_lowering_closes_it(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 100e-9})
    house.call(caller, reserve=100, cost=100)
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=1))
    house.keys.update(LOCAL, "key", budget_usd={"day": 200e-9})
    house.call(caller, reserve=50, cost=50)
    house.keys.update(LOCAL, "key", budget_usd={"day": 120e-9})
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=1))


def test_the_workspaces_budget_holds_for_callers_with_and_without_keys(house: Books) -> None:
    limit = (BudgetLimit("workspace", "day", 100),)
    house.call(HTTP, reserve=60, cost=60, limits=limit)
    caller, _ = house.key()
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=41, limits=limit))
    house.call(caller, reserve=40, cost=40, limits=limit)


@pytest.mark.parametrize(
    ("moment", "period", "end"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "day", "2027-01-01T00:00:00+00:00"),
        (datetime(2026, 12, 31, tzinfo=UTC), "month", "2027-01-01T00:00:00+00:00"),
        (datetime(2028, 2, 28, 12, tzinfo=UTC), "day", "2028-02-29T00:00:00+00:00"),
        (datetime(2028, 1, 31, tzinfo=UTC), "month", "2028-02-01T00:00:00+00:00"),
    ],
)
def test_windows_end_where_the_calendar_says(moment: datetime, period: str, end: str) -> None:
    found = budgets.end_of(period, moment)  # type: ignore[arg-type]
    assert found is not None
    assert found.isoformat() == end
    assert budgets.end_of("total", moment) is None


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "settle", "more", "late", "twice"]), st.integers(0, 9), st.integers(0, 400)
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, limit=st.integers(0, 1200))
def test_whatever_happens_a_window_says_what_a_model_of_it_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], limit: int
) -> None:
    """Held plus spent is never over the limit by admission, and in the end nothing is held and nothing lost."""
    database = Database(tmp_path_factory.mktemp("budget") / "b.db")
    database.migrate()
    house = open_books(database, ManualClock(datetime(2026, 11, 20, tzinfo=UTC)))
    try:
        caller, _ = house.key(budget_usd={"total": limit * 1e-9})
        open_calls: list[list[object]] = []
        held = spent = 0
        for action, which, amount in steps:
            if action == "admit":
                admission = asking(caller, reserve=amount)
                fits = amount == 0 or held + spent + amount <= limit
                if not fits:
                    with pytest.raises(BudgetExceededError):
                        house.admit(admission)
                    continue
                house.admit(admission)
                open_calls.append([admission, amount])
                held += amount
            elif not open_calls:
                continue
            elif action == "more":
                call = open_calls[which % len(open_calls)]
                start = asking().attempt
                admission = call[0]  # type: ignore[assignment]
                begin = house.ledger.attempt(
                    admission.call_id,
                    type(start)(start.id, 2 + len(house.rows(t.attempts)), "retry", "a", "b"),
                    more_nanousd=amount,
                )
                if amount and held + spent + amount > limit:
                    with pytest.raises(BudgetExceededError):
                        house.run(lambda begin=begin: begin)  # type: ignore[misc]
                    continue
                house.run(lambda begin=begin: begin)  # type: ignore[misc]
                call[1] += amount  # type: ignore[operator]
                held += amount
            else:
                admission, reserved = open_calls.pop(which % len(open_calls))  # type: ignore[assignment]
                cost = amount if action == "late" else min(amount, reserved)  # type: ignore[call-overload]
                house.settle(ending(admission, cost=cost))
                if action == "twice":
                    house.settle(ending(admission, cost=cost + 1))
                held -= reserved  # type: ignore[operator]
                spent += cost
            found = windows(house)
            if held or spent:
                assert found[("key", "all")] == (held, spent)
        for admission, _reserved in open_calls:
            house.settle(ending(admission))  # type: ignore[arg-type]
        for reserved, total in windows(house).values():
            assert (reserved, total) == (0, spent)
        assert sum(r.cost_nanousd for r in house.rows(t.usage_days)) == spent
    finally:
        house.ledger.close()
        database.close()
