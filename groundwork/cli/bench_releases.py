"""`groundwork bench releases`: measure rollbacks, requests during them, and canaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.bench_view import interval
from groundwork.cli.door import Door, Reply

if TYPE_CHECKING:
    from groundwork.cli.screen import Screen


@app.add("releases", interrupted=UNCHANGED)
def releases(
    door: Door,
    requests: Annotated[
        int,
        typer.Option("--requests", min=1, help="Questions that are asked at once while releases are moved."),
    ] = 1000,
    moves: Annotated[int, typer.Option("--moves", min=2, help="Rollbacks that are timed.")] = 50,
    runs: Annotated[int, typer.Option("--runs", min=20, help="Simulated canaries of each design.")] = 1000,
    length: Annotated[int, typer.Option("--length", min=10, help="Requests of a simulated canary.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds simulate equal canaries.")] = 0,
) -> Reply:
    """Measure how fast a rollback is, what requests notice of it, and how well canaries judge.

    Makes a workspace of its own with two releases and starts a server for it. The canaries are simulated: a regression of
    10 points has to be taken back in 90 % of the runs, and at most 5 % of candidates that are no worse. Exits with 1 when
    one of these does not hold.
    """
    from groundwork.bench import releases as bench

    with door.progress("steps") as progress:
        result = bench.run(
            moves=moves, requests=requests, runs=runs, length=length, seed=seed, progress=_telling(progress)
        )
    return Reply(result, lambda screen: _lines(result, screen), 0 if result["holds"] else 1)


def _telling(progress: Any) -> Any:
    return lambda done, total, what: progress.stage(what, done, total)


def _lines(result: dict[str, Any], screen: Screen) -> list[str]:
    rollback, moving = result["rollback"], result["moving"]
    lines = [
        f"rollback   p50 {rollback['p50_ms']} ms, slowest {rollback['max_ms']} ms (n = {rollback['n']}); the former release "
        f"served the next request {rollback['next_request_served_by_the_former']} of {rollback['n']} times",
        f"requests   {moving['requests']:,} at once during {moving['moves']} moves: {moving['errors']} errors, "
        f"in {moving['seconds']} s",
        "",
    ]
    rows = [
        [
            d["design"] + (" *" if d["judged"] else ""),
            interval(d["rolled_back"]),
            str(d["median_requests"] or "–"),
            interval(d["false_rollbacks"]),
        ]
        for d in result["canary"]
    ]
    lines += screen.table(
        ["canary", "10 points worse: taken back", "after", "no worse: taken back"], rows, "<>>>"
    )
    first = result["canary"][0]
    note = f"* default; {first['runs']:,} runs of {first['requests']} requests, 95 % Wilson intervals, seed {result['seed']}"
    return [*lines, "", screen.soft(note)]
