"""`groundwork dataset`: import, look at, change, check, split and export golden sets."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import datasets_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.datasets.types import DatasetVersion, Example

app = Commands(help="Golden sets: import, write, review, compare, export.")
UNCHANGED = "nothing was changed"
WHOLE = "a version is made whole or not at all"

RefArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@VERSION]",
        help="A dataset; after `@` a number, `latest` or the beginning of a digest. Otherwise the newest.",
        show_default=False,
    ),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A dataset.", show_default=False)]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Kept with the version.")]
SplitOption = Annotated[
    str, typer.Option("--split", metavar="SPLIT", help="train, validation, test or holdout.")
]
TagsOption = Annotated[
    list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag; repeatable, or by commas.")
]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", metavar="NAME", help="Shared by examples of one source.")
]
ExpectedOption = Annotated[
    list[str] | None,
    typer.Option("--expected", "-e", metavar="TEXT", help="What is right; given several times: any of them."),
]
ImpossibleOption = Annotated[
    bool | None,
    typer.Option(
        "--impossible/--possible", help="Whether the right answer is to decline.", show_default=False
    ),
]


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door) -> Reply:
    """List the datasets with their newest versions, and what waits for review."""
    with door.workspace() as workspace:
        found = workspace.datasets.list(principal(None))
        waiting = workspace.datasets.waiting(principal(None))
    document = {"datasets": [v.as_dict() for v in found], "waiting": waiting}
    return Reply(document, lambda screen: view.datasets(found, waiting, screen))


@app.add("import", interrupted=WHOLE)
def import_(
    door: Door,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV, JSON, JSON lines or YAML, gzipped or not; `-`: stdin.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str, typer.Option("--name", "-n", metavar="NAME", help="The dataset; else as the file.")
    ] = "",
    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORM",
            help="csv, inspect, jsonl, promptfoo, retrieval or squad; otherwise it is found out.",
        ),
    ] = "",
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field; repeatable."),
    ] = None,
    into: SplitOption = "",
    licence: Annotated[str, typer.Option("--licence", metavar="TEXT", help="Where the file says none.")] = "",
    tag: TagsOption = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad lines out and say how many.")
    ] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Keep what the newest version has; equal ids are replaced.")
    ] = False,
    note: NoteOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and say what would come; store nothing.")
    ] = False,
) -> Reply:
    """Make the next version of a dataset of a file.

    Columns are told by their names, such as `question` and `answer`; all others are kept as metadata. A bad line refuses
    the file, with its number, and nothing is stored.
    """
    from groundwork.datasets import changing
    from groundwork.datasets.importing import read_file

    piped = file == "-"
    path = Path(file)
    with door.progress("line") as progress:
        reading = read_file(
            sys.stdin.buffer.read() if piped else path,
            "stdin" if piped else path.name,
            format=format,
            columns=_pairs(map_ or []),
            split=into or None,  # type: ignore[arg-type]
            licence=licence,
            skip_bad=skip_bad,
            principal=principal(None).name,
            told=lambda n: progress.count(n, 0, "reading"),
        )
        examples = [changing.tagged(x, *split(tag or [])) for x in reading.examples]
        document: dict[str, Any] = {**reading.as_dict(), "dry_run": dry_run, "version": None}
        if dry_run:
            document["first"] = [x.as_dict() for x in examples[:3]]
            return Reply(document, lambda screen: view.dry(reading, examples, screen))
        target = name or _name_of(path, piped)
        summary = {"source": reading.name, "format": reading.format, "skipped": len(reading.faults)}
        with door.workspace() as workspace:
            datasets = workspace.datasets
            said = note or f"imported from {reading.name}"
            progress.count(0, len(examples), "writing")
            make = changing.put if add else _replace
            made = make(datasets, principal(None), target, examples, note=said, summary=summary)
            if "duplicates" not in made.summary:
                progress.count(0, len(examples), "checking")
                datasets.check(principal(None), made.ref)
                made = datasets.get(principal(None), made.ref)
    document["version"] = made.as_dict()
    return Reply(document, lambda screen: view.imported(reading, made, screen))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, ref: RefArgument) -> Reply:
    """Show what a version holds: splits, tags, clusters, licences, what was found in it."""
    with door.workspace() as workspace:
        found = workspace.datasets.get(principal(None), ref)
        looks = workspace.datasets.holdout_looks(principal(None), found.ref)
        erased = workspace.datasets.erased(principal(None), found.ref)
    document = {**found.as_dict(), "holdout_looks": looks, "erased": erased}
    return Reply(document, lambda screen: view.version(found, looks, len(erased), screen))


@app.add("versions", interrupted=UNCHANGED)
def versions(door: Door, name: NameArgument) -> Reply:
    """List the versions of a dataset, newest first."""
    with door.workspace() as workspace:
        found = workspace.datasets.versions(principal(None), name)
    return Reply({"versions": [v.as_dict() for v in found]}, lambda screen: view.versions(found, screen))


@app.add("examples", interrupted=UNCHANGED)
def examples(
    door: Door,
    ref: RefArgument,
    example: Annotated[str, typer.Option("--id", metavar="ID", help="Show this one in full.")] = "",
    of_split: SplitOption = "",
    tag: Annotated[str, typer.Option("--tag", "-t", metavar="TAG", help="Only with this tag.")] = "",
    contains: Annotated[str, typer.Option("--contains", metavar="TEXT", help="Only with this text.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Leave so many out first.")] = 0,
) -> Reply:
    """List examples of a version in their order, or show one."""
    with door.workspace() as workspace:
        datasets = workspace.datasets
        version = datasets.get(principal(None), ref)
        if example:
            one = datasets.example(principal(None), version.ref, example)
            return Reply({"version": version.ref, **one.as_dict()}, lambda screen: view.example(one, screen))
        found = datasets.examples(
            principal(None),
            version.ref,
            split=of_split,
            tag=tag,
            contains=contains,
            limit=limit,
            offset=offset,
        )
    document = {"version": version.ref, "examples": [x.as_dict() for x in found]}
    filtered = bool(of_split or tag or contains)
    return Reply(document, lambda screen: view.examples(found, version, offset, filtered, screen))


@app.add("add", interrupted=WHOLE)
def add(
    door: Door,
    name: NameArgument,
    input: Annotated[
        str, typer.Argument(metavar="INPUT", help="What is asked; `-`: stdin.", show_default=False)
    ],
    expected: ExpectedOption = None,
    impossible: ImpossibleOption = None,
    tag: TagsOption = None,
    cluster: ClusterOption = None,
    into: SplitOption = "test",
    example: Annotated[
        str, typer.Option("--id", metavar="ID", help="Otherwise it follows from the input.")
    ] = "",
    licence: Annotated[str, typer.Option("--licence", metavar="TEXT", help="Of what it was made from.")] = "",
    note: NoteOption = "",
) -> Reply:
    """Write one example into a dataset; this makes its next version, or the dataset."""
    from groundwork.datasets import changing
    from groundwork.datasets.content import read_example

    text = sys.stdin.read().strip() if input == "-" else input
    values = {
        "id": example,
        "input": text,
        "expected": _expected(expected),
        "impossible": bool(impossible),
        "tags": split(tag or []),
        "cluster": cluster or "",
        "split": into,
        "licence": licence,
        "origin": {"kind": "console", "principal": principal(None).name},
    }
    one = read_example(values)
    with door.workspace() as workspace:
        said = note or f"`{one.id[:80]}` added"
        made = changing.put(workspace.datasets, principal(None), name, [one], note=said, new=True)
    document = {"version": made.as_dict(), "example": one.as_dict()}
    return Reply(document, lambda screen: view.changed(made, f"added {one.id}", screen))


@app.add("edit", interrupted=WHOLE)
def edit(
    door: Door,
    name: NameArgument,
    example: Annotated[str, typer.Argument(metavar="EXAMPLE", help="Its id.", show_default=False)],
    input: Annotated[str | None, typer.Option("--input", metavar="TEXT", help="What is asked.")] = None,
    expected: ExpectedOption = None,
    impossible: ImpossibleOption = None,
    tag: TagsOption = None,
    cluster: ClusterOption = None,
    into: SplitOption = "",
    values: Annotated[
        str, typer.Option("--values", metavar="FILE", help="A JSON object with fields; `-`: stdin.")
    ] = "",
    note: NoteOption = "",
) -> Reply:
    """Change an example; this makes the next version. What is not named stays. `--tag ''` takes the tags away."""
    from groundwork.core.errors import InvalidInputError
    from groundwork.datasets import changing

    fields: dict[str, Any] = _object(values) if values else {}
    fields |= {} if input is None else {"input": input}
    fields |= {} if expected is None else {"expected": _expected(expected)}
    fields |= {} if impossible is None else {"impossible": impossible}
    fields |= {} if tag is None else {"tags": split(tag)}
    fields |= {} if cluster is None else {"cluster": cluster}
    fields |= {"split": into} if into else {}
    if not fields:
        raise InvalidInputError(
            "nothing is to be changed", hint="such as --expected TEXT, --split train, --tag hard"
        )
    with door.workspace() as workspace:
        made = changing.edit(workspace.datasets, principal(None), name, example, fields, note)
        one = workspace.datasets.example(principal(None), made.ref, example)
    document = {"version": made.as_dict(), "example": one.as_dict()}
    return Reply(document, lambda screen: view.changed(made, f"edited {one.id}", screen))


@app.add("remove", interrupted=WHOLE)
def remove(
    door: Door,
    name: NameArgument,
    ids: Annotated[list[str], typer.Argument(metavar="EXAMPLE…", help="Their ids.", show_default=False)],
    note: NoteOption = "",
) -> Reply:
    """Make a version without these examples; earlier versions keep them."""
    from groundwork.datasets import changing

    with door.workspace() as workspace:
        made = changing.take(workspace.datasets, principal(None), name, ids, note=note)
    document = {"version": made.as_dict(), "removed": ids}
    return Reply(document, lambda screen: view.changed(made, f"took {len(ids)} out", screen))


@app.add("diff", interrupted=UNCHANGED)
def diff(
    door: Door,
    old: RefArgument,
    new: Annotated[
        str,
        typer.Argument(metavar="[NEW]", help="Another version; otherwise the newest of the same dataset."),
    ] = "",
) -> Reply:
    """Show what was added, removed and changed between two versions. `diff golden` looks one version back."""
    with door.workspace() as workspace:
        datasets = workspace.datasets
        first, second = old, new or old.partition("@")[0]
        if not new and "@" not in old:
            first = _before(datasets.versions(principal(None), old))
        found = datasets.diff(principal(None), first, second)
    return Reply(found.as_dict(), lambda screen: view.diff(found, screen))


@app.add("split", interrupted=WHOLE)
def split_(
    door: Door,
    name: NameArgument,
    ratios: Annotated[
        str,
        typer.Argument(
            metavar="RATIOS", help="Such as `70/15/15` or `train=60,test=20,holdout=20`.", show_default=False
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", help="Another seed deals otherwise.")] = 0,
    redeal_holdout: Annotated[
        bool, typer.Option("--redeal-holdout", help="Let examples out of the holdout again.")
    ] = False,
    note: NoteOption = "",
) -> Reply:
    """Deal the examples to splits: whole clusters, tags in like shares. What is in the holdout stays there."""
    from groundwork.datasets import changing
    from groundwork.datasets.splitting import parse_ratios

    with door.workspace() as workspace:
        made = changing.split(
            workspace.datasets,
            principal(None),
            name,
            parse_ratios(ratios),
            seed=seed,
            keep_holdout=not redeal_holdout,
            note=note,
        )
    return Reply({"version": made.as_dict()}, lambda screen: view.split(made, screen))


@app.add("check", interrupted=UNCHANGED)
def check(
    door: Door,
    ref: RefArgument,
    similarity: Annotated[
        float,
        typer.Option("--similarity", min=0.01, max=1.0, help="From which two inputs are near-duplicates."),
    ] = 0.8,
) -> Reply:
    """Look for duplicates, leaks between splits, personal data and secrets. Exits with 1 when something leaks."""
    with door.workspace() as workspace:
        version = workspace.datasets.get(principal(None), ref)
        found = workspace.datasets.check(principal(None), version.ref, threshold=similarity)
    document = {"version": version.ref, **found.as_dict()}
    return Reply(document, lambda screen: view.check(version, found, screen), 0 if found.passed else 1)


@app.add("export", interrupted="the file is as it was")
def export(
    door: Door,
    ref: RefArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; `-`: stdout.", show_default=False)],
    format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORM", help="jsonl, csv, promptfoo or inspect; else by the file's ending."
        ),
    ] = "",
    of_split: SplitOption = "",
) -> Reply | None:
    """Write the examples of a version as JSON lines, CSV, promptfoo tests or Inspect samples."""
    from groundwork.datasets.exporters import EXPORTERS

    form = format or {".csv": "csv", ".yaml": "promptfoo", ".yml": "promptfoo"}.get(
        file.suffix.lower(), "jsonl"
    )
    exporter = EXPORTERS.make(form)
    with door.workspace() as workspace:
        version = workspace.datasets.get(principal(None), ref)
        found = workspace.datasets.examples(principal(None), version.ref, split=of_split, purpose="export")
    if str(file) == "-":
        for piece in exporter.lines(found):
            door.stdout.write(piece)
        return None
    _write(file, exporter.lines(found))
    document = {"version": version.ref, "file": str(file), "format": form, "examples": len(found)}
    return Reply(document, lambda screen: [f"{len(found):,} examples of {version.ref} are in {file}."])


@app.add("delete", interrupted=WHOLE)
def delete(
    door: Door,
    ref: RefArgument,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only said what would go.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where evaluations were made of it.")] = False,
) -> Reply:
    """Take a whole dataset away with its review queue, or with `@` one version that is not the newest."""
    with door.workspace() as workspace:
        datasets = workspace.datasets
        found = datasets.get(principal(None), ref)
        what = found.ref if "@" in ref else found.name
        n = 1 if "@" in ref else len(datasets.versions(principal(None), found.name))
        removed = datasets.remove(principal(None), what, force=force) if yes else 0
    document = {"dataset": found.name, "ref": what, "versions": n, "removed": removed}
    return Reply(document, lambda screen: view.deleted(what, n, yes, screen), 0 if yes else 1)


def _replace(
    datasets: Any, asking: Any, name: str, examples: list[Example], *, note: str, summary: dict[str, Any]
) -> DatasetVersion:
    made: DatasetVersion = datasets.create(asking, name, examples, note=note, summary=summary)
    return made


def _pairs(given: list[str]) -> dict[str, str]:
    from groundwork.core.errors import InvalidInputError

    found = {}
    for pair in given:
        field, mark, column = pair.partition("=")
        if not mark:
            raise InvalidInputError(f"`{pair[:60]}` maps nothing", hint="such as `--map input=Frage`")
        found[field.strip()] = column.strip()
    return found


def _name_of(path: Path, piped: bool) -> str:
    from groundwork.core.errors import InvalidInputError

    stem = path.name.removesuffix(".gz")
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(stem).stem.lower()).strip("-._")[:63]
    if piped or not name:
        raise InvalidInputError("the dataset has no name", hint="give it one with --name")
    return name


def _expected(given: list[str] | None) -> Any:
    kept = [text for text in given or [] if text]
    return None if not kept else kept[0] if len(kept) == 1 else kept


def _object(file: str) -> dict[str, Any]:
    from groundwork.core.errors import InvalidInputError
    from groundwork.datasets.importers._source import Source

    content = sys.stdin.buffer.read() if file == "-" else Path(file)
    found = Source("stdin.json" if file == "-" else Path(file).name, content).document
    if not isinstance(found, dict):
        raise InvalidInputError(f"`{file}` is no JSON object", hint='such as `{"expected": "at 9"}`')
    return found


def _before(found: list[DatasetVersion]) -> str:
    from groundwork.core.errors import NotFoundError

    if len(found) < 2:
        raise NotFoundError(f"`{found[0].name}` has one version alone", hint="a change makes another")
    return found[1].ref


def _write(file: Path, pieces: Iterator[str]) -> None:
    from groundwork.core.errors import InvalidInputError

    aside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with aside.open("w", encoding="utf-8", newline="") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    except OSError as error:
        raise InvalidInputError(
            f"`{file}` cannot be written: {error.strerror}", hint="name another file"
        ) from None
    finally:
        aside.unlink(missing_ok=True)


from groundwork.cli import datasets_review  # noqa: E402, F401 - registers its commands with `app`
