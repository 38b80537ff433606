"""How a predicate is answered: parts in their order, with backtracking over the records that have a name.

Equal records give equal answers: candidates come newest first, and the first that lets everything hold is taken.
Where nothing does, the answer is told by the candidate that came furthest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from groundwork.evidence.asking import (
    NOTHING,
    Env,
    Scope,
    Tally,
    candidates,
    chosen_ids,
    joined_by_value,
    tallies,
    tallies_by,
)
from groundwork.evidence.kinds.waiting import WAITING
from groundwork.evidence.tree import AllOf, AnyOf, Attest, Find, Predicate, Ref, finds, refs
from groundwork.evidence.types import Missing, Outcome, Waits
from groundwork.evidence.wording import missing_of

STEPS = 20_000
"""Combinations that are tried before the search gives up."""
ONE_BY_ONE = 3
"""So many values are looked up by themselves; after that a find is asked for all of them at once."""
_GAVE_UP = Missing(
    f"{STEPS:,} combinations of records were tried and the search was given up; narrow `where`."
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Records that hold a find up: kind, ids, and the fields that were looked at."""

    kind: str
    ids: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a part. `outcome` is never `broken` here: damage is looked for in what was found."""

    outcome: Outcome
    holds: tuple[Hold, ...] = ()
    missing: tuple[Missing, ...] = ()
    waits: tuple[Waits, ...] = ()
    attested: tuple[str, ...] = ()
    tally: Tally | None = None

    @property
    def stands(self) -> bool:
        """No record is missing; at most a room, or a person's word."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class _Line:
    """One part, what was known before it, the values of the record chosen for it (None: it has no name), its answer."""

    part: Predicate
    env: Env
    chosen: Mapping[str, Any] | None
    result: Result


@dataclass
class _Walk:
    """A search through the parts of an `all`; `best`, `env` and `depth` tell of the binding that came furthest."""

    parts: Sequence[Predicate]
    best: list[_Line] = field(default_factory=list)
    env: Env = field(default_factory=dict)
    depth: int = -1


