"""Small plots drawn as inline SVG: days as bars, attempts as a timeline. Pure; templates only print the numbers.

A plot repeats what a table beside it says, so it needs no script, and nobody has to read a colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor, log10

WIDTH = 720
HEIGHT = 96
GAP = 0.25
MOST_DAYS = 400
SHOWN_LABELS = 5
ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Bar:
    """One bar in units of the plot; `label` says its value in words."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Plot:
    """Bars over days; `top` is the value at the upper line, in words, `ticks` are days at equal distances."""

    bars: tuple[Bar, ...]
    ticks: tuple[str, ...]
    top: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Stretch:
    """A part of a timeline in percent of the whole; `left` and `wide` are clipped to it."""

    left: float
    wide: float


def days(first: date, last: date) -> list[str]:
    """Return every day from first to last, both included, as `2026-11-20`; the newest 400 at most."""
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


def daily(
    names: Sequence[str], values: Sequence[float], say: Callable[[float], str], note: Sequence[str] = ()
) -> Plot:
    """Draw one value per day; the upper line is the next round number above the largest.

    Args:
        names: days, oldest first.
        values: one for each day, none negative.
        say: says a value in words.
        note: further words for each bar.
    """
    top = round_up(max(values, default=0.0))
    step = WIDTH / max(1, len(names))
    bars = []
    for n, (name, value) in enumerate(zip(names, values, strict=True)):
        tall = HEIGHT * value / top if top else 0.0
        more = f", {note[n]}" if note else ""
        bars.append(
            Bar(
                round(step * (n + GAP / 2), 2),
                round(HEIGHT - max(tall, 1.5 if value else 0.0), 2),
                round(step * (1 - GAP), 2),
                round(max(tall, 1.5 if value else 0.0), 2),
                f"{name}: {say(value)}{more}",
            )
        )
    return Plot(tuple(bars), _ticks(names), say(top))


def stretch(start: float, length: float, whole: float) -> Stretch:
    """Return where a part of a timeline lies, in percent; what is too short to be seen gets a half."""
    if whole <= 0:
        return Stretch(0.0, 100.0)
    left = min(99.5, max(0.0, 100 * start / whole))
    return Stretch(round(left, 2), round(min(100 - left, max(0.5, 100 * length / whole)), 2))


def _ticks(names: Sequence[str]) -> tuple[str, ...]:
    """Return up to five days from the first to the last, which a page spreads over the width of the plot."""
    last, shown = len(names) - 1, min(SHOWN_LABELS, len(names))
    if shown < 2:
        return tuple(n[5:] for n in names)
    return tuple(names[round(n * last / (shown - 1))][5:] for n in range(shown))


def round_up(value: float) -> float:
    """Return the next of 1, 1.5, 2, … 8, 10 times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** floor(log10(value))
    return next(m * power for m in ROUND if m * power >= value * (1 - 1e-9))
