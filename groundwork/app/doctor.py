"""Look at an installation and a workspace, and say in plain words what is missing and what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from groundwork.core.errors import GroundworkError

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

LOW_DISK_BYTES = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; the hint says what to do where the level is not `ok`."""

    level: Literal["ok", "warn", "error"]
    topic: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(workspace: Workspace) -> list[Finding]:
    """Return what was found, in a fixed order; looks only, changes nothing."""
    findings: list[Finding] = []
    for check in (_database, _disk, _encoder, _programs, _indexes, _apps, _quarantine, _server):
        try:
            findings += check(workspace)
        except GroundworkError as error:
            findings.append(Finding("error", check.__name__.strip("_"), error.message, error.hint))
    return findings


def _database(workspace: Workspace) -> Iterator[Finding]:
    database = workspace.rooms.database
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    yield Finding("ok", "database", f"{database.name} answers and its tables are current")


def _disk(workspace: Workspace) -> Iterator[Finding]:
    usage = shutil.disk_usage(workspace.root)
    free = f"{usage.free / 2**30:.1f} GiB free"
    if usage.free < LOW_DISK_BYTES:
        yield Finding(
            "warn", "disk", f"only {free}", "make room: an ingest keeps originals, texts and vectors"
        )
    else:
        yield Finding("ok", "disk", free)
    if not os.access(workspace.root, os.W_OK):
        yield Finding(
            "error", "disk", f"{workspace.root} cannot be written", "change its permissions or its owner"
        )


def _encoder(workspace: Workspace) -> Iterator[Finding]:
    from groundwork.models.weights import MINILM, find, is_present, read_verified

    models = workspace.settings.models
    if not is_present(MINILM, models):
        yield Finding(
            "warn",
            "encoder",
            "the weights of minilm are not here; new indexes use LSA, which matches words that occur together, not meaning",
            "fetch them once with `groundwork model fetch minilm`",
        )
        return
    folder = find(MINILM, models)
    for file, _ in MINILM.digests:
        read_verified(MINILM, folder, file)
    yield Finding("ok", "encoder", f"the weights of minilm are in {folder} and have the pinned digest")


def _programs(workspace: Workspace) -> Iterator[Finding]:
    if shutil.which("tesseract"):
        yield Finding("ok", "ocr", "tesseract is installed; images and scanned pages are read")
    else:
        yield Finding(
            "warn",
            "ocr",
            "tesseract is not installed; images and scanned pages go to quarantine",
            "on Debian: apt install tesseract-ocr",
        )


def _indexes(workspace: Workspace) -> Iterator[Finding]:
    for info in workspace.indexes():
        if info.head is None:
            yield Finding(
                "warn",
                f"index {info.name}",
                "it holds no documents yet",
                f"groundwork ingest PATH --index {info.name}",
            )
            continue
        view, _ = workspace.rooms.catalogue.view(_owner(), info.name)
        stats = view.index.stats()
        if stats.unindexed_rows:
            yield Finding(
                "warn",
                f"index {info.name}",
                f"{stats.unindexed_rows:,} of {stats.rows:,} rows are outside its search structures",
                "the next ingest puts them in",
            )
        said = f"{info.documents:,} documents in {info.chunks:,} chunks, embedder {info.embedder}, head {info.head.id[:7]}"
        yield Finding("ok", f"index {info.name}", said)


def _apps(workspace: Workspace) -> Iterator[Finding]:
    from groundwork.answers.readers import READERS
    from groundwork.knowledge.retrievers import RETRIEVERS

    for name, app in sorted(workspace.spec.apps.items()):
        if app.index not in workspace.spec.indexes:
            yield Finding(
                "error",
                f"app {name}",
                f"it asks the index `{app.index}`, which is not in groundwork.toml",
                "add it",
            )
            continue
        RETRIEVERS.make(app.strategy)
        READERS.make(app.model)
        recipe = workspace.rooms.pipeline.recipe(_owner(), name, app)
        if recipe.calibration is None:
            yield Finding(
                "warn",
                f"app {name}",
                f"its threshold {recipe.threshold:.2f} is uncalibrated",
                f"groundwork calibrate FILE --app {name}, with at least 100 labelled questions",
            )
        else:
            yield Finding(
                "ok",
                f"app {name}",
                f"its threshold {recipe.threshold:.2f} is calibrated ({recipe.calibration})",
            )


def _quarantine(workspace: Workspace) -> Iterator[Finding]:
    for info in workspace.indexes():
        if info.quarantined:
            yield Finding(
                "warn",
                f"index {info.name}",
                f"{info.quarantined:,} files are in quarantine",
                f"see why: groundwork knowledge quarantine {info.name}",
            )


def _server(workspace: Workspace) -> Iterator[Finding]:
    if workspace.settings.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding(
            "error",
            "server",
            f"host is {workspace.settings.host}; only loopback is served until accounts exist",
            'set host = "127.0.0.1" and put a proxy with sign-in in front',
        )


def _owner() -> Any:
    from groundwork.core.principal import LOCAL

    return LOCAL
