"""BM25 over the words files of one state, exact and pruned.

Every row's score is the sum over the query's terms in one order that depends on the state and the query alone, so equal
states answer equal bits however their rows are spread over files, and equal texts tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundwork.knowledge.indexes._score import K1, Float64, bm25, in_order, length_norm
from groundwork.knowledge.indexes._sealed_rows import places_of
from groundwork.knowledge.indexes._words import Words

Bools = NDArray[np.bool_]
PRUNE_FROM = 50_000
"""A term in fewer rows than this is cheaper to add up than to think about."""
SEEK = 16
"""Looking one row up among a term's rows costs about as much as adding so many of them up."""


@dataclass(frozen=True)
class Lexicon:
    """The words files of one state.

    Attributes:
        parts: the files.
        bases: place of each file's first row among all rows of all files.
        row: place in the state of each row of the files, or -1 when it is not in the state, shape (n,).
        alive: which rows are in the state; None when all are.
        norms: length norm of each row, shape (n,).
        total: number of rows in the state.
    """

    parts: tuple[Words, ...]
    bases: tuple[int, ...]
    row: NDArray[np.int64]
    alive: Bools | None
    norms: Float64
    total: int

    @property
    def held_bytes(self) -> int:
        """Return what this holds in memory, without the mapped files."""
        return int(self.row.nbytes + self.norms.nbytes + (0 if self.alive is None else self.alive.nbytes))


def lexicon(parts: Sequence[Words], keys: NDArray[np.int64], places: NDArray[np.int64]) -> Lexicon:
    """Join words files with the rows of a state: their keys, ascending, and the place of each in the state."""
    bases = np.concatenate([[0], np.cumsum([len(w.keys) for w in parts])]).astype(int)
    row = np.concatenate([places_of(w.keys, keys, places) for w in parts]) if parts else np.zeros(0, np.int64)
    lengths = np.concatenate([w.lengths for w in parts]) if parts else np.zeros(0, np.int32)
    alive = row >= 0
    mean = float(lengths[alive].mean()) if alive.any() else 1.0
    return Lexicon(
        parts=tuple(parts),
        bases=tuple(int(b) for b in bases[:-1]),
        row=row,
        alive=None if alive.all() else alive,
        norms=length_norm(lengths, mean),
        total=int(alive.sum()),
    )


def search(
    lex: Lexicon, terms: Mapping[str, float], k: int, allowed: Bools | None
) -> tuple[NDArray[np.int64], Float64]:
    """Return places in the state and scores of at least the k best rows with all that tie with the k-th, unordered.

    Args:
        lex: the state's words.
        terms: weight of each term; those of 0 or less add nothing.
        k: how many are wanted.
        allowed: which rows of the state may be answered; None when all may. Others still count in the statistics.
    """
    open_rows = _open(lex, allowed)
    found = {term: _pairs(lex, term) for term, weight in terms.items() if weight > 0}
    ordered = in_order(terms, {t: sum(len(rows) for rows, _ in p) for t, p in found.items()}, lex.total)
    bounds = np.array([weighted * (K1 + 1) for _, weighted in ordered])
    rest = np.append(np.cumsum(bounds[::-1])[::-1], 0.0)
    scores = np.zeros(len(lex.row), dtype=np.float64)
    candidates: NDArray[np.int64] | None = None
    for place, (term, weighted) in enumerate(ordered):
        size = sum(len(rows) for rows, _ in found[term])
        if candidates is None and place and size >= PRUNE_FROM:
            candidates = _candidates(scores, open_rows, k, float(rest[place]))
        for rows, counts in found[term]:
            if candidates is None or len(candidates) * SEEK > len(rows):
                scores[rows] += bm25(weighted, counts, lex.norms[rows])
            else:
                _add_to(scores, candidates, rows, counts, weighted, lex.norms)
    reached = np.flatnonzero(scores > 0) if candidates is None else candidates
    if open_rows is not None:
        reached = reached[open_rows[reached]]
    values = scores[reached]
    if len(reached) > k:
        border = np.partition(values, len(values) - k)[len(values) - k]
        reached, values = reached[values >= border], values[values >= border]
    return lex.row[reached], values


def _open(lex: Lexicon, allowed: Bools | None) -> Bools | None:
    if allowed is None:
        return lex.alive
    # A row that is not in the state has the place -1, which is what was appended.
    return np.asarray(np.append(allowed, False)[lex.row])


def _pairs(lex: Lexicon, term: str) -> list[tuple[NDArray[np.int64], NDArray[np.integer]]]:
    """Return the rows of the state that hold the term with their counts, ascending, one entry per file."""
    pairs = []
    for words, base in zip(lex.parts, lex.bases, strict=True):
        span = words.find(term)
        if span is None:
            continue
        rows = words.rows[span[0] : span[1]].astype(np.int64) + base
        counts = words.counts[span[0] : span[1]]
        if lex.alive is not None:
            living = lex.alive[rows]
            rows, counts = rows[living], counts[living]
        if len(rows):
            pairs.append((rows, counts))
    return pairs


def _candidates(scores: Float64, open_rows: Bools | None, k: int, rest: float) -> NDArray[np.int64] | None:
    """Return the rows that may still be among the k best when at most `rest` can be added, if that is worth knowing.

    Source: the idea of MaxScore, Turtle and Flood, Query evaluation: strategies and optimizations (1995).
    """
    reached = np.flatnonzero(scores > 0 if open_rows is None else (scores > 0) & open_rows)
    if len(reached) < k:
        return None
    values = scores[reached]
    border = float(np.partition(values, len(values) - k)[len(values) - k])
    # Rounding must never cost a hit: the bound is given a little room.
    if border <= rest * (1 + 1e-9) + 1e-12:
        return None
    return reached[values >= border - rest * (1 + 1e-9) - 1e-12]


def _add_to(
    scores: Float64,
    candidates: NDArray[np.int64],
    rows: NDArray[np.int64],
    counts: NDArray[np.integer],
    weighted: float,
    norms: Float64,
) -> None:
    at = np.minimum(np.searchsorted(rows, candidates), len(rows) - 1)
    held = rows[at] == candidates
    chosen = candidates[held]
    scores[chosen] += bm25(weighted, counts[at[held]], norms[chosen])
