"""A person's way as other tests need it: one record of every kind, made by the room itself."""

from __future__ import annotations

from groundwork.app.workspace import Workspace
from groundwork.core.principal import Principal


def kept_way(home: Workspace, owner: Principal) -> dict[str, str]:
    """Make a plan, a proof over an answer that is there, a draw, a note and an attestation; return their ids."""
    room = home.pathways
    # Whoever comes from the role they want has nothing left to do: a plan that costs no time.
    plan = room.walk.plan(owner, background="ml engineer", target="ml engineer", hours_per_week=5)
    finding = room.checker.check(owner, {"find": "answer"})
    proof = room.proofs.record(owner, "lab", "first-cited-answer", finding, "First answer")
    attested = room.notes.attest(owner, "d30-communities", f"Somebody in {owner.tenant} joined two.")
    return {
        "plan": plan.id,
        "proof": proof.id,
        "draw": room.quizzes.draw(owner, "ethics").id,
        "note": room.notes.reflect(owner, "", f"A word of {owner.tenant} to oneself.").id,
        "attestation": attested.id,
    }
