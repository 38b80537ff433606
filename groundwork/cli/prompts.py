"""`groundwork prompt`: prompts as files, their versions, differences, labels and tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import prompts_view as view
from groundwork.cli.door import Commands, Door, Reply, principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.prompts.testing import TestReport
    from groundwork.prompts.types import PromptTemplate

app = Commands(help="Prompts as files: versions, differences, tests.")
UNCHANGED = "nothing was changed"

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@VERSION]",
        help="A prompt; after `@` a label, a digest or its beginning. Otherwise what the file is now.",
        show_default=False,
    ),
]


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door) -> Reply:
    """List the prompts with their versions and labels.

    The files are `prompts/*.md` of the workspace. A file of the same name stands in front of a built-in prompt. A
    file that cannot be read is listed with its error. Exits with 1 when there is one.
    """
    with door.workspace() as workspace:
        found = workspace.prompts.sync(principal(None))
    broken = any(e.error for e in found)
    document = {"prompts": [view.entry_document(e) for e in found]}
    return Reply(document, lambda screen: view.entries(found, screen), 1 if broken else 0)


@app.add("show", interrupted=UNCHANGED)
def show(
    door: Door,
    name: NameArgument,
    source: Annotated[bool, typer.Option("--source", help="Print the file as it was written.")] = False,
) -> Reply:
    """Show one version of a prompt: messages, inputs, hints, tests; and the other versions."""
    with door.workspace() as workspace:
        prompt, ref = _split(name)
        found = workspace.prompts.get(principal(None), prompt, ref)
        versions = workspace.prompts.versions(principal(None), prompt)
        runs = workspace.prompts.runs(principal(None), prompt, 3)
    document = {
        **view.version_document(found),
        "versions": [view.version_line(v) for v in versions],
        "runs": [r.as_dict() for r in runs],
    }
    if source:
        return Reply(document, lambda screen: [found.template.source.rstrip("\n")])
    return Reply(document, lambda screen: view.version(found, versions, runs, screen))


@app.add("render", interrupted=UNCHANGED)
def render(
    door: Door,
    name: NameArgument,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="INPUT=VALUE", help="A value; all but texts are JSON. May be repeated."
        ),
    ] = None,
    values: Annotated[
        str,
        typer.Option("--values", metavar="FILE", help="A JSON object with values; `-` reads standard input."),
    ] = "",
    test: Annotated[str, typer.Option("--test", metavar="NAME", help="Take the values of this test.")] = "",
) -> Reply:
    """Show the messages that a prompt makes of values, as a model would get them."""
    prompt, ref = _split(name)
    with door.workspace() as workspace:
        found = workspace.prompts.get(principal(None), prompt, ref)
        given = _values(found.template, set_ or [], values, test)
        from groundwork.prompts.template import render as fill_in

        messages = fill_in(found.template, given)
    document = {
        "name": found.name,
        "digest": found.digest,
        "hints": dict(found.template.hints),
        "messages": [{"role": m.role, "text": m.text} for m in messages],
    }
    return Reply(document, lambda screen: view.messages(messages, screen))


@app.add("diff", interrupted=UNCHANGED)
def diff(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A prompt.", show_default=False)],
    old: Annotated[
        str,
        typer.Argument(metavar="[OLD]", help="A label or digest; otherwise the version before the file's."),
    ] = "",
    new: Annotated[
        str, typer.Argument(metavar="[NEW]", help="The same; otherwise what the file is now.")
    ] = "latest",
) -> Reply:
    """Show what differs between two versions of a prompt: messages line by line, inputs and hints."""
    with door.workspace() as workspace:
        prompts = workspace.prompts
        found = prompts.diff(principal(None), name, old or prompts.previous(principal(None), name), new)
    return Reply(found.as_dict(), lambda screen: view.diff(found, screen))


@app.add("label", interrupted="the label moves in one step: `groundwork prompt show` tells where it stands")
def label(
    door: Door,
    name: NameArgument,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="Such as `production`.", show_default=False)],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded with the move.")
    ] = "",
    expected: Annotated[
        str,
        typer.Option(
            "--expected",
            metavar="DIGEST",
            help="Move it only from this version; `none`: only when it is new.",
        ),
    ] = "",
) -> Reply:
    """Point a label at a version. Apps that name `prompt@label` take that version from then on."""
    asking = principal(None)
    prompt, ref = _split(name)
    with door.workspace() as workspace:
        more: dict[str, Any] = {}
        if expected:
            none = expected == "none"
            more["expected"] = None if none else workspace.prompts.get(asking, prompt, expected).digest
        found = workspace.prompts.label(asking, prompt, ref, label, reason=reason, **more)
        move = workspace.prompts.moves(asking, prompt, label, 1)[0]
    document = {**view.version_line(found), "label": label, "was": move.old}
    return Reply(document, lambda screen: view.labelled(found, label, move.old, screen))


@app.add("test", interrupted="runs that were recorded are kept; run it again for the rest")
def run_tests(
    door: Door,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME[@VERSION]…]", help="Prompts; otherwise all that have tests.", show_default=False
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask a model; this may cost money. Otherwise nothing is asked.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Ask this model instead of the prompt's own.")
    ] = "",
) -> Reply:
    """Run the tests of prompts and record how they came out. Exits with 1 when one fails.

    Offline a test reads its own `reply`, or the prompt itself where it has none. With --online a model is asked.
    """
    from groundwork.core.errors import InvalidInputError

    if model and not online:
        raise InvalidInputError("--model goes with --online", hint="offline no model is asked")
    asking = principal(None)
    with door.workspace() as workspace:
        reports, broken = _tested(workspace, names or [], online, model)
    passed = not broken and all(r.passed for r in reports)
    document = {
        "passed": passed,
        "reports": [r.as_dict() for r in reports],
        "broken": [{"name": e.name, "error": e.error.as_dict() if e.error else None} for e in broken],
        "principal": asking.name,
    }
    return Reply(document, lambda screen: view.tested(reports, broken, screen), 0 if passed else 1)


@app.add("import", interrupted="prompts that were written are kept; run it again for the rest")
def import_(
    door: Door,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="A folder or a file.", show_default=False)],
    kind: Annotated[
        str, typer.Option("--from", metavar="KIND", help="What it is; otherwise found out. See below.")
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace prompts of the same name; old versions are kept.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> Reply:
    """Bring prompts of other tools into prompts/, and say what was taken, changed and left out.

    Kinds: directory (a folder of .txt, .md and the others), promptfoo (a configuration with its tests), langchain (a
    prompt of the hub as JSON or YAML), dotprompt and prompty. Nothing in them is ever executed. Exits with 1 when
    a prompt could not be taken.
    """
    from groundwork.prompts.importing import import_prompts

    with door.workspace() as workspace:
        report = import_prompts(
            workspace.prompts, principal(None), source, kind=kind, overwrite=overwrite, dry_run=dry_run
        )
    return Reply(report.as_dict(), lambda screen: view.imported(report, screen), 1 if report.skipped else 0)


@app.add("new", interrupted=UNCHANGED)
def new(
    door: Door,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as `summary`.", show_default=False)],
    copy: Annotated[
        str,
        typer.Option("--copy", metavar="NAME[@VERSION]", help="Begin with this prompt, such as `answer`."),
    ] = "",
) -> Reply:
    """Write a new prompt file to begin with, or a copy of another prompt under its own or a new name."""
    from groundwork.prompts.files import STARTER

    asking = principal(None)
    with door.workspace() as workspace:
        text = workspace.prompts.get(asking, *_split(copy)).template.source if copy else STARTER
        found = workspace.prompts.write(asking, name, text, expected="")
        path = workspace.prompts.folder.path / f"{name}.md"
    document = {**view.version_line(found), "path": str(path)}
    return Reply(document, lambda screen: view.written(found, path, screen))


def _split(written: str) -> tuple[str, str]:
    from groundwork.prompts.store import split_ref

    return split_ref(written)


def _tested(
    workspace: Workspace, names: Sequence[str], online: bool, model: str
) -> tuple[list[TestReport], list[Any]]:
    asking = principal(None)
    entries = [] if names else workspace.prompts.sync(asking)
    wanted = list(names) or [e.name for e in entries if e.origin != "gone" and e.latest and not e.error]
    reports = []
    for written in wanted:
        name, ref = _split(written)
        found = workspace.prompts.get(asking, name, ref)
        if not names and not found.template.tests:
            continue
        ask = None
        if online:
            from groundwork.app.prompting import completer

            ask = completer(workspace, asking, prompt=f"{name}@{found.digest}", model=model)
        reports.append(workspace.prompts.test(asking, name, found.digest, ask))
    return reports, [e for e in entries if e.error]


def _values(template: PromptTemplate, pairs: Sequence[str], file: str, test: str) -> dict[str, Any]:
    """Put values together: of a test, then of a file, then of the command line."""
    import json

    from groundwork.core.errors import InvalidInputError, NotFoundError
    from groundwork.prompts.inputs import read_value

    values: dict[str, Any] = {}
    if test:
        found = next((t for t in template.tests if t.name == test), None)
        if found is None:
            known = ", ".join(f"`{t.name}`" for t in template.tests) or "none"
            raise NotFoundError(f"the prompt has no test `{test}`", hint=f"its tests: {known}")
        values.update(found.inputs)
    if file:
        try:
            read = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            read = None
        except OSError as error:
            raise InvalidInputError(f"`{file}` cannot be read: {error.strerror}") from None
        if not isinstance(read, dict):
            raise InvalidInputError(f"`{file}` holds no JSON object", hint='such as {"question": "Why?"}')
        values.update(read)
    inputs = {i.name: i for i in template.inputs}
    for pair in pairs:
        name, mark, written = pair.partition("=")
        if not mark:
            raise InvalidInputError(f"`{pair[:80]}` is no value", hint="write `--set input=value`")
        input_ = inputs.get(name)
        # An unknown name is refused below with the names that there are.
        values[name] = read_value(template.name, input_, written) if input_ else written
    return values
