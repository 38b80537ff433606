"""Plots as inline SVG: an interval with its margin, and a histogram. Pure; every plot repeats what words beside it say.

Colours come from the style sheet of the page by class, so one plot does for reports and the console, light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDE = 320
HIGH = 34
EDGE = 8
PADDING = 0.12


def interval(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    threshold: float | None = None,
    zero: bool = True,
    state: str = "",
    label: str = "",
    least: float | None = None,
    most: float | None = None,
) -> str:
    """Return a point with its interval on an axis of its own.

    Args:
        threshold: a dashed line: the margin or limit that has to be cleared. zero: a line at 0.
        state: a class for its colour: `pass`, `fail`, `undecided`, or nothing.
        label: what it shows, in words, for who cannot see it.
        least, most: ends of the axis; otherwise what has to be shown fits.
    """
    if value is None or not math.isfinite(value):
        said = escape(label or "no value")
        return f'<svg class="whisker" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{said}"></svg>'
    shown = [
        v for v in (value, low, high, threshold, 0.0 if zero else None) if v is not None and math.isfinite(v)
    ]
    bottom, top = (min(shown) if least is None else least), (max(shown) if most is None else most)
    room = (top - bottom) * PADDING or max(abs(top) * PADDING, 0.01)
    bottom, top = (bottom - room if least is None else bottom), (top + room if most is None else top)

    def x(v: float) -> float:
        share = (min(max(v, bottom), top) - bottom) / (top - bottom)
        return round(EDGE + share * (WIDE - 2 * EDGE), 1)

    middle = HIGH / 2
    parts = [f'<line class="whisker-axis" x1="{EDGE}" x2="{WIDE - EDGE}" y1="{HIGH - 4}" y2="{HIGH - 4}"/>']
    if zero and bottom <= 0 <= top:
        parts.append(f'<line class="whisker-zero" x1="{x(0)}" x2="{x(0)}" y1="3" y2="{HIGH - 4}"/>')
    if threshold is not None:
        parts.append(
            f'<line class="whisker-margin" x1="{x(threshold)}" x2="{x(threshold)}" y1="3" y2="{HIGH - 4}"/>'
        )
    if low is not None and high is not None:
        parts.append(
            f'<line class="whisker-range" x1="{x(low)}" x2="{x(high)}" y1="{middle}" y2="{middle}"/>'
        )
        parts += [
            f'<line class="whisker-range" x1="{x(v)}" x2="{x(v)}" y1="{middle - 5}" y2="{middle + 5}"/>'
            for v in (low, high)
        ]
    parts.append(f'<circle class="whisker-point" cx="{x(value)}" cy="{middle}" r="4.5"/>')
    kind = f"whisker {'whisker-' + state if state else ''}".strip()
    return (
        f'<svg class="{escape(kind)}" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )


def histogram(values: Sequence[float], *, bins: int = 20, label: str = "") -> str:
    """Return how often values fall where, as bars of equal width; nothing for no values."""
    kept = [v for v in values if math.isfinite(v)]
    if not kept:
        return ""
    low, high = min(kept), max(kept)
    wide = (high - low) or 1.0
    counts = [0] * (bins if high > low else 1)
    for v in kept:
        counts[min(len(counts) - 1, int((v - low) / wide * len(counts)))] += 1
    tall, most, step = 72, max(counts), (WIDE - 2 * EDGE) / len(counts)
    bars = "".join(
        f'<rect class="whisker-bar" x="{EDGE + n * step + 0.5:.1f}" y="{4 + (tall - 8) * (1 - c / most):.1f}" '
        f'width="{max(step - 1, 0.5):.1f}" height="{(tall - 8) * c / most:.1f}"/>'
        for n, c in enumerate(counts)
    )
    return (
        f'<svg class="whisker whisker-tall" viewBox="0 0 {WIDE} {tall}" role="img" aria-label="{escape(label)}">'
        f'<title>{escape(label)}</title>{bars}<line class="whisker-axis" x1="{EDGE}" x2="{WIDE - EDGE}" y1="{tall - 4}" '
        f'y2="{tall - 4}"/></svg>'
    )
