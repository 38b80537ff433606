"""What a person said that no record can show; they see their own alone, and it never proves anything by itself."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, flag, text, time
from groundwork.storage import pathway_tables as t

a = t.attestations.c


class Attestations(Kind):
    """One statement that was not withdrawn."""

    title = "attestations"
    room = "pathways"
    made_by = "groundwork path attest SUBJECT"
    table = t.attestations
    id = a.id
    at = a.created_at
    timed = True
    fields = described(
        id=text(a.id, "its id"),
        subject=text(a.subject, "what it is about"),
        linked=flag(a.link != "", "it names a place to look"),
        by=text(a.by, "who says so"),
        at=time(a.created_at, "when it was said"),
    )
    owner = a.owner
    only = a.withdrawn_at.is_(None)
    page = "/pathways"


plugin = Attestations
