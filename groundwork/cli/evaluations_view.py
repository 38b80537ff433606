"""How evaluations look on a terminal: the plan before, the numbers after, the worst examples with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.money import usd
from groundwork.cli.screen import Screen, count, end_cut, moment, one_line
from groundwork.evaluation.metrics.naming import with_unit

if TYPE_CHECKING:
    from groundwork.datasets.types import Example
    from groundwork.evaluation.planning import RunPlan
    from groundwork.evaluation.types import Evaluation, Result
    from groundwork.evaluation.worst import Worst

SHOWN_SLICES = 12
STATES = {
    "planned": "planned",
    "running": "running",
    "done": "done",
    "failed": "stopped",
    "cancelled": "stopped",
}


def plan(found: RunPlan, screen: Screen) -> list[str]:
    """Lay out what will be run, what it may cost, and what so many examples can show."""
    from groundwork.evaluation.planning import power

    split = found.split or "all but the holdout"
    times = f", each {found.repeats} times" if found.repeats > 1 else ""
    cost = found.expected_cost_usd
    money = "unknown cost" if cost is None else "no cost" if not cost else f"about {usd(cost)}"
    lines = [
        f"{screen.bold(one_line(str(found.subject['name'])))} over {screen.bold(found.dataset_ref)} ({split}): "
        f"{count(found.n, 'example')} in {count(found.clusters, 'cluster')}{times}, {money}",
        screen.soft(f"scored by {', '.join(found.scorers)}; plan {found.digest[:12]}"),
    ]
    lines += screen.paragraph(power(found.detectable), "  ", "  ") if found.detectable else []
    for note in found.notes:
        lines += screen.paragraph(note, "  ", "  ")
    return lines


def done(
    found: Evaluation, worst: Sequence[Worst], corrected: Mapping[str, Any], screen: Screen
) -> list[str]:
    """Lay out an evaluation: its head, metrics, slices, errors, the worst examples."""
    lines = [*head(found, screen), "", *metrics(found, corrected, screen)]
    lines += slices(found, screen)
    errors = found.progress.get("errors") or {}
    if errors:
        lines += ["", screen.amber("errors")]
        lines += [f"  {n:,} {one_line(code)}" for code, n in sorted(errors.items(), key=lambda x: -x[1])]
    if worst:
        lines += ["", screen.bold("worst examples")]
        for w in worst:
            what = "no output" if not w.scorer else f"{w.scorer} {figure(w.score)}"
            first = f"  {one_line(w.result.example_id)[:40]} {screen.amber(what)}: "
            lines += screen.paragraph(end_cut(one_line(w.why), 240), "    ", first)
    lines += ["", *next_steps(found, screen)]
    return lines


def head(found: Evaluation, screen: Screen) -> list[str]:
    """Lay out what was run over what, and how it ended."""
    at = found.progress
    failed = f", {int(at.get('failed', 0)):,} without output" if at.get("failed") else ""
    expected = found.expected_cost_usd
    thought = f" (thought: {usd(expected)})" if expected else ""
    state = STATES[found.state]
    shown = screen.green(state) if found.state == "done" else screen.amber(state)
    title = f"{one_line(found.title)}  " if found.title else ""
    return [
        f"{screen.bold(title)}{screen.teal(found.id)} {shown}"
        + (screen.amber(" redacted") if found.redacted else ""),
        f"{one_line(str(found.subject.get('name', found.word)))} over {found.dataset} "
        f"{found.dataset_version[:7]} ({found.split or 'all but the holdout'}), "
        f"{int(at.get('done', 0)):,} of {int(at.get('of', 0)):,} results{failed}, cost {usd(found.cost_usd)}{thought}",
        screen.soft(
            f"plan {found.plan[:12]}, by {one_line(found.created_by)}, {moment(found.created_at)} UTC"
        ),
        *_stopped(found, screen),
    ]


def _stopped(found: Evaluation, screen: Screen) -> list[str]:
    if not found.error:
        return []
    return screen.paragraph(f"{screen.amber('stopped:')} {one_line(str(found.error['message']))}", "  ")


def metrics(found: Evaluation, corrected: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out every metric with its interval."""
    summary = found.summary or {}
    rows = [
        _row(with_unit(label(name, found.scorers), name, found.scorers), m)
        for name, m in summary.items()
        if isinstance(m, Mapping) and "value" in m
    ]
    rows += [_row(f"{name}, corrected for the judge", m) for name, m in corrected.items()]
    if not rows:
        return [screen.soft("no numbers yet; they come when the last example is through")]
    return screen.table(
        ["metric", "value", "95 % interval", "n", "clusters", "by"], rows, "<>>>><", stretch=5
    )


