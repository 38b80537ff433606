"""How far a person is, worked out of proofs, declarations and attestations; the three are never mixed in a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from groundwork.pathways.walking.types import SkillState, SubjectState

if TYPE_CHECKING:
    from groundwork.evidence.types import Finding
    from groundwork.pathways.labs.types import LabLine
    from groundwork.pathways.proofs.types import ProofState
    from groundwork.pathways.types import Action, Catalogue, Milestone

Held = Mapping[tuple[str, str], "ProofState"]
"""By kind and id of a subject the proof that counts: a current one before a stale one, a newer before an older."""
SKILL_STATES: tuple[SkillState, ...] = ("proven", "stale", "attested", "declared", "open")
SUBJECT_STATES = ("proven", "stale", "attested", "open", "broken", "unavailable")


def held(proofs: Iterable[ProofState]) -> dict[tuple[str, str], ProofState]:
    """Return the proof that counts for each subject."""
    found: dict[tuple[str, str], ProofState] = {}
    for state in sorted(proofs, key=lambda s: (s.state == "current", s.proof.position)):
        found[(state.proof.subject_kind, state.proof.subject)] = state
    return found


def subject_state(
    kind: str,
    entry: Milestone | Action,
    finding: Finding | None,
    proof: ProofState | None,
    attested: bool,
) -> SubjectState:
    """Return how a milestone or action stands.

    Args:
        finding: what its check says now; None: it was not asked, since a current proof stands.
        proof: the one that counts, None: it was never proven. attested: whether the person said so.
    """
    return SubjectState(
        kind,  # type: ignore[arg-type]
        entry.id,
        entry.title,
        _standing(finding, proof, attested),  # type: ignore[arg-type]
        finding,
        proof.proof.id if proof else "",
        entry.labs,
        _why(finding, proof, attested),
    )


def _standing(finding: Finding | None, proof: ProofState | None, attested: bool) -> str:
    if proof is not None and proof.state == "current":
        return "proven"
    if finding is None:
        return "stale" if proof else "attested" if attested else "open"
    if finding.proven:
        return "proven"
    if finding.outcome == "broken":
        return "broken"
    if proof is not None:
        return "stale"
    # A sentence that only a person can say, beside records that are not there yet, is not enough.
    if attested and not (finding.attested and finding.missing):
        return "attested"
    return "unavailable" if finding.outcome == "unavailable" else "open"


def _why(finding: Finding | None, proof: ProofState | None, attested: bool) -> tuple[str, ...]:
    said = list(proof.why) if proof is not None and proof.state != "current" else []
    if finding is not None and not finding.proven:
        said += [m.sentence for m in finding.missing]
        said += [f"a person has to say: {sentence}" for sentence in finding.attested if not attested]
        said += [f"no room keeps `{w.kind}` yet; it waits for {w.room}" for w in finding.waits]
    return tuple(dict.fromkeys(said))


def skill_states(
    catalogue: Catalogue,
    proofs: Held,
    labs: Sequence[LabLine],
    *,
    declared: Collection[str],
    attested: Collection[str],
) -> dict[str, SkillState]:
    """Return how each skill of the catalogue stands: proven by a milestone or a lab, once proven, or only said."""
    proven, stale = _shown(catalogue, proofs, labs)
    found: dict[str, SkillState] = {}
    for skill in catalogue.skills:
        name = skill.id
        if name in proven:
            found[name] = "proven"
        elif name in stale:
            found[name] = "stale"
        elif name in attested:
            found[name] = "attested"
        else:
            found[name] = "declared" if name in declared else "open"
    return found


def _shown(catalogue: Catalogue, proofs: Held, labs: Sequence[LabLine]) -> tuple[set[str], set[str]]:
    """Return the skills that current proofs show, and those that only stale ones showed."""
    shows: dict[tuple[str, str], set[str]] = {
        ("milestone", m.id): set(m.proves) for m in catalogue.milestones
    }
    for lab in labs:
        shows.setdefault(("lab", lab.id), set()).update(lab.skills)
    for skill in catalogue.skills:
        shows.setdefault(("skill", skill.id), set()).add(skill.id)
        for lab_id in skill.labs:
            shows.setdefault(("lab", lab_id), set()).add(skill.id)
    proven: set[str] = set()
    stale: set[str] = set()
    for subject, state in proofs.items():
        (proven if state.state == "current" else stale).update(shows.get(subject, ()))
    return proven, stale - proven


def counts(
    skills: Mapping[str, SkillState], milestones: Sequence[SubjectState], actions: Sequence[SubjectState]
) -> dict[str, int]:
    """Return `skills_proven`, `skills_declared`, `milestones_open`, `actions_attested` … and `…_total` of each."""
    found: dict[str, int] = {}
    by_skill = Counter(skills.values())
    found |= {f"skills_{s}": by_skill[s] for s in SKILL_STATES} | {"skills_total": len(skills)}
    for name, states in (("milestones", milestones), ("actions", actions)):
        by_state = Counter(s.state for s in states)
        found |= {f"{name}_{s}": by_state[s] for s in SUBJECT_STATES}  # type: ignore[index]
        found[f"{name}_total"] = len(states)
    return found
