"""Examples that ask the same, to the letter or nearly, and those that do so on two sides of a split.

Letters are compared as runs of four characters. MinHash finds the pairs that are worth comparing, so 50,000 examples take
seconds; each pair that is reported was then compared exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from groundwork.core.digest import digest_json
from groundwork.datasets.types import Example

THRESHOLD = 0.8
MOST_CHARS = 20_000
SHINGLE = 4
BANDS, ROWS = 20, 5
ESTIMATE = 40
PAIRS_AT_ONCE = 50_000
BLOCK = 16_384
MOST_NEIGHBOURS = 30
"""How many of those before it an example is compared with in a bucket; only sets with hundreds of look-alikes reach it."""
_SEPARATORS = re.compile(r"[\W_]+")
_SEED = 20_240_607
Ints = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Examples that ask the same; `similarity` is that of the least similar pair that links them, 1.0: all are equal."""

    ids: tuple[str, ...]
    similarity: float

    @property
    def exact(self) -> bool:
        """Whether they are equal but for case, punctuation and blanks."""
        return self.similarity == 1.0


@dataclass(frozen=True, slots=True)
class Leak:
    """Examples on two sides of a split: equal ones (`exact`), alike ones (`near`), or those of one cluster (`cluster`)."""

    kind: Literal["exact", "near", "cluster"]
    ids: tuple[str, ...]
    splits: tuple[str, ...]
    cluster: str = ""


def find_duplicates(examples: Sequence[Example], threshold: float = THRESHOLD) -> tuple[DuplicateGroup, ...]:
    """Return groups of examples whose inputs are equal or alike, in the order of their first members.

    Inputs are compared without case, punctuation and blanks. Two with different contexts are no duplicates: the same
    question about two texts is two questions.

    Args:
        threshold: least Jaccard similarity of the sets of four-letter runs, above 0 to 1.

    Returns:
        Groups; that a pair of similarity s at or above 0.8 is missed has a chance below 0.001 (MinHash, 20 bands of 5), more
        in a set with hundreds of look-alikes.

    Source:
        Broder, On the resemblance and containment of documents (1997); Leskovec, Rajaraman and Ullman, Mining of Massive
        Datasets (2014), chapter 3.
    """
    texts = [_normal(x) for x in examples]
    contexts = [digest_json(list(x.context)) if x.context else "" for x in examples]
    union = _Union(len(examples))
    firsts: dict[tuple[str, str], int] = {}
    for n, key in enumerate(zip(texts, contexts, strict=True)):
        union.join(firsts.setdefault(key, n), n, 1.0)
    distinct = [n for n in firsts.values() if texts[n]]
    if threshold < 1.0 and len(distinct) > 1:
        for a, b, similarity in _near([texts[n] for n in distinct], threshold):
            one, other = distinct[a], distinct[b]
            if contexts[one] == contexts[other]:
                union.join(one, other, similarity)
    return tuple(
        DuplicateGroup(tuple(examples[n].id for n in members), similarity)
        for members, similarity in union.groups()
    )


def find_leaks(examples: Sequence[Example], duplicates: Iterable[DuplicateGroup]) -> tuple[Leak, ...]:
    """Return what stands on two sides: duplicates first, exact ones before near ones, then clusters that are parted."""
    split = {x.id: x.split for x in examples}
    found = []
    for group in duplicates:
        sides = sorted({split[i] for i in group.ids})
        if len(sides) > 1:
            found.append(Leak("exact" if group.exact else "near", group.ids, tuple(sides)))
    found.sort(key=lambda leak: leak.kind)
    clusters: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        if example.cluster:
            clusters[example.cluster].append(example.id)
    for name, ids in clusters.items():
        sides = sorted({split[i] for i in ids})
        if len(sides) > 1:
            found.append(Leak("cluster", tuple(ids), tuple(sides), name))
    return tuple(found)


def similarity(a: str, b: str) -> float:
    """Return how alike two texts are, 0 to 1: the Jaccard similarity of their sets of four-letter runs."""
    first, other = (set(_hashes([_plain(t)])[0].tolist()) for t in (a, b))
    return len(first & other) / len(first | other) if first | other else 1.0


def _normal(example: Example) -> str:
    return _plain(_text(example.input)[:MOST_CHARS])


