"""How tunings look on a terminal: what will be tried, what came out, the patch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.app.money import usd
from groundwork.cli.screen import Screen, count, moment, one_line
from groundwork.evaluation.tuning.types import said_p

if TYPE_CHECKING:
    from groundwork.app.tuning_patch import Patch
    from groundwork.evaluation.tuning.types import Tuning, TuningPlan

SHOWN = 12
OUTCOMES = {
    "change": "change it",
    "keep": "keep it as it is",
    "insufficient": "not enough evidence to change it",
}


def plan(found: TuningPlan, screen: Screen) -> list[str]:
    """Lay out what will be tried and what it may cost."""
    cost = found.expected_cost_usd
    money = "unknown cost" if cost is None else "no cost" if not cost else f"about {usd(cost)}"
    lines = [
        f"{screen.bold(found.app)} on {screen.bold(found.dataset_ref)} by {found.metric}: "
        f"{count(found.n, 'example')} in {count(found.clusters, 'cluster')}, "
        f"{count(len(found.configurations), 'configuration')}, about {found.evaluations:,} runs, {money}"
    ]
    for note in found.notes:
        lines += screen.paragraph(note, "  ", "  ")
    return lines


def shown(found: Tuning, patch: Patch | None, screen: Screen) -> list[str]:
    """Lay out a tuning with its report, as far as there is one."""
    lines = head(found, screen)
    report = found.report
    if report is None:
        at = found.progress
        error = f": {one_line(str(found.error['message']))}" if found.error else ""
        return [
            *lines,
            f"{found.state}, {int(at.get('done', 0)):,} of {int(at.get('of', 0)):,} runs{error}",
            screen.soft(f"`groundwork tune --resume {found.id}` goes on"),
        ]
    colour = screen.green if report["recommended"] else screen.amber
    lines += ["", colour(OUTCOMES[report["outcome"]]), *screen.paragraph(report["reason"], "  ", "  ")]
    lines += ["", *gain(report, screen), "", *table(report, screen)]
    if patch is not None:
        lines += ["", *patched(patch, screen)]
        if report["recommended"]:
            lines += ["", screen.soft(f"`groundwork tune apply {found.id}` writes it")]
    return lines


def head(found: Tuning, screen: Screen) -> list[str]:
    """Lay out what was tuned on what."""
    spent = usd(float(found.progress.get("cost_usd", 0.0)))
    return [
        f"{screen.teal(found.id)} {screen.bold(found.app)} on {found.dataset_ref} by {found.plan['metric']}, "
        f"cost {spent}, {moment(found.created_at)} UTC"
    ]


def gain(report: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out the gain on unseen examples beside the one that the search would boast of."""
    g = report["gain"]
    if g is None:
        return [screen.soft(f"{report['n']} examples are too few to measure a gain on unseen ones")]
    between = "no interval" if g["low"] is None else f"95 % interval {g['low']:+.3f} to {g['high']:+.3f}"
    p = "" if g["p"] is None else f", {said_p(g['p'])}"
    return [
        f"gain on unseen examples {screen.bold(format(g['value'], '+.3f'))} ({between}{p}, "
        f"{count(g['n'], 'example')} in {count(g['clusters'], 'cluster')}; {g['test']})",
        screen.soft(
            f"the best of the search seems to gain {report['naive_gain']:+.3f}; part of that is the luck of the choice"
        ),
    ]


def table(report: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out the configurations, those tried on every example first."""
    rows = []
    for c in report["configurations"][:SHOWN]:
        g = c["gain"]
        rows.append([
            ("* " if c["place"] == report["chosen"]["place"] else "  ") + one_line(c["title"]),
            f"{c['value']:.3f}",
            "–" if c["low"] is None else f"{c['low']:.3f} to {c['high']:.3f}",
            f"{c['n']:,}",
            "–" if not c["place"] else f"{g['value']:+.3f}",
            "–" if not c["place"] or not c["whole"] else f"{c['p_holm']:.3f}",
            f"{c.get('latency_ms', 0.0):,.0f} ms",
        ])  # fmt: skip
    lines = screen.table(
        ["configuration", report["metric"], "95 % interval", "n", "gain", "p (Holm)", "time"],
        rows, "<>>>>>>", stretch=0,
    )  # fmt: skip
    more = len(report["configurations"]) - len(rows)
    return lines + ([screen.soft(f"  and {more} more that were dropped on the way")] if more > 0 else [])


def patched(patch: Patch, screen: Screen) -> list[str]:
    """Lay out a patch, and what has to be done besides."""
    lines = []
    for line in patch.diff.splitlines():
        colour = (
            screen.green if line.startswith("+") else screen.amber if line.startswith("-") else screen.soft
        )
        lines.append(colour(line))
    return lines + [f"then: {screen.bold(step)}" for step in patch.then]


def applied(found: Tuning, patch: Patch, kept: Path, root: Path, screen: Screen) -> list[str]:
    """Lay out what was written and how to undo it."""
    before = os.path.relpath(kept, root)
    return [
        *head(found, screen),
        "",
        *patched(patch, screen),
        "",
        screen.green("groundwork.toml is changed"),
        screen.soft(f"undo: cp {before} groundwork.toml"),
    ]


def listed(found: Sequence[Tuning], screen: Screen) -> list[str]:
    """Lay out tunings, newest first."""
    if not found:
        return ["There are no tunings yet.", screen.soft("Begin with: `groundwork tune APP --dataset NAME`")]
    rows = []
    for t in found:
        report = t.report or {}
        g = report.get("gain") or {}
        rows.append([
            t.id,
            one_line(t.app),
            t.dataset_ref,
            str(t.plan["metric"]),
            OUTCOMES[report["outcome"]] if report else t.state,
            "–" if not g else f"{g['value']:+.3f}",
            moment(t.created_at),
        ])  # fmt: skip
    return screen.table(
        ["tuning", "app", "dataset", "metric", "outcome", "gain", "made (UTC)"], rows, "<<<<<><", stretch=4
    )
