"""Deal examples out to splits: whole clusters, by a seed, each tag in about the same share everywhere."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from groundwork.core.digest import digest_text
from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import HOLDOUT, SPLITS, Example, Split

MOST_STRATA = 40


def split_by_cluster(
    examples: Sequence[Example],
    ratios: Mapping[str, float],
    *,
    seed: int = 0,
    keep_holdout: bool = True,
) -> list[Example]:
    """Return the examples in their order with new splits; all examples of a cluster are in one.

    Clusters are dealt from the largest to the smallest, equal ones in an order that follows from the seed, each to the split
    whose counts of examples, of the 40 most frequent tags and of impossible questions it brings nearest to what they should
    be. The outcome depends on the examples, the ratios and the seed, not on the order of the examples.

    Args:
        ratios: how much of the examples each split is to have; they are taken relative to their sum.
        keep_holdout: what is in the holdout stays there with its whole cluster, and what `ratios` says of the holdout is
            then reached with others beside it.

    Raises:
        InvalidInputError: no ratio is above 0, one is no number or names no split, or there are fewer clusters than splits.

    Source:
        Greedy stratification after Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data (2011), for
        groups in place of single examples.
    """
    wanted = _ratios(ratios)
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.group].append(example)
    kept = {g for g, held in groups.items() if keep_holdout and any(x.split == HOLDOUT for x in held)}
    free = [g for g in groups if g not in kept]
    if len(free) < sum(1 for s in wanted if s != HOLDOUT or not kept):
        raise InvalidInputError(
            f"{len(free)} clusters cannot be dealt to {len(wanted)} splits without parting one",
            hint="ask for fewer splits, or look at the field `cluster` of the examples",
        )
    strata = _strata(examples)
    vectors = {g: _vector(held, strata) for g, held in groups.items()}
    chosen = _deal(free, vectors, wanted, seed, _sum(vectors, kept, len(strata) + 2))
    chosen |= dict.fromkeys(kept, HOLDOUT)
    return [replace(x, split=chosen[x.group]) if x.split != chosen[x.group] else x for x in examples]


def parse_ratios(written: str) -> dict[str, float]:
    """Return the ratios of `train=70,validation=15,test=15`, or of `70/15/15` for train, validation and test.

    Raises:
        InvalidInputError: it says none.
    """
    text = written.strip()
    if "=" in text:
        pairs = [part.partition("=")[::2] for part in text.split(",") if part.strip()]
    else:
        parts = text.split("/")
        names: tuple[str, ...] = ("train", "test") if len(parts) == 2 else SPLITS
        pairs = [*zip(names, parts, strict=False)] if 1 < len(parts) <= 4 else []
    try:
        found = {name.strip(): float(share.strip().rstrip("%")) for name, share in pairs}
    except ValueError:
        found = {}
    if not found:
        raise InvalidInputError(
            f"`{written[:80]}` says no ratios", hint="such as `train=70,validation=15,test=15`, or `70/15/15`"
        )
    _ratios(found)
    return found


def _ratios(ratios: Mapping[str, float]) -> dict[Split, float]:
    for name, share in ratios.items():
        if name not in SPLITS:
            raise InvalidInputError(f"`{name[:40]}` is no split", hint=f"one of: {', '.join(SPLITS)}")
        if not (math.isfinite(share) and share >= 0):
            raise InvalidInputError(f"the ratio {share} of `{name}` is no number of 0 or more")
    total = sum(ratios.values())
    if not total > 0 or not math.isfinite(total):
        raise InvalidInputError(
            "no split has a ratio above 0", hint="such as `train=70,validation=15,test=15`"
        )
    return {s: ratios[s] / total for s in SPLITS if ratios.get(s, 0) > 0}


def _strata(examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(tag for x in examples for tag in x.tags)
    ranked = sorted(counts, key=lambda t: (-counts[t], t))[:MOST_STRATA]
    return {tag: n + 2 for n, tag in enumerate(sorted(ranked))}


def _vector(
    held: Sequence[Example], strata: Mapping[str, int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(len(strata) + 2)
    found[0] = len(held)
    found[1] = sum(x.impossible for x in held)
    for example in held:
        for tag in example.tags:
            if tag in strata:
                found[strata[tag]] += 1
    return found


def _sum(
    vectors: Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]], groups: set[str], size: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.sum([vectors[g] for g in groups], axis=0) if groups else np.zeros(size)


def _deal(
    free: Sequence[str],
    vectors: Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
    ratios: Mapping[Split, float],
    seed: int,
    held_out: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> dict[str, Split]:
    splits = list(ratios)
    total = np.sum([vectors[g] for g in free], axis=0) + held_out if free else held_out
    scale = 1 / np.maximum(total, 1) ** 2
    over = -np.outer([ratios[s] for s in splits], total)
    if HOLDOUT in splits:
        over[splits.index(HOLDOUT)] += held_out
    dealt: dict[str, Split] = {}
    for group in sorted(free, key=lambda g: (-vectors[g][0], digest_text(f"{seed}\n{g}"), g)):
        vector = vectors[group]
        worse = (scale * vector * (vector + 2 * over)).sum(axis=1)
        place = int(worse.argmin())
        over[place] += vector
        dealt[group] = splits[place]
    return _none_empty(dealt, vectors, [s for s in splits if s != HOLDOUT or not held_out[0]])


def _none_empty(
    dealt: dict[str, Split],
    vectors: Mapping[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
    splits: Sequence[Split],
) -> dict[str, Split]:
    """Give each split that got nothing the smallest cluster of the split with the most clusters."""
    for split in splits:
        if split in dealt.values():
            continue
        counts = Counter(dealt.values())
        giver = max(counts, key=lambda s: (counts[s] > 1 or s not in splits, counts[s]))
        smallest = min((g for g, s in dealt.items() if s == giver), key=lambda g: (vectors[g][0], g))
        dealt[smallest] = split
    return dealt
