"""Words and addresses that the pages of pathways share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evidence.types import Found

STATES = {
    "proven": ("good", "proven"),
    "stale": ("warn", "no longer shown"),
    "attested": ("plain", "attested"),
    "declared": ("plain", "declared"),
    "open": ("plain", "open"),
    "broken": ("bad", "damaged"),
    "unavailable": ("plain", "waits for a room"),
    "passed": ("good", "passed"),
    "new": ("plain", "not begun"),
    "current": ("good", "holds"),
    "forged": ("bad", "does not hold"),
    "same": ("good", "as it was"),
    "changed": ("warn", "changed"),
    "gone": ("warn", "gone"),
}
"""Tone and words of every state that a page of this room shows."""

GRADES = {
    "attested": "said by a person",
    "verified_here": "checked over records, here",
    "co_signed": "co-signed by another workspace",
    "re_run": "run again from the bundle by another workspace",
}

_PAGES = {
    "answer": "/answers/",
    "evaluation": "/evaluations/",
    "verdict": "/gates/verdicts/",
    "release": "/releases/",
    "job": "/jobs/",
    "call": "/usage/calls/",
    "lab_result": "/pathways/labs/runs/",
    "proof": "/pathways/proofs/",
}


def record_address(found: Found) -> str:
    """Return the page of a record, "" when it has none."""
    if found.address:
        return found.address
    base = _PAGES.get(found.kind)
    return f"{base}{quote(found.id, safe='')}" if base else ""


def asked(house: Workspace, subject: str) -> str:
    """Return the id of a milestone or action as it stands in an address; refuses what the catalogue does not know."""
    found: Any = house.pathways.catalogues.current().subject(subject)
    return quote(found.id, safe="")
