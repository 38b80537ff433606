"""Evaluations in the words of a page: numbers with their intervals, plots as inline SVG, what is worth reading first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from groundwork.core.money import usd
from groundwork.evaluation.metrics.naming import with_unit
from groundwork.evaluation.reports.plots import interval
from groundwork.evaluation.types import Evaluation, Result, Score
from groundwork.evaluation.worst import goodness, primary

STATES = {"planned": ("plain", "waiting"), "running": ("warn", "running"), "done": ("good", "done"),
          "failed": ("bad", "stopped"), "cancelled": ("plain", "stopped")}  # fmt: skip
WIDE, HIGH, PAD = 640, 120, 10
MOST_POINTS = 60
LINES = 3


@dataclass(frozen=True)
class MetricRow:
    """One metric in words, with its interval drawn."""

    name: str
    label: str
    value: str
    between: str
    n: str
    clusters: str
    method: str
    plot: Markup


@dataclass(frozen=True)
class Trend:
    """One number over the evaluations of one subject and dataset, oldest first, with its interval as a band."""

    title: str
    plot: Markup
    points: tuple[tuple[str, str, str], ...]
    """(address, when, value in words) of each."""


def state_of(found: Evaluation, owner: str) -> tuple[str, str]:
    """Return colour and word of an evaluation's state; one that nobody works on any more is stopped."""
    if found.state == "running" and not owner:
        return "warn", "interrupted"
    return STATES[found.state]


def metric_rows(found: Evaluation, corrected: Mapping[str, Any]) -> list[MetricRow]:
    """Return every metric that was measured, in the order of the scorers."""
    rows = [_row(found, name, m) for name, m in (found.summary or {}).items() if _is_metric(m)]
    for name, m in corrected.items():
        rows.append(_row(found, f"{name}, corrected for the judge's error", m, bounded=True))
    return rows


def headline(found: Evaluation) -> str:
    """Return the number that stands for an evaluation, such as `correct 0.81, 0.76 to 0.85 (n = 240)`."""
    name = primary(found.scorers)
    m = (found.summary or {}).get(name)
    if not m or m.get("value") is None:
        return ""
    between = f", {figure(m['low'])} to {figure(m['high'])}" if m.get("low") is not None else ""
    return f"{name} {figure(m['value'])}{between} (n = {int(m['n']):,})"


def slice_rows(found: Evaluation) -> list[MetricRow]:
    """Return the number that stands for an evaluation by tag, the worst first."""
    name = primary(found.scorers)
    table = (found.summary or {}).get("slices") or {}
    known = found.scorers.get(name, {})
    sign = 1 if known.get("higher_is_better", True) else -1
    by_tag = [(tag, m[name]) for tag, m in table.items() if name in m and m[name].get("value") is not None]
    by_tag.sort(key=lambda pair: sign * pair[1]["value"])
    return [_row(found, tag, m, bounded=bool(known.get("worst") is not None)) for tag, m in by_tag]


def trends(found: Sequence[Evaluation]) -> list[Trend]:
    """Return how the number that stands for it moved, for each subject and dataset with two evaluations and more."""
    groups: dict[tuple[str, str, str], list[Evaluation]] = {}
    for e in reversed(found):
        name = primary(e.scorers)
        m = (e.summary or {}).get(name)
        if e.state == "done" and m and m.get("value") is not None:
            subject = e.app or str(e.subject.get("name", ""))
            groups.setdefault((subject, e.dataset, name), []).append(e)
    several = sorted((g for g in groups.items() if len(g[1]) > 1), key=lambda g: g[1][-1].id, reverse=True)
    return [_trend(*key, members[-MOST_POINTS:]) for key, members in several[:LINES]]


def score_rows(found: Evaluation, result: Result) -> list[dict[str, Any]]:
    """Return the scores of one result in words, those that are not perfect first."""
    rows = [
        {"name": name, "value": _score_words(s), "reason": s.reason, "label": s.label, "error": s.error,
         "parts": sorted(s.parts.items()), "good": goodness(known, s) if s.applies else 2.0}
        for name, known in found.scorers.items()
        if (s := result.scores.get(name)) is not None
    ]  # fmt: skip
    return sorted(rows, key=lambda r: r["good"])


def score_line(found: Evaluation, result: Result) -> str:
    """Return the scores of one result in a line."""
    return ", ".join(
        f"{name} {_score_words(s)}" for name in found.scorers if (s := result.scores.get(name)) is not None
    )


