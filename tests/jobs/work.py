"""Jobs for tests, and a worker process that does them: `python -m tests.jobs.work DATABASE ENGINE TTL`."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.core.errors import TooLargeError
from groundwork.jobs import Handler, JobContext
from groundwork.jobs.dbos_engine import DurableJobs
from groundwork.storage.database import Database


def add(context: JobContext) -> int:
    return sum(context.arguments["numbers"])


def whoami(context: JobContext) -> dict[str, Any]:
    who = context.principal
    return {"tenant": who.tenant, "name": who.name, "access": sorted(who.access), "owner": who.owner}


def refuse(context: JobContext) -> None:
    raise TooLargeError("the file `a.pdf` has 3 GiB", hint="split it", limit=100)


def stumble(context: JobContext) -> None:
    raise RuntimeError("unforeseen")


def strange(context: JobContext) -> Any:
    return {1, 2}


def stepwise(context: JobContext) -> list[Any]:
    """Write a line to a file in each of `steps` steps; wait at the step called `stop_at` until a file is there."""
    log, gate = Path(context.arguments["log"]), Path(context.arguments["gate"])

    def work(number: int) -> tuple[int, str]:
        note(log, str(number))
        while number == context.arguments["stop_at"] and not gate.exists():
            time.sleep(0.01)
        return number, "done"

    results = []
    for number in range(context.arguments["steps"]):
        results.append(context.step(f"step {number}", partial(work, number)))
        context.progress({"done": number + 1})
    return results


def patient(context: JobContext) -> str:
    """Run until told to stop."""
    note(Path(context.arguments["log"]), "begun")
    while not context.cancelled():
        time.sleep(0.02)
    return "stopped half-way"


def deadly(context: JobContext) -> None:
    import os

    os._exit(9)


def caught(context: JobContext) -> str:
    """Fail in a step and go on; after a crash the step fails again without being run."""
    log, gate = Path(context.arguments["log"]), Path(context.arguments["gate"])

    def fail() -> None:
        note(log, "tried")
        raise TooLargeError("too large", hint="split it", limit=7)

    try:
        context.step("fail", fail)
    except TooLargeError as error:
        note(log, "caught")
        while not gate.exists():
            time.sleep(0.01)
        return f"{error.message}; {error.hint}; {error.details['limit']}"
    return "not reached"


def note(log: Path, line: str) -> None:
    with log.open("a") as lines:
        lines.write(f"{line}\n")


def overtaken(context: JobContext) -> str:
    """Fail when this is the first run and the gate opens; the second run ends well, later."""
    log, gate, second_gate = (Path(context.arguments[name]) for name in ("log", "gate", "second_gate"))
    note(log, "begun")
    first = log.read_text() == "begun\n"
    while not (gate if first else second_gate).exists():
        time.sleep(0.01)
    note(log, "first ends" if first else "second ends")
    if first:
        raise TooLargeError("the first run failed after it had been overtaken")
    return "done by the second run"


HANDLERS: dict[str, Handler] = {
    work.__name__: work
    for work in (add, whoami, refuse, stumble, strange, stepwise, patient, deadly, caught, overtaken)
}


if __name__ == "__main__":
    DurableJobs(Database(sys.argv[1]), sys.argv[2], HANDLERS, ttl=float(sys.argv[3])).start()
    while True:
        time.sleep(60)
