"""Measure how soon Groundwork is there: the command line's help, and a server that answers."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from groundwork.core.errors import UnavailableError

LONGEST_S = 60.0
SETTLE_S = 5.0


def run(repetitions: int = 9) -> dict[str, Any]:
    """Return medians: CPU of `groundwork --help`, seconds until a new server answers `/readyz`, and its idle memory.

    Args:
        repetitions: how often the help is shown; the server is started a third as often.

    Returns:
        `{repetitions, help_cpu_ms, help_wall_ms, ready_s, ready_cpu_s, idle_mib}`.
    """
    command = [sys.executable, "-c", "from groundwork.cli import main; main()"]
    helps = [_child([*command, "--help"]) for _ in range(repetitions)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*command, "init", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        starts = [_server(command, Path(folder)) for _ in range(max(1, repetitions // 3))]
    return {
        "repetitions": repetitions,
        "help_cpu_ms": round(1000 * statistics.median(cpu for cpu, _ in helps), 1),
        "help_wall_ms": round(1000 * statistics.median(wall for _, wall in helps), 1),
        "ready_s": round(statistics.median(s[0] for s in starts), 2),
        "ready_cpu_s": round(statistics.median(s[1] for s in starts), 2),
        "idle_mib": round(statistics.median(s[2] for s in starts), 1),
    }


def _child(command: list[str]) -> tuple[float, float]:
    begun, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.perf_counter() - begun


def _server(command: list[str], folder: Path) -> tuple[float, float, float]:
    import json

    begun = time.perf_counter()
    arguments = [*command, "serve", "--port", "0", "--json", "--workspace", str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = ""
        while said.count("{") == 0 or said.count("{") != said.count("}"):
            line = process.stdout.readline()
            if not line:
                raise UnavailableError(
                    "the server ended before it answered", hint="start it by hand: `groundwork serve`"
                )
            said += line
        url = json.loads(said)["url"]
        while time.perf_counter() - begun < LONGEST_S:
            with urllib.request.urlopen(f"{url.rstrip('/')}/readyz", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    break
        ready = time.perf_counter() - begun
        cpu = _cpu_seconds(process.pid)
        time.sleep(SETTLE_S)
        memory = _memory_mib(process.pid)
        process.terminate()
        process.wait(30)
    return ready, cpu, memory


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mib(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
