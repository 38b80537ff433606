"""Run a check again over the records that a bundle carries: no database, no workspace, only the values that were signed.

A bundle carries the records that hold a finding up, not every record of the workspace. So a check that speaks of all
records of a kind (a share of them, at most so many, each of them) cannot be run again in whole; that is said, not guessed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from groundwork.core.errors import GroundworkError
from groundwork.evidence.parse import read_predicate
from groundwork.evidence.tree import AllOf, AnyOf, Attest, Find, Predicate, Ref, Test
from groundwork.evidence.types import Found

CARRIED = 20
"""Records of one `find` that a finding names at most; more are counted where it is made."""
STEPS = 20_000
"""Combinations of records that are tried."""
Env = Mapping[str, Found]


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of it: `holds`; `fails`: the records do not show it; `partly`: they cannot show all of it, see `why`."""

    outcome: Literal["holds", "fails", "partly"]
    why: str = ""


def rerun(check: Mapping[str, Any], records: Sequence[Found]) -> Rerun:
    """Answer a check over these records alone; deterministic."""
    try:
        predicate = read_predicate(check)
    except (GroundworkError, RecursionError) as error:
        said = error.message if isinstance(error, GroundworkError) else "it is nested too deep"
        return Rerun("partly", f"this version cannot read the check: {said}")
    asked = _Asked(records)
    if any(True for _ in asked.answers(predicate, {})):
        return Rerun("partly", asked.limits[0]) if asked.limits else Rerun("holds")
    if asked.steps > STEPS:
        return Rerun("partly", "the records can be combined in too many ways")
    return Rerun("partly", asked.limits[0]) if asked.short else Rerun("fails")


class _Asked:
    """One question over one set of records.

    `limits` collects what the records cannot show; `short` says that a count was missed only because no more are carried.
    """

    def __init__(self, records: Sequence[Found]) -> None:
        self._by_kind: dict[str, list[Found]] = defaultdict(list)
        for record in records:
            self._by_kind[record.kind].append(record)
        self.limits: list[str] = []
        self.short = False
        self.steps = 0

    def answers(self, predicate: Predicate, env: Env) -> Iterator[Env]:
        """Yield every binding of names under which it holds."""
        self.steps += 1
        if self.steps > STEPS:
            return
        match predicate:
            case Attest():
                return
            case AnyOf(parts):
                for part in parts:
                    if any(True for _ in self.answers(part, env)):
                        yield env
                        return
            case AllOf(parts):
                yield from self._all(parts, env)
            case Find():
                yield from self._find(predicate, env)

    def _all(self, parts: Sequence[Predicate], env: Env) -> Iterator[Env]:
        if not parts:
            yield env
            return
        for bound in self.answers(parts[0], env):
            yield from self._all(parts[1:], bound)

    def _find(self, find: Find, env: Env) -> Iterator[Env]:
        fitting = [r for r in self._by_kind[find.kind] if all(fits(r, t, env) for t in find.where)]
        groups: dict[Any, list[Found]] = defaultdict(list)
        for record in fitting:
            if not find.per or record.values.get(find.per) is not None:
                groups[str(record.values.get(find.per)) if find.per else ""].append(record)
        if find.at_least == 0:
            self._note(f"it says how many `{find.kind}` there may be at most")
            if not fitting:
                yield env
            return
        for group in groups.values():
            if not self._whole(find, group, env):
                continue
            if not find.name:
                yield env
                return
            for record in group:
                yield {**env, find.name: record}

    def _whole(self, find: Find, group: Sequence[Found], env: Env) -> bool:
        """Say whether what is asked of the records as a whole is so, as far as they are here."""
        if any(not fits(r, t, env) for r in group for t in find.each):
            return False
        if len(group) < find.at_least:
            if len(group) < CARRIED or find.at_least <= CARRIED:
                return False
            self.short = True
            self._note(f"it needs {find.at_least} of `{find.kind}`, and {len(group)} are here")
            return True
        if (
            find.spread
            and len({str(r.values.get(find.spread[0])) for r in group} - {"None"}) < find.spread[1]
        ):
            return False
        if find.span_days is not None and _days(group) < find.span_days:
            return False
        if find.share or find.at_most is not None or find.each:
            self._note(f"it speaks of all `{find.kind}` of the workspace, and {len(group)} are here")
        return True

    def _note(self, limit: str) -> None:
        if limit not in self.limits:
            self.limits.append(limit)


def fits(record: Found, test: Test, env: Env) -> bool:
    """Say whether a record fits one test; null fits none but `not` and `exists: false`."""
    value, wanted = record.values.get(test.field), test.value
    if isinstance(wanted, Ref):
        bound = env.get(wanted.name)
        wanted = None if bound is None else bound.values.get(wanted.field)
        if wanted is None and test.op != "not":
            return False
    match test.op:
        case "exists":
            return (value not in (None, "", "[]", [])) is bool(wanted)
        case "not":
            return value is None or (value not in wanted if isinstance(wanted, tuple) else value != wanted)
        case "one_of":
            return value is not None and value in wanted
        case "prefix":
            return isinstance(value, str) and value.startswith(wanted)
        case "has":
            return wanted in _words(value)
        case "at_least" | "at_most" | "above" | "below" | "after" | "before":
            return _compared(test.op, value, wanted)
        case _:
            return value is not None and bool(value == wanted)


def _compared(op: str, value: Any, wanted: Any) -> bool:
    if value is None or isinstance(value, str) is not isinstance(wanted, str):
        return False
    match op:
        case "at_least":
            return bool(value >= wanted)
        case "at_most":
            return bool(value <= wanted)
        case "above" | "after":
            return bool(value > wanted)
        case _:
            return bool(value < wanted)


def _words(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return list(value) if isinstance(value, list | tuple) else []


def _days(records: Sequence[Found]) -> float:
    try:
        times = [datetime.fromisoformat(r.at) for r in records]
        return (max(times) - min(times)).total_seconds() / 86400
    except (TypeError, ValueError):
        return 0.0
