"""Make words files out of rows, and one out of several, without a loop over words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from groundwork.knowledge.indexes._words_file import Words

Bools = NDArray[np.bool_]


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
