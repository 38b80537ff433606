"""`groundwork bench judges`: agreement on published sets, power and false alarms of the card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundwork.cli import bench_judges_view as view
from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.door import Door, Reply


@app.add("judges", interrupted=UNCHANGED)
def judges(
    door: Door,
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR]…",
            help="Folders with human labels and verdicts: pandalm, llmbar, xstest, wice, or one's own.",
            show_default=False,
            exists=True,
            file_okay=False,
        ),
    ] = None,
    simulate: Annotated[
        int, typer.Option("--simulate", min=0, help="Made-up judges for each leaning; 0: none.")
    ] = 400,
    labels: Annotated[int, typer.Option("--labels", min=20, help="Labelled pairs of each.")] = 200,
    bias: Annotated[
        float, typer.Option("--bias", min=0.01, max=0.5, help="The planted leaning, as a share of pairs.")
    ] = 0.15,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal figures.")] = 0,
) -> Reply:
    """Measure judges against people's labels, and whether a card finds a judge that leans.

    Folders are known by their columns. Every agreement comes with its 95 % interval, and beside the published figure
    where there is one for the same raters.
    """
    from groundwork.bench import judges as bench

    with door.progress("judges") as progress:
        result = bench.run(
            directories or [],
            simulate=simulate,
            labels=labels,
            bias=bias,
            seed=seed,
            progress=progress.count,
        )
    return Reply(result, lambda screen: view.lines(result, screen))
