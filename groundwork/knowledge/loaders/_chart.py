"""Charts of Office documents as tables: categories down, series across, from the values kept beside the drawing."""

from __future__ import annotations

from typing import Any

from groundwork.knowledge.loaders._package import child
from groundwork.knowledge.loaders._text import TextBuilder, one_line, pipe_table

MAX_POINTS = 2000


def add_chart(out: TextBuilder, root: Any) -> None:
    """Append a chart's title and its values under a mark `table`."""
    chart = child(root, "chart")
    if chart is None:
        return
    title = child(chart, "title")
    if title is not None:
        out.add(one_line("".join(t.text or "" for t in title.iter("{*}t"))))
    columns: dict[str, dict[int, str]] = {}
    categories: dict[int, str] = {}
    for place, series in enumerate(chart.iter("{*}ser"), 1):
        name = one_line(" ".join(_points(child(series, "tx")).values())) or f"Series {place}"
        categories = categories or _points(child(series, "cat")) or _points(child(series, "xVal"))
        columns[name] = _points(child(series, "val")) or _points(child(series, "yVal"))
    places = sorted({p for points in (*columns.values(), categories) for p in points})[:MAX_POINTS]
    rows = [[categories.get(p, ""), *(points.get(p, "") for points in columns.values())] for p in places]
    if rows:
        out.block("table", pipe_table([["", *columns], *rows]), "chart")


def _points(element: Any) -> dict[int, str]:
    """Return the cached values of a reference by their place."""
    found: dict[int, str] = {}
    for point in element.iter("{*}pt") if element is not None else ():
        value = child(point, "v")
        place = point.get("idx") or ""
        if value is not None and place.isdecimal():
            found[int(place)] = _short(value.text or "")
    return found


def _short(text: str) -> str:
    """Return a number without the noise of its last binary digits, any other text as it is."""
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return one_line(text)
