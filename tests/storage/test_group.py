"""Group commit: many operations in one transaction, refusals apart, failures alone, a store that refuses."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, update

from groundwork.core.errors import BusyError, ConflictError, InvalidInputError, UnavailableError
from groundwork.storage import tables as t
from groundwork.storage.database import Database
from groundwork.storage.group import GroupCommit, Operation, _Word
from groundwork.storage.prepared import Cursor, Prepared
from groundwork.testing.timing import Stopwatch

PUT = Prepared(insert(t.blobs).inline())
GET = Prepared(select(t.blobs.c.size).where(t.blobs.c.digest == bindparam("digest_")))
GROW = Prepared(
    update(t.blobs).where(t.blobs.c.digest == "a").values(size=t.blobs.c.size + bindparam("more"))
)


def put(digest: str, size: int = 1) -> Operation[str]:
    def operation(cursor: Cursor) -> str:
        cursor.run(PUT, {"digest": digest, "size": size, "media_type": "", "created_at": ""})
        return digest

    return operation


def stored(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(t.blobs.c.digest)).scalars())


@pytest.fixture
def group(database: Database) -> Iterator[GroupCommit]:
    made = GroupCommit(database)
    yield made
    made.close()


def test_a_result_is_told_after_it_is_stored(database: Database, group: GroupCommit) -> None:
    assert group.submit(put("a")).result(10) == "a"
    assert stored(database) == {"a"}


def test_no_thread_runs_before_the_first_operation_and_after_the_end(database: Database) -> None:
    before = threading.active_count()
    group = GroupCommit(database)
    group.close()
    assert threading.active_count() == before
    futures = [group.submit(put(str(n))) for n in range(100)]
    group.close()
    assert threading.active_count() == before
    assert all(f.done() for f in futures)
    assert len(stored(database)) == 100
    group.submit(put("again")).result(10)
    group.close()


def test_operations_that_wait_together_are_committed_together(database: Database, group: GroupCommit) -> None:
    transactions: list[int] = []
    hold = threading.Event()

    def wait(cursor: Cursor) -> None:
        hold.wait(10)

    def note(cursor: Cursor) -> None:
        transactions.append(id(cursor))

    first = group.submit(wait)
    futures = [group.submit(note) for _ in range(50)]
    hold.set()
    for future in (first, *futures):
        future.result(10)
    assert len(transactions) == 50
    assert len(set(transactions)) <= 2


def test_a_refusal_undoes_no_other_operation(database: Database, group: GroupCommit) -> None:
    def refuse(cursor: Cursor) -> None:
        raise InvalidInputError("no")

    async def together() -> list[object]:
        return await asyncio.gather(
            group.run(put("a")), group.run(refuse), group.run(put("b")), return_exceptions=True
        )

    a, refused, b = asyncio.run(together())
    assert (a, b) == ("a", "b")
    assert isinstance(refused, InvalidInputError)
    assert stored(database) == {"a", "b"}


def test_an_operation_that_fails_is_tried_alone_and_the_others_are_stored(
    database: Database, group: GroupCommit
) -> None:
    def stumble(cursor: Cursor) -> None:
        put("half")(cursor)
        raise ZeroDivisionError

    async def together() -> list[object]:
        operations = [put("a"), stumble, put("b"), put("a")]
        return await asyncio.gather(*[group.run(o) for o in operations], return_exceptions=True)

    a, stumbled, b, twice = asyncio.run(together())
    assert (a, b) == ("a", "b")
    assert isinstance(stumbled, ZeroDivisionError)
    assert isinstance(twice, ConflictError)
    assert stored(database) == {"a", "b"}


def test_operations_keep_their_order(database: Database, group: GroupCommit) -> None:
    group.submit(put("a", 0))
    seen: list[int] = []

    def grow(cursor: Cursor) -> None:
        seen.append(cursor.one(GET, {"digest_": "a"})[0])  # type: ignore[index]
        cursor.run(GROW, {"more": 1})

    for future in [group.submit(grow) for _ in range(200)]:
        future.result(10)
    assert seen == list(range(200))


def test_many_groups_of_many_threads_lose_no_update(database: Database) -> None:
    groups = [GroupCommit(database, exclusive="test") for _ in range(3)]
    groups[0].submit(put("a", 0)).result(10)

    def grow(cursor: Cursor) -> None:
        size = cursor.one(GET, {"digest_": "a"})[0]  # type: ignore[index]
        assert cursor.run(GROW, {"more": 1}) == 1
        assert cursor.one(GET, {"digest_": "a"})[0] == size + 1  # type: ignore[index]

    def work(group: GroupCommit) -> None:
        for future in [group.submit(grow) for _ in range(100)]:
            future.result(30)

    threads = [threading.Thread(target=work, args=(g,)) for g in groups for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for group in groups:
        group.close()
    with database.read() as connection:
        assert connection.execute(select(t.blobs.c.size)).scalar_one() == 600


def test_more_than_may_wait_is_refused_at_once(database: Database) -> None:
    group = GroupCommit(database, waiting=5)
    hold = threading.Event()
    started = threading.Event()

    def wait(cursor: Cursor) -> None:
        started.set()
        hold.wait(10)

    first = group.submit(wait)
    started.wait(10)
    waiting = [group.submit(put(str(n))) for n in range(5)]
    with pytest.raises(BusyError, match="too many calls wait for the ledger"):
        group.submit(put("x"))
    assert group.refused == 1
    hold.set()
    first.result(10)
    assert [f.result(10) for f in waiting] == ["0", "1", "2", "3", "4"]
    group.close()


def test_a_cancelled_operation_is_stored_all_the_same(database: Database, group: GroupCommit) -> None:
    async def leave() -> None:
        task = asyncio.ensure_future(group.run(put("a")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    group.close()
    assert stored(database) == {"a"}


def test_another_processes_writer_is_waited_for_and_then_complained_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.path is None:
        pytest.skip("PostgreSQL's writers do not wait for each other")
    monkeypatch.setattr("groundwork.storage.group.BUSY_SECONDS", 0.3)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    group = GroupCommit(database)
    with Stopwatch() as took:
        futures = [group.submit(put(str(n))) for n in range(4)]
        errors = [f.exception(10) for f in futures]
    assert took.seconds < 3
    assert all(isinstance(e, BusyError) for e in errors)
    assert len({id(e) for e in errors}) == 4
    other.execute("ROLLBACK")
    other.close()
    group.submit(put("now")).result(10)
    group.close()
    assert stored(database) == {"now"}


def test_the_server_may_be_started_anew_between_two_operations(
    database: Database, group: GroupCommit
) -> None:
    if database.path is not None:
        pytest.skip("SQLite has no server")
    group.submit(put("a")).result(10)
    with database.unbound() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
    group.submit(put("b")).result(10)
    assert stored(database) == {"a", "b"}


def test_the_log_stays_short_while_nobody_waits_for_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "log.db")
    database.migrate()
    group = GroupCommit(database, "normal")
    for round_ in range(150):
        for future in [group.submit(put(f"{round_}-{n}" + "x" * 3000)) for n in range(20)]:
            future.result(10)
    assert os.path.getsize(f"{database.path}-wal") < 64 * 2**20 < 150 * 20 * 3 * 8192
    group.close()
    database.close()


FULL = """
import resource, sys, asyncio
from groundwork.storage.database import Database
from groundwork.storage.group import GroupCommit
from groundwork.core.errors import GroundworkError
from tests.storage.test_group import put
database = Database(sys.argv[1])
group = GroupCommit(database)
group.submit(put("first")).result(10)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limit[1]))
codes = set()
kept = []
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4
async def crowd(name, n=400):
    found = await asyncio.gather(*[group.run(put(f"{name}-{i}" + "x" * 2000)) for i in range(n)], return_exceptions=True)
    for f in found:
        if isinstance(f, GroundworkError): codes.add(f.code)
        elif isinstance(f, BaseException): raise f
        else: kept.append(f)
