"""Two small charts as SVG inside a page: measures with their intervals, and months. No script, no font, no request.

Each has its numbers in words beside it, so the picture is never the only way to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from groundwork.pathways.portfolio.systems import Measure, Month

WIDTH, ROW, LEFT = 640, 28, 220


def intervals(measures: Sequence[Measure], title: str) -> str:
    """Return measures of one metric by release as dots with whiskers, oldest first; empty where there are none."""
    if not measures:
        return ""
    low = min(0.0, *(m.low for m in measures))
    high = max(1.0, *(m.high for m in measures)) if low >= 0 else max(m.high for m in measures)
    scale = (WIDTH - LEFT - 20) / ((high - low) or 1.0)

    def x(value: float) -> str:
        return f"{LEFT + (value - low) * scale:.1f}"

    height = ROW * len(measures) + 30
    drawn = []
    for n, m in enumerate(measures):
        y = ROW * n + 18
        drawn.append(
            f'<text class="t" x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(m.release)}</text>'
            f'<line class="w" x1="{x(m.low)}" x2="{x(m.high)}" y1="{y}" y2="{y}"/>'
            f'<circle class="d" cx="{x(m.value)}" cy="{y}" r="5"/>'
        )
    base = height - 22
    axis = "".join(
        f'<text class="t" x="{x(v)}" y="{height - 6}" text-anchor="middle">{v:g}</text>' for v in (low, high)
    )
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<line class="a" x1="{x(low)}" x2="{x(high)}" y1="{base}" y2="{base}"/>{axis}{"".join(drawn)}</svg>'
    )


def months(shown: Sequence[Month], title: str) -> str:
    """Return answers by month as bars, the oldest first; empty where there were none."""
    most = max((m.answers + m.declined for m in shown), default=0)
    if not most:
        return ""
    last = shown[-24:]
    step = WIDTH / len(last)
    drawn = []
    for n, m in enumerate(last):
        tall = 90 * (m.answers + m.declined) / most
        x, wide = n * step + step * 0.15, min(step * 0.7, 60)
        drawn.append(
            f'<rect class="b" x="{x:.1f}" y="{100 - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>'
        )
        if len(last) <= 8 or n % 6 == 0:
            drawn.append(f'<text class="t" x="{x:.1f}" y="118">{escape(m.month)}</text>')
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} 124" role="img" aria-label="{escape(title)}">'
        f'<line class="a" x1="0" x2="{WIDTH}" y1="100" y2="100"/>{"".join(drawn)}</svg>'
    )
