"""Fusion does not care in which order anything is handed to it."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.knowledge.fusion import min_max, reciprocal_ranks, weighted_scores
from groundwork.knowledge.types import LegHit

scores = st.floats(-1e6, 1e6, allow_nan=False)
hits = st.dictionaries(st.sampled_from([f"chk_{i}" for i in range(12)]), scores).map(
    lambda found: [LegHit(chunk_id, score) for chunk_id, score in found.items()]
)
legs = st.dictionaries(st.sampled_from(["lexical", "dense", "third"]), hits, min_size=1)
WEIGHTS = {"lexical": 0.6, "dense": 0.3, "third": 0.1}
FUSIONS = [reciprocal_ranks, weighted_scores]


@pytest.mark.parametrize("fuse", FUSIONS)
@settings(deadline=None)
@given(legs=legs, data=st.data())
def test_the_order_of_lists_and_legs_does_not_matter(fuse, legs, data) -> None:
    turned = {
        name: data.draw(st.permutations(legs[name])) for name in data.draw(st.permutations(sorted(legs)))
    }
    assert fuse(turned, WEIGHTS) == fuse(legs, WEIGHTS)


@pytest.mark.parametrize("fuse", FUSIONS)
@settings(deadline=None)
@given(legs=legs)
def test_every_chunk_of_every_leg_stands_once_best_first_ties_by_id(fuse, legs) -> None:
    fused = fuse(legs, WEIGHTS)
    assert sorted(f.chunk_id for f in fused) == sorted({h.chunk_id for found in legs.values() for h in found})
    assert [(-f.score, f.chunk_id) for f in fused] == sorted((-f.score, f.chunk_id) for f in fused)


@pytest.mark.parametrize("fuse", FUSIONS)
@settings(deadline=None)
@given(legs=legs)
def test_the_score_is_the_sum_of_what_the_legs_added(fuse, legs) -> None:
    for fused in fuse(legs, WEIGHTS):
        assert fused.score == sum(fused.legs[name].weight for name in sorted(fused.legs))
        for name, leg in fused.legs.items():
            ordered = sorted(legs[name], key=lambda h: (-h.score, h.chunk_id))
            assert ordered[leg.rank - 1] == LegHit(fused.chunk_id, leg.score)


@settings(deadline=None)
@given(found=hits, weight=st.floats(0.1, 10))
def test_one_leg_alone_keeps_its_order(found, weight) -> None:
    ordered = [h.chunk_id for h in sorted(found, key=lambda h: (-h.score, h.chunk_id))]
    assert [f.chunk_id for f in reciprocal_ranks({"lexical": found}, {"lexical": weight})] == ordered


def test_reciprocal_ranks_are_the_published_formula() -> None:
    legs = {"lexical": [LegHit("a", 9.0), LegHit("b", 3.0)], "dense": [LegHit("b", 0.9), LegHit("c", 0.2)]}
    fused = {f.chunk_id: f.score for f in reciprocal_ranks(legs, {"lexical": 1.0, "dense": 1.0})}
    assert fused["b"] == pytest.approx(1 / 62 + 1 / 61)
    assert fused["a"] == pytest.approx(1 / 61)
    assert fused["c"] == pytest.approx(1 / 62)


def test_weighted_scores_scale_each_leg_over_its_best_hits() -> None:
    legs = {
        "lexical": [LegHit("a", 10.0), LegHit("b", 5.0), LegHit("c", 0.0)],
        "dense": [LegHit("c", 0.8), LegHit("b", 0.4)],
    }
    fused = {f.chunk_id: f.score for f in weighted_scores(legs, {"lexical": 0.6, "dense": 0.4})}
    assert fused == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.4})
    shallow = weighted_scores(legs, {"lexical": 0.6, "dense": 0.4}, depth=1)
    assert [f.chunk_id for f in shallow] == ["a", "c"]


@settings(deadline=None)
@given(st.lists(scores, max_size=20))
def test_scaled_scores_lie_between_0_and_1_and_keep_their_order(values) -> None:
    scaled = min_max(values)
    assert all(0 <= s <= 1 and math.isfinite(s) for s in scaled)
    pairs = sorted(zip(values, scaled, strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(pairs))
