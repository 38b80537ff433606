"""Background work: how a job reads on a page, and the engine that does it in the server's own process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from groundwork.jobs import JobInfo

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

START_AFTER_SECONDS = 0.75
"""The engine takes about a second of CPU to load; the first page comes before it."""
log = logging.getLogger("groundwork.server")
COLOURS = {"queued": "plain", "running": "warn", "succeeded": "good", "failed": "bad", "cancelled": "plain"}
UNITS = {
    "reading": "files read",
    "embedding": "chunks embedded",
    "writing": "chunks written",
    "scanning": "files seen",
}
STATES = {"succeeded": "done"}


@dataclass(frozen=True)
class Work:
    """A job in the words of a page; `total` is 0 while it is not known."""

    id: str
    title: str
    state: str
    colour: str
    running: bool
    stopping: bool
    words: str
    stage: str
    done: int
    total: int
    current: str
    created_at: str
    problem: str
    advice: str
    index: str
    facts: tuple[tuple[str, str], ...]
    made: tuple[str, str] | None = None
    """Address and name of what came out, where it has a page of its own."""


def work_of(job: JobInfo) -> Work:
    """Return the job in words."""
    progress = job.progress
    stage, done, total = (
        str(progress.get("stage", "")),
        _whole(progress.get("done")),
        _whole(progress.get("total")),
    )
    error = job.error or {}
    return Work(
        id=job.id,
        title=_title(job),
        state=STATES.get(job.state, job.state),
        colour=COLOURS[job.state],
        running=not job.finished,
        stopping=job.cancel_requested and not job.finished,
        words=_words(job, stage, done, total),
        stage=stage,
        done=done,
        total=total,
        current=str(progress.get("current", "")),
        created_at=job.created_at,
        problem=str(error.get("message", "")),
        advice=str(error.get("hint", "")),
        index=str(job.arguments.get("index", "")),
        facts=_facts(job.result) if isinstance(job.result, Mapping) else (),
        made=_made(job.result) if isinstance(job.result, Mapping) else None,
    )


class Worker:
    """Starts the job engine beside the server, so that neither start-up nor a first page waits for it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to take up jobs, in the background; also those that an earlier server left."""
        self._thread = threading.Thread(target=self._run, name="start-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait until the engine has started, if it was to; closing the workspace stops it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        if self._stopping.wait(START_AFTER_SECONDS):
            return
        try:
            self._workspace.start_worker()
        except Exception:
            # Asking and reading work without the engine; jobs wait, and their pages say so.
            log.exception("background work cannot be done by this server")


def _title(job: JobInfo) -> str:
    if job.kind != "ingest":
        return job.kind.replace("_", " ").capitalize()
    paths = [PurePath(str(p)).name for p in job.arguments.get("paths", ())]
    what = paths[0] if len(paths) == 1 else f"{len(paths):,} files"
    return f"Add {what} to {job.arguments.get('index', 'default')}"


def _words(job: JobInfo, stage: str, done: int, total: int) -> str:
    if job.cancel_requested and not job.finished:
        return "Stopping at the next safe place."
    if job.state == "queued":
        return "Waiting for its turn."
    if job.state == "running":
        return (
            f"{_amount(done, total)} {UNITS.get(stage, stage)}".strip()
            if total or done
            else f"{stage or 'starting'}…".capitalize()
        )
    return {
        "succeeded": "Done.",
        "failed": "It did not work; what readers see is unchanged.",
        "cancelled": "Stopped; what was done is kept, and what readers see is unchanged.",
    }[job.state]


def _amount(done: int, total: int) -> str:
    return f"{done:,} of {total:,}" if total else f"{done:,}"


def _facts(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    documents = result.get("documents")
    found = [(k, str(v)) for k, v in documents.items() if v] if isinstance(documents, Mapping) else []
    found += [(k, f"{result[k]:,}") for k in ("chunks", "embedded") if isinstance(result.get(k), int)]
    if isinstance(result.get("seconds"), int | float):
        found.append(("seconds", f"{result['seconds']:.1f}"))
    return tuple(found)


def _made(result: Mapping[str, Any]) -> tuple[str, str] | None:
    if isinstance(result.get("verdict"), str):
        return f"/gates/verdicts/{result['verdict']}", "Open the verdict"
    if isinstance(result.get("evaluation"), str):
        return f"/evaluations/{result['evaluation']}", "Open the evaluation"
    return None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
