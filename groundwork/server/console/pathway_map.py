"""The map of skills, drawn as inline SVG: stages as columns, prerequisites as lines. Pure and deterministic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.pathways.types import Skill, Stage

BOX_WIDTH, BOX_HEIGHT = 184, 40
GAP_X, GAP_Y = 56, 12
TOP = 36
LETTERS = 26
"""Characters of a title that fit on a line of a box; a longer one takes two."""
SWEEPS = 4


@dataclass(frozen=True)
class Box:
    """One skill: where it lies, its title in one or two lines, how it stands, what a reader hears."""

    id: str
    x: float
    y: float
    lines: tuple[str, ...]
    state: str
    stream: str
    said: str


@dataclass(frozen=True)
class Line:
    """One prerequisite: a curve from the skill that comes first; `helps` is drawn lighter."""

    path: str
    kind: str


@dataclass(frozen=True)
class SkillMap:
    """All of it; `heads` are the stages with the place of their columns."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    heads: tuple[tuple[str, float], ...]
    width: float
    height: float


STATE_WORDS = {
    "proven": "proven by records",
    "stale": "was proven; a record is gone or changed",
    "attested": "attested",
    "declared": "declared",
    "open": "open",
}


def drawn(stages: Sequence[Stage], skills: Sequence[Skill], states: Mapping[str, str]) -> SkillMap:
    """Lay out skills in the column of their stage, split where one needs another of the same stage.

    Within a column a skill stands near the ones it follows (barycentre of its prerequisites, a few sweeps).
    """
    columns, heads = _columns(stages, skills)
    order = _ordered(columns, skills)
    place: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(order):
        for row, skill_id in enumerate(column):
            place[skill_id] = (number * (BOX_WIDTH + GAP_X), TOP + row * (BOX_HEIGHT + GAP_Y))
    boxes = tuple(_box(s, *place[s.id], states.get(s.id, "open")) for s in skills if s.id in place)
    lines = tuple(
        Line(_curve(place[p.skill], place[s.id]), p.kind)
        for s in skills
        for p in s.prerequisites
        if s.id in place and p.skill in place
    )
    tallest = max((len(column) for column in order), default=0)
    return SkillMap(
        boxes,
        lines,
        tuple((title, number * (BOX_WIDTH + GAP_X)) for title, number in heads),
        max(BOX_WIDTH, len(order) * (BOX_WIDTH + GAP_X) - GAP_X),
        TOP + tallest * (BOX_HEIGHT + GAP_Y),
    )


def _columns(
    stages: Sequence[Stage], skills: Sequence[Skill]
) -> tuple[list[list[str]], list[tuple[str, int]]]:
    """Return the ids of each column from left to right, and the stages with the number of their first column."""
    known = {s.id for s in skills}
    columns: list[list[str]] = []
    heads = []
    for stage in sorted(stages, key=lambda s: (s.order, s.id)):
        own = [s for s in skills if s.stage == stage.id]
        if not own:
            continue
        heads.append((stage.title, len(columns)))
        depth = _depths(own)
        columns += [[s.id for s in own if depth[s.id] == level] for level in range(max(depth.values()) + 1)]
    rest = [s.id for s in skills if not any(s.stage == stage.id for stage in stages)]
    if rest:
        heads.append(("Others", len(columns)))
        columns.append([i for i in rest if i in known])
    return columns, heads


def _depths(own: Sequence[Skill]) -> dict[str, int]:
    """Return how many skills of the same stage come before each, at most."""
    by_id = {s.id: s for s in own}
    depth: dict[str, int] = {}

    def of(skill_id: str, above: frozenset[str]) -> int:
        if skill_id not in depth:
            before = [p.skill for p in by_id[skill_id].prerequisites if p.kind == "hard"]
            inner = [of(b, above | {skill_id}) for b in before if b in by_id and b not in above]
            depth[skill_id] = 1 + max(inner, default=-1)
        return depth[skill_id]

    for skill in own:
        of(skill.id, frozenset())
    return depth


def _ordered(columns: Sequence[Sequence[str]], skills: Sequence[Skill]) -> list[list[str]]:
    neighbours: dict[str, list[str]] = defaultdict(list)
    for skill in skills:
        for before in skill.prerequisites:
            neighbours[skill.id].append(before.skill)
            neighbours[before.skill].append(skill.id)
    order = [list(column) for column in columns]
    for sweep in range(SWEEPS):
        row = {i: n / max(1, len(column)) for column in order for n, i in enumerate(column)}
        for column in order if sweep % 2 == 0 else reversed(order):
            column.sort(key=lambda i: (_middle([row[n] for n in neighbours[i] if n in row], row[i]), i))
            row.update({i: n / max(1, len(column)) for n, i in enumerate(column)})
    return order


def _middle(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _box(skill: Skill, x: float, y: float, state: str) -> Box:
    said = f"{skill.title}: {STATE_WORDS.get(state, state)}, {skill.stream}, about {skill.hours.p50:g} hours"
    return Box(skill.id, x, y, _broken(skill.title), state, skill.stream, said)


def _broken(title: str) -> tuple[str, ...]:
    if len(title) <= LETTERS:
        return (title,)
    cut = title.rfind(" ", 0, LETTERS + 1)
    cut = cut if cut > 0 else LETTERS
    rest = title[cut:].strip()
    return title[:cut].strip(), rest if len(rest) <= LETTERS else rest[: LETTERS - 1].rstrip() + "…"


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT / 2
    if x2 <= start[0]:  # the later skill stands in an earlier column: leave and arrive on the same side
        x1, x2 = start[0], end[0] + BOX_WIDTH
        bend = -GAP_X / 2
    else:
        bend = min(GAP_X, (x2 - x1) / 2)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
