"""Progress on stderr: a bar with rate and time left on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from groundwork.cli.screen import duration, one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

EVERY_SECONDS = 10.0
WORDS = {
    "waiting": "waiting for another writer",
    "scanning": "looking for files",
    "reading": "reading",
    "embedding": "embedding",
    "writing": "writing",
    "publishing": "publishing",
    "done": "done",
}


class Step(Protocol):
    """What a progress report holds; `total` is 0 while it is not known."""

    @property
    def stage(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def current(self) -> str: ...


class Progress:
    """A context manager that is itself the callback of long work.

    It understands an object with `stage`, `done`, `total` and `current`, and the plain form `(done, total,
    stage)`.
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._bar: RichProgress | None = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, tuple[float, int]] = {}
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: Step) -> None:
        """Show where the work stands."""
        self.at(step.stage, step.done, step.total, step.current)

    def count(self, done: int, total: int = 0, stage: str = "") -> None:
        """Show plain counts."""
        self.at(stage or self.noun, done, total, "")

    def stage(self, what: str, done: int, total: int) -> None:
        """Show that of the stage `what` so much is done."""
        self.at(what, done, total, "")

    def at(self, stage: str, done: int, total: int, current: str) -> None:
        """Show that `stage` has done `done` of `total`."""
        if stage == "done":
            return
        self._started.setdefault(stage, (time.monotonic(), done))
        if self._bar is None:
            self._line(stage, done, total)
            return
        if stage not in self._tasks:
            self._close_open_ended()
            self._tasks[stage] = self._bar.add_task(WORDS.get(stage, stage), total=total or None, current="")
        self._bar.update(
            self._tasks[stage], completed=done, total=total or None, current=one_line(current)[-40:]
        )

    def _close_open_ended(self) -> None:
        """Take away the bars of stages that never knew how long they are; the next stage says that they are over."""
        assert self._bar is not None
        for task in list(self._bar.tasks):
            if task.total is None:
                self._bar.remove_task(task.id)
        self._tasks = {s: t for s, t in self._tasks.items() if t in self._bar.task_ids}

    def _line(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said < EVERY_SECONDS:
            return
        self._said = now
        text = f"{WORDS.get(stage, stage)}: {done:,}" + (f" of {total:,}" if total else "")
        since, before = self._started[stage]
        speed = (done - before) / (now - since) if now - since > 1 else 0.0
        if speed > 0 and done < total:
            text += f", {speed:.1f}/s, {duration((total - done) / speed)} left"
        print(text, file=sys.stderr, flush=True)


def _bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Counts(ProgressColumn):
        """How many of how many, once that is known."""

        def render(self, task: Task) -> Text:
            return Text("" if task.total is None else f"{int(task.completed):,}/{int(task.total):,}")

    class Rate(ProgressColumn):
        """How many a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(
                f"{speed:.0f}/s" if speed and speed >= 1 else f"{speed:.2f}/s" if speed else "", style="dim"
            )

    return RichProgress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=24),
        Counts(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("[dim]{task.fields[current]}[/dim]"),
        console=Console(stderr=True, highlight=False),
        transient=True,
        refresh_per_second=8,
    )