def cost_words(found: Evaluation) -> str:
    """Return what an evaluation cost beside what it was thought to cost."""
    expected = found.expected_cost_usd
    thought = "" if not expected else f" of about {usd(expected)}"
    return f"{usd(found.cost_usd)}{thought}"


def figure(value: Any) -> str:
    """Return a number with three significant digits, a dash for none."""
    if value is None:
        return "–"
    number = float(value)
    if number == int(number) and abs(number) < 1e6:
        return f"{int(number):,}"
    return (
        f"{number:.3f}"
        if 0.001 <= abs(number) < 100
        else f"{number:,.0f}"
        if abs(number) >= 100
        else f"{number:.2g}"
    )


def _row(found: Evaluation, name: str, m: Mapping[str, Any], *, bounded: bool | None = None) -> MetricRow:
    known = found.scorers.get(name)
    first = str(known["metrics"][0]) if known and known["metrics"] else "mean"
    label = name if first in ("mean", "rate") else f"{first}({name})"
    low, high = m.get("low"), m.get("high")
    if bounded is None:
        scorer = known or found.scorers.get(name.partition("(")[2].rstrip(")"), {})
        bounded = scorer.get("worst") is not None
    said = f"{label} {figure(m.get('value'))}" + (
        f", {figure(low)} to {figure(high)}" if low is not None else ""
    )
    ends: dict[str, float] = (
        {"least": 0.0, "most": 1.0} if bounded and 0 <= (m.get("value") or 0) <= 1 else {}
    )
    drawn = interval(
        m.get("value"), low, high, zero=False, label=said, least=ends.get("least"), most=ends.get("most")
    )
    return MetricRow(
        name, with_unit(label, name, found.scorers), figure(m.get("value")),
        "–" if low is None else f"{figure(low)} to {figure(high)}",
        f"{int(m.get('n', 0)):,}", f"{int(m.get('clusters', 0)):,}", str(m.get("method", "")),
        Markup(drawn),  # noqa: S704 - made of numbers and words that `interval` has escaped
    )  # fmt: skip


def _trend(subject: str, dataset: str, name: str, members: Sequence[Evaluation]) -> Trend:
    values = [(e.summary or {})[name] for e in members]
    lows = [float(m["value"] if m.get("low") is None else m["low"]) for m in values]
    highs = [float(m["value"] if m.get("high") is None else m["high"]) for m in values]
    bottom, top = min(lows), max(highs)
    bottom, top = (min(bottom, 0.0), 1.0) if bottom >= 0 and top <= 1 else (bottom, top)
    room = (top - bottom) or 1.0
    step = (WIDE - 2 * PAD) / max(1, len(values) - 1)

    def at(n: int, value: float) -> str:
        return f"{PAD + n * step:.1f},{HIGH - PAD - (value - bottom) / room * (HIGH - 2 * PAD):.1f}"

    middle = [at(n, float(m["value"])) for n, m in enumerate(values)]
    band = [at(n, v) for n, v in enumerate(highs)] + [at(n, v) for n, v in reversed(list(enumerate(lows)))]
    dots = Markup("").join(
        Markup('<circle class="trend-point" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
            *point.split(","), f"{e.created_at[:10]}: {headline(e)}"
        )
        for point, e in zip(middle, members, strict=True)
    )
    plot = Markup(
        '<svg class="trend" viewBox="0 0 {w} {h}" role="img" aria-label="{said}; the list beside it says the same">'
        '<line class="trend-edge" x1="0" x2="{w}" y1="{a}" y2="{a}"/>'
        '<line class="trend-edge" x1="0" x2="{w}" y1="{b}" y2="{b}"/>'
        '<polygon class="trend-band" points="{band}"/><polyline class="trend-line" points="{line}"/>{dots}</svg>'
    ).format(w=WIDE, h=HIGH, a=PAD, b=HIGH - PAD, said=f"{name} of {subject} over {dataset}", band=" ".join(band),
             line=" ".join(middle), dots=dots)  # fmt: skip
    points = tuple((f"/evaluations/{e.id}", e.created_at, headline(e)) for e in reversed(members))
    return Trend(f"{name} of {subject} over {dataset}, from {figure(bottom)} to {figure(top)}", plot, points)


def _score_words(score: Score) -> str:
    if not score.applies:
        return "does not apply"
    return figure(score.value) if score.value is not None else score.error or "missing"


def _is_metric(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value
