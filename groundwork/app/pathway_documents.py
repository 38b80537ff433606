"""What is shown of pathways at every door: the documents that the command line and HTTP answer alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundwork.evidence.types import Found, KindInfo, Rechecked
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.pathways.planning.types import Plan
    from groundwork.pathways.proofs.types import ProofState
    from groundwork.pathways.types import Quiz, Role
    from groundwork.pathways.walking.types import QuizResult

LISTS = (
    "roles", "backgrounds", "transitions", "skills", "milestones", "actions", "resources", "quizzes", "reflections", "facts",
)  # fmt: skip
CLAIM = "Proofs are tamper-evident, not tamper-proof: whoever owns the machine could forge the records behind them."
COMMANDS = {
    "answer": "groundwork explain {id}",
    "approval": "groundwork release history",
    "attempt": "groundwork usage calls",
    "attestation": "groundwork path attest",
    "budget": "groundwork key list",
    "calibration": "",
    "call": "groundwork usage call {id}",
    "canary": "groundwork release history",
    "comparison": "groundwork gate show {id}",
    "dataset": "groundwork dataset show {id}",
    "dataset_candidate": "groundwork dataset review --state all",
    "deployment": "groundwork release history",
    "document": "groundwork knowledge document {rest} --index {first}",
    "evaluation": "groundwork evaluation show {id}",
    "feedback": "groundwork feedback list",
    "ingest": "groundwork knowledge snapshots {index}",
    "job": "groundwork jobs show {id}",
    "judge_card": "groundwork judge list",
    "judge_label": "groundwork judge list",
    "key": "groundwork key show {id}",
    "lab_result": "groundwork path labs",
    "membership": "groundwork user list",
    "override": "groundwork gate verdicts",
    "portfolio_export": "groundwork path proofs",
    "prompt_run": "groundwork prompt list",
    "prompt_version": "groundwork prompt show {id}",
    "proof": "groundwork path proofs {id}",
    "quiz_result": "groundwork path quiz",
    "release": "groundwork release show {id}",
    "replay": "groundwork answers",
    "saved_view": "groundwork trace views",
    "snapshot": "groundwork knowledge snapshots {first}",
    "tuning": "groundwork tune show {id}",
    "user": "groundwork user list",
    "verdict": "groundwork gate show {id}",
}
"""The command that shows a record of each kind, "" where none does.

