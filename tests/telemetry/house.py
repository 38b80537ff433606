"""A small workspace with an app that quotes, an app that asks a model, and providers that play a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.storage import tables as t
from groundwork.telemetry.types import Query, Span, TraceInfo
from tests.workspaces import light_workspace

SPEC = """
call_attempts = 2

[indexes.default]
backend = "memory"
embedder = "none"

[apps.default]
strategy = "lexical"
threshold = 0.2

[apps.talk]
strategy = "lexical"
threshold = 0.1
model = "play/mini"

[apps.quiet]
strategy = "lexical"
threshold = 0.1
model = "play/mini"
capture = "off"

[providers.play]
kind = "scripted"

[providers.play.options.scripts]
mini = { text = "Up to five days may be carried into the next year [1].", usage = [120, 14] }
flaky = { text = "It came at the second try.", fail = "overloaded", fail_times = 1, status = 529 }
down = { text = "never", fail = "server_error", fail_times = 1000000, status = 500 }
cut = { text = "The first words come, the others do not come any more.", fail = "reset", fail_after = 3 }

[providers.play.models.mini]
price = { input = 2.5, output = 20.0 }

[providers.play.models.flaky]
price = { input = 2.5, output = 20.0 }

[providers.play.models.down]
[providers.play.models.cut]

[models.fast]
routes = [{ model = "play/down" }]
fallbacks = ["play/mini"]
"""
LEAVE = "# Annual leave\n\nUp to five days may be carried into the next year. They lapse on 31 March.\n"
QUESTION = "How many days may be carried into the next year?"


def make_house(root: Path, spec: str = SPEC) -> Workspace:
    """Make it, with one document."""
    workspace = light_workspace(root / "house", spec)
    docs = root / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text(LEAVE, encoding="utf-8")
    workspace.ingest([docs])
    return workspace


def trace(workspace: Workspace, query: Query | None = None) -> TraceInfo:
    """Return the only trace that a question finds, ingests left aside."""
    found = workspace.telemetry.fresh().traces(LOCAL, query or Query()).items
    [one] = [t for t in found if t.kind != "ingest"]
    return one


def spans(workspace: Workspace, trace_id: str) -> list[Span]:
    """Return the spans of a trace whole, in the order they are shown."""
    reader = workspace.telemetry.fresh()
    infos = reader.tree(LOCAL, trace_id, limit=1000).items
    return [reader.span(LOCAL, trace_id, i.span_id) for i in infos]


def ledger(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the rows of calls, oldest first."""
    with workspace.rooms.database.read() as connection:
        rows = connection.execute(t.calls.select().order_by(t.calls.c.id)).mappings()
        return [dict(r) for r in rows]


def every_span(workspace: Workspace) -> list[Span]:
    """Return every span of the store as it arrived."""
    return [span for _, span in workspace.telemetry.fresh().raw("default", 0, 100_000)]
