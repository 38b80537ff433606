"""How good the best order can be at most: a lower bound of the cost by Lagrangian relaxation of the prerequisites.

A prerequisite i before j says C_j >= C_i + lag_i + p_j. Multiplied by a price and added to the cost, it shifts weight from
j to i; what is left are jobs without prerequisites, whose best order is that of Smith (weight per hour). The rule of two
streams and the price of helpers only make orders dearer, so the bound holds with them, too.

Source:
    Van de Velde, Dual decomposition of single-machine scheduling problems, Mathematical Programming 69 (1995);
    Smith (1956).
"""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.pathways.planning.rules import Work, topological


@dataclass(frozen=True, slots=True)
class Bound:
    """A lower bound of the cost, with the prices of the needs of each index that give it."""

    value: float
    prices: tuple[tuple[float, ...], ...]


def lower_bound(work: Work, best_known: float, *, rounds: int = 120) -> Bound:
    """Return the best bound that `rounds` steps of a subgradient climb find; more rounds never make it worse.

    Args:
        best_known: cost of any order; it only sets the length of the steps.
    """
    n, hours, needs, lags = work.size, work.hours, work.needs, work.lags
    prices = [[0.0] * len(own) for own in needs]
    backwards = topological(work)[::-1]
    best = Bound(0.0, tuple(tuple(own) for own in prices))
    step, stuck = 1.0, 0
    for _ in range(rounds):
        weights, constant = _shifted(work, prices, backwards)
        order = sorted(range(n), key=lambda i: -weights[i] / hours[i])
        ends = [0.0] * n
        now = 0.0
        value = constant
        for i in order:
            now += hours[i]
            ends[i] = now
            value += weights[i] * now
        if value > best.value * (1 + 1e-9):
            best, stuck = Bound(value, tuple(tuple(own) for own in prices)), 0
        else:
            stuck += 1
            if stuck >= 6:
                step, stuck = step / 2, 0
        slopes = [[ends[i] + lags[i] + hours[j] - ends[j] for i in needs[j]] for j in range(n)]
        norm = sum(s * s for own in slopes for s in own)
        if norm <= 0 or best_known - best.value <= 1e-9 * best_known:
            break
        length = step * max(best_known - value, 1e-6 * best_known) / norm
        for j in range(n):
            own = prices[j]
            for k, slope in enumerate(slopes[j]):
                own[k] = max(0.0, own[k] + length * slope)
    return best


def _shifted(work: Work, prices: list[list[float]], backwards: list[int]) -> tuple[list[float], float]:
    """Return the weights after the shift and the constant part; prices that would make a weight negative are cut."""
    weights = list(work.weights)
    constant = 0.0
    for j in backwards:  # whoever needs j has given its weight already
        own = prices[j]
        given = sum(own)
        if given > weights[j]:
            share = weights[j] / given
            for k in range(len(own)):
                own[k] *= share
            given = weights[j]
        weights[j] = max(0.0, weights[j] - given)
        for k, i in enumerate(work.needs[j]):
            weights[i] += own[k]
            constant += own[k] * (work.hours[j] + work.lags[i])
    return weights, constant
