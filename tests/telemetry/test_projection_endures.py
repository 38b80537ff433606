"""A process that is killed between a call and its spans: whoever comes next makes each span once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from tests.telemetry.house import every_span, ledger, make_house

PROJECT = Path(__file__).resolve().parents[2]


def killed(root: Path, after_s: float) -> set[str]:
    """Run a worker for so long after its first call, kill it, and return the calls it told of."""
    command = [sys.executable, "-m", "tests.telemetry.calling_worker", str(root)]
    worker = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    first = worker.stdout.readline()
    time.sleep(after_s)
    worker.send_signal(signal.SIGKILL)
    rest = worker.stdout.read()
    worker.wait()
    # The last line may have been cut by the kill; it was settled all the same.
    return {line for line in (first + rest).splitlines() if len(line) == len("call_") + 26}


def endures(root: Path, kills: int) -> None:
    make_house(root).close()
    chance = random.Random(20261128)
    told: set[str] = set()
    for _ in range(kills):
        told |= killed(root / "house", chance.random() * 0.4)
    workspace = Workspace.open(root / "house")
    workspace.door.ledger.keep_up()  # charges what the dead process left open
    found = every_span(workspace)
    settled = {row["id"] for row in ledger(workspace) if row["state"] != "open"}
    assert told <= settled
    calls = Counter(s.call_id for s in found if s.name.startswith("chat"))
    assert set(calls) == settled
    assert set(calls.values()) == {1}
    assert len({(s.trace_id, s.span_id) for s in found}) == len(found)
    rows = {row["id"]: row for row in ledger(workspace)}
    for span in found:
        if span.name.startswith("chat"):
            row = rows[span.call_id]
            assert (span.input_tokens, span.output_tokens, span.cost_nanousd) == (
                row["input_tokens"],
                row["output_tokens"],
                row["cost_nanousd"],
            )
    workspace.close()


def test_after_kills_every_settled_call_has_its_spans_once(tmp_path: Path) -> None:
    endures(tmp_path, 3)


@pytest.mark.slow
def test_after_many_kills_every_settled_call_has_its_spans_once(tmp_path: Path) -> None:
    endures(tmp_path, 40)
