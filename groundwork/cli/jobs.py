"""`groundwork jobs`: background work."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from groundwork.cli.answer_view import plain
from groundwork.cli.door import Commands, Door, Reply, principal
from groundwork.cli.screen import Screen, moment, one_line

app = Commands(help="Background work: list, show and cancel.")
JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job.", show_default=False)]


@app.add("list", interrupted="nothing was changed")
def list_(door: Door) -> Reply:
    """List the jobs, newest first."""
    with door.workspace() as workspace:
        found = [plain(job) for job in workspace.jobs(principal(None))]
    return Reply({"jobs": found}, lambda screen: _table(found, screen))


@app.add("show", interrupted="nothing was changed")
def show(door: Door, job: JobArgument) -> Reply:
    """Show one job: its state, how far it is, what came out."""
    with door.workspace() as workspace:
        found = plain(workspace.job(job, principal(None)))
    return Reply(found, lambda screen: _facts(found, screen))


@app.add("cancel", interrupted="the job goes on unless `groundwork jobs show` says otherwise")
def cancel(door: Door, job: JobArgument) -> Reply:
    """Stop a job at its next step; what it has committed is kept."""
    with door.workspace() as workspace:
        workspace.cancel(job, principal(None))
        found = plain(workspace.job(job, principal(None)))
    return Reply(found, lambda screen: _facts(found, screen))


def _table(jobs: list[dict[str, Any]], screen: Screen) -> list[str]:
    if not jobs:
        return ["There are no jobs; the server makes them when files are uploaded."]
    rows = [
        [
            str(j.get("id", "")),
            str(j.get("name", j.get("kind", ""))),
            str(j.get("status", j.get("state", ""))),
            moment(str(j.get("created_at", ""))),
        ]
        for j in jobs
    ]
    return screen.table(["job", "work", "state", "made (UTC)"], rows, stretch=1)


def _facts(job: dict[str, Any], screen: Screen) -> list[str]:
    lines: list[str] = []
    for key, value in job.items():
        if value not in (None, "", {}, [], ()):
            lines += screen.paragraph(one_line(str(value)), " " * 14, screen.soft(f"{key:<14}"))
    return lines