def _plain(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _SEPARATORS.sub(" ", text.casefold()).strip() or text.strip()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(_text(value[k]) for k in sorted(value) if k != "role")
    if isinstance(value, list | tuple):
        return "\n".join(map(_text, value))
    return "" if value is None else str(value)


def _hashes(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the hashes of all runs of all texts, one after the other, and where those of each text begin."""
    padded = [t if len(t) >= SHINGLE else t.ljust(SHINGLE) for t in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    lengths = np.array([len(t) for t in padded], np.int64)
    runs = lengths - SHINGLE + 1
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    offsets = np.concatenate([[0], np.cumsum(runs)[:-1]])
    places = np.arange(int(runs.sum())) + np.repeat(starts - offsets, runs)
    hashed = np.zeros(len(places), np.uint64)
    for step in range(SHINGLE):
        hashed = hashed * np.uint64(0x100000001B3) + codes[places + step] + np.uint64(1)
    hashed ^= hashed >> np.uint64(29)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    hashed ^= hashed >> np.uint64(32)
    return hashed, offsets.astype(np.uint64)


def _near(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of places of texts that are alike, each once."""
    hashed, offsets = _hashes(texts)
    starts = offsets.astype(np.int64)
    ends = np.append(starts[1:], len(hashed))
    signatures = _signatures(hashed, starts)
    sets: dict[int, frozenset[int]] = {}

    def of(n: int) -> frozenset[int]:
        if n not in sets:
            sets[n] = frozenset(hashed[starts[n] : ends[n]].tolist())
        return sets[n]

    seen: set[tuple[int, int]] = set()
    for band in range(BANDS):
        for first, second in _promising(signatures, band, threshold):
            pair = (min(first, second), max(first, second))
            if pair in seen:
                continue
            seen.add(pair)
            one, two = of(pair[0]), of(pair[1])
            shared = len(one & two)
            alike = shared / (len(one) + len(two) - shared)
            if alike >= threshold:
                # Equal sets are not equal texts: only those are called exact.
                yield *pair, min(alike, 0.9999)


def _promising(signatures: Ints, band: int, threshold: float) -> Iterator[tuple[int, int]]:
    """Yield pairs that share a band and whose signatures agree about as often as the threshold asks.

    The share of 40 functions that agree is off by more than 0.3 with a chance of about one in a million.
    """
    keys = _key(signatures[band * ROWS : (band + 1) * ROWS])
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    for step in range(1, min(MOST_NEIGHBOURS, len(ranked) - 1) + 1):
        places = np.flatnonzero(ranked[step:] == ranked[:-step])
        if not len(places):
            return
        for start in range(0, len(places), PAIRS_AT_ONCE):
            some = places[start : start + PAIRS_AT_ONCE]
            first, second = order[some], order[some + step]
            agree = (signatures[:ESTIMATE, first] == signatures[:ESTIMATE, second]).mean(axis=0)
            good = agree >= threshold - 0.3
            yield from zip(first[good].tolist(), second[good].tolist(), strict=True)


def _signatures(hashed: Ints, starts: Any) -> Ints:
    """Return the least hash of each text under each of 100 functions, shape (100, n)."""
    random = np.random.default_rng(_SEED)
    factors = random.integers(1, 2**63, BANDS * ROWS, np.uint64) | np.uint64(1)
    shifts = random.integers(0, 2**63, BANDS * ROWS, np.uint64)
    found = np.empty((len(factors), len(starts)), np.uint64)
    bounds = np.append(starts, len(hashed))
    first = 0
    while first < len(starts):
        # Blocks that stay in the cache of a core: three times as fast as all at once.
        last = max(first + 1, int(np.searchsorted(bounds, bounds[first] + BLOCK, "right")) - 1)
        block = hashed[bounds[first] : bounds[last]]
        places = starts[first:last] - starts[first]
        work = np.empty_like(block)
        for n, (factor, shift) in enumerate(zip(factors, shifts, strict=True)):
            np.multiply(block, factor, out=work)
            np.add(work, shift, out=work)
            np.right_shift(work, np.uint64(17), out=work)
            found[n, first:last] = np.minimum.reduceat(work, places)
        first = last
    return found


def _key(rows: Ints) -> Ints:
    found = np.zeros(rows.shape[1], np.uint64)
    for row in rows:
        found = (found ^ row) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(31)
    return found


class _Union:
    """Sets of places that grow together, with the least similarity that joined each."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._least: dict[int, float] = {}

    def _root(self, n: int) -> int:
        while self._parent[n] != n:
            self._parent[n] = self._parent[self._parent[n]]
            n = self._parent[n]
        return n

    def join(self, a: int, b: int, similarity: float) -> None:
        one, other = sorted((self._root(a), self._root(b)))
        least = min(similarity, self._least.get(one, 1.0), self._least.get(other, 1.0))
        self._parent[other] = one
        self._least[one] = least

    def groups(self) -> Iterator[tuple[list[int], float]]:
        found: dict[int, list[int]] = defaultdict(list)
        for n in range(len(self._parent)):
            found[self._root(n)].append(n)
        for root, members in found.items():
            if len(members) > 1:
                yield members, self._least.get(root, 1.0)
