"""What a catalogue must hold as a whole: every name in it is there, ids are unique, and nothing waits for itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundwork.pathways.catalogue.reading import Path_
from groundwork.pathways.types import Catalogue

KINDS: Mapping[str, str] = {
    "sources": "source",
    "stages": "stage",
    "roles": "role",
    "backgrounds": "background",
    "transitions": "transition",
    "skills": "skill",
    "milestones": "milestone",
    "actions": "action",
    "resources": "resource",
    "quizzes": "quiz",
    "reflections": "reflection",
    "facts": "fact",
    "left_out": "fact that is left out",
}
"""The lists of a catalogue, and what one of each is called."""

# Field of an entry, and the lists that its ids may stand in.
_REFERENCES: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]] = {
    "roles": (
        ("same_as", ("roles",)),
        ("skills", ("skills",)),
        ("milestones", ("milestones",)),
        ("backgrounds", ("backgrounds",)),
    ),
    "backgrounds": (("role", ("roles",)), ("holds", ("skills",))),
    "transitions": (
        ("start", ("backgrounds", "roles")),
        ("target", ("roles",)),
        ("already", ("skills",)),
        ("steps", ("skills", "milestones")),
    ),
    "skills": (
        ("stage", ("stages",)),
        ("prerequisites", ("skills",)),
        ("resources", ("resources",)),
        ("quiz", ("quizzes",)),
    ),
    "milestones": (("stage", ("stages",)), ("needs", ("skills",)), ("proves", ("skills",))),
    "actions": (("block", ("facts", "stages")), ("needs", ("skills", "milestones", "actions"))),
    "quizzes": (("skill", ("skills",)),),
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that does not fit: in which list, at which entry and place, what is wrong and what to do.

    `others` are further entries of the list that have a part in it.
    """

    kind: str
    id: str
    place: Path_
    message: str
    hint: str
    others: tuple[str, ...] = ()


def flaws(catalogue: Catalogue) -> list[Flaw]:
    """Return everything that does not fit together; empty when the catalogue is whole."""
    known = {kind: {entry.id for entry in getattr(catalogue, kind)} for kind in KINDS}
    found = [*_dangling(catalogue, known), *_questions(catalogue)]
    found += _same(catalogue)
    if not found:
        for cycle in (_cycle(_skill_edges(catalogue)), _cycle(_action_edges(catalogue))):
            if cycle:
                found.append(_cycle_flaw(catalogue, cycle))
    return found


def _dangling(catalogue: Catalogue, known: Mapping[str, set[str]]) -> Iterator[Flaw]:
    for kind in KINDS:
        for entry in getattr(catalogue, kind):
            for name in getattr(entry, "sources", ()):
                if name not in known["sources"]:
                    yield _missing(kind, entry.id, ("sources",), name, ("sources",), known)
            for field, targets in _REFERENCES.get(kind, ()):
                for place, name in _ids(getattr(entry, field)):
                    if not any(name in known[target] for target in targets):
                        yield _missing(kind, entry.id, (field, *place), name, targets, known)


def _ids(value: Any) -> Iterator[tuple[Path_, str]]:
    """Yield the ids that a field holds, each with its place below the field."""
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, Mapping):
        yield from (((key,), key) for key in value)
    elif value is not None:
        for number, item in enumerate(value):
            skill = getattr(item, "skill", None)
            yield ((number, "skill"), skill) if skill else ((number,), item)


def _missing(
    kind: str, entry: str, place: Path_, name: str, targets: tuple[str, ...], known: Mapping[str, set[str]]
) -> Flaw:
    near = difflib.get_close_matches(name, sorted(set().union(*(known[t] for t in targets))), 3, 0.5)
    what = " or ".join(KINDS[target] for target in targets)
    hint = (
        "did you mean " + ", ".join(f"`{n}`" for n in near) + "?" if near else f"add it under `{targets[0]}:`"
    )
    return Flaw(kind, entry, place, f"{KINDS[kind]} `{entry}` names `{name}`, which is no {what}", hint)


def _questions(catalogue: Catalogue) -> Iterator[Flaw]:
    for quiz in catalogue.quizzes:
        if quiz.draw > len(quiz.questions):
            said = f"quiz `{quiz.id}` draws {quiz.draw} of {len(quiz.questions)} questions"
            yield Flaw("quizzes", quiz.id, ("draw",), said, "draw fewer, or add questions")
        for number, item in enumerate(quiz.questions):
            place: Path_ = ("questions", number, "answer")
            if item.answer >= len(item.options):
                said = f"question `{item.id}` of quiz `{quiz.id}` has no option {item.answer}"
                yield Flaw("quizzes", quiz.id, place, said, "the first option is 0")
            if len(set(item.options)) < len(item.options):
                said = f"question `{item.id}` of quiz `{quiz.id}` has an option twice"
                yield Flaw("quizzes", quiz.id, place, said, "write different options")


def _same(catalogue: Catalogue) -> Iterator[Flaw]:
    names = {role.id: role for role in catalogue.roles}
    for role in catalogue.roles:
        other = names.get(role.same_as or "")
        if other is not None and (other.same_as or other.id == role.id):
            said = f"role `{role.id}` is another name of `{other.id}`, which is itself one"
            yield Flaw("roles", role.id, ("same_as",), said, "name the role that has the skills")


def _skill_edges(catalogue: Catalogue) -> dict[str, list[str]]:
    return {skill.id: [p.skill for p in skill.prerequisites] for skill in catalogue.skills}


def _action_edges(catalogue: Catalogue) -> dict[str, list[str]]:
    names = {action.id for action in catalogue.actions}
    return {action.id: [n for n in action.needs if n in names] for action in catalogue.actions}


def _cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one cycle in the order in which it waits, its first id again at the end; empty when there is none."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(edges[start]))] if start not in done else []
        while stack:
            name, rest = stack[-1]
            if name not in on_path:
                path.append(name)
                on_path.add(name)
            following = next((n for n in rest if n not in done), None)
            if following is None:
                stack.pop()
                done.add(path.pop())
                on_path.discard(name)
            elif following in on_path:
                return [*path[path.index(following) :], following]
            else:
                stack.append((following, iter(edges.get(following, ()))))
    return []


def _cycle_flaw(catalogue: Catalogue, cycle: Sequence[str]) -> Flaw:
    kind = "skills" if any(cycle[0] == skill.id for skill in catalogue.skills) else "actions"
    field = "prerequisites" if kind == "skills" else "needs"
    said = f"{kind} wait for one another: " + " needs ".join(f"`{name}`" for name in cycle)
    return Flaw(kind, cycle[-2], (field,), said, f"take one of them out of `{field}:`", tuple(cycle))
