"""`groundwork evaluate` and `groundwork evaluation`: run something over a dataset, and read what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import evaluations_view as view
from groundwork.cli.door import Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.cli.progress import Progress
    from groundwork.evaluation.running import Progress as Standing
    from groundwork.evaluation.types import Evaluation

app = Commands(help="Evaluations: list, show, report, export.")
UNCHANGED = "nothing was changed"
KEPT = "what is done is kept; `groundwork evaluation resume last` goes on"
WORST = 8
REPORTS = ("html", "md", "json", "junit")
EXPORTS = ("jsonl", "csv", "inspect", "promptfoo")

EvaluationArgument = Annotated[
    str,
    typer.Argument(
        metavar="EVALUATION", help="The id of an evaluation, its beginning, or `last`.", show_default=False
    ),
]
OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Write it there; otherwise it is printed.")
]


@app.add("evaluate", interrupted=KEPT)
def evaluate(
    door: Door,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="[SUBJECT]",
            help="An app, a release such as `handbook@4`, `model:provider/name`, or `file:outputs.jsonl`.",
        ),
    ] = "default",
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", metavar="NAME[@N]", help="The dataset.")
    ] = "golden",
    split: Annotated[
        str, typer.Option("--split", metavar="SPLIT", help="Which part of it; `all`: all but the holdout.")
    ] = "test",
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            "--scorer",
            "-s",
            metavar="SCORER",
            help="A scorer, with parameters such as `rouge_l as=overlap`; otherwise the usual ones. May be repeated.",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", help="How often each example is run.")
    ] = 1,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", help="Run so many examples, drawn at random.", show_default=False
        ),
    ] = None,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is called in lists.")] = "",
    release: Annotated[
        str, typer.Option("--release", metavar="NAME@N", help="Evaluate this release of the app.")
    ] = "",
    resume: Annotated[
        str, typer.Option("--resume", metavar="EVALUATION", help="Go on with an evaluation that was stopped.")
    ] = "",
    background: Annotated[
        bool, typer.Option("--background", help="Queue it; the server does it. `evaluation show` tells.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be run and what it may cost.")
    ] = False,
) -> Reply:
    """Run an app over a dataset and score what comes out.

    Says before it begins how many examples there are, what it may cost, and how small a difference so many can
    show. Ctrl-C keeps what is done. An example is run and paid once, also when the process is killed.
    """
    if resume:
        return _resumed(door, resume)
    with door.workspace() as workspace:
        runner = workspace.evaluation.runner
        plan = runner.plan(
            principal(None),
            _subject(subject, release),
            dataset=dataset,
            split="" if split == "all" else split,
            scorers=[_scorer(s) for s in scorer] if scorer else None,
            repeats=repeats,
            limit=limit,
            title=title,
        )
        if dry_run:
            return Reply(plan.as_dict(), lambda screen: view.plan(plan, screen))
        door.say(view.plan(plan, door.screen))
        found = runner.start(principal(None), plan)
        if background:
            return _queued(workspace, found)
        return _run(door, workspace, found)


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    app_name: Annotated[str, typer.Option("--app", metavar="NAME", help="Only those of this app.")] = "",
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="Only those over this dataset.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="So many.", min=1, max=1000)] = 20,
    before: Annotated[
        str, typer.Option("--before", metavar="EVALUATION", help="Go on from here, to older ones.")
    ] = "",
) -> Reply:
    """List evaluations, newest first."""
    with door.workspace() as workspace:
        found = workspace.evaluation.book.list(
            principal(None), app=app_name, dataset=dataset, limit=limit, before=before or None
        )
    return Reply({"evaluations": [e.as_dict() for e in found]}, lambda screen: view.listed(found, screen))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, evaluation: EvaluationArgument = "last") -> Reply:
    """Show an evaluation: metrics with intervals, slices, errors, and the worst examples with the reasons."""
    with door.workspace() as workspace:
        found = workspace.evaluation.book.get(principal(None), evaluation)
        return _shown(workspace, found)


@app.add("results", interrupted=UNCHANGED)
def results(
    door: Door,
    evaluation: EvaluationArgument = "last",
    only: Annotated[
        str, typer.Option("--only", metavar="STATE", help="`failed`, `done` or `produced`; otherwise all.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="So many.", min=1, max=10_000)] = 20,
    offset: Annotated[int, typer.Option("--offset", metavar="N", help="Leave out the first.", min=0)] = 0,
) -> Reply:
    """Show the results example by example: what was asked, what came out, what it scored."""
    asking = principal(None)
    with door.workspace() as workspace:
        book = workspace.evaluation.book
        found = book.get(asking, evaluation)
        page = book.results(asking, found.id, only=only, limit=limit + 1, offset=offset)
        examples = {x.id: x for x in book.examples(asking, found.id)}
    more, shown = len(page) > limit, page[:limit]
    document = {
        "evaluation": found.id,
        "results": [_result_document(r, examples) for r in shown],
        "next_offset": offset + limit if more else None,
    }
    return Reply(document, lambda screen: view.results(shown, examples, screen, more))


@app.add("report", interrupted=UNCHANGED)
def report(
    door: Door,
    evaluation: EvaluationArgument = "last",
    format: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="FORM", help="html, md, json or junit; else by the file's name."
        ),
    ] = "",
    output: OutputOption = "",
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="URL", help="Address of the console, so that numbers lead to records."
        ),
    ] = "",
) -> Reply | None:
    """Write an evaluation down: HTML that stands alone, Markdown, JSON, or JUnit."""
    from groundwork.app.evaluation_reports import report_of
    from groundwork.app.evaluation_reports import written as write

    asking = principal(None)
    form = _form(format, output, REPORTS, "md")
    with door.workspace() as workspace:
        found = workspace.evaluation.book.get(asking, evaluation)
        text = report_of(workspace, asking, found, form, base=base)
    return _written(door, write(output, text), output, found, form)


@app.add("export", interrupted=UNCHANGED)
def export(
    door: Door,
    evaluation: EvaluationArgument = "last",
    format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORM",
            help="jsonl, csv, inspect or promptfoo; else by the file's name.",
        ),
    ] = "",
    output: OutputOption = "",
) -> Reply | None:
    """Write the results as lines, as a table, or for another tool."""
    from groundwork.app.evaluation_reports import export_of
    from groundwork.app.evaluation_reports import written as write

    asking = principal(None)
    form = _form(format, output, EXPORTS, "jsonl")
    with door.workspace() as workspace:
        found = workspace.evaluation.book.get(asking, evaluation)
        text = export_of(workspace, asking, found, form)
    return _written(door, write(output, text), output, found, form)


@app.add("import", interrupted=UNCHANGED)
def import_(
    door: Door,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file.", show_default=False)],
    kind: Annotated[
        str, typer.Option("--from", metavar="KIND", help="inspect or promptfoo; otherwise found out.")
    ] = "",
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", metavar="NAME", help="What the examples are called; else as the file says."
        ),
    ] = "",
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What it is called in lists.")] = "",
) -> Reply:
    """Bring an evaluation of another tool here, with its examples, outputs and scores."""
    from groundwork.app.evaluation_reports import import_evaluation

    with door.workspace() as workspace:
        found, notes = import_evaluation(
            workspace, principal(None), file, kind=kind, dataset=dataset, title=title
        )
        reply = _shown(workspace, found)
    return Reply({**reply.document, "notes": notes}, lambda screen: [*notes, *reply.lines(screen)])


@app.add("cancel", interrupted="it goes on unless `groundwork evaluation show` says otherwise")
def cancel(door: Door, evaluation: EvaluationArgument) -> Reply:
    """Stop an evaluation at its next example; what is done is kept, and it can go on."""
    with door.workspace() as workspace:
        found = workspace.evaluation.book.cancel(principal(None), evaluation)
    return Reply(found.as_dict(), lambda screen: view.head(found, screen))


@app.add("resume", interrupted=KEPT)
def resume(door: Door, evaluation: EvaluationArgument = "last") -> Reply:
    """Go on with an evaluation that was stopped or whose process died; what is done is not done again."""
    return _resumed(door, evaluation)


def _resumed(door: Door, ref: str) -> Reply:
    with door.workspace() as workspace:
        found = workspace.evaluation.book.get(principal(None), ref)
        return _run(door, workspace, found)


def _run(door: Door, workspace: Workspace, found: Evaluation) -> Reply:
    """Run what is missing with a bar, and answer the numbers."""
    from groundwork.app.running import owner_here

    asking = principal(None)
    try:
        with door.progress("evaluating") as progress:
            workspace.evaluation.runner.run(
                asking, found.id, progress=_teller(progress), owner=owner_here(asking)
            )
    except KeyboardInterrupt:
        door.note(f"stopped; go on with: groundwork evaluation resume {found.id}")
        raise
    return _shown(workspace, workspace.evaluation.book.get(asking, found.id))


def _teller(progress: Progress) -> Any:
    from groundwork.app.money import usd

    def tell(at: Standing) -> None:
        parts = [usd(at.cost_usd)] if at.cost_usd else []
        parts += [f"{at.failed} without output"] if at.failed else []
        progress.at("evaluating", at.done, at.of, ", ".join(parts))

    return tell


def _shown(workspace: Workspace, found: Evaluation) -> Reply:
    from groundwork.app.evaluation_reports import corrected_of
    from groundwork.evaluation.worst import worst

    asking = principal(None)
    results = workspace.evaluation.book.results(asking, found.id)
    corrected = corrected_of(workspace, asking, found)
    low = worst(found.scorers, results, WORST)
    document = {
        **found.as_dict(),
        "corrected": corrected,
        "worst": [
            {"example_id": w.result.example_id, "repeat": w.result.repeat, "scorer": w.scorer, "score": w.score,
             "why": w.why}
            for w in low
        ],
    }  # fmt: skip
    return Reply(document, lambda screen: view.done(found, low, corrected, screen))


def _queued(workspace: Workspace, found: Evaluation) -> Reply:
    from groundwork.app.running import start_evaluation

    job = start_evaluation(workspace, principal(None), found.id)
    lines = [
        f"{found.id} is queued as {job}",
        f"a running server does it; without one: `groundwork evaluation resume {found.id}`",
    ]
    return Reply({**found.as_dict(), "job_id": job}, lambda screen: lines)


def _written(door: Door, where: str, output: str, found: Evaluation, form: str) -> Reply | None:
    if not output:
        door.stdout.write(where)
        door.stdout.flush()
        return None
    return Reply(
        {"evaluation": found.id, "format": form, "path": where}, lambda screen: [f"written: {where}"]
    )


def _result_document(result: Any, examples: Any) -> dict[str, Any]:
    from dataclasses import asdict

    example = examples.get(result.example_id)
    asked = None if example is None else {"input": example.input, "expected": example.expected}
    return {**asdict(result), "example": asked}


def _subject(subject: str, release: str) -> str:
    from groundwork.core.errors import InvalidInputError

    if not release:
        return subject
    named = release if "@" in release or release.startswith("rel_") else f"{subject}@{release}"
    if subject != "default" and "@" in named and named.partition("@")[0] != subject:
        raise InvalidInputError(f"`{named}` is no release of `{subject}`", hint="name one of the two")
    return named


def _scorer(written: str) -> str | dict[str, Any]:
    """Return a scorer of `name`, `name parameter=value …` or a JSON object; values are JSON where they can be read so."""
    from groundwork.core.errors import InvalidInputError

    text = written.strip()
    if text.startswith("{"):
        try:
            table = json.loads(text)
        except ValueError:
            table = None
        if not isinstance(table, dict):
            raise InvalidInputError(f"`{text[:80]}` is no JSON object", hint='such as {"name": "f1"}')
        return table
    name, *pairs = text.split()
    if not pairs:
        return name
    found: dict[str, Any] = {"name": name}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise InvalidInputError(f"`{pair[:80]}` is no parameter", hint=f"write `{name} parameter=value`")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _form(given: str, output: str, known: Sequence[str], usual: str) -> str:
    """Return the form that is asked for, or that the name of the file says."""
    from groundwork.core.errors import InvalidInputError

    ending = Path(output).suffix.lower().lstrip(".") if output else ""
    alias = {"markdown": "md", "htm": "html", "xml": "junit", "yaml": "promptfoo", "yml": "promptfoo"}
    form = (given or (ending if alias.get(ending, ending) in known else "") or usual).lower()
    form = alias.get(form, form)
    if form not in known:
        raise InvalidInputError(f"there is no form `{given[:40]}`", hint=f"one of: {', '.join(known)}")
    return form
