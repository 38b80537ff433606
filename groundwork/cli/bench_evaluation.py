"""`groundwork bench evaluation`: measure what an evaluation costs beside the model."""

from __future__ import annotations

from typing import Annotated

import typer

from groundwork.cli import bench_view as view
from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.door import Door, Reply


@app.add("evaluation", interrupted=UNCHANGED)
def evaluation(
    door: Door,
    examples: Annotated[int, typer.Option("--examples", min=10, help="How many examples.")] = 10_000,
    scorer: Annotated[
        list[str] | None,
        typer.Option("--scorer", "-s", metavar="NAME", help="A scorer; otherwise five. May be repeated."),
    ] = None,
) -> Reply:
    """Measure an evaluation of a model whose answers are cached: seconds, CPU and memory, beside the calls alone.

    It runs in a temporary workspace. What is measured is calling, scoring, writing and statistics, not the model.
    """
    from groundwork.bench import evaluation as bench

    result = bench.run(examples, tuple(scorer) if scorer else bench.SCORERS, say=door.note)
    return Reply(result, lambda screen: view.figures(result, screen))