asyncio.run(crowd("full0"))
before = rss()
for round_ in range(1, 6):
    asyncio.run(crowd(f"full{round_}"))
grown = rss() - before
resource.setrlimit(resource.RLIMIT_FSIZE, limit)
lost = len(kept)
asyncio.run(crowd("after", 50))
group.close()
from tests.storage.test_group import stored
assert stored(database) == {"first", *kept}, "what was told is not what is stored"
assert len(kept) == lost + 50, "it did not recover"
print(sorted(codes), grown)
"""


def test_a_store_that_refuses_is_told_stores_no_halves_and_is_over_by_itself(tmp_path: Path) -> None:
    database = Database(tmp_path / "full.db")
    database.migrate()
    database.close()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "full.db")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    codes, _, grown = done.stdout.strip().rpartition(" ")
    assert codes == "['storage_full']"
    assert int(grown) < 20 * 1024


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    group = GroupCommit(Database(tmp_path / "nowhere" / "x.db"))
    with pytest.raises(UnavailableError):
        group.submit(put("a")).result(10)
    group.close()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("durable", [True, False])
def test_only_durable_operations_wait_for_the_disk(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "g.db"
    Database(path).migrate()
    script = f"""
import asyncio
from groundwork.storage.database import Database
from groundwork.storage.group import GroupCommit
from tests.storage.test_group import put
group = GroupCommit(Database({str(path)!r}))
async def write():
    for n in range(40):
        await group.run(put(str(n)), durable={durable})
