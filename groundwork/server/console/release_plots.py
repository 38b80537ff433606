"""The two bets of a canary over its requests, drawn as inline SVG with the lines at which they decide. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.core.improvement import CanarySpec
from groundwork.releases.trials import Point

WIDTH, HEIGHT = 720, 160
MOST_POINTS = 360
LOWEST = math.log(0.1)
"""E-values under this are drawn at the lower edge: how far a bet has lost already says nothing more."""


@dataclass(frozen=True)
class Curve:
    """One bet: its line, and the height at which it decides, with words for either."""

    name: str
    slug: str
    points: str
    line: float
    decides: str
    now: str


@dataclass(frozen=True)
class Drawn:
    """Both bets on one scale; `zero` is the height of e = 1, where a bet begins."""

    curves: tuple[Curve, ...]
    zero: float
    last: int
    width: int = WIDTH
    height: int = HEIGHT


def course(points: Sequence[Point], spec: CanarySpec) -> Drawn:
    """Draw both bets; the scale is logarithmic in the e-value.

    Args:
        points: oldest first, the first before any request.
    """
    harm_line, benefit_line = -math.log(spec.harm_alpha), -math.log(spec.alpha)
    kept = _thinned(points)
    top = max([harm_line, benefit_line, *(p.harm for p in points), *(p.benefit for p in points)]) * 1.08
    last = max(1, points[-1].seq if points else 1)

    def y(value: float) -> float:
        share = (max(value, LOWEST) - LOWEST) / (top - LOWEST)
        return round(HEIGHT * (1 - share), 2)

    def line(values: Sequence[float]) -> str:
        return " ".join(f"{WIDTH * p.seq / last:.1f},{y(v)}" for p, v in zip(kept, values, strict=True))

    harm, benefit = [p.harm for p in kept], [p.benefit for p in kept]
    curves = (
        Curve("harm", "bad", line(harm), y(harm_line), _e(harm_line), _e(harm[-1] if harm else 0.0)),
        Curve(
            "benefit",
            "good",
            line(benefit),
            y(benefit_line),
            _e(benefit_line),
            _e(benefit[-1] if benefit else 0.0),
        ),
    )
    return Drawn(curves, y(0.0), last)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most so many points that a screen can show; the last is always one of them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = math.ceil(len(points) / MOST_POINTS)
    kept = list(points[::step])
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]


def _e(log_e: float) -> str:
    value = math.exp(min(log_e, 40.0))
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
