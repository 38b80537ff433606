"""Weigh how much of a question a passage holds, and how close together: what a sum over words cannot see."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence

NEAR = 4
"""Two terms within this many places count as near; neighbours count half as much again."""


def evidence(
    terms: Sequence[str], passages: Mapping[str, str], coverage: float, proximity: float
) -> dict[str, float]:
    """Return for every passage `coverage * covered + proximity * near`, each part between 0 and 1.

    `covered` is the share of the question's terms that the passage holds; `near` the share of the question's
    neighbouring pairs that stand near one another in it. Both weigh a term by its rarity among these
    passages, so that only what tells them apart counts.

    Args:
        terms: of the question, in order.
        passages: terms joined by blanks, by chunk_id.
    """
    wanted = frozenset(terms)
    places = {chunk_id: _places(joined, wanted) for chunk_id, joined in passages.items()}
    holders = Counter(term for found in places.values() for term in found)
    rarity = {term: _rarity(len(places), holders[term]) for term in terms}
    pairs = list(dict.fromkeys((a, b) for a, b in itertools.pairwise(terms) if a != b))
    all_terms = sum(rarity.values()) or 1.0
    all_pairs = sum(min(rarity[a], rarity[b]) for a, b in pairs) or 1.0
    scored = {}
    for chunk_id, found in places.items():
        covered = sum(rarity[term] for term in sorted(found))
        near = sum(min(rarity[a], rarity[b]) * _nearness(found.get(a), found.get(b)) for a, b in pairs)
        scored[chunk_id] = coverage * covered / all_terms + proximity * near / all_pairs
    return scored


def _places(joined: str, wanted: frozenset[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, term in enumerate(joined.split(" ")):
        if term in wanted:
            found.setdefault(term, []).append(place)
    return found


def _rarity(passages: int, holders: int) -> float:
    return math.log1p((passages - holders + 0.5) / (holders + 0.5))


def _nearness(first: list[int] | None, second: list[int] | None) -> float:
    if not first or not second:
        return 0.0
    gap, i, j = len(first) + len(second) + 10**9, 0, 0
    while i < len(first) and j < len(second):
        gap = min(gap, abs(first[i] - second[j]))
        if first[i] < second[j]:
            i += 1
        else:
            j += 1
    return 1.0 if gap <= 1 else 2 / 3 if gap <= NEAR else 0.0
