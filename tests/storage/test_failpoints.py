"""A failpoint ends the process on the spot, at the passage it was told, and otherwise does nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import atexit
from groundwork.storage.failpoints import failpoint
atexit.register(print, "cleaned up")
for number in range(5):
    print(number, flush=True)
    failpoint("test.here")
"""


@pytest.mark.parametrize(
    ("value", "passed", "status"),
    [
        ("", 5, 0),
        ("test.elsewhere", 5, 0),
        ("test.here", 1, 137),
        ("test.here:3", 3, 137),
        ("test.here:9", 5, 0),
    ],
)
def test_the_process_ends_at_the_passage_that_was_named(value: str, passed: int, status: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "GW_FAILPOINT": value},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = run.stdout.split("\n")[:-1]
    assert run.returncode == status
    assert lines == [str(number) for number in range(passed)] + ([] if status else ["cleaned up"])
