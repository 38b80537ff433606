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


@app.add("gateway", interrupted=UNCHANGED)
def gateway(
    door: Door,
    rounds: Annotated[
        int, typer.Option("--rounds", min=10, help="How often one client asks, for added latency.")
    ] = 2000,
    requests: Annotated[
        int, typer.Option("--requests", min=100, help="Requests of 32 clients in one measurement.")
    ] = 6000,
    memory: Annotated[
        int, typer.Option("--memory", min=0, help="Requests that memory is watched over; 0: leave out.")
    ] = 100_000,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Measurements of each figure.")] = 3,
    sync: Annotated[
        str, typer.Option("--sync", help="The setting `gateway_sync`: full or normal.")
    ] = "normal",
    litellm: Annotated[
        Path | None,
        typer.Option(
            "--litellm",
            metavar="ENV",
            help="An environment with `litellm[proxy]`, measured in the same run.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> Reply:
    """Measure what the gateway adds to a call, how many calls it serves, and what it needs for them.

    Key, budgets, rates, ledger, trace and cache look-up are on. The upstream is a scripted one on this machine.
    """
    from groundwork.bench import gateway as bench

    with door.progress() as progress:
        result = bench.run(
            rounds=rounds,
            requests=requests,
            repeats=repeats,
            memory_requests=memory,
            sync=sync,
            litellm=litellm,
            say=lambda what: progress.stage(what, 0, 0),
        )
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("otlp", interrupted=UNCHANGED)
def otlp(
    door: Door,
    requests: Annotated[int, typer.Option("--requests", min=1, help="Requests of 500 spans.")] = 200,
    clients: Annotated[int, typer.Option("--clients", min=1, help="Connections that send at a time.")] = 4,
    rival: Annotated[
        Path | None,
        typer.Option(
            "--rival",
            metavar="ENV",
            help="An environment with `mlflow` or `arize-phoenix`, measured in the same run.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> Reply:
    """Measure how many spans a server takes over OTLP, acknowledged after they are stored, and how soon they are seen."""
    from groundwork.bench import otlp as bench

    with door.progress() as progress:
        result = bench.run(
            requests=requests, clients=clients, rival=rival, say=lambda what: progress.stage(what, 0, 0)
        )
    return Reply(result, lambda screen: bench.summary(result))


@app.add("faults", interrupted=UNCHANGED)
def faults(door: Door) -> Reply:
    """Meet every fault of a model's provider, whole and streamed, in every dialect, and check how each call ends.

    Ends with an error when a call hung, was late, was recorded wrongly, or left something behind.
    """
    from importlib import import_module

    from groundwork.bench import faults as bench

    # One door imports no other; the command line only knows the server's application by its name.
    server = import_module("groundwork.server.application")
    with door.progress("cells") as progress:
        result = bench.run(server.create_app, progress=progress.count)
    failed = bool(result["failures"]) or any(result["left_behind"].values())
    return Reply(result, lambda screen: bench.summary(result).splitlines(), code=1 if failed else 0)


@app.add("dashboards", interrupted=UNCHANGED)
def dashboards(
    door: Door,
    spans: Annotated[int, typer.Option("--spans", min=1000, help="Spans over 30 days.")] = 1_000_000,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds make equal data, but for the time.")] = 0,
    repeats: Annotated[int, typer.Option("--repeats", min=3, help="Questions behind each figure.")] = 20,
) -> Reply:
    """Measure rollups, dashboards, the archive and SQL over a month of spans, in a temporary folder."""
    from groundwork.bench import dashboards as bench

    with door.progress("spans") as progress:
        result = bench.run(spans, seed, repeats, lambda what: progress.stage(what, 0, 0))
    return Reply(result, lambda screen: view.figures(result, screen))


@app.add("spans", interrupted=UNCHANGED)
def spans_(
    door: Door,
    spans: Annotated[int, typer.Option("--spans", min=1000, help="How many to store.")] = 200_000,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Spans that a client hands in together.")
    ] = 512,
    clients: Annotated[int, typer.Option("--clients", min=1, max=64, help="Threads that hand in.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds make equal data, but for the time.")] = 0,
    repetitions: Annotated[int, typer.Option("--repetitions", min=1, help="Times each list is asked.")] = 5,
    database: Annotated[
        str, typer.Option("--database", metavar="URL", help="An empty PostgreSQL database; otherwise SQLite.")
    ] = "",
) -> Reply:
    """Measure the span store: how fast it acknowledges, and how soon lists, searches and large trees answer.

    It runs in a temporary folder. Every filter is asked in every order, with common, rare and missing values.
    """
    from groundwork.bench import spans as bench

    with door.progress("spans") as progress:
        result = bench.run(
            spans,
            database=database,
            batch=batch,
            clients=clients,
            repetitions=repetitions,
            seed=seed,
            progress=progress.count,
        )
    return Reply(result, lambda screen: view.figures(result, screen))


from groundwork.cli import (  # noqa: E402 - each registers its commands with `app`
    bench_evaluation,  # noqa: F401
    bench_evidence,  # noqa: F401
    bench_gates,  # noqa: F401
    bench_groundedness,  # noqa: F401
    bench_judges,  # noqa: F401
    bench_paths,  # noqa: F401
    bench_releases,  # noqa: F401
)
