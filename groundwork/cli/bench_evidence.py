"""`groundwork bench evidence`: measure predicates over a workspace full of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.door import Door, Reply

if TYPE_CHECKING:
    from groundwork.cli.screen import Screen


@app.add("evidence", interrupted=UNCHANGED)
def evidence(
    door: Door,
    records: Annotated[int, typer.Option("--records", min=1000, help="In each of two workspaces.")] = 100_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often everything is asked.")] = 5,
) -> Reply:
    """Measure how long all checks of the catalogue take over a workspace full of records.

    Two workspaces are filled: one in which checks hold, and one in which most come near and fail, which takes longer to
    explain. Exits with 1 when all checks together take more than 5 seconds in either.
    """
    from groundwork.bench import evidence as bench

    with door.progress("steps") as progress:
        result = bench.run(
            records, rounds, progress=lambda done, total, what: progress.stage(what, done, total)
        )
    return Reply(result, lambda screen: _lines(result, screen), 0 if result["holds"] else 1)


def _lines(result: dict[str, Any], screen: Screen) -> list[str]:
    rows = [
        [
            name,
            f"{world['records']:,}",
            f"{world['all_ms']:,.0f}",
            f"{world['all_max_ms']:,.0f}",
            f"{world['all_cpu_ms']:,.0f}",
            f"{world['median_ms']:.1f}",
            f"{world['slowest']} {world['slowest_ms']:,.0f}",
            f"{world['policy_ms']:.1f}",
        ]
        for name, world in result["worlds"].items()
    ]
    head = [
        "workspace",
        "records",
        "all checks ms",
        "slowest ms",
        "processor ms",
        "a check ms",
        "slowest check",
        "a policy ms",
    ]
    verdict = "holds" if result["holds"] else "does not hold"
    return [
        *screen.table(head, rows),
        "",
        f"{result['checks']} checks in {result['all_s']} s at most; the bar of {result['limit_s']:.0f} s {verdict}.",
    ]
