"""The portfolio as JSON Resume, valid against the vendored schema (jsonresume/resume-schema 1.0.1, MIT)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from groundwork.core.errors import InternalError
from groundwork.pathways.portfolio.gather import GRADES, Gathered, SkillLine

LEVELS = {
    "proven": "proven by records",
    "stale": "proven once, history now",
    "declared": "declared",
    "attested": "attested",
}
"""What stands as the level of a skill; the kinds are never mixed."""
VERSION = "v1.0.0"


def resume(found: Gathered, *, address: str = "") -> dict[str, Any]:
    """Return the resume; equal contents give an equal one.

    Args:
        address: where the portfolio is published, without a slash at the end; empty: nowhere yet, so no link is written.
    """
    basics: dict[str, Any] = {"name": found.person.name}
    for name in ("label", "summary", "email", "url"):
        if getattr(found.person, name):
            basics[name] = getattr(found.person, name)
    made: dict[str, Any] = {
        "basics": basics,
        "projects": [_project(system, address) for system in found.systems],
        "skills": [_skill(line) for line in found.skills if line.state in LEVELS],
        "certificates": [
            _with(
                {
                    "name": s.proof.title,
                    "date": s.proof.created_at[:10],
                    "issuer": "Groundwork workspace of the owner",
                },
                "url",
                f"{address}/credentials/{s.proof.id}.svg" if address else "",
            )
            for s in found.current
        ],
        "meta": {"version": VERSION, "lastModified": found.at[:19]},
    }
    if address:
        made["meta"]["canonical"] = f"{address}/resume.json"
    return made


def refuse_invalid(document: Mapping[str, Any]) -> None:
    """Check a resume against the schema.

    Raises:
        InternalError: it is not valid; a fault of this program.
    """
    problems = [
        f"{'/'.join(map(str, e.instance_path))}: {e.message}" for e in _validator().iter_errors(document)
    ]
    if problems:
        raise InternalError(f"the resume is not valid: {problems[0][:200]}", hint="report this, please")


def _project(system: Any, address: str) -> dict[str, Any]:
    highlights = [
        f"{m.metric} {m.value:.3g} ({m.low:.3g} to {m.high:.3g}, n = {m.n}) in {m.release}"
        for m in system.measures
    ]
    highlights += [
        f"Gate {g.gate}: {g.outcome}" + (f", {g.release}" if g.release else "") for g in system.gates
    ]
    made: dict[str, Any] = {
        "name": system.app,
        "description": system.description or f"An AI system with {len(system.shipped)} releases.",
        "highlights": highlights[:12],
        "keywords": [f"{name}: {value}" for name, value in system.facts],
    }
    if system.shipped:
        made["startDate"] = system.shipped[-1].at[:10]
    return _with(made, "url", f"{address}/systems/{system.app}.html" if address else "")


def _skill(line: SkillLine) -> dict[str, Any]:
    made: dict[str, Any] = {"name": line.title, "level": LEVELS[line.state]}
    grades = sorted({GRADES[s.proof.grade].partition(":")[0] for s in line.proofs if s.state == "current"})
    return {**made, "keywords": grades} if grades else made


def _with(made: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    return {**made, name: value} if value else made


@cache
def _validator() -> Any:
    import jsonschema_rs

    text = files("groundwork.pathways.portfolio").joinpath("schemas/json_resume.json").read_text("utf-8")
    return jsonschema_rs.validator_for(json.loads(text), validate_formats=True)
