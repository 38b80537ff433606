"""End an ingest at every durable system call, run it again, and compare with a run that nobody disturbed.

`strace` ends the process with SIGKILL as it enters the k-th call of a kind, so the sweep needs no knowledge of the code it
tests (the fault loop of SQLite: https://www.sqlite.org/testing.html#i_o_error_testing, with the process killed instead).
Named failpoints do the same in a fraction of the time. SIGKILL keeps what the kernel has accepted, so this says
nothing about power loss.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.bench.dump import differences, logical_dump
from groundwork.core.errors import MissingDependencyError

CALLS = (
    *(
        "write",
        "pwrite64",
        "writev",
        "pwritev",
        "pwritev2",
        "fsync",
        "fdatasync",
        "sync_file_range",
        "syncfs",
    ),
    *("ftruncate", "fallocate", "copy_file_range", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
    *("link", "linkat", "mkdir", "mkdirat", "rmdir", "utimensat"),
)
"""System calls that change what a restart finds."""

_EVENT = re.compile(r"^(?P<thread>\d+) +(?P<call>\w+)\((?P<rest>.*)$")
_ONE_THREAD = {"TOKIO_WORKER_THREADS": "1", "LANCE_CPU_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""With one thread a kind, the k-th call of a kind is nearly the same one in every run."""

Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Crash:
    """Where to end the process: at the `number`-th call of `call` in one thread, or at a named failpoint."""

    call: str
    number: int
    failpoint: bool = False

    @property
    def name(self) -> str:
        return f"{self.call}:{self.number}"

    def command(self, command: Sequence[str], log: Path) -> list[str]:
        """Return `command` so changed that it ends here."""
        if self.failpoint:
            return list(command)
        fault = f"inject={self.call}:signal=KILL:when={self.number}"
        # Not with --seccomp-bpf: strace 6.1 then injects no signal.
        return [
            "strace",
            "-f",
            "-qq",
            "-y",
            "-e",
            f"trace={self.call}",
            "-e",
            fault,
            "-o",
            str(log),
            *command,
        ]

    def environment(self) -> dict[str, str]:
        """Return what the environment must say."""
        return {"GW_FAILPOINT": self.name} if self.failpoint else {}


@dataclass(frozen=True)
class Stage:
    """A workspace to begin from and the command that is to be disturbed; `again` says how to go on after a crash."""

    name: str
    template: Path
    command: tuple[str, ...]
    again: Prepare
    questions: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What a sweep found: crashes that happened, ones whose place was not reached, and differences by crash."""

    planned: int = 0
    fired: list[str] = field(default_factory=list)
    not_reached: list[str] = field(default_factory=list)
    failures: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, crash: str, fired: bool, found: list[str]) -> None:
        """Count one crash."""
        self.planned += 1
        (self.fired if fired else self.not_reached).append(crash)
        if found:
            self.failures[crash] = found

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON-compatible values."""
        return {
            "planned": self.planned,
            "fired": len(self.fired),
            "not_reached": self.not_reached,
            "by_call": dict(Counter(c.split(" ")[-1].split(":")[0] for c in self.fired)),
            "failures": self.failures,
            "seconds": round(self.seconds, 1),
        }


def groundwork_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of `groundwork` with this interpreter."""
    return (sys.executable, "-c", "from groundwork.cli import main; main()", *arguments)


def durable_calls(stage: Stage, folder: Path) -> tuple[list[Crash], Path]:
    """Run a stage to its end under trace; return every durable call it makes in the workspace, and the workspace."""
    if shutil.which("strace") is None:
        raise MissingDependencyError(
            "the crash sweep needs the program `strace`, which is not installed",
            hint="install it, for example with `apt install strace`",
        )
    root = folder / f"{stage.name}-undisturbed"
    shutil.copytree(stage.template, root)
    log = folder / f"{stage.name}.trace"
    trace = ["strace", "-f", "-qq", "-y", "--seccomp-bpf", "-e", f"trace={','.join(CALLS)}", "-o", str(log)]
    _run([*trace, *stage.command], root, {})
    return calls_in(log.read_text("utf-8", "replace").splitlines(), str(root)), root


def calls_in(lines: Iterable[str], root: str) -> list[Crash]:
    """Return the distinct (call, number within its thread) of a trace that touch files under `root`, in order of time."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[Crash, None] = {}
    for line in lines:
        event = _EVENT.match(line)
        if event is None:
            continue
        counts[event["thread"], event["call"]] += 1
        if root in event["rest"]:
            found[Crash(event["call"], counts[event["thread"], event["call"]])] = None
    return list(found)


def sweep(
    stage: Stage,
    crashes: Sequence[Crash],
    expected: dict[str, Any],
    folder: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Crash the stage at every place, each in its own copy, go on, and compare with `expected`."""
    outcome = Outcome()
    begun = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        jobs = [(c, pool.submit(_crash_and_go_on, stage, c, expected, folder)) for c in crashes]
        for crash, job in jobs:
            fired, found = job.result()
            outcome.add(f"{stage.name} {crash.name}", fired, found)
            progress(outcome.planned, len(crashes))
    outcome.seconds = time.monotonic() - begun
    return outcome


def _crash_and_go_on(
    stage: Stage, crash: Crash, expected: dict[str, Any], folder: Path
) -> tuple[bool, list[str]]:
    place = Path(tempfile.mkdtemp(prefix=f"{stage.name}-{crash.call}-{crash.number}-", dir=folder))
    root = place / "workspace"
    shutil.copytree(stage.template, root)
    status, said = _run(crash.command(stage.command, place / "trace"), root, crash.environment(), check=False)
    fired = status in (-9, 137)
    found = [] if fired or status == 0 else [f"the disturbed run ended with status {status}: {said[-300:]}"]
    try:
        stage.again(root)
        found += differences(expected, logical_dump(root, stage.questions))
    except Exception as error:  # whatever goes wrong here is what the sweep looks for
        found.append(f"going on failed: {type(error).__name__}: {error}")
    if not found:
        shutil.rmtree(place, ignore_errors=True)
    return fired, found


def _run(
    command: Sequence[str], root: Path, environment: dict[str, str], *, check: bool = True
) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **_ONE_THREAD, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode:
        raise RuntimeError(f"{json.dumps(list(command))} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.returncode, done.stderr
