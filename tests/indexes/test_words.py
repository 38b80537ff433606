"""The lexical leg's files answer what plain counting answers, however rows are spread over them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import DamagedError
from groundwork.knowledge.indexes import _sealed, _words_search
from groundwork.knowledge.indexes._score import bm25, in_order, length_norm
from groundwork.knowledge.indexes._words import Words, build, merge

TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "ä", "日本", "a b", "", "zz", "\u3000", "x\ty"]), max_size=8).map(
        " ".join
    ),
    min_size=1,
    max_size=20,
)


def built(texts: list[str], first: int = 0) -> Words:
    keys = np.arange(first, first + len(texts), dtype=np.int64)[::-1].copy()
    return build(keys, pa.array(texts[::-1], type=pa.string()))


def counted(texts: list[str]) -> list[Counter[str]]:
    return [Counter(word for word in text.split(" ") if word) for text in texts]


def contents(words: Words) -> dict[int, Counter[str]]:
    held: dict[int, Counter[str]] = {int(key): Counter() for key in words.keys}
    start = 0
    for place, end in enumerate(words.ends.tolist()):
        for row, count in zip(words.rows[start:end], words.counts[start:end], strict=True):
            held[int(words.keys[row])][words.term(place).decode()] = int(count)
        start = end
    return held


@settings(deadline=None)
@given(TEXTS)
def test_a_words_file_holds_every_word_with_its_number(texts: list[str]) -> None:
    words = built(texts)
    assert contents(words) == dict(enumerate(counted(texts)))
    assert words.lengths.tolist() == [c.total() for c in counted(texts)]
    for word in {w for c in counted(texts) for w in c}:
        assert words.find(word) is not None
    assert words.find("absent") is None
    assert words.find("") is None


@settings(deadline=None)
@given(TEXTS, TEXTS, st.data())
def test_a_merged_file_equals_one_made_of_the_rows_alive(
    one: list[str], other: list[str], data: st.DataObject
) -> None:
    alive = [
        np.array(data.draw(st.lists(st.booleans(), min_size=len(t), max_size=len(t))), bool)
        for t in (one, other)
    ]
    merged = merge([built(one), built(other, 100)], alive)
    kept = {n: c for n, c in enumerate(counted(one)) if alive[0][n]}
    kept |= {100 + n: c for n, c in enumerate(counted(other)) if alive[1][n]}
    assert contents(merged) == kept
    assert all(np.diff(merged.ends, prepend=0) > 0), "a term that no row holds has left"


@settings(deadline=None)
@given(TEXTS, st.data())
def test_search_equals_adding_up_every_row_bit_by_bit(texts: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(texts)))
    parts = [built(part, first) for part, first in ((texts[:cut], 0), (texts[cut:], cut)) if part]
    dead = data.draw(st.sets(st.integers(0, len(texts) - 1)))
    living = [n for n in range(len(texts)) if n not in dead]
    lexicon = _words_search.lexicon(parts, np.array(living, np.int64), np.arange(len(living)))
    terms = data.draw(
        st.dictionaries(st.sampled_from(["a", "b", "ä", "zz", "none"]), st.floats(-1, 3), max_size=4)
    )
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(living), max_size=len(living))), bool)
    k = data.draw(st.integers(1, 5))
    expected = brute_force([texts[n] for n in living], terms)
    for prune in (1, 50_000):
        patched = pytest.MonkeyPatch()
        patched.setattr(_words_search, "PRUNE_FROM", prune)
        patched.setattr(_words_search, "SEEK", 0)
        places, scores = _words_search.search(lexicon, terms, k, allowed)
        patched.undo()
        assert len(set(places.tolist())) == len(places)
        open_scores = sorted(
            (s for s, ok in zip(expected, allowed, strict=True) if ok and s > 0), reverse=True
        )
        assert sorted(scores.tolist(), reverse=True)[:k] == open_scores[:k]
        assert all(expected[p] == s and allowed[p] for p, s in zip(places, scores, strict=True))


def brute_force(texts: list[str], terms: dict[str, float]) -> np.ndarray:
    counts = counted(texts)
    lengths = np.array([c.total() for c in counts], dtype=np.int64)
    norms = length_norm(lengths, float(lengths.mean()) if len(lengths) else 1.0)
    scores = np.zeros(len(texts))
    holders = {t: sum(t in c for c in counts) for t, w in terms.items() if w > 0}
    for term, weighted in in_order(terms, holders, len(texts)):
        scores += bm25(weighted, np.array([c[term] for c in counts]), norms)
    return scores


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 5))
def test_a_sealed_file_comes_back_and_tells_when_it_is_damaged(
    tmp_path_factory, noise: bytes, size: int
) -> None:
    directory: Path = tmp_path_factory.mktemp("sealed")
    arrays = {
        "one": np.frombuffer(noise, np.uint8),
        "two": np.arange(size * 3, dtype=np.float32).reshape(size, 3),
    }
    name = _sealed.write(directory, "words", arrays)
    assert _sealed.write(directory, "words", arrays) == name
    back = _sealed.read(directory, name)
    assert all(
        np.array_equal(back[key], value) and back[key].shape == value.shape for key, value in arrays.items()
    )
    _sealed.verify(directory, name)
    path = directory / name
    data = bytearray(path.read_bytes())
    data[len(noise) % len(data)] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError):
        _sealed.verify(directory, name)
    path.write_bytes(b"")
    with pytest.raises(DamagedError):
        _sealed.read(directory, name)
    path.unlink()
    with pytest.raises(DamagedError):
        _sealed.read(directory, name)
