"""A store that refuses writes: calls are refused, nothing is half recorded, memory stays bounded, it is over by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

WORK = """
import asyncio, json, os, sys
from groundwork.core.errors import GroundworkError
from groundwork.storage.database import Database
from groundwork.storage import tables as t
from tests.gateway.ledgers import HTTP, asking, ending, open_books
from groundwork.gateway.records import BudgetLimit

path, calls = sys.argv[1], int(sys.argv[2])
database = Database(path)
house = open_books(database)
limits = (BudgetLimit("workspace", "day", 10**15),)
codes, done, unsettled = set(), 0, 0

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4

async def one():
    global done, unsettled
    admission = asking(HTTP, reserve=100, limits=limits)
    try:
        await house.ledger.admit(admission)
    except GroundworkError as error:
        codes.add(error.code)
        return
    try:
        await house.ledger.settle(ending(admission, cost=60))
        done += 1
    except GroundworkError as error:
        codes.add(error.code)
        unsettled += 1

async def crowd(n):
    for _ in range(n // 50):
        await asyncio.gather(*[one() for _ in range(50)])

def step(name):
    print(json.dumps({"step": name, "rss": rss(), "codes": sorted(codes), "done": done, "unsettled": unsettled}), flush=True)

asyncio.run(crowd(200))
step("before")
sys.stdin.readline()
asyncio.run(crowd(500))
step("refused")
asyncio.run(crowd(calls))
step("refused long")
sys.stdin.readline()
codes.clear()
asyncio.run(crowd(200))
house.ledger.keep_up()
step("after")
states = {}
for row in house.rows(t.calls):
    states[row.state] = states.get(row.state, 0) + 1
spent = sum(row.cost_nanousd for row in house.rows(t.calls))
windows = [[w.reserved_nanousd, w.spent_nanousd] for w in house.rows(t.budget_windows)]
attempts = [a.state for a in house.rows(t.attempts)]
counts = {"attempts": len(attempts), "open": attempts.count("open")}
print(json.dumps({"states": states, "spent": spent, "windows": windows, **counts}))
house.ledger.close()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Give a function that mounts a small disk, or mounts it anew with other options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)], capture_output=True
        )
        if done.returncode:
            pytest.skip("a small file system cannot be mounted here")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


@pytest.mark.parametrize("fault", ["shrunk", "filled"])
def test_calls_are_refused_while_the_disk_refuses_and_the_books_are_whole_afterwards(
    small_disk: Callable[..., Path], fault: str
) -> None:
    from groundwork.storage.database import Database

    place = small_disk("size=200m")
    database = Database(place / "ledger.db")
    database.migrate()
    database.close()
    command = [sys.executable, "-c", WORK, str(place / "ledger.db"), "5000"]
    worker = subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    try:
        line = worker.stdout.readline()
        assert line, worker.stderr.read()[-2000:]
        before = json.loads(line)
        if fault == "shrunk":
            used = shutil.disk_usage(place).used // 1024
            small_disk("remount", f"size={used + 40}k")
        else:
            subprocess.run(["dd", "if=/dev/zero", f"of={place / 'ballast'}", "bs=4k"], capture_output=True)
        worker.stdin.write("go\n")
        worker.stdin.flush()
        refused, long = json.loads(worker.stdout.readline()), json.loads(worker.stdout.readline())
        if fault == "shrunk":
            small_disk("remount", "size=200m")
        else:
            (place / "ballast").unlink()
        worker.stdin.write("go\n")
        worker.stdin.flush()
        after, books = json.loads(worker.stdout.readline()), json.loads(worker.stdout.readline())
        assert worker.wait(30) == 0, worker.stderr.read()[-2000:]
    finally:
        worker.kill()
        for pipe in (worker.stdin, worker.stdout, worker.stderr):
            pipe.close()
    assert before["done"] == 200
    assert refused["codes"] == ["storage_full"]
    assert long["codes"] == ["storage_full"]
    assert long["rss"] - refused["rss"] < 20 * 1024
    assert after["codes"] == []
    assert after["done"] == long["done"] + 200
    # Every call that was let in is in the books once, at its true cost; those that were refused are not.
    let_in = after["done"] + after["unsettled"]
    assert books["states"].get("done") == after["done"]
    assert books["states"].get("lost", 0) == after["unsettled"]
    assert (books["spent"], books["attempts"], books["open"]) == (60 * let_in, let_in, 0)
    assert books["windows"] == [[0, 60 * let_in]]