class Search:
    """Answers one predicate within one transaction."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._answers: dict[tuple[int, tuple[Any, ...]], Result] = {}
        self._tallied: dict[tuple[int, tuple[Any, ...]], list[Tally]] = {}
        self._by_value: dict[int, dict[tuple[Any, ...], list[Tally]]] = {}
        self._lookups: Counter[int] = Counter()
        self._steps = 0

    def answer(self, predicate: Predicate, env: Env | None = None) -> Result:
        """Return what holds and what is missing."""
        known = env or {}
        match predicate:
            case Attest(sentence):
                return Result("not_yet", attested=(sentence,))
            case AnyOf(parts):
                return self._any(parts, known)
            case AllOf(parts):
                return self._all(parts, known)
            case Find():
                return self._all((predicate,), known)

    def _any(self, parts: Sequence[Predicate], env: Env) -> Result:
        """Return of an `any` what is proven, else what lacks least; a room that is not built lacks most."""
        results: list[Result] = []
        for part in parts:
            results.append(self.answer(part, env))
            if results[-1].outcome == "proven":
                return results[-1]
        return min(results, key=lambda r: (r.outcome == "unavailable", len(r.missing) + len(r.attested)))

    # -- all --------------------------------------------------------------------------------------------------
    def _all(self, parts: Sequence[Predicate], env: Env) -> Result:
        walk = _Walk(parts)
        found = self._step(walk, 0, env, ())
        lines = [*walk.best, *self._rest(walk)] if found is None else found
        results = [self._held(line) for line in lines]
        if self._steps > STEPS:
            results.append(Result("not_yet", missing=(_GAVE_UP,)))
        return _together(results)

    def _step(self, walk: _Walk, n: int, env: Env, done: tuple[_Line, ...]) -> Sequence[_Line] | None:
        """Return the lines of the first binding that lets every part stand, None where none does."""
        if n > walk.depth:
            walk.depth, walk.best, walk.env = n, list(done), env
        if n == len(walk.parts):
            return done
        part = walk.parts[n]
        if self._steps > STEPS:
            return None
        if not (isinstance(part, Find) and part.name) or _waits_of(part, walk.parts[:n]):
            result = _waits_of(part, walk.parts[:n]) or self._part(part, env)
            return (
                self._step(walk, n + 1, env, (*done, _Line(part, env, None, result)))
                if result.stands
                else None
            )
        good = [tally for tally in self._tallies(part, env) if tally.holds(part)]
        if not good:
            return None
        later = walk.parts[n + 1 :]
        needed = _needed(part, later)
        groups = [tally.group for tally in good] if part.per else None
        joined = [other for other in later if isinstance(other, Find)]
        tried = candidates(part, self._scope, env, needed, groups, joined) if needed else _one(good)
        for chosen in tried:
            self._steps += 1
            line = _Line(part, env, chosen, Result("proven"))
            found = self._step(walk, n + 1, {**env, part.name: chosen}, (*done, line))
            if found is not None:
                return found
        return None

    def _rest(self, walk: _Walk) -> list[_Line]:
        """Return the lines of the parts that the furthest binding did not reach, as far as they can be asked."""
        made: list[_Line] = []
        lost: set[str] = set()
        for n, part in enumerate(walk.parts[walk.depth :], walk.depth):
            waits = _waits_of(part, walk.parts[:n])
            if waits is not None:
                result = waits
            elif any(ref.name in lost for ref in refs(part)):
                known = [find for find in finds(part) if find.kind not in WAITING]
                result = Result("not_yet", missing=tuple(missing_of(find, None) for find in known))
            else:
                result = self._part(part, walk.env)
            lost |= {find.name for find in finds(part) if find.name}
            made.append(_Line(part, walk.env, None, result))
        return made

    # -- one part ---------------------------------------------------------------------------------------------
    def _part(self, part: Predicate, env: Env) -> Result:
        """Return the answer to a part that binds nothing for others; asked once for equal values of what it needs."""
        key = (id(part), _values(part, env))
        if key not in self._answers:
            self._steps += 1
            self._answers[key] = self._find(part, env) if isinstance(part, Find) else self.answer(part, env)
        return self._answers[key]

    def _find(self, find: Find, env: Env) -> Result:
        whole = self._tallies(find, env)
        good = next((tally for tally in whole if tally.holds(find)), None)
        if good is not None:
            return Result("proven", tally=good)
        return Result("not_yet", missing=(missing_of(find, whole[0]),), tally=whole[0])

    def _tallies(self, find: Find, env: Env) -> list[Tally]:
        key = (id(find), _values(find, env))
        if key not in self._tallied:
            self._tallied[key] = self._asked(find, env)
        return self._tallied[key]

    def _asked(self, find: Find, env: Env) -> list[Tally]:
        """Ask for one binding; once several were asked for, for all that there can be."""
        if not joined_by_value(find):
            return tallies(find, self._scope, env)
        known = self._by_value.get(id(find))
        if known is None:
            self._lookups[id(find)] += 1
            if self._lookups[id(find)] <= ONE_BY_ONE:
                return tallies(find, self._scope, env)
            known = self._by_value[id(find)] = tallies_by(find, self._scope)
        wanted = tuple(env[t.value.name].get(t.value.field) for t in find.where if isinstance(t.value, Ref))
        return known.get(wanted, [NOTHING])

    def _held(self, line: _Line) -> Result:
        """Return the result of a line with the records that hold it up."""
        part, result = line.part, line.result
        if not isinstance(part, Find) or part.kind in WAITING or result.waits:
            return result
        chosen, tally = line.chosen, result.tally
        if chosen is None and (tally is None or not tally.n):
            return result
        group = chosen.get(part.per) if chosen is not None else tally.group if tally else None
        ids = chosen_ids(part, self._scope, line.env, chosen, group)
        return replace(result, holds=(Hold(part.kind, tuple(ids), _fields(part, chosen or {})),))


def _one(good: Sequence[Tally]) -> list[dict[str, Any]]:
    """Return one choice without values, for a name that nothing asks for; none where there is no record."""
    return [{}] if any(tally.n for tally in good) else []


def _values(part: Predicate, env: Env) -> tuple[Any, ...]:
    """Return what a part needs of the records before it, to know it again."""
    return tuple(sorted((str(r), repr(env[r.name].get(r.field))) for r in refs(part) if r.name in env))


def _waits_of(part: Predicate, before: Sequence[Predicate]) -> Result | None:
    """Return that a find waits for its room, or rests on a record that does; None where it can be asked."""
    if not isinstance(part, Find):
        return None
    kinds = {find.name: find.kind for find in before if isinstance(find, Find) and find.name}
    named = [part.kind, *(kinds[ref.name] for ref in sorted(refs(part), key=str) if ref.name in kinds)]
    waits = [Waits(kind, WAITING[kind]) for kind in named if kind in WAITING]
    return Result("unavailable", waits=tuple(waits)) if waits else None


def _needed(find: Find, later: Sequence[Predicate]) -> list[str]:
    """Return the fields of a named record that later parts ask for, and that of `per`, sorted."""
    names = {ref.field for part in later for ref in refs(part) if ref.name == find.name}
    return sorted(names | ({find.per} if find.per else set()))


def _fields(find: Find, chosen: Mapping[str, Any]) -> tuple[str, ...]:
    more = [find.spread[0]] if find.spread else []
    more += [find.per] if find.per else []
    return tuple(dict.fromkeys([*(t.field for t in find.tests), *more, *chosen]))


def _together(results: Sequence[Result]) -> Result:
    """Return the results of an `all` as one."""
    outcomes = {result.outcome for result in results}
    outcome: Outcome = next((o for o in _WORST if o in outcomes), "proven")
    return Result(
        outcome,
        tuple(hold for result in results for hold in result.holds),
        tuple(dict.fromkeys(miss for result in results for miss in result.missing)),
        tuple(dict.fromkeys(wait for result in results for wait in result.waits)),
        tuple(dict.fromkeys(said for result in results for said in result.attested)),
    )


_WORST: tuple[Outcome, ...] = ("unavailable", "not_yet")
