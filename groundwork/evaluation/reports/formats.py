"""The formats a verdict or a comparison can be written in, by name."""

from __future__ import annotations

import json
from typing import Literal, get_args

from groundwork.core.errors import InvalidInputError
from groundwork.evaluation.gates.types import Comparison, Plan, Verdict
from groundwork.evaluation.reports import html, junit, markdown, sarif
from groundwork.evaluation.reports.annotations import github, gitlab

Format = Literal["html", "markdown", "json", "junit", "sarif", "github", "gitlab"]
FORMATS: tuple[str, ...] = get_args(Format)
OF_COMPARISONS = ("html", "markdown", "json")
ENDINGS = {
    ".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".xml": "junit", ".sarif": "sarif",
}  # fmt: skip


def format_of(name: str, output: str) -> str:
    """Return the format that was named, or that the ending of a file means; JSON otherwise.

    Raises:
        InvalidInputError: there is no such format.
    """
    if name:
        if name not in FORMATS:
            raise InvalidInputError(
                f"`{name[:40]}` is no format of a report", hint=f"one of: {', '.join(FORMATS)}"
            )
        return name
    return next((f for ending, f in ENDINGS.items() if output.lower().endswith(ending)), "json")


def write_verdict(
    verdict: Verdict, form: str, *, plan: Plan | None = None, base: str = "", line: int = 1
) -> str:
    """Return a verdict in a format.

    Args:
        base: of the console, for links to records. line: where the gate stands in groundwork.toml.
    """
    if form == "html":
        return html.verdict_report(verdict, plan, base=base)
    if form == "markdown":
        return markdown.verdict_summary(verdict, base=base)
    if form == "junit":
        return junit.verdict_junit(verdict)
    if form == "sarif":
        return sarif.verdict_sarif(verdict, base=base, line=line)
    if form == "github":
        return github(verdict, line=line)
    if form == "gitlab":
        return gitlab(verdict, line=line)
    document = {**verdict.as_dict(), "stored_plan": plan.as_dict() if plan is not None else None}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_comparison(found: Comparison, form: str, *, base: str = "") -> str:
    """Return a comparison in a format.

    Raises:
        InvalidInputError: the format says only what verdicts say.
    """
    if form == "html":
        return html.comparison_report(found, base=base)
    if form == "markdown":
        return markdown.comparison_summary(found, base=base)
    if form == "json":
        return json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n"
    raise InvalidInputError(f"a comparison has no `{form}`", hint=f"one of: {', '.join(OF_COMPARISONS)}")
