"""The best order of all, by dynamic programming over what is done; of too many states, the most promising are kept.

A state is the set of items done, the own hour, and what still waits. Two ways into one state are compared and the dearer is
forgotten; a state that cannot become cheaper than an order that is known is forgotten, too. Without waiting and within
one stream these are the closed sets of the prerequisites. Where a level has more states than wished, those with the least
bound of the whole cost are kept (beam search), and the order is no longer said to be the best of all.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.pathways.planning.bound import Bound
from groundwork.pathways.planning.rules import EPS, HELPS_PRICE, Played, Work, ahead, play

MAX_STATES = 200_000
Key = tuple[int, float, tuple[tuple[int, float], ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """An order, and whether it is the best of all."""

    played: Played
    complete: bool


@dataclass(slots=True)
class _State:
    """The cheapest way into a state that is known so far. `least`: what the whole costs at least from here on."""

    cost: float
    least: float
    order: tuple[int, ...]
    now: float
    done: tuple[float, float]
    waiting: tuple[tuple[int, float], ...]


def search(work: Work, known: Played, bound: Bound, *, width: int = 0, max_states: int = MAX_STATES) -> Found:
    """Return an order that is at least as cheap as the known one; the cheapest of all when nothing had to be left out.

    Args:
        known: an order that obeys the rules. bound: of the same work; it tells which states lead nowhere.
        width: states that are kept of a level; 0 keeps all, and then the search ends without a find after `max_states`.
    """
    tail = _Tail(work, bound)
    total = (_total(work, 0), _total(work, 1))
    level: dict[Key, _State] = {(0, 0.0, ()): _State(0.0, 0.0, (), 0.0, (0.0, 0.0), ())}
    limit = known.cost * (1 + 1e-12) + EPS
    seen, complete = 0, True
    for _ in range(work.size):
        following: dict[Key, _State] = {}
        for (mask, _, _), state in level.items():
            for i, begin in _choices(work, mask, state, total):
                key, entered = _enter(work, mask, state, i, begin)
                old = following.get(key)
                if old is not None and old.cost <= entered.cost:
                    continue
                entered.least = entered.cost + tail.least(key[0], entered.now)
                if entered.least > limit:
                    continue
                if old is None:
                    seen += 1
                    if not width and seen > max_states:
                        return Found(known, False)
                following[key] = entered
        if width and len(following) > width:
            complete = False
            kept = sorted(following.items(), key=lambda item: (item[1].least, item[1].order))[:width]
            following = dict(kept)
        level = following
    if not level:
        return Found(known, complete)
    found = min(level.values(), key=lambda state: (state.cost, state.order))
    return Found(play(work, found.order) if found.cost < known.cost - EPS else known, complete)


def _choices(work: Work, mask: int, state: _State, total: tuple[float, float]) -> list[tuple[int, float]]:
    """Return what may be begun next, each with its hour: several at the current hour, or the first to be ready."""
    waits = dict(state.waiting)
    open_items: list[tuple[int, float]] = []
    for i, needed in enumerate(work.need_masks):
        if not mask >> i & 1 and needed & mask == needed:
            from_on = state.now
            for need in work.needs[i]:
                from_on = max(from_on, waits.get(need, 0.0))
            open_items.append((i, from_on))
    soonest = min(hour for _, hour in open_items)
    now = state.now if soonest <= state.now + EPS else soonest
    able = [(i, now) for i, hour in open_items if hour <= now + EPS]
    if min(total) > 0 and _both_open(work, mask):
        held = ahead(state.done, total)
        able = [c for c in able if work.streams[c[0]] != held] or able
    return able


def _enter(work: Work, mask: int, state: _State, i: int, begin: float) -> tuple[Key, _State]:
    """Return the state after item `i` was worked on from `begin` on."""
    now = begin + work.hours[i]
    cost = state.cost + work.weights[i] * now
    for helper in work.helps[i]:
        if not mask >> helper & 1:
            cost += HELPS_PRICE * work.weights[i] * work.hours[helper]
    mask |= 1 << i
    waiting = state.waiting
    if work.waits[i] and work.after[i]:
        waiting = (*waiting, (i, work.ready(now, work.waits[i])))
    if waiting:
        waiting = tuple(
            (k, hour)
            for k, hour in waiting
            if hour > now + EPS and any(not mask >> j & 1 for j in work.after[k])
        )
    s = work.streams[i]
    done = (
        (state.done[0] + work.hours[i], state.done[1])
        if s == 0
        else (state.done[0], state.done[1] + work.hours[i])
    )
    key = (mask, round(now, 6), tuple(sorted((k, round(hour, 6)) for k, hour in waiting)))
    return key, _State(cost, 0.0, (*state.order, i), now, done, waiting)


def _both_open(work: Work, mask: int) -> bool:
    seen = {s for i, s in enumerate(work.streams) if not mask >> i & 1}
    return len(seen) == 2


def _total(work: Work, stream: int) -> float:
    return sum(h for h, s in zip(work.hours, work.streams, strict=True) if s == stream)


class _Tail:
    """The least that the rest can cost from an hour on, by the prices of a bound."""

    def __init__(self, work: Work, bound: Bound) -> None:
        weights = list(work.weights)
        constants = [0.0] * work.size
        into: list[list[tuple[int, float, float]]] = [[] for _ in range(work.size)]
        for j, own in enumerate(bound.prices):
            for i, price in zip(work.needs[j], own, strict=True):
                weights[i] += price
                weights[j] -= price
                constants[j] += price * (work.hours[j] + work.lags[i])
                if price > 0:
                    into[j].append((1 << i, price, work.lags[i]))
        order = sorted(range(work.size), key=lambda i: -weights[i] / work.hours[i])
        self._rows = [(1 << i, work.hours[i], weights[i], constants[i], into[i]) for i in order]

    def least(self, mask: int, now: float) -> float:
        """Return a lower bound of the cost of everything outside of `mask`, begun at own hour `now`."""
        value, hour = 0.0, now
        for bit, hours, weight, constant, into in self._rows:
            if mask & bit:
                continue
            hour += hours
            value += weight * hour + constant
            for need, price, lag in into:
                if (
                    mask & need
                ):  # done already: all that is known is that the item cannot end before now + its hours
                    value += price * (now - lag)
        return value
