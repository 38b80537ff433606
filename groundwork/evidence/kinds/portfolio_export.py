"""Portfolios that were written; a person sees their own alone."""

from __future__ import annotations

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.evidence.sql import json_number, json_size
from groundwork.storage import pathway_tables as t

x = t.portfolio_exports.c


class PortfolioExports(Kind):
    """One export."""

    title = "portfolios exported"
    room = "pathways"
    made_by = "groundwork path export FOLDER"
    table = t.portfolio_exports
    id = x.id
    at = x.created_at
    timed = True
    fields = described(
        id=text(x.id, "its id"),
        digest=text(x.digest, "of its files"),
        files=number(json_number(x.record, "files"), "how many"),
        proofs=number(json_number(x.record, "proofs"), "in it"),
        stale=number(json_number(x.record, "stale"), "of them that held once"),
        systems=number(json_size(x.record, "systems"), "that are shown"),
        at=time(x.created_at, "when"),
    )
    owner = x.owner
    page = "/pathways"


plugin = PortfolioExports
