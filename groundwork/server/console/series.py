"""Plots of a series of steps: what the page's script draws, and the same as SVG for a page without it. Pure.

A measured share has its interval as a band. Where nothing was measured there is a gap, not a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from groundwork.server.console.plots import round_up

WIDTH, HEIGHT = 720.0, 120.0
Unit = Literal["count", "ms", "usd", "share", "tokens"]


@dataclass(frozen=True)
class Line:
    """One line over the steps; `low` and `high` are the edges of its band, where it has one."""

    name: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    bars: bool = False
    tone: str = ""


@dataclass(frozen=True)
class Drawn:
    """One line as SVG: paths in units of the plot."""

    name: str
    path: str
    band: str
    bars: bool
    tone: str


@dataclass(frozen=True)
class Series:
    """A plot: `data` is for the script, `lines`, `top` and `ticks` for the SVG; `empty` says that nothing was measured."""

    slug: str
    title: str
    data: dict[str, Any]
    lines: tuple[Drawn, ...]
    top: str
    ticks: tuple[str, ...]
    empty: bool
    width: float = WIDTH
    height: float = HEIGHT


def series(
    slug: str,
    title: str,
    unit: Unit,
    at: Sequence[int],
    step_s: int,
    lines: Sequence[Line],
    say: Callable[[float], str],
    query: str = "",
) -> Series:
    """Draw lines over steps.

    Args:
        at: when each step begins, seconds since 1970.
        say: says a value of the axis in words.
        query: filters of the list of traces, to which the script adds the step that was chosen.
    """
    known = [v for line in lines for v in line.values if v is not None]
    # A band of few values reaches far; it is cut off, so that it does not flatten all others.
    edges = sorted(v for line in lines for v in line.high if v is not None)
    largest = max([*known, 1.2 * edges[len(edges) // 2] if edges else 0.0], default=0.0)
    top = 1.0 if unit == "share" and largest > 0.5 else round_up(largest)
    drawn = tuple(_draw(line, top, len(at)) for line in lines)
    data = {
        "unit": unit, "at": list(at), "step": step_s, "query": query, "top": top,
        "lines": [
            {
                "name": x.name, "values": list(x.values), "low": list(x.low), "high": list(x.high), "bars": x.bars,
                "tone": x.tone,
            }
            for x in lines
        ],
    }  # fmt: skip
    return Series(slug, title, data, drawn, say(top), ticks(at, step_s), not any(known))


def ticks(at: Sequence[int], step_s: int) -> tuple[str, ...]:
    """Return up to five times from the first step to the last; days where steps are of hours or days."""
    if not at:
        return ()
    form = "%H:%M" if step_s < 3600 else "%-d %b %H:%M" if step_s < 86400 else "%-d %b"
    shown = min(5, len(at))
    places = [round(n * (len(at) - 1) / max(1, shown - 1)) for n in range(shown)]
    return tuple(datetime.fromtimestamp(at[n], UTC).strftime(form) for n in places)


def _draw(line: Line, top: float, count: int) -> Drawn:
    step = WIDTH / max(1, count)

    def place(n: float, value: float) -> str:
        return f"{step * (n + 0.5):.1f} {HEIGHT - HEIGHT * min(1.0, value / top if top else 0.0):.1f}"

    if line.bars:
        tall = [(n, HEIGHT * value / top) for n, value in enumerate(line.values) if value and top]
        path = "".join(
            f"M{step * n + step * 0.12:.1f} {HEIGHT:g}v{-t:.1f}h{step * 0.76:.1f}v{t:.1f}z" for n, t in tall
        )
        return Drawn(line.name, path, "", True, line.tone)
    path = "".join("M" + "L".join(place(n, v) for n, v in run) for run in _runs(line.values))
    band = ""
    if line.low and line.high:
        both = [
            None if low is None or high is None else (low, high)
            for low, high in zip(line.low, line.high, strict=True)
        ]
        for run in _runs(both):
            there = "L".join(place(n, high) for n, (_, high) in run)
            back = "L".join(place(n, low) for n, (low, _) in reversed(run))
            band += f"M{there}L{back}z"
    return Drawn(line.name, path, band, False, line.tone)


def _runs(values: Sequence[Any]) -> list[list[tuple[float, Any]]]:
    """Return the stretches without a gap, each value with its place; a single one is doubled, so that it is seen."""
    runs: list[list[tuple[float, Any]]] = []
    last = -2
    for n, value in enumerate(values):
        if value is None:
            continue
        if n != last + 1:
            runs.append([])
        runs[-1].append((n, value))
        last = n
    return [run if len(run) > 1 else [run[0], (run[0][0] + 0.4, run[0][1])] for run in runs]
