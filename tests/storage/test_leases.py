"""One writer at a time; a stale one is refused, however long it slept, and a dead one keeps nobody waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.core.errors import BusyError, InvalidInputError, LeaseLostError
from groundwork.storage import leases as module
from groundwork.storage import machine
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases

HOLDER = """
import sys, time
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases
from groundwork.core.errors import LeaseLostError
database = Database(sys.argv[1])
lease = Leases(database).acquire("index", "the other", ttl=float(sys.argv[2]))
print(lease.token, flush=True)
sys.stdin.readline()
try:
    with database.write() as connection:
        lease.check(connection)
    print("published", flush=True)
except LeaseLostError as error:
    print("refused:", error.message, flush=True)
"""


class Holder:
    """A process that holds the lease `index`."""

    def __init__(self, url: str, ttl: float) -> None:
        command = [sys.executable, "-c", HOLDER, url, str(ttl)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.token = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def publish(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line()


@pytest.fixture
def leases(database: Database) -> Leases:
    return Leases(database)


@pytest.fixture
def hold(url: str) -> Iterator[list[Holder]]:
    holders: list[Holder] = []
    yield holders
    for holder in holders:
        holder.process.kill()
        holder.process.communicate()


def test_the_second_waits_until_the_first_has_released(leases: Leases, database: Database) -> None:
    first = leases.acquire("index", "ann")
    assert leases.holder("index") == "ann"
    threading.Timer(0.3, first.release).start()
    heard: list[tuple[str, float]] = []
    with leases.acquire("index", "bob", wait=20, on_wait=lambda *call: heard.append(call)) as second:
        assert second.token == first.token + 1
        with database.write() as connection:
            second.check(connection)
    assert {owner for owner, _ in heard} == {"ann"}
    assert [waited for _, waited in heard] == sorted(waited for _, waited in heard)
    assert leases.holder("index") is None


def test_who_does_not_wait_is_told_who_holds_it(leases: Leases) -> None:
    with leases.acquire("index", "ann"), pytest.raises(BusyError, match="ann") as caught:
        leases.acquire("index", "bob")
    assert caught.value.details["owner"] == "ann"
    assert caught.value.retryable


def test_who_waits_may_give_up(leases: Leases) -> None:
    def enough(owner: str, waited: float) -> None:
        if waited > 0.05:
            raise KeyboardInterrupt

    with leases.acquire("index", "ann"), pytest.raises(KeyboardInterrupt):
        leases.acquire("index", "bob", wait=20, on_wait=enough)


def test_leases_of_different_names_do_not_meet(leases: Leases) -> None:
    with leases.acquire("one", "ann"), leases.acquire("two", "bob"):
        assert leases.holder("three") is None


def test_a_lease_that_is_renewed_outlives_its_time(leases: Leases, database: Database) -> None:
    with leases.acquire("index", "ann", ttl=0.3) as lease:
        time.sleep(1.0)
        with pytest.raises(BusyError):
            leases.acquire("index", "bob")
        with database.write() as connection:
            lease.check(connection)


def test_a_released_lease_publishes_nothing_more(leases: Leases, database: Database) -> None:
    lease = leases.acquire("index", "ann")
    lease.release()
    lease.release()
    with pytest.raises(LeaseLostError), database.write() as connection:
        lease.check(connection)


def test_a_lease_of_no_time_is_refused(leases: Leases) -> None:
    with pytest.raises(InvalidInputError):
        leases.acquire("index", "ann", ttl=0)


def test_a_stopped_holder_is_passed_over_and_refused_when_it_goes_on(
    leases: Leases, database: Database, url: str, hold: list[Holder]
) -> None:
    hold.append(Holder(url, ttl=1.0))
    other = hold[0]
    os.kill(other.process.pid, signal.SIGSTOP)
    with pytest.raises(BusyError):
        leases.acquire("index", "me")  # its time is not over
    with leases.acquire("index", "me", wait=30) as lease:
        assert lease.token == other.token + 1
        os.kill(other.process.pid, signal.SIGCONT)
        assert other.publish().startswith("refused: the lease of `index` (token 1) was taken over by me")
        with database.write() as connection:
            lease.check(connection)


def test_a_stopped_holder_that_nobody_passed_over_may_publish(url: str, hold: list[Holder]) -> None:
    hold.append(Holder(url, ttl=0.3))
    os.kill(hold[0].process.pid, signal.SIGSTOP)
    time.sleep(0.6)
    os.kill(hold[0].process.pid, signal.SIGCONT)
    assert hold[0].publish() == "published"


def test_a_killed_holder_keeps_nobody_waiting(leases: Leases, url: str, hold: list[Holder]) -> None:
    hold.append(Holder(url, ttl=3600))
    with pytest.raises(BusyError):
        leases.acquire("index", "me")
    hold[0].process.kill()  # not collected: it is a zombie, and counts as ended all the same
    with leases.acquire("index", "me", wait=10) as lease:
        assert lease.token == 2


def test_of_processes_that_want_it_at_once_each_gets_a_token_of_its_own(url: str, leases: Leases) -> None:
    code = """
import sys
from groundwork.storage.database import Database
from groundwork.storage.leases import Leases
leases = Leases(Database(sys.argv[1]))
for _ in range(5):
    with leases.acquire("index", "worker", wait=60) as lease:
        print(lease.token, flush=True)
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    tokens = [int(token) for run in runs for token in run.communicate()[0].split()]
    assert sorted(tokens) == list(range(1, 16))


def test_after_the_machine_was_started_anew_no_lease_is_immortal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "groundwork.db")
    database.migrate()
    old = Leases(database).acquire("index", "before", ttl=10**6)
    monkeypatch.setattr(module, "boot_id", lambda: "another run")
    monkeypatch.setattr(module, "boot_seconds", lambda: 1.0)
    with Leases(database).acquire("index", "after") as lease:
        assert lease.token == old.token + 1
        assert Leases(database).holder("index") == "after"


def test_the_wall_clock_has_no_say(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    with leases.acquire("index", "ann"):
        monkeypatch.setattr(time, "time", lambda: 4e9)
        with pytest.raises(BusyError):
            leases.acquire("index", "bob")


def test_a_forgotten_lease_is_gone_and_a_held_one_is_not_forgotten(leases: Leases) -> None:
    with leases.acquire("index", "ann") as lease:
        assert not leases.forget("index")
    assert leases.forget("index")
    assert not leases.forget("index")
    assert lease.token == 1


def test_this_process_is_alive_and_one_of_another_machine_is_not_judged() -> None:
    me = machine.this_process()
    assert not machine.is_dead(me)
    assert machine.is_dead({**me, "start": "1"})  # the number was given to another process
    assert not machine.is_dead({**me, "pid": 2**22 + 1, "boot": "another machine"})
    assert not machine.is_dead({**me, "pid": 2**22 + 1, "space": "another container"})
    assert machine.is_dead({**me, "pid": 2**22 + 1})
    assert not machine.is_dead({})
