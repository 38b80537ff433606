"""Start the workers of these tests and read what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a worker."""
    command = [sys.executable, "-m", "tests.durability.workers", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(worker: subprocess.Popen[str], seconds: float = 300) -> dict[str, Any]:
    """Wait for a worker and return what it printed; its error output is shown when it failed."""
    said, complained = worker.communicate(timeout=seconds)
    assert worker.returncode == 0, complained[-3000:]
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found
