"""Which resources to learn with, and what they cost at least: the cheapest choice that gives every skill enough of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundwork.core.errors import InvalidInputError

if TYPE_CHECKING:
    from groundwork.pathways.types import Resource, Skill

MAX_LOOKS = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Resources by skill, their whole cost (each is paid once), and those whose cost is not known and counts as 0."""

    by_skill: Mapping[str, tuple[str, ...]]
    cost: float
    unknown: tuple[str, ...]


def choose(
    skills: Sequence[Skill], resources: Mapping[str, Resource], money: float | None, currency: str = "GBP"
) -> Choice:
    """Return the cheapest choice; of equally dear resources those that a skill names first.

    Raises:
        InvalidInputError: it costs more than `money`, in any choice.
    """
    paid: set[str] = set()
    open_: list[Skill] = []
    for skill in skills:
        free = [r for r in skill.resources if _cost(resources, r) <= 0]
        if len(free) < min(skill.choose, len(skill.resources)):
            open_.append(skill)
    paid = _cheapest(open_, resources)
    chosen: dict[str, tuple[str, ...]] = {}
    for skill in skills:
        able = sorted(skill.resources, key=lambda r: _cost(resources, r) > 0 and r not in paid)
        chosen[skill.id] = tuple(able[: skill.choose])
    used = dict.fromkeys(r for own in chosen.values() for r in own)
    cost = sum(_cost(resources, r) for r in used)
    if money is not None and cost > money + 1e-9:
        dear = [r for r in used if _cost(resources, r) > 0]
        raise InvalidInputError(
            f"the resources of this way cost at least {cost:,.0f} {currency}; the limit is {money:,.0f}",
            hint=f"raise the limit, or declare what {', '.join(f'`{r}`' for r in dear[:3])} would teach",
            cost=cost,
        )
    return Choice(chosen, cost, tuple(r for r in used if r in resources and resources[r].cost is None))


def _cost(resources: Mapping[str, Resource], identifier: str) -> float:
    found = resources.get(identifier)
    return (found.cost or 0.0) if found is not None else 0.0


def _cheapest(skills: Sequence[Skill], resources: Mapping[str, Resource]) -> set[str]:
    """Return the cheapest set of paid resources that gives each of some skills enough, beside what is free."""
    best: tuple[float, set[str]] = (float("inf"), set())
    looks = 0

    def go(place: int, bought: set[str], cost: float) -> None:
        nonlocal best, looks
        looks += 1
        if cost >= best[0] or looks > MAX_LOOKS:
            return
        if place == len(skills):
            best = (cost, set(bought))
            return
        skill = skills[place]
        have = [r for r in skill.resources if _cost(resources, r) <= 0 or r in bought]
        if len(have) >= min(skill.choose, len(skill.resources)):
            go(place + 1, bought, cost)
            return
        for r in sorted(set(skill.resources) - set(have), key=lambda r: (_cost(resources, r), r)):
            go(place, bought | {r}, cost + _cost(resources, r))

    go(0, set(), 0.0)
    return best[1]
