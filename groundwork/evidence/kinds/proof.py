"""Proofs of a person; they see their own alone. Whether one still holds is asked of the room that keeps them."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_size
from groundwork.storage import pathway_tables as t

p = t.proofs.c


class Proofs(Kind):
    """One proof as it was signed."""

    title = "proofs"
    room = "pathways"
    made_by = "groundwork path check"
    table = t.proofs
    id = p.id
    at = p.created_at
    timed = True
    fields = described(
        id=text(p.id, "its id"),
        subject_kind=text(p.subject_kind, "`milestone`, `action`, `skill` or `lab`"),
        subject=text(p.subject, "what it proves"),
        catalogue=text(p.catalogue, "digest of the catalogue"),
        records=number(json_size(p.record, "found"), "records it rests on"),
        at=time(p.created_at, "when it was signed"),
    )
    owner = p.owner
    page = "/pathways"


plugin = Proofs
