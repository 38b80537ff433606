"""Candidates of the review queue: what was proposed for a dataset, from which record, and what a person decided."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, text, time
from groundwork.evidence.sql import before, json_text
from groundwork.storage import improvement_tables as t

c = t.dataset_candidates.c


class DatasetCandidates(Kind):
    """One candidate; never what it asks or expects."""

    title = "candidates of the review queue"
    room = "datasets"
    made_by = "groundwork dataset propose NAME ANSWER"
    table = t.dataset_candidates
    id = c.id
    at = c.created_at
    timed = True
    fields = described(
        id=text(c.id, "its id"),
        dataset=text(c.dataset, "name of the dataset"),
        state=text(c.state, "`proposed`, `accepted` or `rejected`"),
        origin=text(c.origin, "id of the answer, feedback or trace it was made from"),
        source=text(before(c.origin, "_"), "`ans` for an answer, `fbk` for feedback; null: something else"),
        version=text(json_text(c.body, "published"), "digest of the version that took it in; null: none yet"),
        by=text(c.created_by, "who proposed it"),
        decided_by=text(c.decided_by, "who decided; empty: nobody yet"),
        at=time(c.created_at, "when it was proposed"),
        decided=time(c.decided_at, "when it was decided"),
    )
    named = ("dataset",)
    page = "/datasets/-/review?dataset={dataset}"


plugin = DatasetCandidates
