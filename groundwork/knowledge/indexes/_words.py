"""The inverted index of some rows: what words files hold, made of rows and of each other without a loop over words.

Rows are known by their key, a number that no other row of the dataset ever has, so a words file stays true when rows
move or leave; which of its rows are alive is up to the state that is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
KIND = "words"


@dataclass(frozen=True)
class Words:
    """The inverted index of n rows with V terms and P (term, row) pairs.

    Attributes:
        keys: key of each row, ascending, shape (n,), int64.
        lengths: number of words of each row, shape (n,), int32.
        vocabulary: the terms in UTF-8, in order of their bytes, one after the other, uint8.
        vocabulary_ends: end of each term in `vocabulary`, shape (V,), int64.
        ends: end of each term's pairs, shape (V,), int64.
        rows: place of the row of each pair in `keys`, ascending within a term, shape (P,), uint32.
        counts: how often the row holds the term, shape (P,), unsigned.
    """

    keys: NDArray[np.int64]
    lengths: NDArray[np.int32]
    vocabulary: NDArray[np.uint8]
    vocabulary_ends: NDArray[np.int64]
    ends: NDArray[np.int64]
    rows: NDArray[np.uint32]
    counts: NDArray[Any]

    def term(self, place: int) -> bytes:
        """Return the term at a place of the vocabulary."""
        start = int(self.vocabulary_ends[place - 1]) if place else 0
        return self.vocabulary[start : int(self.vocabulary_ends[place])].tobytes()

    def find(self, term: str) -> tuple[int, int] | None:
        """Return the range of a term's pairs, or None when no row holds it."""
        wanted = term.encode("utf-8", "surrogatepass")
        low, high = 0, len(self.vocabulary_ends)
        while low < high:
            middle = (low + high) // 2
            if self.term(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        if low == len(self.vocabulary_ends) or self.term(low) != wanted:
            return None
        return (int(self.ends[low - 1]) if low else 0), int(self.ends[low])


def build(keys: NDArray[np.int64], terms: pa.Array) -> Words:
    """Return the inverted index of rows; `terms` holds each row's words joined by blanks, in the order of `keys`."""
    order = np.argsort(keys, kind="stable")
    lists = pc.split_pattern(terms.take(pa.array(order)).cast(pa.large_string()), " ")
    owners = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    coded = lists.flatten().dictionary_encode()
    codes, dictionary = coded.indices.to_numpy(zero_copy_only=False), coded.dictionary
    # Two blanks in a row, or a row without words, leave an empty word: it is none.
    real = np.asarray(pc.not_equal(dictionary, "").to_numpy(zero_copy_only=False), dtype=np.bool_)[codes]
    codes, owners = codes[real], owners[real]
    lengths = np.bincount(owners, minlength=len(keys)).astype(np.int32)
    alphabetical = pc.sort_indices(dictionary).to_numpy()
    place = np.empty(len(dictionary), dtype=np.int64)
    place[alphabetical] = np.arange(len(dictionary))
    pairs = place[codes] * max(len(keys), 1) + owners
    pairs.sort()
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = np.diff(np.append(first, len(pairs)))
    rows = pairs[first] % max(len(keys), 1)
    sorted_terms = dictionary.take(pa.array(alphabetical))
    return _packed(keys[order], lengths, sorted_terms, pairs[first] // max(len(keys), 1), rows, counts)


def merge(parts: Sequence[Words], alive: Sequence[Bools]) -> Words:
    """Return one inverted index of the rows of `parts` that are alive; terms that no such row holds leave."""
    keys = np.concatenate([w.keys[a] for w, a in zip(parts, alive, strict=True)])
    lengths = np.concatenate([w.lengths[a] for w, a in zip(parts, alive, strict=True)])
    order = np.argsort(keys, kind="stable")
    place_of = np.empty(len(keys), dtype=np.int64)
    place_of[order] = np.arange(len(keys))
    vocabularies = [_terms(w) for w in parts]
    coded = pa.chunked_array(vocabularies, type=pa.large_binary()).combine_chunks().dictionary_encode()
    alphabetical = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(alphabetical), dtype=np.int64)
    place[alphabetical] = np.arange(len(alphabetical))
    term_of = place[coded.indices.to_numpy(zero_copy_only=False)]
    terms, rows, counts = [], [], []
    row_base = term_base = 0
    for words, living in zip(parts, alive, strict=True):
        held = living[words.rows]
        local = np.cumsum(living) - 1
        numbers = np.repeat(np.arange(len(words.ends)), np.diff(words.ends, prepend=0))
        terms.append(term_of[term_base + numbers[held]])
        rows.append(place_of[row_base + local[words.rows[held]]])
        counts.append(words.counts[held].astype(np.int64))
        row_base += int(living.sum())
        term_base += len(words.ends)
    all_terms, all_rows, all_counts = np.concatenate(terms), np.concatenate(rows), np.concatenate(counts)
    by_pair = np.argsort(all_terms * max(len(keys), 1) + all_rows, kind="stable")
    sorted_terms = coded.dictionary.take(pa.array(alphabetical))
    return _packed(
        keys[order], lengths[order], sorted_terms, all_terms[by_pair], all_rows[by_pair], all_counts[by_pair]
    )


def _packed(
    keys: NDArray[np.int64],
    lengths: NDArray[np.int32],
    sorted_terms: Any,
    term_places: NDArray[np.int64],
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> Words:
    used, per_term = np.unique(term_places, return_counts=True)
    terms = sorted_terms.take(pa.array(used)).cast(pa.large_binary())
    blob = b"".join(terms.to_pylist())
    sizes = pc.binary_length(terms).to_numpy(zero_copy_only=False).astype(np.int64)
    largest = int(counts.max()) if len(counts) else 0
    return Words(
        keys=keys.astype(np.int64),
        lengths=lengths.astype(np.int32),
        vocabulary=np.frombuffer(blob, dtype=np.uint8),
        vocabulary_ends=np.cumsum(sizes, dtype=np.int64),
        ends=np.cumsum(per_term, dtype=np.int64),
        rows=rows.astype(np.uint32),
        counts=counts.astype(np.min_scalar_type(largest)),
    )


def _terms(words: Words) -> pa.Array:
    offsets = np.concatenate([[0], words.vocabulary_ends]).astype(np.int64)
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(words.vocabulary.tobytes())]
    return pa.Array.from_buffers(pa.large_binary(), len(words.vocabulary_ends), buffers)
