"""`groundwork gate`: plan, evaluate, decide; verdicts, and what people overrode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import gates_view as view
from groundwork.cli import report_files
from groundwork.cli.door import Commands, Door, Reply, principal
from groundwork.cli.screen import Screen

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.gates.types import Plan, Verdict

app = Commands(help="Gates: promote, reject, or not enough evidence.", default="run", named=True)
UNCHANGED = "nothing was changed"
KEPT = "the plan and every finished example are kept; run the same command again to go on"

NameArgument = Annotated[
    str,
    typer.Argument(metavar="[NAME]", help="A gate of the spec; otherwise the only one.", show_default=False),
]
CandidateOption = Annotated[
    str,
    typer.Option(
        "--candidate",
        "-c",
        metavar="REF",
        help="An app, a release `app@4`, a model or an evaluation; else the gate's app.",
    ),
]
BaselineOption = Annotated[
    str,
    typer.Option(
        "--baseline", "-b", metavar="REF", help="The same; else the release that stands in the environment."
    ),
]
EnvironmentOption = Annotated[
    str, typer.Option("--environment", "-e", metavar="NAME", help="Where the baseline stands.")
]
VerdictArgument = Annotated[
    str,
    typer.Argument(metavar="[VERDICT]", help="Its id, the beginning of it, or `last`.", show_default=False),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help="html, markdown, json, junit, sarif, github or gitlab; else by the ending.",
    ),
]
OutputOption = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write the report here.")]
BaseOption = Annotated[
    str, typer.Option("--console", metavar="URL", help="Address of the console, for links in reports.")
]


@app.add("run", interrupted=KEPT)
def run(
    door: Door,
    name: NameArgument = "",
    candidate: CandidateOption = "",
    baseline: BaselineOption = "",
    environment: EnvironmentOption = "production",
    posthoc: Annotated[
        bool,
        typer.Option(
            "--posthoc",
            help="Decide evaluations that began before the plan; such a verdict promotes nothing.",
        ),
    ] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only write the plan down and show it.")] = False,
    ci: Annotated[
        bool, typer.Option("--ci", help="Write every report into a folder, and what GitHub or GitLab shows.")
    ] = False,
    format_: FormatOption = "",
    output: OutputOption = "",
    console: BaseOption = "",
) -> Reply:
    """Write a plan down, evaluate what is missing, and decide: promote, reject, or not enough evidence.

    The word may be left out: `groundwork gate quality`. Exits with 0 for promote and 1 for everything else. With --ci the
    reports are in the folder groundwork-report, or in --output.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        gates = workspace.evaluation.gates
        if plan_only:
            made = gates.plan(asking, name, candidate=candidate, baseline=baseline, environment=environment)
            return Reply(made.as_dict(), lambda screen: view.plan(made, screen))
        planned = gates.plan(asking, name, candidate=candidate, baseline=baseline, environment=environment)
        door.say(view.plan(planned, door.screen))
        with door.progress("example") as bar:
            found = gates.run(
                asking,
                name,
                candidate=candidate,
                baseline=baseline,
                environment=environment,
                posthoc=posthoc,
                progress=lambda side, at: bar.stage(side, at.done, at.of),
            )
        return _reply(workspace, door, found, ci, format_, output, console)


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door) -> Reply:
    """List the gates of the spec with their last verdicts."""
    asking = principal(None)
    with door.workspace() as workspace:
        gates = workspace.evaluation.gates
        specs = gates.specs()
        last = {name: v for name in specs for v in gates.verdicts(asking, gate=name, limit=1)}
    document = {
        "gates": [
            {
                "name": name,
                "spec": spec.model_dump(mode="json"),
                "last": last[name].as_dict() if name in last else None,
            }
            for name, spec in specs.items()
        ]
    }
    return Reply(document, lambda screen: view.gates(specs, last, screen))


@app.add("verdicts", interrupted=UNCHANGED)
def verdicts(
    door: Door,
    gate: Annotated[str, typer.Option("--gate", "-g", metavar="NAME", help="Only of this gate.")] = "",
    app_: Annotated[str, typer.Option("--app", "-a", metavar="NAME", help="Only of this app.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
) -> Reply:
    """List verdicts, newest first."""
    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.evaluation.gates.verdicts(asking, gate=gate, app=app_, limit=limit)
    return Reply({"verdicts": [v.as_dict() for v in found]}, lambda screen: view.verdicts(found, screen))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, verdict: VerdictArgument = "last") -> Reply:
    """Show a verdict: the sentence, what had to be shown, and how sure it is."""
    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.evaluation.gates.verdict(asking, verdict)
    return Reply(found.as_dict(), lambda screen: view.verdict(found, screen))


@app.add("report", interrupted=UNCHANGED)
def report(
    door: Door,
    verdict: VerdictArgument = "last",
    ci: Annotated[bool, typer.Option("--ci", help="Write every report, as `gate run --ci` does.")] = False,
    format_: FormatOption = "",
    output: OutputOption = "",
    console: BaseOption = "",
) -> Reply:
    """Write the report of a verdict in a format; without --output onto the terminal."""
    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.evaluation.gates.verdict(asking, verdict)
        if not ci and not format_ and not output:
            format_ = "markdown"
        made = _reply(workspace, door, found, ci, format_, output, console)
    return Reply(made.document, made.lines)


@app.add("override", interrupted=UNCHANGED)
def override(
    door: Door,
    verdict: Annotated[str, typer.Argument(metavar="VERDICT", help="Its id.", show_default=False)],
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why it is right to let this pass; 10 characters and more."
        ),
    ],
) -> Reply:
    """Let a release pass in spite of a verdict. Who, when and why is recorded and shown wherever the verdict is."""
    asking = principal(None)
    with door.workspace() as workspace:
        gates = workspace.evaluation.gates
        made = gates.override(asking, verdict, reason)
        found = gates.verdict(asking, made.verdict_id)
    return Reply(found.as_dict(), lambda screen: view.verdict(found, screen))


def _reply(
    workspace: Workspace, door: Door, found: Verdict, ci: bool, form: str, output: str, console: str
) -> Reply:
    """Write the reports that were asked for and answer the verdict; exit code 1 unless it is `promote`."""
    from groundwork.evaluation.reports.formats import format_of, write_verdict

    code = 0 if found.passed else 1
    plan = _plan(workspace, found)
    line = report_files.gate_line(workspace.root, found.gate)
    document: dict[str, Any] = found.as_dict()
    if ci:
        files = report_files.write_all(found, plan, output or report_files.FOLDER, base=console, line=line)
        shown = write_verdict(found, "github", line=line) if report_files.place_of() == "github" else ""
        return Reply(
            {**document, "files": files},
            lambda screen: [*shown.splitlines(), *view.verdict(found, screen), *_written(files, screen)],
            code,
        )
    if form or output:
        text = write_verdict(found, format_of(form, output), plan=plan, base=console, line=line)
        if not output:
            return Reply(document, lambda screen: [text.rstrip("\n")], code)
        file = report_files.write(output, text)
        return Reply(
            {**document, "files": [file]},
            lambda screen: [*view.verdict(found, screen), *_written([file], screen)],
            code,
        )
    return Reply(document, lambda screen: view.verdict(found, screen), code)


def _plan(workspace: Workspace, found: Verdict) -> Plan | None:
    from groundwork.core.errors import NotFoundError

    try:
        return workspace.evaluation.gates.stored_plan(principal(None), found.plan)
    except NotFoundError:
        return None


def _written(files: list[str], screen: Screen) -> list[str]:
    return [screen.soft(f"wrote {f}") for f in files]
