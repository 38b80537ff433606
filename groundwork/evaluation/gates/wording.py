"""Comparisons and verdicts in sentences, for the person who signs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.evaluation.gates.types import Check, MetricDifference, SliceDifference, Verdict

OUTCOMES = {"promote": "Promote", "reject": "Reject", "insufficient": "Not enough evidence"}
STATES = {"pass": "shown", "fail": "failed", "undecided": "not shown"}
KINDS = {"primary": "decides", "guard": "must not get worse", "limit": "limit"}


def figure(value: float | None) -> str:
    """Return a number with as many digits as it carries: `0.812`, `1,240`, `0.00031`; `–` for none."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size >= 0.01 or size == 0:
        text = f"{value:.3f}"
        return text.rstrip("0").rstrip(".") if size >= 10 or size == 0 else text
    return f"{value:.3g}"


def signed(value: float | None) -> str:
    """Return a difference with its sign; `±0` for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return "±0" if value == 0 else f"{'+' if value > 0 else '−'}{figure(abs(value))}"


def span(low: float | None, high: float | None) -> str:
    """Return an interval of a difference: `−0.01 to +0.05`."""
    return "no interval" if low is None or high is None else f"{signed(low)} to {signed(high)}"


def around(c: Check) -> str:
    """Return the interval of a check: of the difference, or of a limit the interval of the value itself."""
    if c.kind != "limit":
        return span(c.low, c.high)
    return "no interval" if c.low is None or c.high is None else f"{figure(c.low)} to {figure(c.high)}"


def p_words(value: float | None) -> str:
    """Return a p-value as people write it."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float) -> str:
    """Return a share as people write it: `95 %`, `0.5 %`."""
    return f"{value * 100:.3g} %"


def count(n: int, word: str, many: str = "") -> str:
    """Return `1 example` or `2 examples`."""
    return f"{n:,} {word if n == 1 else many or word + 's'}"


def difference_sentence(d: MetricDifference) -> str:
    """Say which side is better, by how much, and how sure that is."""
    if d.difference.value is None:
        return f"`{d.metric}` cannot be compared: {d.reason}."
    before, after = figure(d.baseline.value), figure(d.candidate.value)
    change = signed(d.difference.value)
    at = f"{change}, from {before} to {after}, on {count(d.n, 'example')}"
    interval = f"95 % interval {span(d.difference.low, d.difference.high)}"
    if d.better == "candidate":
        said = f"The second is better in `{d.metric}` by {at} ({interval})."
    elif d.better == "baseline":
        said = f"The second is worse in `{d.metric}` by {at} ({interval})."
    elif d.difference.value == 0 and d.wins == d.losses == 0:
        said = f"`{d.metric}` is the same on every one of {count(d.n, 'example')} ({before})."
    else:
        said = f"`{d.metric}` shows no clear difference: {at} ({interval})."
    if d.reason and d.better == "neither":
        said += f" {d.reason[0].upper()}{d.reason[1:].rstrip('.')}."
    missing = []
    if d.missing_candidate:
        missing.append(
            f"{count(d.missing_candidate, 'score')} missing on the second side, counted as the worst"
        )
    if d.missing_baseline:
        missing.append(f"{count(d.missing_baseline, 'score')} missing on the first, counted as the best")
    return said + (f" {'; '.join(missing).capitalize()}." if missing else "")


def slice_sentence(s: SliceDifference) -> str:
    """Say what a slice shows."""
    at = f"`{s.tag}` ({count(s.n, 'example')}): {signed(s.difference.value)} ({span(s.difference.low, s.difference.high)})"
    if s.blocks:
        return f"{at}, worse beyond the margin (Holm p {p_words(s.adjusted_holm)})"
    if s.warning:
        return f"{at}, probably worse (BH q {p_words(s.adjusted_bh)})"
    return f"{at}, {s.reason}" if s.reason else f"{at}, no regression shown"


def check_line(c: Check) -> str:
    """Return a check in one line of plain text: state, metric, sentence."""
    mark = STATES[c.state] if c.required else f"{STATES[c.state]} (warning only)"
    return f"{mark}: {c.sentence}"


def verdict_headline(v: Verdict) -> str:
    """Return the outcome with its sentence, and that it was overridden."""
    said = f"{OUTCOMES[v.outcome]}: {v.headline}"
    if v.overridden:
        last = v.overrides[-1]
        said += f" Overridden by {last.principal} ({last.role}): {last.reason}"
    return said
