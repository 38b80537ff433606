"""Verdicts as the lines and files that CI shows beside a change: GitHub's workflow commands, GitLab's code quality."""

from __future__ import annotations

import json

from groundwork.core.digest import digest_json
from groundwork.evaluation.gates.types import Verdict
from groundwork.evaluation.gates.wording import OUTCOMES
from groundwork.evaluation.reports.sarif import SPEC_FILE


def github(verdict: Verdict, *, line: int = 1) -> str:
    """Return workflow commands (`::error …`), one a line: the verdict first, then what was not met."""
    title = f"{OUTCOMES[verdict.outcome]}: gate {verdict.gate}"
    level = "notice" if verdict.passed else "warning" if verdict.overridden else "error"
    said = [_command(level, title, verdict.headline, line)]
    said += [
        _command("error" if c.required else "warning", f"{c.kind}: {c.metric}", c.sentence, line)
        for c in verdict.checks
        if c.state != "pass" and c.sentence not in verdict.headline
    ]
    said += [
        _command("warning", f"gate {verdict.gate}", w, line)
        for w in verdict.warnings
        if w not in verdict.headline
    ]
    return "\n".join(dict.fromkeys(said)) + "\n"


def gitlab(verdict: Verdict, *, line: int = 1) -> str:
    """Return GitLab's code quality report (JSON): what was not met, major; warnings, minor."""
    rows = [
        ("major" if c.required else "minor", c.sentence, [c.kind, c.metric])
        for c in verdict.checks
        if c.state != "pass"
    ]
    rows += [("minor", w, ["warning", w]) for w in verdict.warnings if all(w != said for _, said, _ in rows)]
    if not verdict.passed and not any(severity == "major" for severity, _, _ in rows):
        rows.insert(0, ("major", verdict.headline, ["verdict", verdict.outcome]))
    found = [
        {
            "description": said,
            "check_name": f"groundwork/gate/{about[0]}",
            "fingerprint": digest_json([verdict.gate, *about]),
            "severity": severity,
            "location": {"path": SPEC_FILE, "lines": {"begin": max(1, line)}},
        }
        for severity, said, about in rows
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _command(level: str, title: str, text: str, line: int) -> str:
    where = f"file={SPEC_FILE},line={max(1, line)},title={_property(title)}"
    return f"::{level} {where}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
