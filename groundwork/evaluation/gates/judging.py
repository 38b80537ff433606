"""Which judges a gate's metrics ask, and whether they may decide it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.core.improvement import GateSpec
from groundwork.core.principal import Principal
from groundwork.evaluation.judges.types import Trust
from groundwork.evaluation.pairing import scorer_of
from groundwork.evaluation.types import Result

TrustOf = Callable[[Principal, str], Trust]
DEFAULT = "default"
"""The judge that is asked where a scorer names none."""


def judge_of(scorer: Mapping[str, Any]) -> str:
    """Return the judge that a scorer asks, as an evaluation keeps it; empty for one that asks none."""
    parameters = scorer.get("parameters") or {}
    named = parameters.get("judge")
    if isinstance(named, str) and named:
        return named
    if scorer.get("judge"):
        return str(scorer["judge"])
    from groundwork.evaluation.scorers import SCORERS

    try:
        made = SCORERS.make({"name": scorer["name"], **parameters})
    except (GroundworkError, KeyError, TypeError):
        return ""
    asks = getattr(made, "judge", None)
    return (asks or DEFAULT) if isinstance(asks, str) else ""


def versions_of(results: Sequence[Result], scorer: str) -> set[str]:
    """Return the versions of the judge behind the scores of a scorer, as they were kept with each score."""
    parts = (r.scores[scorer].parts for r in results if scorer in r.scores)
    return {str(p["version"]) for p in parts if p.get("judge") and p.get("version")}


def metrics_of(spec: GateSpec) -> list[str]:
    """Return every metric that the gate names, the primary one first, each once."""
    named = [spec.primary.metric, *(g.metric for g in spec.guards), *(x.metric for x in spec.limits)]
    return list(dict.fromkeys(named))


def trust_in(
    principal: Principal,
    spec: GateSpec,
    scorers: Mapping[str, Any],
    planned: Mapping[str, str],
    trust: TrustOf,
    asked: Mapping[str, Set[str]] = MappingProxyType({}),
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return what is known of each judge, and for each metric that may not decide the reason.

    Args:
        planned: version of each judge as the plan has it: another version has not earned anything.
        asked: by scorer, the versions that the scores on both sides came from; see `versions_of`.
    """
    judges: dict[str, dict[str, Any]] = {}
    untrusted: dict[str, str] = {}
    for metric in metrics_of(spec):
        name = judge_of(scorers.get(scorer_of(metric)) or {})
        if not name:
            continue
        if name not in judges:
            judges[name] = _trusted(principal, spec, name, planned.get(name, ""), trust)
        others = asked.get(scorer_of(metric), set()) - {judges[name]["version"]}
        if not judges[name]["allowed"]:
            untrusted[metric] = str(judges[name]["reason"])
        elif others:
            untrusted[metric] = (
                f"some scores came from another version of the judge `{name}`; evaluate both sides again"
            )
    return judges, untrusted


def _trusted(principal: Principal, spec: GateSpec, name: str, planned: str, trust: TrustOf) -> dict[str, Any]:
    try:
        found = trust(principal, name)
    except GroundworkError as error:
        return {
            "version": planned,
            "allowed": False,
            "card": "",
            "reason": f"the judge `{name}` has no card: {error.message}",
        }
    allowed = found.unattended if spec.unattended else found.gates
    reason = "" if allowed else found.reason or f"the judge `{name}` has not earned it yet"
    if allowed and planned and found.version != planned:
        allowed, reason = False, f"the judge `{name}` is not the version that was planned; plan again"
    return {"version": found.version, "allowed": allowed, "card": found.card_id, "reason": reason}
