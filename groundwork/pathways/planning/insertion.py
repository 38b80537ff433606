"""A good order of many items: the closed set with the best worth per hour first, then moves of single items.

Source:
    Sidney, Operations Research 23 (1975): an optimal order begins with a closed set of the greatest weight per hour.
    Here sets are looked for only among single items with everything they need; the moves repair most of the rest.
"""

from __future__ import annotations

from groundwork.pathways.planning.rules import HELPS_PRICE, Played, Work, play

PASSES = 6
LOOKS = 40_000
"""Items placed while orders are tried under all rules: a limit of time that is the same on every machine."""


def good(work: Work, *, looks: int = LOOKS) -> Played:
    """Return a good order that obeys all rules; equal inputs give the same. Without `looks` the first that comes to mind."""
    order = moved(work, densest_first(work))
    played = play(work, order)
    if work.plain or not looks:
        return played
    return polished(work, list(order), played, looks)


def densest_first(work: Work) -> list[int]:
    """Return an order by the greatest weight per hour of an item with everything open that it needs."""
    n = work.size
    above = _ancestors(work)
    weight = [sum(work.weights[k] for k in _bits(above[i] | 1 << i)) for i in range(n)]
    hours = [sum(work.hours[k] for k in _bits(above[i] | 1 << i)) for i in range(n)]
    below: list[list[int]] = [[] for _ in range(n)]
    for i in range(n):
        for k in _bits(above[i]):
            below[k].append(i)
    left = set(range(n))
    done = 0
    order: list[int] = []
    while left:
        top = max(left, key=lambda i: (weight[i] / hours[i], -i))
        while above[top] & ~done:
            inside = list(_bits(above[top] & ~done))
            top = max(inside, key=lambda i: (weight[i] / hours[i], -i))
        order.append(top)
        left.discard(top)
        done |= 1 << top
        for i in below[top]:
            weight[i] -= work.weights[top]
            hours[i] -= work.hours[top]
    return order


def moved(work: Work, order: list[int]) -> list[int]:
    """Return the order after moving single items to better places, by prerequisites and helpers alone."""
    order = list(order)
    helpers = [set(own) for own in work.helps]
    needs = [set(own) for own in work.needs]
    for _ in range(PASSES):
        better = False
        for item in list(order):
            place = order.index(item)
            gain, target = _best_place(work, order, place, needs, helpers)
            if gain < -1e-9:
                order.insert(target, order.pop(place))
                better = True
        if not better:
            break
    return order


def _best_place(
    work: Work, order: list[int], place: int, needs: list[set[int]], helpers: list[set[int]]
) -> tuple[float, int]:
    """Return the change of the cost and the index of the best other place of one item."""
    hours, weights = work.hours, work.weights
    item = order[place]
    own_hours, own_weight = hours[item], weights[item]
    best, target, change = 0.0, place, 0.0
    for k in range(place + 1, len(order)):  # later: `other` comes before it
        other = order[k]
        if item in needs[other]:
            break
        change += own_weight * hours[other] - weights[other] * own_hours
        change += _turned(work, other, item, helpers)
        if change < best - 1e-12:
            best, target = change, k
    change = 0.0
    for k in range(place - 1, -1, -1):  # earlier: it comes before `other`
        other = order[k]
        if other in needs[item]:
            break
        change += weights[other] * own_hours - own_weight * hours[other]
        change += _turned(work, item, other, helpers)
        if change < best - 1e-12:
            best, target = change, k
    return best, target


def _turned(work: Work, first: int, second: int, helpers: list[set[int]]) -> float:
    """Return what the price of helpers changes by when `first` comes before `second` instead of after it."""
    change = 0.0
    if second in helpers[first]:
        change += HELPS_PRICE * work.weights[first] * work.hours[second]
    if first in helpers[second]:
        change -= HELPS_PRICE * work.weights[second] * work.hours[first]
    return change


def polished(work: Work, order: list[int], played: Played, looks: int = LOOKS) -> Played:
    """Return the best order found by moves and exchanges that are tried under all rules, until `looks` items were placed."""
    n = work.size
    best = played
    order = list(best.order)
    better = True
    while better:
        better = False
        for distance in range(1, n):
            for place in range(n - distance):
                for a, b in ((place, place + distance), (place + distance, place)):
                    if distance == 1 and a > b:
                        continue
                    if _in_vain(work, order, a, b):
                        continue
                    looks -= n
                    if looks < 0:
                        return best
                    trial = list(order)
                    trial.insert(b, trial.pop(a))
                    found = play(work, trial)
                    if found.cost < best.cost - 1e-9:
                        best, order, better = found, list(found.order), True
    return best


def _in_vain(work: Work, order: list[int], a: int, b: int) -> bool:
    """Say whether moving the item at `a` to `b` does nothing: what it needs, or what needs it, stands right there."""
    item = order[a]
    if a < b:
        return item in work.needs[order[a + 1]]
    return order[a - 1] in work.needs[item]


def _ancestors(work: Work) -> list[int]:
    """Return for each index the set, as bits, of everything it needs directly or not."""
    from groundwork.pathways.planning.rules import topological

    above = [0] * work.size
    for i in topological(work):
        for need in work.needs[i]:
            above[i] |= above[need] | 1 << need
    return above


def _bits(mask: int) -> list[int]:
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
