"""How labs, their verification and a portfolio's bundle look on a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundwork.cli.screen import Screen, count, duration, one_line

if TYPE_CHECKING:
    from groundwork.pathways.labs.types import LabLine, LabRun, LabVerification
    from groundwork.pathways.portfolio.types import BundleReport

FIRST_COMMANDS = 4
_COMMAND = re.compile(r"^[ \t]*\$ (.+)$", re.MULTILINE)


def labs(found: Sequence[LabLine], screen: Screen) -> list[str]:
    """List the labs, those that are open first, then those to do, then the passed ones."""
    order = {"open": 0, "new": 1, "passed": 2}
    rows = [
        [x.id, _state(x, screen), f"{x.minutes}", one_line(x.title)]
        for x in sorted(found, key=lambda x: (order[x.state], len(x.after)))
    ]
    return [
        *screen.table(["lab", "state", "minutes", "what it is"], rows, "<<>", stretch=3),
        screen.soft("`groundwork path lab NAME` begins one; `groundwork path next` the one that comes next."),
    ]


def lab_line(line: LabLine, screen: Screen) -> list[str]:
    """Lay out a lab without beginning it."""
    lines = [screen.bold(one_line(line.title)), *screen.paragraph(one_line(line.summary))]
    said = {
        "takes": f"{line.minutes} minutes",
        "proves": ", ".join(line.skills),
        "way to": ", ".join(line.milestones),
        "after": ", ".join(line.after),
        "test-out": "possible" if line.test_out else "",
        "state": f"{line.state}, {line.points} of {count(line.total, 'point')}" if line.run else line.state,
    }
    for name, value in said.items():
        if value:
            lines += screen.paragraph(value, " " * 10, screen.soft(f"{name:<10}"))
    return [*lines, screen.soft(f"Begin it: `groundwork path lab {line.id}`.")]


def lab(run: LabRun, files: Sequence[str], screen: Screen) -> list[str]:
    """Lay out a run: its task in full, where its files lie, what to type."""
    lines = [line.rstrip() for line in run.task.splitlines()]
    if lines and lines[0].startswith("# "):
        lines[0] = screen.bold(lines[0][2:])
    return [*lines, "", *opened(run, files, screen, commands=False)]


def opened(run: LabRun, files: Sequence[str], screen: Screen, *, commands: bool = True) -> list[str]:
    """Lay out where a run lies and how to go on with it."""
    kind = (
        "test-out, without hints"
        if run.test_out
        else f"{run.points} of {count(run.total, 'point')} met so far"
    )
    lines = [f"Lab {screen.bold(run.lab)}: {kind}"]
    for note in run.notes:
        lines += screen.paragraph(screen.amber(one_line(note)), "  ", "  ")
    files = sorted(files, key=lambda name: (not name.endswith("task.md"), name))
    if files:
        lines += ["Its files:", *(f"  {name}" for name in files[:12])]
        if len(files) > 12:
            lines.append(f"  and {len(files) - 12} more")
    first = commands_of(run.task)[:FIRST_COMMANDS] if commands else []
    if first:
        task = next((f for f in files if f.endswith("task.md")), "")
        lines += ["", f"The task is in {task}; it begins with:" if task else "It begins with:"]
        lines += [f"  {screen.teal(line)}" for line in first]
    lines += ["", "When it is done:", f"  {screen.teal('groundwork path verify')}"]
    if not run.test_out:
        lines += ["Stuck?", f"  {screen.teal('groundwork path hint')}"]
    return lines


def sheet(run: LabRun, screen: Screen) -> list[str]:
    """Lay out the sheet of a run: what it asks for and what stands there."""
    rows = [[key, one_line(str(run.answers.get(key, ""))) or "–"] for key in run.asked]
    if "minutes" in run.answers:
        rows.append(["minutes", str(run.answers["minutes"])])
    return [
        *screen.table(["answer", "what you wrote"], rows, stretch=1),
        screen.soft("Check it: `groundwork path verify`."),
    ]


def verification(found: LabVerification, screen: Screen) -> list[str]:
    """Lay out each point of a lab: met or not, why, and what would help."""
    lines = []
    for state in found.states:
        mark = screen.green("met    ") if state.met else screen.amber("not yet")
        said = f"{one_line(state.title)} {screen.soft(f'({state.worth})')}"
        lines += screen.paragraph(said, " " * 9, f"{mark}  ")
        if not state.met:
            if state.why:
                lines += screen.paragraph(one_line(state.why), " " * 9, " " * 9)
            if state.command:
                lines.append(f"         {screen.teal(state.command)}")
    for note in found.notes:
        lines += screen.paragraph(screen.amber(one_line(note)), "  ")
    lines += ["", f"{found.points} of {count(found.total, 'point')}, {duration(found.minutes * 60)} of work"]
    if found.passed:
        lines += [screen.green("passed") + (f", proof {found.proof}" if found.proof else "")]
        return [*lines, screen.soft("What comes next: `groundwork path next`.")]
    return [*lines, screen.soft("A hint: `groundwork path hint`.")]


def bundle(report: BundleReport, screen: Screen) -> list[str]:
    """Lay out what checking a bundle found."""
    marks = {
        "holds": screen.green("holds"),
        "fails": screen.red("fails"),
        "history": screen.amber("history"),
        "cannot_be_checked": screen.soft("cannot be checked"),
    }
    verdict = screen.green("It holds.") if report.valid else screen.red("It does not hold.")
    lines = [
        verdict,
        *screen.paragraph(f"Issuer: {report.issuer}"),
        f"Made: {report.created_at[:16].replace('T', ' ')} UTC",
    ]
    for line in report.lines:
        lines += screen.paragraph(
            f"{marks[line.state]}  {one_line(line.what)}: {one_line(line.sentence)}", "    ", "  "
        )
    return lines


def commands_of(task: str) -> list[str]:
    """Return the commands of a task in order: the lines that begin with `$ `."""
    return [line.strip() for line in _COMMAND.findall(task)]


def _state(line: LabLine, screen: Screen) -> str:
    if line.state == "passed":
        return screen.green("passed")
    return screen.teal(f"{line.points} of {line.total}") if line.state == "open" else "new"
