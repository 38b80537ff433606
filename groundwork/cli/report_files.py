"""Where reports of commands go: one file, or all that CI shows, in the place where this CI looks for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from groundwork.core.errors import InvalidInputError

if TYPE_CHECKING:
    from groundwork.evaluation.gates.types import Plan, Verdict

Place = Literal["github", "gitlab", ""]
FOLDER = "groundwork-report"
FILES = {
    "html": "verdict.html", "markdown": "verdict.md", "json": "verdict.json", "junit": "verdict.xml",
    "sarif": "verdict.sarif", "gitlab": "gl-code-quality-report.json",
}  # fmt: skip


def place_of(environment: Mapping[str, str] | None = None) -> Place:
    """Return which CI this process runs in; empty for none that is known."""
    given = os.environ if environment is None else environment
    if given.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if given.get("GITLAB_CI") else ""


def write(path: str, text: str) -> str:
    """Write a report and return where it is; folders are made.

    Raises:
        InvalidInputError: it cannot be written there.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(
            f"`{path}` cannot be written: {error.strerror}", hint="choose another place"
        ) from None
    return str(file)


def write_all(
    verdict: Verdict,
    plan: Plan | None,
    folder: str,
    *,
    base: str,
    line: int,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Write every report that CI shows into a folder and return the paths; a job's summary on GitHub gets the Markdown.

    Args:
        base: of the console, for links. line: where the gate stands in groundwork.toml.
    """
    from groundwork.evaluation.reports.formats import write_verdict

    given = os.environ if environment is None else environment
    written = [
        write(str(Path(folder) / name), write_verdict(verdict, form, plan=plan, base=base, line=line))
        for form, name in FILES.items()
        if form != "gitlab" or place_of(given) != "github"
    ]
    summary = given.get("GITHUB_STEP_SUMMARY", "")
    if place_of(given) == "github" and summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(write_verdict(verdict, "markdown", base=base) + "\n")
        except OSError as error:
            raise InvalidInputError(
                f"the job's summary `{summary}` cannot be written: {error.strerror}"
            ) from None
    return written


def gate_line(root: Path, name: str) -> int:
    """Return the line of groundwork.toml, from 1, in which a gate begins; 1 where it cannot be found."""
    try:
        lines = (root / "groundwork.toml").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    heads = (f"[gates.{name}]", f'[gates."{name}"]')
    return next((n for n, text in enumerate(lines, 1) if text.strip().split("#")[0].strip() in heads), 1)
