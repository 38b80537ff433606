"""`groundwork verify`, `doctor`, `settings`, `schema`: is all well, and how is it set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundwork.cli.answer_view import plain
from groundwork.cli.door import Commands, Door, Reply
from groundwork.cli.screen import Screen, count, one_line

if TYPE_CHECKING:
    from groundwork.core.settings import Resolved

app = Commands()
LEVELS = ("ok", "warn", "error")


@app.add("verify", interrupted="verifying changes nothing")
def verify(door: Door) -> Reply:
    """Check the digest of everything that is stored.

    Reads every blob, chunk and manifest once, and names what is damaged. Exits with 1 when there
    is damage.
    """
    with door.workspace() as workspace, door.progress("checked") as progress:
        report = workspace.verify(progress=progress.stage)
    return Reply(plain(report), lambda screen: _verified(report, screen), 0 if report.ok else 1)


@app.add("doctor", interrupted="nothing was changed")
def doctor(door: Door) -> Reply:
    """Say in plain words what is missing or misconfigured.

    Each finding says what to do. Exits with 1 when something is broken.
    """
    with door.workspace() as workspace:
        findings = workspace.doctor()
    broken = any(f.level == "error" for f in findings)
    document = {"ok": not broken, "findings": [plain(f) for f in findings]}
    return Reply(document, lambda screen: _findings(findings, screen), 1 if broken else 0)


@app.add("settings", interrupted="nothing was changed")
def settings(door: Door) -> Reply:
    """Show every setting with its value and its origin.

    The order is: argument, `GROUNDWORK_…` variable, `groundwork.toml`, default.
    """
    resolved, root = _resolved(door)
    rows = resolved.rows()
    document = {
        "workspace": str(root),
        "settings": [{"key": key, "value": value, "origin": origin} for key, value, origin in rows],
    }
    return Reply(document, lambda screen: _settings(rows, screen))


@app.add("schema", interrupted="nothing was changed")
def schema(door: Door) -> Reply:
    """Print the JSON Schema of groundwork.toml."""
    import json

    from groundwork.cli.schema import spec_schema

    found = spec_schema()
    return Reply(found, lambda screen: [json.dumps(found, indent=2, ensure_ascii=False)])


def _resolved(door: Door) -> tuple[Resolved, Any]:
    from pathlib import Path

    from groundwork.app.config import find_root, read_config

    root = find_root(door.directory or Path())
    return read_config(root), root


def _verified(report: Any, screen: Screen) -> list[str]:
    checked = ", ".join(count(n, what.removesuffix("s")) for what, n in report.checked.items())
    checked = checked or "nothing is stored yet"
    if report.ok:
        return [f"{screen.green('All is well.')} Checked: {checked}."]
    lines = [screen.red(f"{count(len(report.damaged), 'thing')} damaged:")]
    for d in (plain(x) for x in report.damaged):
        lines += screen.paragraph(f"{d['kind']} {d['id']}: {d['problem']}", "    ", "  ")
    return [*lines, "", f"Checked: {checked}."]


def _findings(findings: Any, screen: Screen) -> list[str]:
    paint = {"ok": screen.green, "warn": screen.amber, "error": screen.red}
    lines: list[str] = []
    for f in sorted(findings, key=lambda f: -LEVELS.index(f.level)):
        lines += screen.paragraph(
            f"{f.topic}: {one_line(f.message)}", "       ", f"{paint[f.level](f'{f.level:<5}')}  "
        )
        lines += (
            screen.paragraph(one_line(f.hint), "       ", f"       {screen.teal('hint:')} ") if f.hint else []
        )
    return lines


def _settings(rows: Any, screen: Screen) -> list[str]:
    shown = [
        [key, one_line(str(value)) if value not in ("", None) else "–", origin] for key, value, origin in rows
    ]
    return screen.table(["setting", "value", "origin"], shown, stretch=1)
