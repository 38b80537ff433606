"""Runs of the ingest: the pipeline from files to a snapshot, with what was put aside and why."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_number, json_size, json_text
from groundwork.storage import tables as t

i = t.ingests.c


class Ingests(Kind):
    """One finished run."""

    title = "runs of an ingest"
    room = "knowledge"
    made_by = "groundwork ingest FOLDER"
    table = t.ingests
    id = i.id
    at = i.started_at
    timed = True
    fields = described(
        id=text(i.id, "its id"),
        index=text(i.index_name, "name of the index"),
        state=text(i.state, "`done`"),
        snapshot=text(json_text(i.report, "snapshot"), "digest of the state that readers saw afterwards"),
        before=text(json_text(i.report, "before"), "the state before; null: it was the first run"),
        added=number(json_number(i.report, "documents", "added"), "documents"),
        changed=number(json_number(i.report, "documents", "changed"), "documents"),
        unchanged=number(
            json_number(i.report, "documents", "unchanged"),
            "documents that were left alone: above 0 in an incremental run",
        ),
        removed=number(json_number(i.report, "documents", "removed"), "documents"),
        quarantined=number(
            json_number(i.report, "documents", "quarantined"),
            "files that could not be read, each with its reason",
        ),
        reported=number(json_size(i.report, "documents"), "counts in its report on the data; 0: it has none"),
        chunks=number(json_number(i.report, "chunks"), "in the state afterwards"),
        embedded=number(json_number(i.report, "embedded"), "chunks embedded anew"),
        seconds=number(json_number(i.report, "seconds"), "how long it took"),
        by=text(i.principal, "who ran it"),
        at=time(i.started_at, "when it ran"),
    )
    named = ("index",)
    page = "/knowledge/{index}"


plugin = Ingests
