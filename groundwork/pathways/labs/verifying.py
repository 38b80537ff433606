"""What one look at a run finds: each point met or not, and how long the work took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.principal import Principal
from groundwork.evidence.types import Finding, Found
from groundwork.pathways.labs import Point
from groundwork.pathways.labs.task import SHEET, right
from groundwork.pathways.labs.types import PointState

if TYPE_CHECKING:
    from groundwork.evidence.engine import Checker

LONGEST_GAP_MINUTES = 15.0
"""Between two signs of work; whoever gives none for longer has done something else in between."""


def look(
    checker: Checker,
    principal: Principal,
    points: Sequence[Point],
    draw: Mapping[str, Any],
    started_at: str,
    answers: Mapping[str, Any],
) -> list[PointState]:
    """Return the state of every point, in order. Reads records; changes nothing.

    Args:
        answers: of the sheet, by key.
    """
    parameters = {"lab": {**draw, "started_at": started_at}}
    states = []
    for point in points:
        if point.sheet is not None and point.check is None:
            states.append(_of_sheet(point, answers))
            continue
        finding = checker.check(principal, point.check or {}, parameters=parameters, labs=True)
        state = _of_finding(point, finding)
        if state.met and point.sheet is not None:
            answered = _of_sheet(point, answers)
            state = state if answered.met else answered
        states.append(state)
    return states


def total(points: Sequence[Point]) -> int:
    """Return what all points together are worth."""
    return sum(p.worth for p in points)


def scored(states: Sequence[PointState]) -> int:
    """Return what the met points are worth."""
    return sum(s.worth for s in states if s.met)


def as_finding(lab: str, version: str, draw: Mapping[str, Any], states: Sequence[PointState]) -> Finding:
    """Return what a passed run rests on as one finding, for its proof.

    Its digest follows from the lab, its version and the draw: the same run verified again is the same finding.
    """
    found: dict[tuple[str, str], Found] = {}
    for state in states:
        for one in state.found:
            found.setdefault((one.kind, one.id), one)
    digest = digest_json({"lab": lab, "version": version, "draw": dict(draw)})
    return Finding("proven", digest, tuple(found.values()))


def minutes_between(signs: Iterable[str], longest: float = LONGEST_GAP_MINUTES) -> float:
    """Return the minutes of work between signs of it (ISO 8601), each gap counted for `longest` minutes at most."""
    times = sorted({datetime.fromisoformat(s) for s in signs if s})
    gaps = ((b - a).total_seconds() / 60 for a, b in pairwise(times))
    return round(sum(min(g, longest) for g in gaps), 2)


def _of_sheet(point: Point, answers: Mapping[str, Any]) -> PointState:
    assert point.sheet is not None
    key = point.sheet.key
    given = answers.get(key)
    command = f"groundwork path answer {key} VALUE"
    if given is None or (isinstance(given, str) and not given.strip()):
        why = f"{SHEET} has no answer to `{key}` yet"
    elif right(point.sheet, given):
        return PointState(point.id, point.title, point.worth, True)
    else:
        why = f"`{key}` is not {str(given)[:60]!r}"
        why = f"{why}: {point.hint}" if point.hint else why
    return PointState(point.id, point.title, point.worth, False, why, command)


def _of_finding(point: Point, finding: Finding) -> PointState:
    if finding.proven:
        return PointState(point.id, point.title, point.worth, True, found=finding.found)
    missing = finding.missing[0] if finding.missing else None
    why = missing.sentence if missing else ""
    if finding.outcome == "unavailable" and finding.waits:
        waits = finding.waits[0]
        why = f"no room keeps records of the kind `{waits.kind}` yet; it waits for `{waits.room}`"
    elif finding.outcome == "broken":
        why = why or "the records it rests on are damaged"
    elif point.hint and not why:
        why = point.hint
    command = missing.command if missing else ""
    return PointState(
        point.id, point.title, point.worth, False, why or "it is not so yet", command, finding.found
    )
