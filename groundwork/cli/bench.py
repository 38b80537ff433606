"""`groundwork bench`: measure retrieval, reading, ingest, the index and parsing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundwork.cli import bench_view as view
from groundwork.cli.door import Commands, Door, Reply, split
from groundwork.cli.models import models_folder

app = Commands(help="Measure retrieval, reading, ingest and the index.")
UNCHANGED = "a measurement that is interrupted leaves nothing behind"

DirectoryArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="The folder of the set.", show_default=False, exists=True, file_okay=False
    ),
]


@app.add("retrieval", interrupted=UNCHANGED)
def retrieval(
    door: Door,
    directory: DirectoryArgument,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            "-s",
            metavar="NAME",
            help="A strategy; may be repeated; otherwise every one that is installed.",
        ),
    ] = None,
) -> Reply:
    """Measure retrieval strategies on a corpus with judged queries.

    Reads `corpus.jsonl` (`doc_id`, `text`, perhaps `title`) and `queries.jsonl` (`query_id`, `query`, `relevant`:
    document id to grade), either of which may be compressed with gzip. Intervals are 95 % bootstrap intervals over
    queries.
    """
    from groundwork.bench import retrieval as bench

    with door.progress("queries") as progress:
        result = bench.run(
            directory, split(strategy) if strategy else None, progress.stage, models=models_folder(door)
        )
    return Reply(result, lambda screen: view.retrieval(result, screen))


@app.add("extract", interrupted=UNCHANGED)
def extract(door: Door, directory: DirectoryArgument) -> Reply:
    """Measure the extractive reader with the right passage given.

    Reads `passages.jsonl` (`doc_id`, `text`) and `questions.jsonl` (`id`, `doc_id`, `question`, `is_impossible`, `answers`).
    """
    from groundwork.bench import extract as bench

    with door.progress("questions") as progress:
        result = bench.run(directory, progress=progress.count)
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("ingest", interrupted=UNCHANGED)
def ingest(
    door: Door,
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="What to ingest; a made-up corpus unless named.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    documents: Annotated[
        int, typer.Option("--documents", min=1, help="Size of the made-up corpus.")
    ] = 10_000,
    words: Annotated[int, typer.Option("--words", min=1, help="Mean length of its documents.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds make equal data.")] = 0,
    embedder: Annotated[
        str, typer.Option("--embedder", metavar="NAME", help="As in groundwork.toml.")
    ] = "auto",
) -> Reply:
    """Measure an ingest beside the bare encoder, and a second one that finds nothing changed.

    It runs in a temporary workspace. Files that cannot be read are counted as quarantined.
    """
    from groundwork.bench import ingest as bench

    with door.progress() as progress:
        result = bench.run(
            directory, progress, documents=documents, words=words, seed=seed, embedder=embedder
        )
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("index", interrupted=UNCHANGED)
def index(
    door: Door,
    rows: Annotated[int, typer.Option("--rows", min=100, help="How many chunks.")] = 100_000,
    dim: Annotated[int, typer.Option("--dim", min=2, help="Length of the vectors.")] = 384,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds make equal data.")] = 0,
    backend: Annotated[str, typer.Option("--index", metavar="NAME", help="The index back end.")] = "lance",
    queries: Annotated[int, typer.Option("--queries", min=1, help="Queries behind each figure.")] = 100,
) -> Reply:
    """Measure speed and recall of an index back end against a plain scan with NumPy."""
    from groundwork.bench import index as bench

    result = bench.run(rows, dim, seed, index=backend, queries=queries)
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("parsing", interrupted=UNCHANGED)
def parsing(
    door: Door,
    directory: DirectoryArgument,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Child processes.")] = 2,
) -> Reply:
    """Measure what the loaders make of the files that a `manifest.jsonl` names, beside the expected Markdown."""
    from groundwork.bench import parsing as bench

    result = bench.run(directory, workers=workers)
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("search", interrupted=UNCHANGED)
def search(
    door: Door,
    rows: Annotated[int, typer.Option("--rows", min=100, help="How many chunks.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds make equal data.")] = 0,
    queries: Annotated[int, typer.Option("--queries", min=1, help="How many questions.")] = 100,
) -> Reply:
    """Measure whole searches: embed the question, ask both legs, join and refine."""
    from groundwork.bench import search as bench

    result = bench.run(rows, seed, queries=queries, models=models_folder(door))
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("start", interrupted=UNCHANGED)
def start(
    door: Door,
    repetitions: Annotated[
        int, typer.Option("--repetitions", min=1, help="How often the help is shown.")
    ] = 9,
) -> Reply:
    """Measure the processor time of the help, and how soon a server answers in how much memory."""
    from groundwork.bench import start as bench

    result = bench.run(repetitions)
    return Reply(result, lambda screen: view.figures(result, screen))