asyncio.run(write())
group.close()
"""
    log = tmp_path / "calls"
    traced = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=fdatasync,fsync",
        "-o",
        str(log),
        sys.executable,
        "-c",
        script,
    ]
    done = subprocess.run(traced, capture_output=True, text=True, timeout=60)
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine does not let strace trace")
    assert done.returncode == 0, done.stderr
    assert len(stored(Database(path))) == 40
    waits = log.read_text().count("sync(")
    assert waits >= 40 if durable else waits <= 6


def test_a_caller_who_is_alone_is_stored_at_once_in_his_own_thread(tmp_path: Path) -> None:
    database = Database(tmp_path / "g.db")
    database.migrate()
    group = GroupCommit(database, "normal")
    assert group.now(put("early")) is None  # no writer yet: it has to wait
    assert group.submit(put("a")).result(10) == "a"
    assert group.now(put("b")) == ("b", None)
    assert stored(database) == {"a", "b"}
    refused = group.now(refuse)
    assert refused is not None
    assert isinstance(refused[1], InvalidInputError)
    with database.write():  # somebody else holds the database: it has to wait, and nobody is held up
        assert group.now(put("c")) is None
    assert group.submit(put("d")).result(10) == "d"
    assert stored(database) == {"a", "b", "d"}
    group.close()
    assert GroupCommit(database, "full").now(put("e")) is None
    database.close()


def refuse(cursor: Cursor) -> str:
    raise InvalidInputError("no")


def test_what_waited_for_no_disk_is_on_it_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "g.db")
    database.migrate()
    synced = threading.Event()
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (real(handle), synced.set())[0])
    group = GroupCommit(database, "normal")
    for n in range(3):
        synced.clear()
        group.submit(put(str(n))).result(10)
        assert synced.wait(5)
    group.close()
    database.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[tuple[Database, GroupCommit]]:
    """A store in which operations wait for no disk, with its first operation done."""
    database = Database(tmp_path / "quick.db")
    database.migrate()
    group = GroupCommit(database, "normal")
    group.submit(put("first")).result(10)
    yield database, group
    group.close()
    database.close()


Seen = list[tuple[int, int]]


def note(digest: str, seen: Seen) -> Operation[str]:
    """Store a row, and note in which thread and which transaction that was."""

    def operation(cursor: Cursor) -> str:
        seen.append((threading.get_ident(), id(cursor)))
        return put(digest)(cursor)

    return operation


def test_what_comes_in_one_step_of_an_event_loop_is_committed_together_on_it(
    quick: tuple[Database, GroupCommit],
) -> None:
    database, group = quick
    seen: Seen = []

    async def together() -> list[object]:
        operations = [note("a", seen), refuse, note("b", seen)]
        return await asyncio.gather(*[group.run(o) for o in operations], return_exceptions=True)

    a, refused, b = asyncio.run(together())
    assert (a, b) == ("a", "b")
    assert isinstance(refused, InvalidInputError)
    assert stored(database) == {"first", "a", "b"}
    assert len(set(seen)) == 1
    assert seen[0][0] == threading.get_ident()


def test_a_step_stores_so_many_and_the_next_ones_the_rest(
    quick: tuple[Database, GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundwork.storage.group.IN_A_STEP", 3)
    database, group = quick
    done: list[str] = []

    async def work(n: int) -> None:
        done.append(await group.run(put(f"{n:02}")))

    async def many() -> None:
        await asyncio.gather(*[work(n) for n in range(10)])

    asyncio.run(many())
    assert done == [f"{n:02}" for n in range(10)]
    assert stored(database) == {"first", *done}
    assert group.waiting == 0


def test_what_fails_on_the_event_loop_is_left_to_the_thread(quick: tuple[Database, GroupCommit]) -> None:
    database, group = quick

    def stumble(cursor: Cursor) -> None:
        put("half")(cursor)
        raise ZeroDivisionError

    async def together() -> list[object]:
        return await asyncio.gather(
            *[group.run(o) for o in (put("a"), stumble, put("b"))], return_exceptions=True
        )

    a, stumbled, b = asyncio.run(together())
    assert (a, b) == ("a", "b")
    assert isinstance(stumbled, ZeroDivisionError)
    assert stored(database) == {"first", "a", "b"}


def test_an_event_loop_is_not_held_up_by_the_thread_or_by_another_process(
    quick: tuple[Database, GroupCommit],
) -> None:
    database, group = quick
    hold, begun = threading.Event(), threading.Event()

    def wait(cursor: Cursor) -> None:
        begun.set()
        hold.wait(10)

    async def meanwhile() -> list[str]:
        first = group.submit(wait)
        begun.wait(10)
        asked = [asyncio.ensure_future(group.run(put(name))) for name in "abc"]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in asked)
        hold.set()
        await asyncio.wrap_future(first)
        return await asyncio.gather(*asked)

    assert asyncio.run(meanwhile()) == ["a", "b", "c"]

    async def beside() -> str:
        other = sqlite3.connect(str(database.path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.ensure_future(group.run(put("d")))
        await asyncio.sleep(0.02)
        assert not asked.done()
        other.execute("ROLLBACK")
        other.close()
        return await asked

    assert asyncio.run(beside()) == "d"
    assert stored(database) == {"first", *"abcd"}


def test_a_commit_that_begins_the_log_anew_is_not_made_on_the_event_loop(
    quick: tuple[Database, GroupCommit],
) -> None:
    database, group = quick
    seen: Seen = []

    async def one(name: str) -> None:
        await group.run(note(name, seen))

    asyncio.run(one("a"))
    assert group._writer is not None
    points = group._writer._checkpoints
    assert points is not None
    with sqlite3.connect(str(database.path)) as connection:
        points._copy(connection)
    asyncio.run(one("b"))
    asyncio.run(one("c"))
    here = threading.get_ident()
    assert [thread == here for thread, _ in seen] == [True, False, True]


def test_who_is_told_hears_of_an_operation_that_nobody_waits_for_any_more(
    quick: tuple[Database, GroupCommit],
) -> None:
    _, group = quick
    heard: list[object] = []

    async def leave() -> None:
        for operation in (put("a"), refuse):
            future = group.begin(operation, told=lambda result, error: heard.append(error or result))
            future.cancel()
        await asyncio.sleep(0.01)

    asyncio.run(leave())
    assert heard[0] == "a"
    assert isinstance(heard[1], InvalidInputError)


def test_several_event_loops_store_beside_each_other(quick: tuple[Database, GroupCommit]) -> None:
    database, group = quick

    async def grow() -> None:
        for _ in range(50):
            await asyncio.gather(*[group.run(lambda c: c.run(GROW, {"more": 1})) for _ in range(4)])

    group.submit(put("a", 0)).result(10)
    threads = [threading.Thread(target=asyncio.run, args=(grow(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(select(t.blobs.c.size).where(t.blobs.c.digest == "a")).scalar_one() == 600


def test_the_log_stays_short_while_an_event_loop_has_no_quiet_moment(
    quick: tuple[Database, GroupCommit],
) -> None:
    database, group = quick

    async def write(name: int) -> None:
        for n in range(100):
            await group.run(put(f"{name}-{n}" + "x" * 3000))

    async def crowd() -> None:
        await asyncio.gather(*[write(name) for name in range(30)])

    asyncio.run(crowd())
    assert os.path.getsize(f"{database.path}-wal") < 64 * 2**20
    assert len(stored(database)) == 3001


def test_a_word_to_the_thread_leaves_no_event_loop_waiting(quick: tuple[Database, GroupCommit]) -> None:
    database, group = quick

    async def write() -> None:
        for n in range(200):
            group._queue.put(_Word.LOOK)
            await asyncio.wait_for(group.run(put(str(n))), 10)

    asyncio.run(write())
    assert len(stored(database)) == 201
