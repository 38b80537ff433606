"""Look at an installation and a workspace, and say in plain words what is missing and what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from groundwork.core.errors import GroundworkError, MissingModelError

if TYPE_CHECKING:
    from groundwork.app.workspace import IndexInfo, Workspace
    from groundwork.core.settings import AppSpec, IndexSpec, ProviderSpec

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
    """Return what was found, in a fixed order; mends nothing. Prompt files it reads are recorded as by every other look."""
    findings: list[Finding] = []
    for check in (
        _database,
        _disk,
        _encoder,
        _programs,
        _indexes,
        _apps,
        _providers,
        _prompts,
        _labs,
        _quarantine,
        _export,
        _server,
        _upkeep,
    ):
        findings += _told(check.__name__.strip("_"), check, workspace)
    return findings


def _told(topic: str, check: Callable[..., Iterable[Finding]], *arguments: Any) -> list[Finding]:
    """Return what a check found; what it raised is one more finding, so that the other checks still run."""
    findings: list[Finding] = []
    try:
        findings.extend(check(*arguments))
    except GroundworkError as error:
        findings.append(Finding("error", topic, error.message, error.hint))
    return findings


def _database(workspace: Workspace) -> Iterator[Finding]:
    database = workspace.rooms.database
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    yield Finding("ok", "database", f"{database.name} answers and its tables are current")


def _upkeep(workspace: Workspace) -> Iterator[Finding]:
    """What the server that answers this does beside its requests; another process knows nothing of it."""
    for trouble in workspace.telemetry.upkeep.troubles():
        yield Finding(
            "warn",
            "upkeep",
            f"{trouble.task} does not work for {trouble.seconds:.0f} s ({trouble.times} times): {trouble.message}",
            "answers and calls are recorded all the same; it goes on by itself when the cause is gone",
        )


def _export(workspace: Workspace) -> Iterator[Finding]:
    exporter = workspace.telemetry.exporter
    if exporter is None:
        return
    found = exporter.status()
    if found.state == "well":
        yield Finding(
            "ok", "export", f"{found.sent} spans were handed on to {found.target}, {found.waiting} wait"
        )
    else:
        hint = (
            "look at `url` and `headers` of `[export]`"
            if found.state == "misconfigured"
            else "is the target up?"
        )
        yield Finding(
            "warn", "export", f"{found.target} takes no spans, {found.waiting} wait: {found.error}", hint
        )
    if found.skipped or found.dropped:
        lost = f"{found.skipped} spans were skipped and {found.dropped} refused by {found.target}"
        yield Finding(
            "warn", "export", lost, "raise `spool_spans`; `groundwork trace export --status` says more"
        )


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
        yield from _told(f"index {info.name}", _index, workspace, info)


def _index(workspace: Workspace, info: IndexInfo) -> Iterator[Finding]:
    topic = f"index {info.name}"
    if info.name in workspace.spec.indexes:
        yield from _told(topic, _parts, workspace.spec.indexes[info.name])
    if info.head is None:
        yield Finding(
            "warn", topic, "it holds no documents yet", f"groundwork ingest PATH --index {info.name}"
        )
        return
    if info.embedder == "minilm":
        yield from _told(topic, _weights, workspace)
    view, _ = workspace.rooms.catalogue.view(_owner(), info.name)
    stats = view.index.stats()
    if info.chunks and not stats.rows:
        yield Finding(
            "error",
            topic,
            f"its files are gone, though its head {info.head.id[:7]} has {_count(info.chunks, 'chunk')}",
            "restore a backup of the folder `knowledge`; `groundwork verify` names what is damaged",
        )
        return
    if stats.unindexed_rows:
        yield Finding(
            "warn",
            topic,
            f"{stats.unindexed_rows:,} of {_count(stats.rows, 'row')} are outside its search structures",
            "the next ingest puts them in",
        )
    size = f"{_count(info.documents, 'document')} in {_count(info.chunks, 'chunk')}"
    yield Finding("ok", topic, f"{size}, embedder {info.embedder or 'none'}, head {info.head.id[:7]}")


def _weights(workspace: Workspace) -> Iterator[Finding]:
    from groundwork.models.weights import MINILM, is_present

    if not is_present(MINILM, workspace.settings.models):
        raise MissingModelError(
            "it was made with the encoder minilm, whose weights are not here, so it cannot be searched",
            hint="fetch them with `groundwork model fetch minilm`, or make it anew: `groundwork ingest PATH --rebuild`",
        )
    yield from ()


def _parts(spec: IndexSpec) -> Iterator[Finding]:
    """Raise what keeps the next ingest from making the parts that the spec names."""
    from groundwork.knowledge.chunkers import CHUNKERS
    from groundwork.knowledge.embedders import EMBEDDERS
    from groundwork.knowledge.indexes import INDEXES

    CHUNKERS.make(spec.chunker)
    INDEXES.get(spec.backend)
    embedder = spec.embedder if isinstance(spec.embedder, str) else str(spec.embedder.get("name"))
    if embedder not in ("auto", "none"):
        EMBEDDERS.get(embedder)
    yield from ()


def _apps(workspace: Workspace) -> Iterator[Finding]:
    for name, app in sorted(workspace.spec.apps.items()):
        yield from _told(f"app {name}", _app, workspace, name, app)


def _app(workspace: Workspace, name: str, app: AppSpec) -> Iterator[Finding]:
    from groundwork.answers.spec import reader_spec
    from groundwork.knowledge.retrievers import RETRIEVERS

    topic = f"app {name}"
    if app.index not in workspace.spec.indexes:
        yield Finding(
            "error",
            topic,
            f"it asks the index `{app.index}`, which is not in groundwork.toml",
            f"add [indexes.{app.index}] to groundwork.toml, or name an index that is there",
        )
        return
    RETRIEVERS.make(app.strategy)
    reader = workspace.rooms.make_reader(reader_spec(app))
    models = getattr(reader, "tiers", ())
    for model in models:
        workspace.catalog.resolve(model)
    recipe = workspace.rooms.pipeline.recipe(_owner(), name, app)
    said = f"its threshold {recipe.threshold:.2f} is"
    if recipe.calibration is None:
        labelled = f"groundwork calibrate FILE --app {name}, with at least 100 labelled questions"
        if models:
            labelled += f"; it asks {' and '.join(models)} each of them, which costs what those calls cost"
        yield Finding("warn", topic, f"{said} uncalibrated", labelled)
    else:
        yield Finding("ok", topic, f"{said} calibrated ({recipe.calibration})")


def _providers(workspace: Workspace) -> Iterator[Finding]:
    """Look whether each provider can be built and its key is where the spec says; nothing is called."""
    if not workspace.spec.providers:
        yield Finding("ok", "providers", "none is named; answers are quoted offline by `extractive`")
        return
    _ = workspace.catalog
    for name, spec in sorted(workspace.spec.providers.items()):
        if spec.key:
            yield from _told("providers", _has_key, workspace, name, spec)
        else:
            yield Finding("ok", "providers", f"`{name}` needs no key ({spec.kind})")


def _has_key(workspace: Workspace, name: str, spec: ProviderSpec) -> Iterator[Finding]:
    from groundwork.gateway.origin import Origin

    if spec.base_url and spec.auth != "none":
        origin = Origin.of(spec.base_url, allow_http=spec.options.get("allow_http") is True)
        if not origin.takes_secrets:
            yield Finding(
                "error",
                "providers",
                f"the key of `{name}` would travel unencrypted to {origin.name}, so no call is sent there",
                f"write an https address as `base_url` of [providers.{name}], or `allow_http = true` under"
                f" [providers.{name}.options] where the network is trusted",
            )
    workspace.secrets.resolve(spec.key)
    yield Finding("ok", "providers", f"`{name}` has its key ({spec.key}); `groundwork model check` tries it")


def _prompts(workspace: Workspace) -> Iterator[Finding]:
    broken = [p for p in workspace.prompts.list(_owner()) if p.error]
    for prompt in broken:
        yield Finding(
            "error", "prompts", f"prompts/{prompt.name}.md cannot be read: {prompt.error}", "mend the file"
        )
    if not broken:
        yield Finding("ok", "prompts", "every prompt can be read")


def _labs(workspace: Workspace) -> Iterator[Finding]:
    """What labs add to the spec and could not be taken."""
    hint = "mend it there, or set the lab back with `groundwork path reset`"
    for told in workspace.resolved.left_out:
        yield Finding("warn", "labs", told, hint)
    _ = workspace.door.catalog
    if workspace.door.lab_trouble:
        yield Finding("warn", "labs", f"models of labs are not served: {workspace.door.lab_trouble}", hint)


def _quarantine(workspace: Workspace) -> Iterator[Finding]:
    for info in workspace.indexes():
        if info.quarantined:
            yield Finding(
                "warn",
                f"index {info.name}",
                f"{_count(info.quarantined, 'file')} in quarantine",
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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _owner() -> Any:
    from groundwork.core.principal import LOCAL

    return LOCAL
