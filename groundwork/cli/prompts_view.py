"""How prompts look on a terminal, and as documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.app.money import usd
from groundwork.cli.screen import Screen, count, end_cut, moment, one_line, visible

if TYPE_CHECKING:
    from groundwork.prompts.diff import PromptDiff
    from groundwork.prompts.importing import ImportReport
    from groundwork.prompts.store import PromptEntry
    from groundwork.prompts.testing import TestReport
    from groundwork.prompts.types import PromptInput, PromptMessage, PromptVersion


# -- documents ---------------------------------------------------------------------------------------------------------
def entry_document(entry: PromptEntry) -> dict[str, Any]:
    latest = entry.latest
    return {
        "name": entry.name,
        "origin": entry.origin,
        "digest": latest.digest if latest else None,
        "description": latest.template.description if latest else "",
        "labels": dict(entry.labels),
        "versions": entry.versions,
        "tests": len(latest.template.tests) if latest else 0,
        "error": entry.error.as_dict() if entry.error else None,
    }


def version_line(found: PromptVersion) -> dict[str, Any]:
    return {
        "name": found.name,
        "digest": found.digest,
        "created_at": found.created_at,
        "created_by": found.created_by,
        "labels": list(found.labels),
    }


def version_document(found: PromptVersion) -> dict[str, Any]:
    from groundwork.prompts.records import as_json

    return {**version_line(found), **as_json(found.template), "source": found.template.source}


# -- lines -------------------------------------------------------------------------------------------------------------
def entries(found: Sequence[PromptEntry], screen: Screen) -> list[str]:
    """Lay out the prompts, and below them the errors of those that cannot be read."""
    rows = [
        [
            one_line(e.name),
            e.latest.digest[:7] if e.latest else "–",
            e.origin,
            f"{e.versions:,}",
            str(len(e.latest.template.tests)) if e.latest else "–",
            _labels(e),
            "cannot be read" if e.error else e.latest.template.description if e.latest else "",
        ]
        for e in found
    ]
    head = ["prompt", "version", "from", "versions", "tests", "labels", "what for"]
    lines = screen.table(head, [[one_line(c) for c in r] for r in rows], "<<<>><<", stretch=6)
    for e in found:
        if e.error:
            lines += ["", *screen.paragraph(f"{screen.red('error:')} {one_line(e.error.message)}", "  ")]
            lines += screen.paragraph(f"hint: {one_line(e.error.hint)}", "  ", "  ") if e.error.hint else []
    if all(e.origin == "built-in" for e in found):
        lines += ["", screen.soft("Make one of your own: `groundwork prompt new NAME`.")]
    return lines


def version(
    found: PromptVersion, versions: Sequence[PromptVersion], runs: Sequence[TestReport], screen: Screen
) -> list[str]:
    """Lay out one version and what surrounds it."""
    t = found.template
    lines = [
        f"{screen.bold(found.name)} {screen.teal(found.digest[:7])} {screen.soft(' '.join(found.labels))}"
    ]
    lines += screen.paragraph(one_line(t.description)) if t.description else []
    if t.inputs:
        lines += ["", screen.bold("inputs")]
        for i in t.inputs:
            lines += screen.paragraph(f"{i.name}: {_input(i)}", "    ", "  ")
    if t.hints:
        lines += ["", screen.bold("hints")]
        for key, value in t.hints.items():
            lines += screen.paragraph(f"{key}: {one_line(_value(value))}", "    ", "  ")
    lines += ["", *messages(t.messages, screen)]
    if t.tests:
        lines += ["", f"{screen.bold('tests')}  {', '.join(one_line(x.name) for x in t.tests)}"]
    for run in runs[:1]:
        outcome = "all passed" if run.passed else f"{run.failed} of {len(run.results)} failed"
        note = f"last run {moment(run.created_at)} of {run.digest[:7]} on {run.model}: {outcome}"
        lines.append(screen.soft(f"  {note}"))
    rows = [
        [v.digest[:7], moment(v.created_at), one_line(v.created_by), " ".join(v.labels)] for v in versions
    ]
    return [*lines, "", *screen.table(["version", "first seen (UTC)", "by", "labels"], rows, stretch=3)]


def messages(found: Sequence[PromptMessage], screen: Screen) -> list[str]:
    """Lay out messages below their roles, text as it stands."""
    lines: list[str] = []
    for message in found:
        lines += [screen.teal(f"{message.role}:"), *visible(message.text).split("\n"), ""]
    return lines[:-1]


def diff(found: PromptDiff, screen: Screen) -> list[str]:
    """Lay out what differs; unchanged lines far from a change are left out."""
    lines = [f"{found.name}: {screen.teal(found.old[:7])} → {screen.teal(found.new[:7])}"]
    if found.same:
        return [*lines, "no difference"]
    for what, values in (("input", found.inputs), ("hint", found.hints)):
        for v in values:
            text = f"{what} {v.name}: {v.was or 'none'} → {v.now or 'none'}"
            lines += screen.paragraph(one_line(text), "    ", "  ")
    for m in found.messages:
        if not m.changed:
            continue
        roles = [x.role for x in (m.old, m.new) if x]
        role = roles[0] if len(set(roles)) == 1 else " → ".join(roles)
        note = "" if m.old and m.new else " (new)" if m.new else " (gone)"
        lines += ["", screen.bold(f"{role}:{note}"), *_near(m.lines, screen)]
    return lines


def labelled(found: PromptVersion, label: str, was: str | None, screen: Screen) -> list[str]:
    """Say where a label stands."""
    lines = [f"`{found.name}@{label}` is now {screen.teal(found.digest[:7])}."]
    if was and was != found.digest:
        back = f"groundwork prompt label {found.name}@{was[:7]} {label}"
        lines.append(screen.soft(f"It was {was[:7]}; `{back}` goes back."))
    return lines


def tested(reports: Sequence[TestReport], broken: Sequence[PromptEntry], screen: Screen) -> list[str]:
    """Lay out runs of tests: one line per prompt, and what failed."""
    if not reports and not broken:
        return ["No prompt has tests. Write them into its file, below `tests:`."]
    lines: list[str] = []
    for r in reports:
        if not r.results:
            lines.append(f"{r.name} {r.digest[:7]}: no tests")
            continue
        n = count(len(r.results), "test")
        outcome = screen.green("passed") if r.passed else screen.red(f"{r.failed} failed")
        cost = sum(x.cost_usd for x in r.results)
        money = f", {usd(cost)}" if cost else ""
        lines.append(
            f"{r.name} {screen.teal(r.digest[:7])}: {n}, {outcome} {screen.soft(f'({r.model}{money})')}"
        )
        for result in r.results:
            for fault in result.faults:
                lines += screen.paragraph(
                    f"{screen.red('✗')} {one_line(result.name)}: {one_line(fault)}", "    ", "  "
                )
    for e in broken:
        message = e.error.message if e.error else ""
        lines += screen.paragraph(f"{screen.red('✗')} {one_line(message)}", "  ")
    return lines


def imported(report: ImportReport, screen: Screen) -> list[str]:
    """Lay out what an import took, changed and left out."""
    if not report.items:
        return ["There was nothing to import."]
    paint = {"skipped": screen.red, "kept": screen.amber}
    lines = []
    for item in report.items:
        outcome = paint.get(item.outcome, screen.green)(f"{item.outcome:<10}")
        lines += screen.paragraph(
            f"{one_line(item.name)} {screen.soft('from ' + one_line(item.origin))}", " " * 11, f"{outcome} "
        )
        for note in item.notes:
            lines += screen.paragraph(one_line(note), " " * 13, " " * 11 + "- ")
    verb = "would be written" if report.dry_run else "written"
    return [*lines, "", f"{count(report.written, 'prompt')} {verb}, {len(report.skipped)} left out"]


def written(found: PromptVersion, path: Path, screen: Screen) -> list[str]:
    """Say where a new prompt lies."""
    return [
        f"Wrote {path}, version {screen.teal(found.digest[:7])}.",
        screen.soft(
            f"Edit it, then `groundwork prompt test {found.name}` and `groundwork prompt diff {found.name}`."
        ),
    ]


def _labels(entry: PromptEntry) -> str:
    latest = entry.latest.digest if entry.latest else ""
    others = [(k, d) for k, d in entry.labels.items() if k != "latest"]
    return ", ".join(k if d == latest else f"{k} {d[:7]}" for k, d in others)


def _input(found: PromptInput) -> str:
    note = (
        ""
        if found.required
        else f", default {_value(found.default)}"
        if found.default is not None
        else ", optional"
    )
    what = f"; {one_line(found.description)}" if found.description else ""
    return f"{found.type}{note}{what}"


def _value(value: Any) -> str:
    import json

    return end_cut(json.dumps(value, ensure_ascii=False), 400)


def _near(lines: Sequence[Any], screen: Screen, around: int = 2) -> Iterator[str]:
    """Yield changed lines and those around them."""
    kept = {n + d for n, line in enumerate(lines) if line.sign != "=" for d in range(-around, around + 1)}
    last = -1
    for n, line in enumerate(lines):
        if n not in kept:
            continue
        if n > last + 1:
            yield screen.soft("  …")
        last = n
        text = f"{' ' if line.sign == '=' else line.sign} {one_line(line.text)}".rstrip()
        yield {"-": screen.red, "+": screen.green}.get(line.sign, str)(text)
    if last < len(lines) - 1:
        yield screen.soft("  …")
