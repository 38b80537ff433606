"""How comparisons, plans and verdicts look on a terminal: sentences first, figures second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from groundwork.cli.screen import Screen, count, moment, one_line
from groundwork.evaluation.gates.wording import (
    OUTCOMES,
    STATES,
    around,
    figure,
    p_words,
    percent,
    signed,
    slice_sentence,
    span,
)

if TYPE_CHECKING:
    from groundwork.core.improvement import GateSpec
    from groundwork.evaluation.gates.types import Comparison, Plan, Verdict

MOST_FLIPS = 8


def plan(found: Plan, screen: Screen) -> list[str]:
    """Lay out what a gate is going to decide, before anything runs."""
    cost = "unknown" if found.expected_cost_usd is None else f"{figure(found.expected_cost_usd)} USD"
    lines = [
        f"{screen.bold('plan')} {screen.teal(found.digest[:12])} of gate {screen.bold(one_line(found.gate))}"
    ]
    lines += screen.paragraph(
        f"{one_line(found.candidate)} against {one_line(found.baseline)} on {one_line(found.dataset)}, split "
        f"{found.split or 'all'}: {count(found.n, 'example')} in {count(found.clusters, 'cluster')}, expected cost {cost}."
    )
    return [*lines, *screen.paragraph(str(found.power.get("words", ""))), ""]


def verdict(found: Verdict, screen: Screen) -> list[str]:
    """Lay out a verdict: the sentence for who signs, then the table for who checks."""
    paint = {"promote": screen.green, "reject": screen.red, "insufficient": screen.amber}[found.outcome]
    lines = [f"{paint(OUTCOMES[found.outcome])}  gate {screen.bold(one_line(found.gate))}"]
    lines += screen.paragraph(one_line(found.headline))
    for o in found.overrides:
        said = f"Overridden by {o.principal} ({o.role}) on {moment(o.at)}: {o.reason}"
        lines += screen.paragraph(screen.amber(one_line(said)))
    for reason in found.reasons[1:]:
        lines += screen.paragraph(f"- {one_line(reason)}", "  ")
    lines += ["", *_checks(found, screen)]
    for w in found.warnings:
        lines += screen.paragraph(f"{screen.amber('warning:')} {one_line(w)}", "  ")
    for s in (s for s in found.slices if not s.blocks):
        lines += screen.paragraph(f"- slice {one_line(slice_sentence(s))}", "  ")
    for name, judge in found.judges.items():
        said = "may decide" if judge.get("allowed") else f"may not decide: {judge.get('reason')}"
        lines += screen.paragraph(f"- judge {name} {said}", "  ")
    lines += ["", *screen.paragraph(screen.soft(one_line(found.statement)))]
    stored = f"plan {found.plan[:12]}, stored {moment(found.planned_at)}"
    return [
        *lines,
        screen.soft(f"{found.id}  {stored}{', after the evaluations began' if found.posthoc else ''}"),
        screen.soft(f"baseline {found.baseline}  candidate {found.candidate}  {figure(found.cost_usd)} USD"),
    ]


def verdicts(found: Sequence[Verdict], screen: Screen) -> list[str]:
    """Lay out a list of verdicts."""
    if not found:
        return ["There is no verdict yet. Decide one with `groundwork gate`."]
    rows = [
        [
            v.id,
            moment(v.created_at),
            one_line(v.gate),
            OUTCOMES[v.outcome] + (", overridden" if v.overridden else ""),
        ]
        for v in found
    ]
    return screen.table(["verdict", "decided (UTC)", "gate", "outcome"], rows, stretch=2)


def gates(specs: Mapping[str, GateSpec], last: Mapping[str, Verdict], screen: Screen) -> list[str]:
    """Lay out the gates of the spec with their last verdict."""
    if not specs:
        return ["The spec has no gate.", "Write one into groundwork.toml, beginning with `[gates.quality]`."]
    rows = []
    for name, spec in specs.items():
        found = last.get(name)
        aim = spec.primary
        shown = (
            f"better by {figure(aim.effect)}"
            if aim.test == "superiority"
            else f"no worse by {figure(aim.margin)}"
        )
        said = f"{OUTCOMES[found.outcome]}, {moment(found.created_at)}" if found else "never run"
        rows.append(
            [one_line(name), spec.app, spec.dataset, f"{aim.metric} {shown}", f"{len(spec.guards)}", said]
        )
    return screen.table(
        ["gate", "app", "dataset", "decides", "guards", "last verdict"], rows, "<<<<><", stretch=3
    )


def comparison(found: Comparison, screen: Screen) -> list[str]:
    """Lay out a comparison: sentences, then figures, then the examples that changed."""
    from groundwork.evaluation.comparing import in_words

    lines = [
        f"{screen.bold('first')}   {found.baseline.id}  {one_line(_named(found.baseline.title, found.baseline.subject))}",
        f"{screen.bold('second')}  {found.candidate.id}  {one_line(_named(found.candidate.title, found.candidate.subject))}",
        "",
    ]
    for said in in_words(found):
        lines += screen.paragraph(one_line(said))
    rows = [
        [
            m.metric, figure(m.baseline.value), figure(m.candidate.value), signed(m.difference.value),
            span(m.difference.low, m.difference.high), p_words(m.p_value), f"{m.wins}/{m.losses}/{m.ties}",
        ]
        for m in found.metrics
    ]  # fmt: skip
    head = ["metric", "first", "second", "difference", "95 % interval", "p", "better/worse/same"]
    lines += ["", *screen.table(head, rows, "<>>><>>", stretch=0)]
    for m in found.metrics:
        facts = [f"{count(m.n, 'example')} in {count(m.clusters, 'cluster')}", m.test]
        facts += [f"design effect {figure(m.design_effect)}"] if m.design_effect not in (None, 1.0) else []
        facts += [f"{percent(m.discordance)} differ"] if m.discordance is not None else []
        lines += [
            "",
            *screen.paragraph(
                f"{screen.bold(m.metric)}: {', '.join(f for f in facts if f)}. {m.power}", "  "
            ),
        ]
        for title, ids, total in (("worse", m.lost, m.losses), ("better", m.won, m.wins)):
            if ids:
                more = f" and {total - MOST_FLIPS:,} more" if total > MOST_FLIPS else ""
                lines += screen.paragraph(
                    f"  {title}: {', '.join(one_line(i) for i in ids[:MOST_FLIPS])}{more}", "    "
                )
        for s in m.slices:
            if s.warning:
                lines += screen.paragraph(f"  {screen.amber('slice')} {one_line(slice_sentence(s))}", "    ")
    return lines


def _named(title: str, subject: Mapping[str, object]) -> str:
    return title or str(subject.get("name") or subject.get("word") or "")


def _checks(found: Verdict, screen: Screen) -> list[str]:
    rows = [
        [
            STATES[c.state] + ("" if c.required else "*"), c.metric, figure(c.baseline), figure(c.candidate),
            signed(c.difference), around(c), p_words(c.p_value), f"{c.n:,}",
        ]
        for c in found.checks
    ]  # fmt: skip
    head = ["", "metric", "before", "after", "difference", "interval", "p", "n"]
    return screen.table(head, rows, "<<>>><>>", stretch=1)
