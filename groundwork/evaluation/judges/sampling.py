"""Draw what people label, in an order that anybody can make again: by SHA-256 of the seed and the item.

Only a sample that the platform drew says something of all the outputs; what people picked themselves says something of
their picks. Population, seed and order are therefore recorded with every draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from groundwork.core.digest import digest_json, digest_text
from groundwork.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Drawn:
    """Items in the order of the draw; weights and strata are empty for a simple random sample."""

    items: tuple[str, ...]
    weights: Mapping[str, float]
    strata: Mapping[str, str]


def item_name(example_id: str, repeat: int) -> str:
    """Return how a result is named in a sample: `example/repeat`."""
    return f"{example_id}/{repeat}"


def population_digest(texts: Mapping[str, str]) -> str:
    """Return the digest of a population: every item with its output."""
    return digest_json(sorted([item, digest_text(text)] for item, text in texts.items()))


def shuffled(items: Iterable[str], seed: int) -> list[str]:
    """Return items in the order of SHA-256 of `seed:item`: a random permutation, the same in every process."""
    return sorted(items, key=lambda item: digest_text(f"{seed}:{item}"))


def draw_simple(population: Iterable[str], size: int, seed: int) -> Drawn:
    """Draw a simple random sample without replacement; all of the population where it is not larger.

    Raises:
        InvalidInputError: there is nothing to draw from, or the size is below 1.
    """
    items = shuffled(set(population), seed)
    _check(len(items), size)
    return Drawn(tuple(items[:size]), {}, {})


def draw_stratified(strata: Mapping[str, str], size: int, seed: int) -> Drawn:
    """Draw equally many from each stratum, as far as they go round; weights are stratum size by number drawn.

    Args:
        strata: stratum by item.
    """
    _check(len(strata), size)
    groups: dict[str, list[str]] = {}
    for item in shuffled(strata, seed):
        groups.setdefault(strata[item], []).append(item)
    take = dict.fromkeys(groups, 0)
    left = min(size, len(strata))
    while left:
        for name in sorted(groups, key=lambda g: (take[g], len(groups[g]), g)):
            if left and take[name] < len(groups[name]):
                take[name] += 1
                left -= 1
    picked = {item for name, n in take.items() for item in groups[name][:n]}
    items = tuple(item for item in shuffled(strata, seed) if item in picked)
    weights = {item: len(groups[strata[item]]) / take[strata[item]] for item in items}
    return Drawn(items, weights, {item: strata[item] for item in items})


def _check(population: int, size: int) -> None:
    if size < 1:
        raise InvalidInputError(
            f"a sample of {size} items is none", hint="100 labels are what a gate asks for"
        )
    if not population:
        raise InvalidInputError(
            "there is nothing to draw: the evaluation has no output that could be labelled",
            hint="outputs that failed or were erased cannot be labelled; take another evaluation",
        )
