"""What the processes of the index contract do: write under a lock, read for ever, or grow until they are killed.

Run as `python -m groundwork.testing._index_process TASK INDEX LOCATION CONTROL NUMBER COUNT`.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

from groundwork.knowledge.indexes import INDEXES, Index
from groundwork.testing.index_oracle import DIM, answers, worded

QUESTIONS = 3


def write(index: Index, control: Path, number: int, count: int) -> None:
    """Append and publish one document at a time under the writers' lock, and note what each ref answers."""
    for step in range(count):
        version = f"w{number}-{step}"
        with (control / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            index.append(worded(version, 5))
            ref = index.publish(index.staged())
            if step % 2:
                index.maintain()
            refs: dict[str, Any] = json.loads((control / "refs.json").read_text())
            refs[ref] = answers(index, ref, QUESTIONS)
            (control / "refs.part").write_text(json.dumps(refs))
            os.replace(control / "refs.part", control / "refs.json")


def read(index: Index, control: Path) -> dict[str, Any]:
    """Ask every ref there is, again and again, until told to stop; return what was answered otherwise than noted."""
    errors: list[str] = []
    reads = 0
    while not (control / "stop").exists() or not reads:
        for ref, expected in json.loads((control / "refs.json").read_text()).items():
            try:
                found = json.loads(json.dumps(answers(index, ref, QUESTIONS)))
                if found != expected:
                    errors.append(f"{ref} answered otherwise")
            except Exception as error:
                errors.append(f"{ref}: {error!r}")
            reads += 1
    return {"reads": reads, "errors": errors[:20]}


def grow(index: Index, number: int, count: int) -> None:
    """Append and publish without end, saying what is done; a line counts when it ends with a point."""
    print("ready", flush=True)
    for step in range(count):
        version = f"g{number}-{step}"
        index.append(worded(version, 5))
        print(f"appended {version} .", flush=True)
        if step % 2:
            staged = index.staged()
            ref = index.publish(staged)
            print(f"published {ref} {sum(staged.values())} .", flush=True)
        if step % 5 == 4:
            index.maintain()


def main() -> None:
    task, name, location, control, number, count = sys.argv[1:]
    index = INDEXES.get(name)(location, DIM)
    if task == "write":
        write(index, Path(control), int(number), int(count))
    elif task == "read":
        json.dump(read(index, Path(control)), sys.stdout)
    else:
        index.staged()
        grow(index, int(number), int(count))


if __name__ == "__main__":
    main()
