"""Words and addresses that the pages of pathways share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.types import Action, Milestone

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


def subject_of(loaded: Loaded, word: str) -> Milestone | Action:
    """Return the milestone or action of that id.

    Raises:
        NotFoundError: the catalogue has neither; the hint offers the nearest.
    """
    action = loaded.actions.get(word)
    return loaded.milestone(word) if action is None else action


def titles_of(loaded: Loaded) -> dict[str, str]:
    """Return the titles of everything that a plan, a note or a lab may name, by id."""
    whole = loaded.catalogue
    return {
        entry.id: entry.title
        for kind in (whole.backgrounds, whole.roles, whole.actions, whole.milestones, whole.skills)
        for entry in kind
    }
