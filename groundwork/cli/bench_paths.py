"""`groundwork bench paths`: measure orders, plans, timelines and forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli.bench import UNCHANGED, app
from groundwork.cli.door import Door, Reply

if TYPE_CHECKING:
    from groundwork.cli.screen import Screen


@app.add("paths", interrupted=UNCHANGED)
def paths(
    door: Door,
    instances: Annotated[
        int, typer.Option("--instances", min=1, help="Orders that are compared with the best.")
    ] = 200,
    size: Annotated[int, typer.Option("--size", min=2, help="Items of the large plan.")] = 500,
    simulate: Annotated[int, typer.Option("--simulate", min=20, help="Simulated learners.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds draw equal worlds.")] = 0,
) -> Reply:
    """Measure how good and how fast plans are, whether stated timelines come out, and whether forecasts hold.

    Orders of 10 to 20 drawn items are compared with the best there is; every transition of the founding documents is planned
    at 10 hours a week; learners with a speed of their own are forecast and then work to the end. Exits with 1 when a goal is
    missed; those of speed count processor time.
    """
    from groundwork.bench import paths as bench

    with door.progress() as progress:
        result = bench.run(
            instances=instances, size=size, simulate=simulate, seed=seed, progress=progress.stage
        )
    return Reply(result, lambda screen: _lines(result, screen), 0 if result["holds"] else 1)


def _lines(result: dict[str, Any], screen: Screen) -> list[str]:
    order, speed, forecast = result["order"], result["speed"], result["forecast"]
    covers = forecast["covers"]
    lines = [
        f"order      {order['optimal']} of {order['n']} the best; mean gap {order['mean_gap']:.3%}, "
        f"worst {order['worst_gap']:.2%}",
        f"speed      {speed['items']} items: plan {speed['plan_cpu_s']} s of processor time ({speed['plan_s']} s), "
        f"forecast {speed['forecast_cpu_s']} s ({speed['forecast_s']} s); "
        f"at most {speed['bound']:.1%} from the best",
        f"forecast   80 % intervals held {covers['share']:.3f} [{covers['low']:.3f}, {covers['high']:.3f}] "
        f"of {forecast['n']:,} learners; width by labs finished: "
        + ", ".join(f"{labs}: {width:.2f}" for labs, width in forecast["widths"].items()),
        "",
    ]
    rows = [
        [
            row["transition"],
            f"{row['stated'][0]:g} to {row['stated'][1]:g}" if row["stated"] else "–",
            f"{row['p10']:.1f}",
            f"{row['p50']:.1f}",
            f"{row['p90']:.1f}",
            f"{row['hours']:,.0f}",
        ]
        for row in result["timelines"]
    ]
    return [*lines, *screen.table(["months", "stated", "P10", "P50", "P90", "hours"], rows, "<<>>>>")]
