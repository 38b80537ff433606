"""Measure what an evaluation costs beside the model: examples of a cached model, scored, written and summed up.

The model's answers are in the gateway's cache before the clock starts, so what is measured is ours: calling, scoring,
writing, statistics. The same calls without an evaluation around them say how much of it the gateway is.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from groundwork.app.calling import caller_of, request_of
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.datasets.types import Example
from groundwork.evaluation.running import WORKERS

SPEC = """\
[indexes.default]
backend = "memory"
embedder = "none"

[providers.play]
kind = "scripted"

[providers.play.options.scripts]
m = {{ text = "{text}" }}

[providers.play.models.m]
price = {{ input = 1.0, output = 2.0 }}
"""
TEXT = "The Loire is 1006 km long, the longest river of France, and it ends in the Atlantic at Saint-Nazaire."
MODEL = "play/m"
SCORERS = ("exact", "f1", "rouge_l", "latency", "cost")
QUESTION = "Question {n}: how long is the Loire, in kilometres?"
Say = Callable[[str], None]


def run(
    examples: int = 10_000, scorers: Sequence[str] = SCORERS, *, say: Say = lambda _: None
) -> dict[str, Any]:
    """Measure and return the figures.

    Args:
        examples: how many, each with an input of its own. scorers: names.

    Returns:
        Seconds, CPU milliseconds an example and the largest memory in MiB of the evaluation; seconds of the same cached
        calls alone; `overhead_share`: how much of an example's time is not the gateway's; `state` and numbers that came out.
    """
    root = Path(tempfile.mkdtemp(prefix="gw-bench-"))
    try:
        (root / "groundwork.toml").write_text(SPEC.format(text=TEXT), encoding="utf-8")
        with Workspace.init(root) as workspace:
            say(f"{examples:,} examples")
            made = [
                Example(
                    f"e{n:06}",
                    QUESTION.format(n=n),
                    "1006 km",
                    cluster=f"c{n % 500}",
                    tags=(f"slice:{n % 8}",),
                )
                for n in range(examples)
            ]
            version = workspace.datasets.create(LOCAL, "bench", made)
            say("filling the cache")
            _call_all(workspace, made)
            say("the same calls from the cache")
            calls, calls_cpu = _timed(lambda: _call_all(workspace, made))
            say("the evaluation")
            word = f"model:{MODEL}?temperature=0"
            plan, planning_cpu = _timed(
                lambda: workspace.evaluation.runner.plan(
                    LOCAL, word, dataset=version.ref, scorers=list(scorers)
                )
            )
            found: Any = None

            def evaluate() -> None:
                nonlocal found
                found = workspace.evaluate(word, dataset=version.ref, scorers=list(scorers))

            seconds, cpu = _timed(evaluate)
            rows = len(workspace.evaluation.book.done(LOCAL, found.id))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "examples": examples,
        "scorers": list(scorers),
        "state": found.state,
        "results": rows,
        "seconds": round(seconds, 2),
        "examples_per_second": round(examples / seconds, 1),
        "cpu_ms_per_example": round(1000 * cpu / examples, 3),
        "calls_alone_seconds": round(calls, 2),
        "calls_alone_cpu_ms": round(1000 * calls_cpu / examples, 3),
        "overhead_share": round(max(0.0, 1 - calls / seconds), 3),
        "plan_seconds": round(plan, 2),
        "plan_cpu_seconds": round(planning_cpu, 2),
        "peak_rss_mib": round(peak, 1),
        "cost_usd": found.cost_usd,
        "failed": found.progress.get("failed"),
        "machine": {
            "cores": os.cpu_count(),
            "python": sys.version.split()[0],
            "load_average": round(os.getloadavg()[0], 2),
        },
    }


def _call_all(workspace: Workspace, made: Sequence[Example]) -> None:
    """Ask the model for every example, as many at a time as an evaluation does."""
    caller = caller_of(LOCAL)

    def ask(example: Example) -> str:
        request = request_of(MODEL, [("user", example.question)], temperature=0)
        return workspace.gateway.complete(request, caller).text

    with ThreadPoolExecutor(WORKERS) as pool:
        for text in pool.map(ask, made):
            assert text == TEXT


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return wall and processor seconds of a piece of work."""
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - cpu
