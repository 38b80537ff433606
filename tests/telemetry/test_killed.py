"""A process that dies while it stores: every span that was acknowledged is there, once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from groundwork.core.principal import LOCAL
from groundwork.telemetry.types import Query
from tests.telemetry.conftest import kept_in
from tests.telemetry.making import span, trace_id

# Stores batches of five spans in two threads and says after each which one was acknowledged.
WORK = """
import sys, threading
from tests.telemetry.conftest import kept_in
from tests.telemetry.making import span
kept = kept_in(sys.argv[1])
start = int(sys.argv[2])
lock = threading.Lock()

def go(first):
    for n in range(first, 10**6, 2):
        kept.store.add("default", [span(n, i, 0 if i else None, input=f"words {n}") for i in range(5)])
        with lock:
            print(n, flush=True)

for t in [threading.Thread(target=go, args=(start + i,), daemon=True) for i in range(2)]:
    t.start()
threading.Event().wait()
"""


def sweep(url: str, kills: int) -> None:
    acknowledged: set[int] = set()
    start = 0
    for kill in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", WORK, url, str(start)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3 + kill % 7)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        said = {int(line) for line in lines if line.strip().isdigit()}
        acknowledged |= said
        start = max([start, *said]) + 10
        start += start % 2
    kept = kept_in(url)
    try:
        for n in sorted(acknowledged):
            line = kept.reader.trace(LOCAL, trace_id(n))
            assert (line.spans, line.rootless) == (5, False)
            assert len(kept.reader.tree(LOCAL, trace_id(n)).items) == 5
        again = kept.store.add(
            "default", [span(n, i, 0 if i else None) for n in acknowledged for i in range(5)]
        )
        assert (again.stored, again.duplicates) == (0, 5 * len(acknowledged))
        # What was not acknowledged may be there, but only whole.
        found = kept.reader.raw("default", 0, 10**6)
        assert len({(s.trace_id, s.span_id) for _, s in found}) == len(found)
        page = kept.reader.traces(LOCAL, Query(text="words"), limit=1000)
        assert {x.spans for x in page.items} == {5}
        assert len(acknowledged) >= 3 * kills
    finally:
        kept.store.close()
        kept.database.close()


def test_every_acknowledged_span_is_there_once_after_a_kill(spans_url: str) -> None:
    sweep(spans_url, 3)


@pytest.mark.slow
def test_every_acknowledged_span_is_there_once_after_a_hundred_kills(spans_url: str) -> None:
    sweep(spans_url, 100)
