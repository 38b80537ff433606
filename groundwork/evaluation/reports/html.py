"""Reports as HTML that stands alone: an evaluation, a comparison, a verdict. Sentences first, figures second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from groundwork.core.digest import short
from groundwork.datasets.types import Example
from groundwork.evaluation.comparing import in_words
from groundwork.evaluation.gates.types import Check, Comparison, MetricDifference, Plan, Verdict
from groundwork.evaluation.gates.wording import (
    KINDS,
    OUTCOMES,
    STATES,
    around,
    count,
    figure,
    p_words,
    percent,
    signed,
    slice_sentence,
    span,
)
from groundwork.evaluation.metrics.naming import with_unit
from groundwork.evaluation.reports.links import Links, anchor
from groundwork.evaluation.reports.page import facts, moment, page, table, words
from groundwork.evaluation.reports.plots import histogram, interval
from groundwork.evaluation.types import Evaluation, Result

WORST = 20
FLIPS = 20
LONGEST = 600


def evaluation_report(
    evaluation: Evaluation, results: Sequence[Result], examples: Sequence[Example], *, base: str = ""
) -> str:
    """Return an evaluation as a page: what was measured with intervals, slices, and the worst examples with the reasons.

    Args:
        base: of the console, for links to records; empty: ids alone.
    """
    links = Links(base)
    summary: Mapping[str, Any] = evaluation.summary or {}
    metrics = {k: v for k, v in summary.items() if isinstance(v, Mapping) and "value" in v}
    body = [
        f"<h1>{escape(evaluation.title or 'Evaluation of ' + _subject(evaluation.subject))}</h1>",
        f'<p class="lead">{words(_evaluated(evaluation))}</p>',
        facts(
            [
                ("Evaluation", anchor(links.evaluation(evaluation.id), evaluation.id)),
                ("Dataset", _dataset(links, evaluation.dataset, evaluation.dataset_version, evaluation.split)),
                ("Subject", f"<code>{escape(_subject(evaluation.subject))}</code>"),
                ("Plan", f"<code>{escape(evaluation.plan)}</code>"),
                ("Cost", f"{figure(evaluation.cost_usd)} USD"),
                ("Finished", escape(moment(evaluation.finished_at) if evaluation.finished_at else evaluation.state)),
            ]
        ),
        "<h2>Metrics</h2>",
        table(
            "Every metric with its 95 % interval",
            ["Metric", "Value", "Interval", "n", "Clusters", ""],
            [
                _measured_row(with_unit(name, name, evaluation.scorers), m, f"{name} {figure(m.get('value'))}")
                for name, m in metrics.items()
            ],
            (1, 3, 4),
        ),
        *_slices_of(summary.get("slices")),
        *_spread(results),
        *_worst(evaluation, results, examples, links),
    ]  # fmt: skip
    return page(evaluation.title or evaluation.id, body, made=_made(evaluation.finished_at))


def comparison_report(found: Comparison, *, base: str = "") -> str:
    """Return a comparison as a page: the sentences, the intervals, who won where, slices."""
    links = Links(base)
    before, after = found.baseline, found.candidate
    body = [
        f"<h1>{escape(after.title or _subject(after.subject))} against "
        f"{escape(before.title or _subject(before.subject))}</h1>",
        *[f'<p class="lead">{words(s)}</p>' for s in in_words(found)],
        facts(
            [
                ("First (baseline)", anchor(links.evaluation(before.id), before.id)),
                ("Second (candidate)", anchor(links.evaluation(after.id), after.id)),
                ("Dataset", _dataset(links, after.dataset, after.dataset_version, after.split)),
                ("Examples on both", f"{found.n:,}"),
            ]
        ),
        "<h2>Metrics</h2>",
        table(
            "Second minus first, with the 95 % interval",
            ["Metric", "First", "Second", "Difference", "Interval", "p", "Better / worse / same", ""],
            [_difference_row(m) for m in found.metrics],
            (1, 2, 3, 5),
        ),
        *[part for m in found.metrics for part in _examples_of(m, before.id, after.id, links)],
        *_slices_compared(found.metrics),
        "<h2>What was computed</h2>",
        table(
            "Tests and sample sizes",
            ["Metric", "Test", "n", "Clusters", "Design effect", "Differing", "Would decide"],
            [
                [f"<code>{escape(m.metric)}</code>", escape(m.test or m.reason), f"{m.n:,}", f"{m.clusters:,}",
                 figure(m.design_effect), "–" if m.discordance is None else percent(m.discordance),
                 "–" if m.needed_n is None else f"{m.needed_n:,}"]
                for m in found.metrics
            ],
            (2, 3, 4, 5, 6),
        ),
    ]  # fmt: skip
    return page("Comparison", body)


def verdict_report(verdict: Verdict, plan: Plan | None = None, *, base: str = "") -> str:
    """Return a verdict as a page: the sentence for who signs, then the whole table for who checks."""
    links = Links(base)
    body = [
        f"<h1>{escape(OUTCOMES[verdict.outcome])}: gate <code>{escape(verdict.gate)}</code></h1>",
        f'<div class="box {verdict.outcome}"><p class="lead">{words(verdict.headline)}</p></div>',
        *[
            f'<div class="box undecided"><p>Overridden by {escape(o.principal)} ({escape(o.role)}) on '
            f"{escape(moment(o.at))}: {escape(o.reason)}</p></div>"
            for o in verdict.overrides
        ],
        "<h2>What had to be shown</h2>",
        table(
            "Each requirement with the one-sided bound that has to clear the line",
            ["", "Metric", "Before", "After", "Difference", "Bound", "Needs", "p", "n", ""],
            [_check_row(c) for c in verdict.checks],
            (2, 3, 4, 5, 6, 7, 8),
        ),
        *[f"<p>{words(c.sentence)}</p>" for c in verdict.checks],
        *(["<h2>Warnings</h2>", _list(verdict.warnings)] if verdict.warnings else []),
        *_verdict_slices(verdict),
        *_judges(verdict),
        "<h2>How sure this is</h2>",
        f"<p>{words(verdict.statement)}</p>",
        "<h2>Records</h2>",
        facts(
            [
                ("Verdict", anchor(links.verdict(verdict.id), verdict.id)),
                ("Baseline", anchor(links.evaluation(verdict.baseline), verdict.baseline)),
                ("Candidate", anchor(links.evaluation(verdict.candidate), verdict.candidate)),
                ("Examples", anchor(links.compare(verdict.baseline, verdict.candidate), f"{verdict.n} side by side")),
                ("Dataset", _dataset(links, verdict.dataset, verdict.dataset_version, verdict.split)),
                ("Plan", f"<code>{escape(verdict.plan)}</code>, stored {escape(moment(verdict.planned_at))}"
                         + (", after the evaluations began" if verdict.posthoc else "")),
                *([("Power before", words(str(plan.power.get("words", ""))))] if plan is not None else []),
                ("Cost", f"{figure(verdict.cost_usd)} USD"),
                ("Decided", f"{escape(moment(verdict.created_at))} by {escape(verdict.created_by)}"),
            ]
        ),
    ]  # fmt: skip
    return page(f"{OUTCOMES[verdict.outcome]}: {verdict.gate}", body)


def _evaluated(e: Evaluation) -> str:
    failed = int(e.progress.get("failed", 0) or 0)
    said = f"{count(e.n, 'example')} of `{e.dataset}`" + (
        f", each {e.repeats} times" if e.repeats > 1 else ""
    )
    said += (
        f"; {count(failed, 'run')} brought no output and count as the worst"
        if failed
        else "; every one brought an output"
    )
    if e.state != "done":
        said += f". It is {e.state}, so the figures are not those of the whole"
    if e.split == "holdout":
        said += f". The holdout had been evaluated {count(e.looks, 'time')} before"
    return said + "."


def _measured_row(name: str, m: Mapping[str, Any], label: str) -> list[str]:
    value, low, high = m.get("value"), m.get("low"), m.get("high")
    around = (
        f"{figure(low)} to {figure(high)}"
        if low is not None and high is not None
        else escape(str(m.get("method", "")))
    )
    whole = (
        value is not None and 0 <= value <= 1 and (high is None or high <= 1) and (low is None or low >= 0)
    )
    ends = (0.0, 1.0) if whole else (None, None)
    return [
        f"<code>{escape(name)}</code>", figure(value), around, f"{m.get('n', 0):,}", f"{m.get('clusters', 0):,}",
        interval(value, low, high, zero=False, label=f"{label}, {around}", least=ends[0], most=ends[1]),
    ]  # fmt: skip


def _slices_of(slices: Any) -> list[str]:
    """Lay out the slices of a summary: by tag, each with its metrics."""
    if not isinstance(slices, Mapping) or not slices:
        return []
    rows = [
        [
            escape(str(tag)),
            f"<code>{escape(str(name))}</code>",
            *_measured_row(str(name), m, f"{tag}: {name}")[1:4],
        ]
        for tag, found in slices.items()
        if isinstance(found, Mapping)
        for name, m in found.items()
        if isinstance(m, Mapping) and "value" in m
    ]
    return (
        [
            "<h2>Slices</h2>",
            table("Metrics by tag", ["Slice", "Metric", "Value", "Interval", "n"], rows, (2, 4)),
        ]
        if rows
        else []
    )


def _spread(results: Sequence[Result]) -> list[str]:
    times = [r.output.latency_ms for r in results if r.output.latency_ms > 0]
    if len(times) < 2:
        return []
    label = f"Latency of {len(times):,} runs, from {figure(min(times))} to {figure(max(times))} ms"
    return ["<h2>Latency</h2>", f"<p>{escape(label)}.</p>", histogram(times, label=label)]


def _worst(
    evaluation: Evaluation, results: Sequence[Result], examples: Sequence[Example], links: Links
) -> list[str]:
    by_id = {e.id: e for e in examples}
    main = next(iter(evaluation.scorers), "")
    sign = 1 if (evaluation.scorers.get(main) or {}).get("higher_is_better", True) else -1

    def badness(r: Result) -> tuple[int, float]:
        score = r.scores.get(main)
        value = score.value if score is not None else None
        return (0 if r.output.failed else 1, sign * value if value is not None else float("inf"))

    chosen = [r for r in sorted(results, key=badness) if r.output.failed or _imperfect(r, main)][:WORST]
    if not chosen:
        return []
    rows = []
    for r in chosen:
        example = by_id.get(r.example_id)
        score = r.scores.get(main)
        why = (
            r.output.message or r.output.error
            if r.output.failed
            else (score.reason if score is not None else "")
        )
        rows.append(
            [
                anchor(links.example(evaluation.id, r.example_id), r.example_id),
                escape(_cut(example.question if example else "")),
                escape(_cut("; ".join(example.references) if example else "")),
                escape(_cut(r.output.text or r.output.reason)),
                figure(score.value if score is not None else None),
                escape(_cut(why)),
            ]
        )
    head = ["Example", "Input", "Expected", "Output", main or "Score", "Why"]
    return [
        "<h2>Worst examples</h2>",
        table(f"Lowest in {main or 'score'}, failures first", head, rows, (4,)),
    ]


def _imperfect(r: Result, main: str) -> bool:
    score = r.scores.get(main)
    return score is not None and score.applies and (score.value is None or score.value != 1)


def _difference_row(m: MetricDifference) -> list[str]:
    state = {"candidate": "pass", "baseline": "fail", "neither": ""}[m.better]
    d = m.difference
    return [
        f"<code>{escape(m.metric)}</code>", figure(m.baseline.value), figure(m.candidate.value), signed(d.value),
        span(d.low, d.high), p_words(m.p_value), f"{m.wins:,} / {m.losses:,} / {m.ties:,}",
        interval(d.value, d.low, d.high, state=state, label=f"{m.metric}: {signed(d.value)}, {span(d.low, d.high)}"),
    ]  # fmt: skip


def _examples_of(m: MetricDifference, before: str, after: str, links: Links) -> list[str]:
    if not m.won and not m.lost:
        return []
    parts = [f"<h2>Where <code>{escape(m.metric)}</code> changed</h2>"]
    for title, ids, total in (("Worse", m.lost, m.losses), ("Better", m.won, m.wins)):
        if ids:
            shown = ", ".join(anchor(links.example(after, i), i) for i in ids[:FLIPS])
            more = f" and {total - FLIPS:,} more" if total > FLIPS else ""
            parts.append(f"<p>{title} on {count(total, 'example')}: {shown}{more}.</p>")
    side = links.compare(before, after, m.metric)
    return [*parts, f'<p><a href="{escape(side)}">All of them side by side</a></p>'] if side else parts


def _slices_compared(metrics: Sequence[MetricDifference]) -> list[str]:
    rows = [
        [f"<code>{escape(m.metric)}</code>", escape(s.tag), f"{s.n:,}", signed(s.difference.value),
         span(s.difference.low, s.difference.high), p_words(s.adjusted_bh),
         "probably worse" if s.warning else escape(s.reason)]
        for m in metrics
        for s in m.slices
    ]  # fmt: skip
    if not rows:
        return []
    head = ["Metric", "Slice", "n", "Difference", "Interval", "q (BH)", ""]
    return [
        "<h2>Slices</h2>",
        table("Regressions are warned of at a false discovery rate of 10 %", head, rows, (2, 3, 5)),
    ]


def _check_row(c: Check) -> list[str]:
    need = "–" if c.threshold is None else _need(c)
    state = escape(STATES[c.state]) + ("" if c.required else " (warning)")
    low, high = (c.low, c.high)
    value = c.candidate if c.kind == "limit" else c.difference
    label = (
        f"{c.metric}: {signed(value) if c.kind != 'limit' else figure(value)}, {around(c)}; {STATES[c.state]}"
    )
    return [
        f"<strong>{state}</strong>", f"<code>{escape(c.metric)}</code><br><span class=\"soft\">{KINDS[c.kind]}</span>",
        figure(c.baseline), figure(c.candidate), signed(c.difference),
        (figure if c.kind == "limit" else signed)(c.bound), need, p_words(c.p_value), f"{c.n:,}",
        interval(value, low, high, threshold=c.threshold, zero=c.kind != "limit", state=c.state, label=label),
    ]  # fmt: skip


def _need(c: Check) -> str:
    if c.kind == "limit":
        return f"{'≥' if c.higher_is_better else '≤'} {figure(c.threshold)}"
    return f"{'&gt;' if c.higher_is_better else '&lt;'} {signed(c.threshold).replace('±', '')}"


def _verdict_slices(verdict: Verdict) -> list[str]:
    if not verdict.slices:
        return []
    return ["<h2>Slices</h2>", _list([slice_sentence(s) for s in verdict.slices])]


def _judges(verdict: Verdict) -> list[str]:
    if not verdict.judges:
        return []
    said = [
        f"`{name}` ({str(j.get('version', ''))[:7]}) may decide"
        if j.get("allowed")
        else f"`{name}` may not decide: {j.get('reason')}"
        for name, j in verdict.judges.items()
    ]
    return ["<h2>Judges</h2>", _list(said)]


def _list(items: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{words(i)}</li>" for i in items) + "</ul>"


def _dataset(links: Links, name: str, version: str, split: str) -> str:
    return f"{anchor(links.dataset(name), name)} <code>{escape(short(version))}</code>, split {escape(split or 'all')}"


def _subject(subject: Mapping[str, Any]) -> str:
    return str(subject.get("name") or subject.get("word") or subject.get("kind") or "")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _made(finished: str | None) -> str:
    return f"Made from records of {moment(finished)}." if finished else ""
