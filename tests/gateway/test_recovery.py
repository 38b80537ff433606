"""What a killed process leaves is settled: nothing spent is missing, nothing stays held, no budget is overrun."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from groundwork.core.clock import SystemClock
from groundwork.core.principal import LOCAL
from groundwork.gateway import ledger as ledger_module
from groundwork.gateway.keys import Keys
from groundwork.gateway.ledger import DatabaseLedger
from groundwork.gateway.records import BudgetLimit
from groundwork.gateway.types import Usage
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from groundwork.storage.machine import this_process
from tests.gateway.ledgers import HTTP, Books, asking, ending, open_books

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = (BudgetLimit("workspace", "day", 10**9),)


@pytest.fixture
def house(books: Database) -> Iterator[Books]:
    opened = open_books(books)
    yield opened
    opened.ledger.close()


def leave_to(house: Books, process: dict[str, str | int]) -> None:
    """Let all open calls be those of another process."""
    ledger_module._in_flight.clear()
    text = json.dumps(process, sort_keys=True, separators=(",", ":"))
    with house.database.write() as connection:
        connection.execute(update(t.calls).values(process=json.loads(text)))


def dead_process() -> dict[str, str | int]:
    return {**this_process(), "pid": 2**22 + 1, "start": "1"}


def test_a_call_of_a_process_that_ended_is_charged_what_was_held_for_it(house: Books) -> None:
    admission = asking(reserve=700, limits=LIMIT)
    house.admit(admission)
    leave_to(house, dead_process())
    assert house.ledger.recover() == 1
    assert house.ledger.recover() == 0
    (call,) = house.rows(t.calls)
    (attempt,) = house.rows(t.attempts)
    (window,) = house.rows(t.budget_windows)
    (day,) = house.rows(t.usage_days)
    assert (call.state, call.error, call.cost_nanousd) == ("lost", "lost", 700)
    assert (attempt.state, attempt.cost_nanousd) == ("lost", 700)
    assert (window.reserved_nanousd, window.spent_nanousd) == (0, 700)
    assert (day.calls, day.failed, day.cost_nanousd) == (1, 1, 700)


def test_a_new_ledger_recovers_before_it_lets_the_first_call_in(house: Books) -> None:
    tight = (replace(LIMIT[0], limit_nanousd=1000),)
    held = asking(reserve=900, limits=tight)
    house.admit(held)
    leave_to(house, dead_process())
    with house.database.write() as connection:
        connection.execute(update(t.calls).values(reserved_nanousd=0))
        connection.execute(update(t.budget_windows).values(reserved_nanousd=0))
    later = open_books(house.database)
    later.admit(asking(reserve=900, limits=tight))
    assert sorted(r.state for r in house.rows(t.calls)) == ["lost", "open"]
    later.ledger.close()


def test_calls_of_living_processes_and_of_other_ledgers_here_are_left_alone(house: Books) -> None:
    other = DatabaseLedger(house.database, house.clock)

    async def look_on() -> int:
        await house.ledger.admit(asking())
        return await asyncio.to_thread(other.recover)

    assert house.run(look_on) == 0
    other.close()
    parent = {**this_process(), "pid": os.getppid()}
    parent["start"] = Path(f"/proc/{os.getppid()}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
    leave_to(house, parent)
    assert house.ledger.recover() == 0


def test_a_call_of_another_machine_is_given_up_after_three_hours(house: Books) -> None:
    house.admit(asking(reserve=5, limits=LIMIT))
    leave_to(house, {"boot": this_process()["boot"], "space": "pid:[other]", "pid": 1, "start": "1"})
    assert house.ledger.recover() == 0
    house.clock.advance(3 * 3600 + 1)
    assert house.ledger.recover() == 1


def test_on_sqlite_a_call_of_an_earlier_run_of_the_machine_is_lost_at_once(house: Books) -> None:
    house.admit(asking())
    leave_to(house, {"boot": "earlier", "space": "", "pid": 1, "start": "1"})
    assert house.ledger.recover() == (1 if house.database.dialect == "sqlite" else 0)


def test_a_call_whose_event_loop_is_gone_is_not_served_any_more(house: Books) -> None:
    house.admit(asking())  # its loop ends with this line
    assert house.ledger.recover() == 1


def test_a_settlement_the_store_refused_is_made_good_at_its_true_cost(
    house: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundwork.core.errors import StorageFullError
    from groundwork.gateway import ledger_settlement

    admission = asking(reserve=100, limits=LIMIT)
    true = ledger_settlement.settle

    async def lose() -> None:
        await house.ledger.admit(admission)

        def full(*_: object, **__: object) -> str:
            raise StorageFullError("there is no space left")

        monkeypatch.setattr(ledger_settlement, "settle", full)
        with pytest.raises(StorageFullError):
            await house.ledger.settle(ending(admission, cost=250, usage=Usage(3, 4)))
        assert house.rows(t.calls)[0].state == "open"
        monkeypatch.setattr(ledger_settlement, "settle", true)
        await asyncio.to_thread(house.ledger.keep_up)

    house.run(lose)
    (call,) = house.rows(t.calls)
    assert (call.state, call.error, call.cost_nanousd, call.input_tokens) == ("lost", "not_stored", 250, 3)
    (window,) = house.rows(t.budget_windows)
    assert (window.reserved_nanousd, window.spent_nanousd) == (0, 250)


def simulate(
    url: str, folder: Path, *, seconds: float, processes: int, clients: int, limit: int
) -> tuple[int, int]:
    """Let processes spend and be killed at random; return how many calls were billed and how many kills there were."""
    database = Database(url)
    secret, _ = Keys(database, SystemClock()).create(
        LOCAL, "sim", budget_usd={"day": limit * 1e-9, "total": 1.0}
    )
    bill, acks = folder / "billed", folder / "acknowledged"
    draw = random.Random(7)

    def start() -> subprocess.Popen[bytes]:
        arguments = [
            url,
            str(bill),
            str(acks),
            secret,
            str(clients),
            str(2 * limit),
            str(draw.random())[2:10],
        ]
        command = [sys.executable, "-m", "tests.gateway.ledger_worker", *arguments]
        return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)

    workers = [start() for _ in range(processes)]
    kills = 0
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(draw.uniform(0.2, 0.8))
            victim = draw.randrange(processes)
            assert workers[victim].poll() is None, "a worker ended by itself"
            workers[victim].kill()
            workers[victim].wait()
            kills += 1
            workers[victim] = start()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()
    ledger = DatabaseLedger(database, SystemClock())
    ledger.recover()
    ledger.close()
    check_the_books(open_books(database), read(bill), read(acks), limit)
    database.close()
    return len(read(bill)), kills


def read(log: Path) -> dict[str, int]:
    """Return costs by call."""
    return {line.split()[0]: int(line.split()[1]) for line in log.read_text().splitlines()}


def check_the_books(house: Books, billed: dict[str, int], acknowledged: dict[str, int], limit: int) -> None:
    calls = {row.id: row for row in house.rows(t.calls)}
    spent = sum(row.cost_nanousd for row in calls.values())
    assert not [row for row in calls.values() if row.state == "open"]
    assert not [row for row in house.rows(t.attempts) if row.state == "open"]
    for call_id, cost in acknowledged.items():
        assert (calls[call_id].state, calls[call_id].cost_nanousd) == ("done", cost)
    for call_id, cost in billed.items():
        assert calls[call_id].cost_nanousd >= cost, "the provider billed more than the books say"
    assert sum(billed.values()) <= spent <= limit
    assert sum(row.cost_nanousd for row in house.rows(t.usage_days)) == spent
    assert sum(row.cost_nanousd for row in house.rows(t.attempts)) == spent
    for window in house.rows(t.budget_windows):
        assert (window.reserved_nanousd, window.spent_nanousd) == (0, spent), window.scope


def test_two_hundred_clients_in_four_killed_processes_never_overspend(
    ledger_url: str, tmp_path: Path
) -> None:
    billed, kills = simulate(ledger_url, tmp_path, seconds=4, processes=4, clients=50, limit=600_000)
    assert billed > 100
    assert kills >= 4


@pytest.mark.slow
def test_a_long_run_of_kills_never_overspends(ledger_url: str, tmp_path: Path) -> None:
    billed, kills = simulate(ledger_url, tmp_path, seconds=120, processes=4, clients=50, limit=20_000_000)
    assert billed > 5000
    assert kills > 100


def test_there_is_nothing_to_recover_in_an_empty_workspace(house: Books) -> None:
    assert house.ledger.recover() == 0
    house.admit(asking(HTTP))