`{first}` and `{rest}` are the parts of an id such as `index/document`, `{index}` is a value of the record.
"""


# -- the catalogue --------------------------------------------------------------------------------------------------
def role_line(found: Role, loaded: Loaded) -> dict[str, Any]:
    """Return a role with how much it needs."""
    skills, milestones = loaded.requirements(found)
    return {
        **found.model_dump(mode="json"),
        "needs_skills": len(skills),
        "needs_milestones": len(milestones),
        "needs_hours": round(loaded.hours(skills, milestones), 1),
    }


def role_document(found: Role, loaded: Loaded) -> dict[str, Any]:
    """Return a role with everything it needs, and the ways that the documents describe to it."""
    skills, milestones = loaded.requirements(found)
    return {
        **role_line(found, loaded),
        "skills_needed": [
            {"id": s, "title": loaded.skill(s).title, "weight": found.skills.get(s, 0.0)} for s in skills
        ],
        "milestones_needed": [{"id": m, "title": loaded.milestone(m).title} for m in milestones],
        "transitions": [
            t.model_dump(mode="json") for t in loaded.catalogue.transitions if t.target == found.id
        ],
        "attributions": list(loaded.attributions),
    }


def comparison(one: Role, other: Role, loaded: Loaded) -> dict[str, Any]:
    """Return what two roles share and what each has alone."""
    a, b = set(loaded.requirements(one)[0]), set(loaded.requirements(other)[0])
    m, n = set(loaded.requirements(one)[1]), set(loaded.requirements(other)[1])
    return {
        "roles": [role_document(one, loaded), role_document(other, loaded)],
        "skills": {"both": sorted(a & b), one.id: sorted(a - b), other.id: sorted(b - a)},
        "milestones": {"both": sorted(m & n), one.id: sorted(m - n), other.id: sorted(n - m)},
        "overlap": round(len(a & b) / max(1, len(a | b)), 4),
        "hours": {
            "both": round(loaded.hours(sorted(a & b), sorted(m & n)), 1),
            one.id: round(loaded.hours(sorted(a - b), sorted(m - n)), 1),
            other.id: round(loaded.hours(sorted(b - a), sorted(n - m)), 1),
        },
    }


def counts_of(loaded: Loaded) -> dict[str, int]:
    """Return how many entries each list of a catalogue has."""
    return {name: len(getattr(loaded.catalogue, name)) for name in LISTS}


def kind_document(found: KindInfo) -> dict[str, Any]:
    return asdict(found)


# -- plans and quizzes ----------------------------------------------------------------------------------------------
def plan_line(found: Plan) -> dict[str, Any]:
    """Return a plan as lists show it."""
    return {
        "id": found.id,
        "created_at": found.created_at,
        "start_from": found.request.get("start_from"),
        "target": found.request.get("target"),
        "items": len(found.items),
        "hours": found.hours,
        "forecast": plain(found.forecast),
        "previous": found.previous,
    }


def plan_document(found: Plan, loaded: Loaded) -> dict[str, Any]:
    """Return a plan with the dated actions of the first ninety days, where the document of its target has them."""
    from groundwork.pathways.walking.ninety import ninety_days

    return {**found.as_dict(), "ninety_days": [a.as_dict() for a in ninety_days(found, loaded)]}


def quiz_line(quiz: Quiz, results: Sequence[QuizResult]) -> dict[str, Any]:
    """Return a quiz without its questions, and one's best and newest result."""
    mine = [r for r in results if r.quiz == quiz.id]
    return {
        "id": quiz.id,
        "title": quiz.title,
        "skill": quiz.skill,
        "questions": len(quiz.questions),
        "draw": min(quiz.draw, len(quiz.questions)),
        "pass_share": quiz.pass_share,
        "taken": len(mine),
        "best": max((r.score / r.total for r in mine if r.total), default=None),
        "passed": any(r.passed for r in mine),
    }


# -- proofs ---------------------------------------------------------------------------------------------------------
def proof_line(state: ProofState) -> dict[str, Any]:
    """Return a proof as lists show it."""
    p = state.proof
    return {
        "id": p.id,
        "kind": p.subject_kind,
        "subject": p.subject,
        "title": p.title,
        "state": state.state,
        "grade": p.grade,
        "cosigners": list(p.cosigners),
        "records": len(p.found),
        "why": list(state.why),
        "position": p.position,
        "created_at": p.created_at,
    }


def proof_document(state: ProofState) -> dict[str, Any]:
    """Return a proof with its records, each with the command and the page that show it."""
    seen = {(r.found.kind, r.found.id): r for r in state.records}
    return {
        **proof_line(state),
        "check": state.proof.check,
        "catalogue": state.proof.catalogue,
        "digest": state.proof.digest,
        "previous": state.proof.previous,
        "found": [record_document(f, seen.get((f.kind, f.id))) for f in state.proof.found],
        "claim": CLAIM,
    }


def record_document(found: Found, seen: Rechecked | None) -> dict[str, Any]:
    """Return a record that a proof rests on, with how it is now."""
    return {
        "kind": found.kind,
        "id": found.id,
        "digest": found.digest,
        "values": dict(found.values),
        "at": found.at,
        "state": seen.state if seen else "same",
        "why": seen.why if seen else "",
        "command": command_of(found),
        "address": found.address,
    }


def command_of(found: Found) -> str:
    """Return the command that shows a record, "" where none does."""
    first, _, rest = found.id.replace("@", "/", 1).partition("/")
    index = found.values.get("index") or ""
    return COMMANDS.get(found.kind, "").format(id=found.id, first=first, rest=rest, index=index).strip()


# -- values ---------------------------------------------------------------------------------------------------------
def plain(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON: dates as ISO 8601."""
    found: dict[str, Any] = {k: _plain(v) for k, v in asdict(value).items()}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
