"""Admission, attempts and settlement, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from groundwork.core.errors import (
    BudgetExceededError,
    ConflictError,
    ForbiddenError,
    GroundworkError,
    ModelNotFoundError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import LOCAL
from groundwork.gateway.keys import new_secret
from groundwork.gateway.records import NANO, AttemptEnd, AttemptStart, BudgetLimit
from groundwork.gateway.types import Caller, Usage
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, Books, asking, ending, open_books

DAY = BudgetLimit("workspace", "day", NANO)


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


def test_a_call_is_open_until_it_is_settled_and_its_rows_say_how_it_went(house: Books) -> None:
    caller, info = house.key()
    caller = replace(
        caller, app="handbook", release="rel_1", snapshot="s", prompt="p", trace_id="t", span_id="u"
    )
    admission = asking(caller, reserve=500, stream=True)
    admitted = house.admit(admission)
    assert admitted.cached is None
    assert (admitted.caller.key_id, admitted.caller.key) == (info.id, None)
    (row,) = house.rows(t.calls)
    assert (row.state, row.reserved_nanousd, row.cost_nanousd, row.key_id) == ("open", 500, 0, info.id)
    usage = Usage(100, 20, 60, 10, 5)
    house.settle(
        ending(admission, cost=300, usage=usage, energy_uwh=7, latency_ms=9.5, structured="repaired")
    )
    (row,) = house.rows(t.calls)
    assert (row.state, row.cost_nanousd, row.provider, row.served_model) == ("done", 300, "openai", "gpt-5")
    assert (row.input_tokens, row.output_tokens, row.cached_input_tokens) == (100, 20, 60)
    assert (row.cache_write_tokens, row.reasoning_tokens, row.estimated) == (10, 5, False)
    assert (row.app, row.release, row.snapshot, row.prompt, row.stream) == (
        "handbook",
        "rel_1",
        "s",
        "p",
        True,
    )
    assert (row.latency_ms, row.structured, row.energy_uwh) == (9.5, "repaired", 7)
    (attempt,) = house.rows(t.attempts)
    assert (attempt.state, attempt.status, attempt.cost_nanousd, attempt.n) == ("done", 200, 300, 1)
    (day,) = house.rows(t.usage_days)
    assert (day.calls, day.failed, day.input_tokens, day.cost_nanousd, day.app) == (
        1,
        0,
        100,
        300,
        "handbook",
    )
    assert house.keys.get(LOCAL, info.id).last_used_at is not None


def test_settling_twice_changes_nothing(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 1.0}, tokens_per_minute=1000)
    admission = asking(caller, reserve=500, tokens=100)
    house.admit(admission)
    house.settle(ending(admission, cost=300))
    tables = (t.calls, t.attempts, t.usage_days, t.budget_windows, t.rate_buckets)
    before = [house.rows(table) for table in tables]
    house.settle(ending(admission, cost=900, state="failed"))
    assert [house.rows(table) for table in tables] == before


def test_a_call_that_was_never_admitted_cannot_be_settled(house: Books) -> None:
    with pytest.raises(NotFoundError):
        house.settle(ending(asking()))


def test_the_same_call_cannot_be_admitted_twice(house: Books) -> None:
    admission = asking(reserve=10, limits=(DAY,))
    house.admit(admission)
    with pytest.raises(ConflictError):
        house.admit(replace(admission, attempt=replace(admission.attempt, id=new_id("att"))))
    (window,) = house.rows(t.budget_windows)
    assert window.reserved_nanousd == 10


def test_without_any_key_a_caller_over_http_is_let_in_only_where_that_is_allowed(house: Books) -> None:
    house.admit(asking(HTTP))
    with pytest.raises(UnauthenticatedError) as caught:
        house.admit(asking(HTTP, keyless=False))
    assert caught.value.details["reason"] == "missing"


def test_once_there_is_a_key_callers_over_http_need_one_and_those_inside_do_not(house: Books) -> None:
    _, info = house.key()
    with pytest.raises(UnauthenticatedError):
        house.admit(asking(HTTP))
    house.admit(asking(Caller(door="inside")))
    house.keys.revoke(LOCAL, info.id)
    house.admit(asking(HTTP))


def test_a_wrong_key_is_refused_with_its_reason_and_never_taken_for_none(house: Books) -> None:
    caller, info = house.key(expires_at="2026-11-20T13:00:00+00:00")
    assert caller.key is not None
    cut = caller.key[:-1]
    for key, reason in ((cut, "malformed"), ("sk-live-123", "malformed"), (new_secret(), "unknown")):
        with pytest.raises(UnauthenticatedError) as caught:
            house.admit(asking(replace(HTTP, key=key)))
        assert caught.value.details["reason"] == reason
        assert key not in str(caught.value.as_dict())
    house.clock.advance(3600)
    with pytest.raises(UnauthenticatedError) as caught:
        house.admit(asking(caller))
    assert caught.value.details["reason"] == "expired"
    house.keys.revoke(LOCAL, info.id)
    with pytest.raises(UnauthenticatedError) as caught:
        house.admit(asking(caller))
    assert caught.value.details["reason"] == "revoked"
    assert house.ledger.counts["unknown_keys"] == 3
    assert {row.error for row in house.rows(t.calls)} == {"expired", "revoked"}


def test_scopes_say_which_operation_and_model_a_key_may_ask_for(house: Books) -> None:
    caller, _ = house.key(scopes=["chat", "model:openai/*", "app:hand*"])
    house.admit(asking(caller, model="openai/gpt-5"))
    house.admit(asking(caller, model="app/handbook"))
    with pytest.raises(ForbiddenError):
        house.admit(asking(caller, operation="embed"))
    for model in ("anthropic/claude", "app/secrets", "fast"):
        with pytest.raises(ModelNotFoundError):
            house.admit(asking(caller, model=model))


def test_an_apps_own_call_is_charged_to_the_key_that_asked_the_app(house: Books) -> None:
    caller, info = house.key(scopes=["chat", "app:*"], budget_usd={"day": 1e-6}, requests_per_minute=1)
    outer = asking(
        caller, model="app/handbook", attempt=AttemptStart(new_id("att"), 1, "first", "app", "handbook")
    )
    let_in = house.admit(outer).caller
    inner_caller = Caller(key_id=let_in.key_id, parent=outer.call_id, app="handbook")
    inner = asking(inner_caller, reserve=600)
    house.admit(inner)
    with pytest.raises(BudgetExceededError):
        house.admit(asking(inner_caller, reserve=600))
    house.settle(ending(inner, cost=600, usage=Usage(10, 5)))
    house.settle(replace(ending(outer, usage=Usage(10, 5)), provider="app", model="handbook"))
    days = {row.provider: row for row in house.rows(t.usage_days) if row.provider}
    assert (days["openai"].input_tokens, days["app"].input_tokens) == (10, 0)
    assert all(row.key_id == info.id for row in days.values())
    house.keys.revoke(LOCAL, info.id)
    with pytest.raises(UnauthenticatedError):
        house.admit(asking(inner_caller))


def test_refusals_have_a_row_each_up_to_a_bound(house: Books) -> None:
    caller, _ = house.key(budget_usd={"day": 0.0})
    for _ in range(64):
        with pytest.raises(BudgetExceededError):
            house.admit(asking(caller, reserve=1))
    rows = house.rows(t.calls)
    assert len(rows) == 60
    assert {(r.state, r.error, r.cost_nanousd) for r in rows} == {("failed", "budget_exceeded", 0)}
    assert house.ledger.counts["refusals"] == 4
    assert house.rows(t.attempts) == []


def test_a_call_refused_before_admission_is_recorded_for_whoever_made_it(house: Books) -> None:
    caller, info = house.key()
    unknown = ModelNotFoundError("there is no model `nonsense`")
    known = house.run(lambda: house.ledger.refuse(asking(caller, model="nonsense"), unknown))
    assert (known.key_id, known.scopes) == (info.id, info.scopes)
    (row,) = house.rows(t.calls)
    assert (row.state, row.error, row.model, row.key_id) == ("failed", "model_not_found", "nonsense", info.id)
    for wrong in (HTTP, replace(HTTP, key=new_secret()), replace(HTTP, key="x")):
        with pytest.raises(UnauthenticatedError):
            house.run(lambda wrong=wrong: house.ledger.refuse(asking(wrong), unknown))  # type: ignore[misc]
    house.keys.revoke(LOCAL, info.id)
    with pytest.raises(UnauthenticatedError):
        house.run(lambda: house.ledger.refuse(asking(caller), unknown))
    assert len(house.rows(t.calls)) == 1


def test_further_attempts_hold_more_and_all_of_it_is_given_back(house: Books) -> None:
    admission = asking(reserve=400, limits=(replace(DAY, limit_nanousd=1000),))
    house.admit(admission)
    second = AttemptStart(new_id("att"), 2, "retry", "openai", "gpt-5")
    house.run(lambda: house.ledger.attempt(admission.call_id, second, more_nanousd=600))
    third = AttemptStart(new_id("att"), 3, "fallback", "groq", "llama")
    with pytest.raises(BudgetExceededError):
        house.run(lambda: house.ledger.attempt(admission.call_id, third, more_nanousd=1))
    (window,) = house.rows(t.budget_windows)
    assert (window.reserved_nanousd, window.spent_nanousd) == (1000, 0)
    ends = (
        AttemptEnd(admission.attempt.id, "failed", 503, "overloaded"),
        AttemptEnd(second.id, "done", 200, "", Usage(1, 1), 250),
    )
    house.settle(ending(admission, cost=250, attempts=ends))
    (window,) = house.rows(t.budget_windows)
    assert (window.reserved_nanousd, window.spent_nanousd) == (0, 250)
    rows = sorted(house.rows(t.attempts), key=lambda r: r.n)
    assert [(r.n, r.reason, r.state, r.failure) for r in rows] == [
        (1, "first", "failed", "overloaded"),
        (2, "retry", "done", ""),
    ]
    with pytest.raises(ConflictError):
        house.run(lambda: house.ledger.attempt(admission.call_id, third))


def test_an_attempt_nobody_told_of_is_not_left_open(house: Books) -> None:
    admission = asking()
    house.admit(admission)
    house.run(
        lambda: house.ledger.attempt(admission.call_id, AttemptStart(new_id("att"), 2, "hedge", "a", "b"))
    )
    house.settle(ending(admission))
    assert sorted(r.state for r in house.rows(t.attempts)) == ["cancelled", "done"]


def test_who_leaves_while_being_let_in_holds_nothing_afterwards(
    house: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None is let in at once: then nobody would be waiting who could leave.
    monkeypatch.setattr("groundwork.gateway.ledger.FEW", 0)

    async def leave() -> None:
        tasks = [
            asyncio.create_task(house.ledger.admit(asking(reserve=50, limits=(DAY,)))) for _ in range(20)
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(400):
            if [r.state for r in house.rows(t.calls)] == ["cancelled"] * 20:
                return
            await asyncio.sleep(0.01)

    house.run(leave)
    assert {r.state for r in house.rows(t.calls)} == {"cancelled"}
    (window,) = house.rows(t.budget_windows)
    assert (window.reserved_nanousd, window.spent_nanousd) == (0, 0)


def test_a_settlement_is_stored_although_who_waits_for_it_is_cancelled(house: Books) -> None:
    admission = asking()
    house.admit(admission)

    async def settle_and_leave() -> None:
        task = asyncio.create_task(house.ledger.settle(ending(admission, cost=5)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    house.run(settle_and_leave)
    house.ledger.close()
    assert [(r.state, r.cost_nanousd) for r in house.rows(t.calls)] == [("done", 5)]


def test_many_calls_at_once_are_all_kept_and_a_refused_one_undoes_no_other(house: Books) -> None:
    caller, _ = house.key(budget_usd={"total": 50e-9})

    async def crowd() -> list[object]:
        async def one() -> None:
            admission = asking(caller, reserve=1)
            await house.ledger.admit(admission)
            await house.ledger.settle(ending(admission, cost=1))

        return await asyncio.gather(*[one() for _ in range(80)], return_exceptions=True)

    outcomes = house.run(crowd)
    assert sum(o is None for o in outcomes) == 50
    assert sum(isinstance(o, BudgetExceededError) for o in outcomes) == 30
    (window,) = house.rows(t.budget_windows)
    assert (window.reserved_nanousd, window.spent_nanousd) == (0, 50)


def test_the_ledger_can_be_closed_and_used_again(house: Books) -> None:
    house.call(HTTP)
    house.ledger.close()
    house.call(HTTP)
    assert [r.state for r in house.rows(t.calls)] == ["done", "done"]


def test_every_refusal_is_an_error_with_a_hint(house: Books) -> None:
    caller, _ = house.key(scopes=["embed"], budget_usd={"day": 0.0}, requests_per_minute=1)
    caught: list[GroundworkError] = []
    for admission in (
        asking(HTTP),
        asking(replace(HTTP, key="gw_x")),
        asking(caller),
        asking(caller, operation="embed", reserve=1),
    ):
        with pytest.raises(GroundworkError) as error:
            house.admit(admission)
        caught.append(error.value)
    house.admit(asking(caller, operation="embed"))
    with pytest.raises(RateLimitedError) as limited:
        house.admit(asking(caller, operation="embed"))
    assert all(e.message and e.hint for e in (*caught, limited.value))
