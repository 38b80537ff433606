"""The dense leg's files: rounding, groups, recall, filters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.bench.index import clustered
from groundwork.knowledge.indexes import _vectors, _vectors_search
from groundwork.knowledge.indexes._lance_writing import MANY_FILES, ROWS_PER_FILE, to_merge


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20))
def test_rounding_is_to_nearest(values: list[float]) -> None:
    exact = np.array(values, dtype=np.float32)
    back = _vectors.decode(_vectors.encode(exact))
    assert np.all(np.abs(back - exact) <= 0.5001 / 32767)
    assert np.array_equal(_vectors.encode(back), _vectors.encode(exact))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return clustered(6000, 60, 32, np.random.default_rng(2))


def test_every_row_stands_in_one_group_whatever_the_order(data: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, _ = data
    keys = np.arange(len(vectors), dtype=np.int64) + 7
    shuffled = np.random.default_rng(0).permutation(len(vectors))
    one, other = _vectors.build(keys, vectors), _vectors.build(keys[shuffled], vectors[shuffled])
    assert sorted(one.keys.tolist()) == keys.tolist()
    assert one.ends[-1] == len(vectors)
    assert all(
        np.array_equal(a, b) for a, b in zip(one.__dict__.values(), other.__dict__.values(), strict=True)
    )


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
@pytest.mark.parametrize(("effort", "least"), [(0, 0.85), (1, 0.95), (2, 0.98)])
def test_recall_holds_over_several_files_and_under_filters(
    data: tuple[np.ndarray, np.ndarray], share: float, effort: int, least: float
) -> None:
    vectors, asked = data
    keys = np.arange(len(vectors), dtype=np.int64)
    parts = [_vectors.build(keys[a:b], vectors[a:b]) for a, b in ((0, 4000), (4000, 4500), (4500, 6000))]
    merged = _vectors.merge(parts[1:], [np.ones(len(p.keys), bool) for p in parts[1:]])
    where = _vectors_search.space([parts[0], merged], keys, keys)
    allowed = None if share == 1.0 else np.random.default_rng(1).random(len(vectors)) < share
    found = 0
    for question in asked:
        scores = vectors @ question if allowed is None else np.where(allowed, vectors @ question, -2)
        places, cosines = _vectors_search.search(where, question, 10, allowed, effort)
        assert len(places) >= 10
        assert np.allclose(cosines, scores[places], atol=1e-4)
        best = places[np.argsort(-cosines)[:10]]
        found += int(np.count_nonzero(scores[best] >= np.sort(scores)[-10] - 1e-4))
    assert found / (10 * len(asked)) >= least


@settings(deadline=None)
@given(st.lists(st.integers(1, ROWS_PER_FILE), max_size=30), st.integers(0, 3))
def test_merging_bounds_the_number_of_small_files(sizes: list[int], dead: int) -> None:
    files = {f"{n:03}": (size, size * (3 if n < dead else 1)) for n, size in enumerate(sizes)}
    groups = to_merge(files)
    named = [name for group in groups for name in group]
    assert len(named) == len(set(named))
    assert all(sum(files[n][0] for n in group) <= ROWS_PER_FILE for group in groups)
    assert {f"{n:03}" for n in range(min(dead, len(sizes)))} <= set(named)


def test_a_thousand_publishes_rewrite_a_row_a_few_times() -> None:
    files: dict[str, tuple[int, int]] = {}
    rewritten = 0
    for step in range(1000):
        files[f"n{step:05}"] = (100, 100)
        for group in to_merge(files):
            total = sum(files.pop(name)[0] for name in group)
            files[f"m{step:05}"] = (total, total)
            rewritten += total
        assert len(files) <= 2 * MANY_FILES + 4
    assert rewritten / 100_000 < 12