def label(metric: str, scorers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how a metric is shown: a bare name says which metric it is where that is no mean."""
    known = scorers.get(metric)
    first = str(known["metrics"][0]) if known and known["metrics"] else "mean"
    return metric if first in ("mean", "rate") else f"{first}({metric})"


def _row(name: str, m: Mapping[str, Any]) -> list[str]:
    between = "–" if m.get("low") is None else f"{figure(m['low'])} to {figure(m['high'])}"
    return [
        name, figure(m.get("value")), between, f"{int(m.get('n', 0)):,}", f"{int(m.get('clusters', 0)):,}",
        str(m.get("method", "")),
    ]  # fmt: skip


def slices(found: Evaluation, screen: Screen) -> list[str]:
    """Lay out the first metric by tag, the lowest first."""
    from groundwork.evaluation.worst import primary

    name = primary(found.scorers)
    table = (found.summary or {}).get("slices") or {}
    by_tag = [(tag, m[name]) for tag, m in table.items() if name in m and m[name].get("value") is not None]
    if not by_tag:
        return []
    better = found.scorers[name].get("higher_is_better", True)
    by_tag.sort(key=lambda x: x[1]["value"] if better else -x[1]["value"])
    rows = [[one_line(tag), *_row(name, m)[1:4]] for tag, m in by_tag[:SHOWN_SLICES]]
    more = len(by_tag) - len(rows)
    lines = ["", *screen.table([f"{name} by tag", "value", "95 % interval", "n"], rows, "<>>>", stretch=0)]
    return lines + ([screen.soft(f"and {more} more")] if more > 0 else [])


def next_steps(found: Evaluation, screen: Screen) -> list[str]:
    """Say what can be done with it."""
    if found.state == "done":
        return [screen.soft(f"`groundwork evaluation report {found.id} --output report.html` writes it down")]
    if found.state == "running":
        return [screen.soft(f"`groundwork evaluation resume {found.id}` goes on if nobody works on it")]
    return [screen.soft(f"`groundwork evaluation resume {found.id}` goes on; what is done is kept")]


def listed(found: Sequence[Evaluation], screen: Screen) -> list[str]:
    """Lay out evaluations, newest first, with the number that stands for each."""
    from groundwork.evaluation.worst import primary

    if not found:
        return [
            "There are no evaluations yet.",
            screen.soft("Make a dataset, then: `groundwork evaluate APP --dataset NAME`"),
        ]
    rows = []
    for e in found:
        name = primary(e.scorers)
        m = (e.summary or {}).get(name) or {}
        at = e.progress
        rows.append([
            e.id,
            one_line(str(e.subject.get("name", ""))),
            f"{e.dataset} {e.dataset_version[:7]}",
            STATES[e.state] if e.state == "done" else f"{STATES[e.state]} {at.get('done', 0)}/{at.get('of', 0)}",
            f"{name} {figure(m.get('value'))}" if m else "–",
            usd(e.cost_usd),
            moment(e.created_at),
        ])  # fmt: skip
    head = ["evaluation", "subject", "dataset", "state", "result", "cost", "made (UTC)"]
    return screen.table(head, rows, "<<<<<><", stretch=1)


def results(
    found: Sequence[Result], examples: Mapping[str, Example], screen: Screen, more: bool
) -> list[str]:
    """Lay out results: what was asked, what came out, what it scored."""
    if not found:
        return ["There are no such results."]
    lines: list[str] = []
    for r in found:
        again = f" ({r.repeat + 1})" if r.repeat else ""
        lines.append(f"{screen.teal(one_line(r.example_id)[:60])}{again} {_state(r, screen)}")
        example = examples.get(r.example_id)
        if example is not None:
            lines += screen.paragraph(end_cut(one_line(example.question), 300), "    ", "  asked: ")
        said = r.output.message if r.output.failed else r.output.text or f"declined: {r.output.reason}"
        lines += screen.paragraph(end_cut(one_line(said), 400), "    ", "  said: ")
        scored = ", ".join(
            f"{name} {figure(s.value)}" if s.applies else f"{name} –" for name, s in r.scores.items()
        )
        lines += screen.paragraph(scored, "    ", "  ") if scored else []
    return lines + ([screen.soft("there are more: --offset goes on")] if more else [])


def _state(result: Result, screen: Screen) -> str:
    if result.state == "failed":
        return screen.red(result.output.error or "failed")
    return screen.soft("waits for its scores") if result.state == "produced" else ""


def figure(value: Any) -> str:
    """Return a number with three significant digits, `–` for none."""
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
