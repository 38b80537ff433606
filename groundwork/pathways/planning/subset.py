"""What to do when not everything fits: the most valuable set of items that is closed under needs and within hours and money.

Few items are tried out in full; many are left to HiGHS, which proves its answer; without SciPy a greedy choice is improved.

Source:
    The precedence-constrained knapsack; HiGHS through `scipy.optimize.milp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.pathways.planning.rules import topological, work_of
from groundwork.pathways.planning.types import Task

MAX_SETS = 50_000
SMALL = 24
NODES = 20_000
"""Nodes that HiGHS may look at; a limit of time would make plans depend on the machine."""
_EPS = 1e-9


@dataclass(frozen=True, slots=True)
class Subset:
    """Indices of the items kept, ascending, their worth, and whether nothing better is possible."""

    kept: tuple[int, ...]
    value: float
    exact: bool


def most_valuable(
    tasks: Sequence[Task], hours: float, *, money: float | None = None, without: frozenset[int] = frozenset()
) -> Subset:
    """Return the closed set of the greatest worth whose P50 hours sum to at most `hours`.

    Of equal sets the one with fewer hours counts, then the one whose items stand first.

    Args:
        money: the most that their costs may sum to. without: indices that are not to be kept.
    """
    if len(tasks) <= SMALL:
        found = _all_sets(tasks, hours, money, without)
        if found is not None:
            return found
    try:
        return _highs(tasks, hours, money, without)
    except ImportError:
        return _greedy(tasks, hours, money, without)


def _all_sets(
    tasks: Sequence[Task], hours: float, money: float | None, without: frozenset[int]
) -> Subset | None:
    """Return the best of all closed sets, or None when there are more than `MAX_SETS`."""
    work = work_of(tasks)
    seen = {0: (0.0, 0.0, 0.0)}  # value, hours, money
    level = [0]
    while level:
        following = []
        for mask in level:
            value, spent, paid = seen[mask]
            for i, needed in enumerate(work.need_masks):
                grown = mask | 1 << i
                if grown in seen or i in without or needed & mask != needed:
                    continue
                task = tasks[i]
                sums = (value + task.value, spent + task.hours[1], paid + task.cost)
                if sums[1] > hours + _EPS or (money is not None and sums[2] > money + _EPS):
                    continue
                if len(seen) > MAX_SETS:
                    return None
                seen[grown] = sums
                following.append(grown)
        level = following
    best = min(seen, key=lambda m: (-round(seen[m][0], 9), round(seen[m][1], 9), _indices(m)))
    return Subset(_indices(best), seen[best][0], True)


def _highs(tasks: Sequence[Task], hours: float, money: float | None, without: frozenset[int]) -> Subset:
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    n = len(tasks)
    index = {task.id: i for i, task in enumerate(tasks)}
    pairs = [(j, index[need]) for j, task in enumerate(tasks) for need in task.needs if need in index]
    limits = [LinearConstraint(np.array([[task.hours[1] for task in tasks]]), -np.inf, hours + _EPS)]
    if money is not None:
        limits.append(LinearConstraint(np.array([[task.cost for task in tasks]]), -np.inf, money + _EPS))
    if pairs:
        rows = np.repeat(np.arange(len(pairs)), 2)
        columns = np.array([k for pair in pairs for k in pair])
        signs = np.tile([1.0, -1.0], len(pairs))
        limits.append(
            LinearConstraint(coo_array((signs, (rows, columns)), shape=(len(pairs), n)).tocsr(), -np.inf, 0)
        )
    worth = np.array([task.value for task in tasks])
    # Of equal worth fewer hours: less than the smallest difference of worths that matters.
    price = 1e-7 * worth.sum() / max(1.0, sum(task.hours[1] for task in tasks))
    upper = np.array([0.0 if i in without else 1.0 for i in range(n)])
    found = milp(
        -(worth - price * np.array([task.hours[1] for task in tasks])),
        constraints=limits,
        integrality=np.ones(n),
        bounds=Bounds(0, upper),
        options={"mip_rel_gap": 0.0, "node_limit": NODES},
    )
    if found.x is None:
        return _greedy(tasks, hours, money, without)
    kept = tuple(int(i) for i in np.flatnonzero(found.x > 0.5))
    return Subset(kept, float(sum(tasks[i].value for i in kept)), found.status == 0)


def _greedy(tasks: Sequence[Task], hours: float, money: float | None, without: frozenset[int]) -> Subset:
    """Return the sets that come by adding, again and again, the item with the most worth per hour, with what it needs."""
    work = work_of(tasks)
    above = [0] * len(tasks)
    for i in topological(work):
        for need in work.needs[i]:
            above[i] |= above[need] | 1 << need
    barred = sum(1 << i for i in without)
    kept, left, purse = 0, hours, money
    while True:
        best: tuple[float, int, int] | None = None
        for i in range(len(tasks)):
            added = (above[i] | 1 << i) & ~kept
            if kept >> i & 1 or added & barred:
                continue
            new = [tasks[k] for k in _indices(added)]
            spent, paid = sum(t.hours[1] for t in new), sum(t.cost for t in new)
            if spent > left + _EPS or (purse is not None and paid > purse + _EPS):
                continue
            entry = (sum(t.value for t in new) / spent, -i, added)
            best = entry if best is None or entry > best else best
        if best is None:
            break
        kept |= best[2]
        for k in _indices(best[2]):
            left -= tasks[k].hours[1]
            purse = None if purse is None else purse - tasks[k].cost
    return Subset(_indices(kept), sum(tasks[i].value for i in _indices(kept)), False)


def _indices(mask: int) -> tuple[int, ...]:
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)
