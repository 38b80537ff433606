"""Totals, calls and budgets as people see them, and who sees what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from groundwork.core.errors import BudgetExceededError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.core.settings import Layer, resolve
from groundwork.gateway.records import NANO, AttemptStart, BudgetLimit, UsageRow
from groundwork.gateway.types import Caller, Usage
from groundwork.gateway.usage import UsageBook
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, Books, asking, ending, open_books

SPEC = resolve(
    [
        Layer(
            "groundwork.toml",
            {"settings": {"budget_month_usd": 2.0}, "apps": {"handbook": {"budget_day_usd": 1.0}}},
        )
    ]
).spec


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


@pytest.fixture
def book(house: Books) -> UsageBook:
    return UsageBook(house.database, house.clock, SPEC)


def spend(house: Books, caller: Caller, cost: int, *, provider: str = "openai", state: str = "done") -> str:
    start = AttemptStart(asking().attempt.id, 1, "first", provider, f"{provider}-model")
    admission = asking(caller, reserve=cost, attempt=start)
    house.admit(admission)
    house.settle(ending(admission, cost=cost, usage=Usage(10, 5), energy_uwh=1_000_000, state=state))  # type: ignore[arg-type]
    return admission.call_id


def by(rows: list[UsageRow], group: str) -> dict[str, float]:
    return {row.group[group]: row.cost_usd for row in rows}


def test_totals_by_key_app_release_provider_model_and_day(house: Books, book: UsageBook) -> None:
    first, a = house.key("a")
    second, b = house.key("b")
    spend(house, replace(first, app="handbook", release="rel_1"), 3 * NANO)
    spend(house, second, 1 * NANO, provider="groq")
    house.clock.advance(86_400)
    spend(house, first, 2 * NANO, state="failed")
    (whole,) = book.totals(LOCAL)
    assert (whole.calls, whole.failed, whole.cost_usd, whole.input_tokens, whole.energy_wh) == (
        3,
        1,
        6.0,
        30,
        3.0,
    )
    assert by(book.totals(LOCAL, ["key"]), "key") == {a.id: 5.0, b.id: 1.0}
    assert by(book.totals(LOCAL, ["app"]), "app") == {"handbook": 3.0, "": 3.0}
    assert by(book.totals(LOCAL, ["release"]), "release") == {"rel_1": 3.0, "": 3.0}
    assert by(book.totals(LOCAL, ["provider"]), "provider") == {"openai": 5.0, "groq": 1.0}
    assert by(book.totals(LOCAL, ["model"]), "model") == {"openai-model": 5.0, "groq-model": 1.0}
    assert by(book.totals(LOCAL, ["day"]), "day") == {"2026-11-20": 4.0, "2026-11-21": 2.0}
    assert book.totals(LOCAL, ["day", "provider"])[0].group == {
        "day": "2026-11-20",
        "provider": "openai",
    }
    assert by(book.totals(LOCAL, ["day"], "2026-11-21"), "day") == {"2026-11-21": 2.0}
    assert by(book.totals(LOCAL, ["day"], until="2026-11-20"), "day") == {"2026-11-20": 4.0}


def test_totals_by_answer_follow_the_calls_of_each(house: Books, book: UsageBook) -> None:
    spend(house, Caller(answer_id="ans_1"), NANO)
    spend(house, Caller(answer_id="ans_1"), NANO)
    late = asking()
    house.admit(late)
    house.settle(ending(late, cost=NANO, answer_id="ans_2"))
    spend(house, HTTP, NANO)
    assert by(book.totals(LOCAL, ["answer"]), "answer") == {"ans_1": 2.0, "ans_2": 1.0}
    assert [c.answer_id for c in book.calls(LOCAL, {"answer": "ans_2"})] == ["ans_2"]


def test_totals_of_rows_and_of_days_agree(house: Books, book: UsageBook) -> None:
    caller, _ = house.key()
    for cost in (NANO, 2 * NANO):
        spend(house, caller, cost)
    outer = asking(caller, attempt=AttemptStart("att_x", 1, "first", "app", "handbook"), model="app/handbook")
    house.admit(outer)
    house.settle(ending(outer, usage=Usage(10, 10)))
    days = book.totals(LOCAL, ["provider"])
    rows = book.totals(LOCAL, ["provider"], filters={"key": caller.key_id or book.calls(LOCAL)[0].key_id})
    assert days == rows


def test_one_with_less_rights_sees_what_was_called_in_their_name(house: Books, book: UsageBook) -> None:
    ann = Principal(name="user:ann")
    mine = spend(house, Caller(principal="user:ann"), NANO)
    other = spend(house, Caller(principal="user:bob"), NANO)
    assert [c.id for c in book.calls(ann)] == [mine]
    assert book.totals(ann)[0].cost_usd == 1.0
    assert book.call(ann, mine).cost_usd == 1.0
    for stranger in (ann, Principal(tenant="other", owner=True)):
        with pytest.raises(NotFoundError):
            book.call(stranger, other)
    assert book.totals(Principal(tenant="other", owner=True))[0].calls == 0
    assert book.calls(Principal(tenant="other", owner=True)) == []


def test_calls_are_listed_newest_first_in_pages_and_by_filters(house: Books, book: UsageBook) -> None:
    ids = [spend(house, HTTP, n, provider="groq" if n % 2 else "openai") for n in range(1, 6)]
    first = book.calls(LOCAL, limit=2)
    assert [c.id for c in first] == sorted(ids, reverse=True)[:2]
    second = book.calls(LOCAL, limit=2, before=first[-1].id)
    assert [c.id for c in second] == sorted(ids, reverse=True)[2:4]
    assert len(book.calls(LOCAL, {"provider": "groq"})) == 3
    assert len(book.calls(LOCAL, {"model": "openai/gpt-5"})) == 5
    assert len(book.calls(LOCAL, {"model": "groq-model", "state": "done"})) == 3
    assert book.calls(LOCAL, {"state": "failed"}) == []
    for wrong in ({"colour": "red"},):
        with pytest.raises(InvalidInputError):
            book.calls(LOCAL, wrong)
    for limit in (0, 10_001):
        with pytest.raises(InvalidInputError):
            book.calls(LOCAL, limit=limit)


def test_one_call_comes_with_its_attempts(house: Books, book: UsageBook) -> None:
    admission = asking(reserve=5)
    house.admit(admission)
    again = AttemptStart("att_2", 2, "retry", "openai", "gpt-5")
    house.run(lambda: house.ledger.attempt(admission.call_id, again))
    house.settle(ending(admission, cost=3))
    call = book.call(LOCAL, admission.call_id)
    assert [(a.n, a.reason, a.state) for a in call.attempts] == [
        (1, "first", "done"),
        (2, "retry", "cancelled"),
    ]
    assert call.as_dict()["attempts"][0]["cost_usd"] == 3e-9
    assert (call.reserved_usd, call.cost_usd) == (5e-9, 3e-9)
    assert book.calls(LOCAL)[0].attempts == ()


def test_budgets_say_what_is_spent_held_and_left_and_when_they_are_whole_again(
    house: Books, book: UsageBook
) -> None:
    caller, info = house.key(budget_usd={"day": 1.0, "total": 5.0})
    house.call(caller, reserve=NANO // 2, cost=NANO // 4)
    open_call = asking(caller, reserve=NANO // 2, limits=(BudgetLimit("workspace", "month", 2 * NANO),))
    house.admit(open_call)
    found = {(b.scope.partition(":")[0], b.period): b for b in book.budgets(LOCAL)}
    assert set(found) == {("key", "day"), ("key", "total"), ("app", "day"), ("workspace", "month")}
    day = found["key", "day"]
    assert (day.limit_usd, day.spent_usd, day.reserved_usd, day.left_usd) == (1.0, 0.25, 0.5, 0.25)
    assert day.resets_at == "2026-11-21T00:00:00+00:00"
    assert found["key", "total"].resets_at is None
    assert (found["app", "day"].spent_usd, found["app", "day"].left_usd) == (0.0, 1.0)
    # The window was opened by a call that came after money had been spent.
    month = found["workspace", "month"]
    assert (month.spent_usd, month.reserved_usd, month.left_usd) == (0.25, 0.5, 1.25)
    assert [b.scope for b in book.budgets(LOCAL, info.id)] == [f"key:{info.id}"] * 2
    with pytest.raises(BudgetExceededError):
        house.admit(asking(caller, reserve=NANO // 2))
    house.clock.advance(12 * 3600)
    assert {b.period: b.spent_usd for b in book.budgets(LOCAL, info.id)} == {"day": 0.0, "total": 0.25}


def test_what_cannot_be_grouped_or_is_no_day_is_refused(book: UsageBook) -> None:
    with pytest.raises(InvalidInputError):
        book.totals(LOCAL, ["colour"])
    with pytest.raises(InvalidInputError):
        book.totals(LOCAL, since="yesterday")
