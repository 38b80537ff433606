"""The order of a plan: exact for small open sets, greedy with moves beyond, each with how far it may be from the best.

The order does not change the last day when no hour is left idle; it decides how early worth is had that can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from groundwork.pathways.planning import exact, insertion
from groundwork.pathways.planning.bound import lower_bound
from groundwork.pathways.planning.rules import Played, Ready, Work, at_once, work_of
from groundwork.pathways.planning.types import Task

SMALL = 24
"""Open items up to which every state may be looked at, see `exact.MAX_STATES`."""
BEAM = 60_000
"""States that the beam keeps of a level, times items squared: some time for few items, none for hundreds."""
NARROW = 8
"""A beam below this width finds nothing that moves do not."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order and how good it is.

    Attributes:
        work, played: the items by index, and the order with its own hours and cost.
        method: `exact` when no order is cheaper; otherwise `insertion`.
        bound: the largest share by which the cost may be above the least; 0 when exact.
    """

    work: Work
    played: Played
    method: Literal["exact", "insertion"]
    bound: float

    @property
    def ids(self) -> list[str]:
        return [self.work.ids[i] for i in self.played.order]


def best_order(
    tasks: Sequence[Task],
    *,
    speed: float = 1.0,
    ready: Ready = at_once,
    day_hours: float = 0.0,
    max_states: int = exact.MAX_STATES,
    quick: bool = False,
) -> Ordered:
    """Return the order with the least sum of weight x completion that is found; equal inputs give the same.

    Args:
        speed: of this person, as a factor of the P50 hours. ready, day_hours: what waiting means in their calendar.
        max_states: of the exact search of up to `SMALL` items; 0 leaves it out.
        quick: take the greedy order with its moves, without a bound.

    Raises:
        InvalidInputError: a circle of needs, or one id twice.
    """
    work = work_of(tasks, speed=speed, ready=ready, day_hours=day_hours)
    if not work.size:
        return Ordered(work, Played((), (), (), 0.0), "exact", 0.0)
    if quick:
        return Ordered(work, insertion.good(work, looks=0), "insertion", float("inf"))
    known = insertion.good(work)
    bound = lower_bound(work, known.cost)
    if known.cost - bound.value <= 1e-9 * known.cost:
        return Ordered(work, known, "exact", 0.0)
    width = BEAM // work.size**2
    found = exact.Found(known, False) if width < NARROW else exact.search(work, known, bound, width=width)
    if not found.complete and work.size <= SMALL and max_states:
        whole = exact.search(work, found.played, bound, max_states=max_states)
        found = whole if whole.complete else found
    if found.complete:
        return Ordered(work, found.played, "exact", 0.0)
    return Ordered(work, found.played, "insertion", found.played.cost / bound.value - 1)
