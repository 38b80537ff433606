"""`groundwork bench gates` and `bench ppi`: error rates and power of the gate, coverage of judged means, by simulation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.bench_view import interval
from groundwork.cli.door import Door, Reply
from groundwork.cli.screen import Screen


@app.add("gates", interrupted=UNCHANGED)
def gates(
    door: Door,
    simulate: Annotated[
        int, typer.Option("--simulate", min=20, help="Runs of each design, with and without an effect.")
    ] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal figures.")] = 0,
) -> Reply:
    """Measure how often the gate promotes what is no better, and finds what is.

    Every procedure runs on simulated golden sets: pairs, clusters, margins, several candidates, guards, and looks after
    every example. Exit code 1 when a design promotes wrongly in more than 5.5 % or misses its announced power by 3 points.
    """
    from groundwork.bench import gates as bench

    with door.progress("designs") as progress:
        result = bench.run(simulate, seed, progress.count)
    return Reply(result, lambda screen: _gates(result, screen), 0 if result["holds"] else 1)


@app.add("ppi", interrupted=UNCHANGED)
def ppi(
    door: Door,
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR]…",
            help="Folders of `frank` and `xstest`; made-up sets are always measured.",
            show_default=False,
            exists=True,
            file_okay=False,
        ),
    ] = None,
    simulate: Annotated[int, typer.Option("--simulate", min=20, help="Studies of each size.")] = 2000,
    labels: Annotated[
        list[int] | None, typer.Option("--labels", min=2, help="Human labels in a study; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal figures.")] = 0,
) -> Reply:
    """Measure how often a mean of few human labels and many judge scores holds the truth, and how narrow it is."""
    from groundwork.bench import powered as bench

    with door.progress("sets") as progress:
        result = bench.run(directories or [], simulate, labels or bench.SIZES, seed, progress.count)
    return Reply(result, lambda screen: _ppi(result, screen), 0 if result["holds"] else 1)


def _gates(result: Mapping[str, Any], screen: Screen) -> list[str]:
    lines = []
    for kind, title in (("designs", ""), ("comparators", "For comparison, what others do")):
        rows = [
            [
                ("  " if row.get("holds", True) else "! ") + row["design"],
                interval(_with(row, "false_promotion")),
                interval(_with(row, "power")) if row["power"] is not None else "–",
                interval(row["announced_power"]) if row["announced_power"] is not None else "–",
            ]
            for row in result[kind]
        ]
        lines += ["", screen.bold(title)] if title else []
        lines += screen.table(["  design", "false promotion", "power", "announced"], rows, "<>>>")
    said = "all hold" if result["holds"] else "those marked ! do not hold"
    note = f"{result['worlds']:,} runs of each, alpha {result['alpha']}, seed {result['seed']}, {result['seconds']} s"
    return [*lines, "", screen.soft(f"{note}; {said}")]


def _ppi(result: Mapping[str, Any], screen: Screen) -> list[str]:
    rows = [
        [
            ("! " if row["holds"] is False else "  ") + f"{row['set']}, {row['judge']}",
            f"{row['labels']:,}",
            interval(_with(row, "coverage")),
            interval(row["width"]),
            interval(row["width_human"]),
            interval(row["coverage_normal"]),
        ]
        for row in result["rows"]
    ]
    heads = ["  set, judge", "labels", "coverage", "width", "labels alone", "normal quantile"]
    note = f"{result['worlds']:,} studies of each, 95 % intervals, seed {result['seed']}"
    return [*screen.table(heads, rows, "<>>>>>"), "", screen.soft(note)]


def _with(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
