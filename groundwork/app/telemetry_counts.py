"""What the room of traces has counted, for `/metrics`: only of parts that are at work already, so that asking makes none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.errors import GroundworkError

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


@dataclass(frozen=True)
class TelemetryCounts:
    """Counts by part; empty where a part has not begun.

    Attributes:
        store: spans `stored`, `duplicates`, `replaced`, `refused`, `busy`, `cut`, and `waiting` now, of this process.
        projector, roller: with `lag_seconds` since they were up to date.
        exporter: `waiting`, `sent`, `rejected`, `dropped`, `skipped`.
        totals: `answers`, `abstained`, of all time. archived_bytes: size of archived spans.
        feedback: by kind and, of thumbs, value.
    """

    store: Mapping[str, float] = field(default_factory=dict)
    projector: Mapping[str, float] = field(default_factory=dict)
    roller: Mapping[str, float] = field(default_factory=dict)
    exporter: Mapping[str, float] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=dict)
    feedback: Mapping[tuple[str, str], int] = field(default_factory=dict)
    archived_bytes: int | None = None
    traces: int | None = None


def telemetry_counts(workspace: Workspace) -> TelemetryCounts:
    """Return what was counted; what a database does not tell now is left out."""
    parts = vars(workspace.telemetry)
    store, projector, roller = parts.get("store"), parts.get("projector"), parts.get("roller")
    counts: dict[str, object] = {}
    if store is not None:
        counts["store"] = store.counters()
    if projector is not None:
        counts["projector"] = projector.counters()
    if roller is not None:
        counts["roller"] = roller.counters()
    try:
        if roller is not None:
            counts["totals"] = roller.totals()
            counts["traces"] = roller.traces()
        if "archive" in parts:
            counts["archived_bytes"] = parts["archive"].bytes()
        if "exporter" in parts and parts["exporter"] is not None:
            status = parts["exporter"].status()
            names = ("waiting", "sent", "rejected", "dropped", "skipped")
            counts["exporter"] = {name: getattr(status, name) for name in names}
        if "feedback" in parts or store is not None:
            counts["feedback"] = workspace.telemetry.feedback.counts()
    except GroundworkError:
        pass  # the counters of a process are asked for most where its database does not answer
    return TelemetryCounts(**counts)  # type: ignore[arg-type]
