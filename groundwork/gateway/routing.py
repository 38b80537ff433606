"""In which order the providers of a model are asked: one route by weight, then the other routes, then the fallbacks.

A provider that is left alone (its breaker is open) is passed over while another one is ready.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate, Plan


def order(
    plan: Plan, draw: Callable[[], float], ready: Callable[[Candidate], bool], sticky: str = ""
) -> Sequence[Candidate]:
    """Return the candidates that may be asked now, first to last; empty when every one is left alone.

    Args:
        plan: routes with weights, and fallbacks.
        draw: returns a random number in [0, 1); asked once for every route that has rivals.
        ready: whether a candidate may be asked now.
        sticky: equal words choose equal routes while the same ones are ready; empty: every call is drawn anew.
    """
    if len(plan.candidates) == 1:
        return plan.candidates if ready(plan.candidates[0]) else ()
    routes = [(c, w) for c, w in zip(plan.routes, plan.weights, strict=True) if ready(c)]
    chosen: list[Candidate] = []
    while routes:
        at = _drawn(routes, _fixed(sticky, len(chosen)) if sticky else draw()) if len(routes) > 1 else 0
        chosen.append(routes.pop(at)[0])
    return [*chosen, *(c for c in plan.fallbacks if ready(c))]


def _drawn(routes: Sequence[tuple[Candidate, float]], at: float) -> int:
    mark = at * sum(weight for _, weight in routes)
    for n, (_, weight) in enumerate(routes):
        mark -= weight
        if mark < 0:
            return n
    return len(routes) - 1


def _fixed(word: str, n: int) -> float:
    raw = hashlib.sha256(f"{n}:{word}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(raw[:7], "big") / 2**56
