"""Weigh how close together a passage holds the question's words: what a sum over words cannot see."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence

NEAR = 4
"""Two terms within this many places count as near; neighbours count half as much again."""


def wording(terms: Sequence[str], passages: Mapping[str, str]) -> dict[str, float]:
    """Return for every passage the share, 0 to 1, of the question's neighbouring pairs that it keeps near.

    A pair weighs as much as its commoner term is rare among these passages, so that only what tells them
    apart counts. A question of one term gives 0.

    Args:
        terms: of the question, in order.
        passages: terms joined by blanks, by chunk_id.
    """
    wanted = frozenset(terms)
    places = {chunk_id: _places(joined, wanted) for chunk_id, joined in passages.items()}
    holders = Counter(term for found in places.values() for term in found)
    weights = {
        (a, b): min(_rarity(len(places), holders[a]), _rarity(len(places), holders[b]))
        for a, b in itertools.pairwise(terms)
        if a != b
    }
    total = sum(weights.values()) or 1.0
    return {
        chunk_id: sum(w * _nearness(found.get(a), found.get(b)) for (a, b), w in weights.items()) / total
        for chunk_id, found in places.items()
    }


def _places(joined: str, wanted: frozenset[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, term in enumerate(joined.split(" ")):
        if term in wanted:
            found.setdefault(term, []).append(place)
    return found


def _rarity(passages: int, holders: int) -> float:
    return math.log1p((passages - holders + 0.5) / (holders + 0.5))


def _nearness(first: list[int] | None, second: list[int] | None) -> float:
    """Return 1 for neighbours, 2/3 within `NEAR` places, else 0; both lists ascend."""
    if not first or not second:
        return 0.0
    gap, i, j = NEAR + 1, 0, 0
    while i < len(first) and j < len(second):
        gap = min(gap, abs(first[i] - second[j]))
        if first[i] < second[j]:
            i += 1
        else:
            j += 1
    return 1.0 if gap <= 1 else 2 / 3 if gap <= NEAR else 0.0
