"""The default strategy: what each of its steps does."""

from __future__ import annotations

import pytest

from groundwork.core.errors import SettingsError
from groundwork.knowledge.fusion import margins
from groundwork.knowledge.retrievers._legs import Asked, agreement
from groundwork.knowledge.retrievers._wording import wording
from groundwork.knowledge.retrievers.hybrid import Hybrid
from groundwork.knowledge.retrievers.neighbours import Neighbours
from groundwork.knowledge.retrievers.parent import Parent
from groundwork.knowledge.types import LegHit
from groundwork.testing.retriever import QUESTIONS, small_view


def test_margins_stand_over_the_hit_at_the_depth_in_units_of_the_span() -> None:
    legs = {
        "lexical": [LegHit("a", 10.0), LegHit("b", 6.0), LegHit("c", 4.0)],
        "dense": [LegHit("b", 0.7), LegHit("c", 0.5)],
    }
    weights, spans = {"lexical": 0.5, "dense": 0.5}, {"lexical": 0.0, "dense": 0.4}
    # Lexical: its best score is the span, the third hit the floor. Dense: too few hits, so its last is the
    # floor.
    found = {f.chunk_id: f.score for f in margins(legs, weights, spans, depth=3)}
    assert found == pytest.approx({"a": 0.3, "b": 0.1 + 0.25, "c": 0.0})


def test_a_leg_that_cannot_tell_its_hits_apart_adds_little() -> None:
    flat = [LegHit(f"f{i}", 0.30 + i / 1000) for i in range(10)]
    steep = [LegHit("s", 9.0), *(LegHit(f"f{i}", 1.0) for i in range(9))]
    weights, spans = {"lexical": 0.5, "dense": 0.5}, {"lexical": 0, "dense": 0.4}
    found = margins({"lexical": steep, "dense": flat}, weights, spans)
    assert found[0].chunk_id == "s"
    assert max(f.legs["dense"].weight for f in found if "dense" in f.legs) < 0.02


def test_words_that_stand_together_as_in_the_question_count_more() -> None:
    passages = {
        "together": "steam turbine plant a b c",
        "near": "steam a b turbine plant",
        "apart": "steam a b c d e f g turbine h i j k l plant",
        "none": "a b c",
    }
    near = wording(["steam", "turbine", "plant"], passages)
    assert near["together"] > near["near"] > near["apart"] == near["none"] == 0
    assert wording(["steam"], passages) == dict.fromkeys(passages, 0.0)
    assert near["together"] == pytest.approx(1)


def test_the_parts_that_the_legs_added_sum_to_the_score() -> None:
    for found in Hybrid().search(small_view(), QUESTIONS[0], 20):
        assert found.score == pytest.approx(sum(leg.weight for leg in found.legs.values()))
        assert set(found.legs) <= {"lexical", "dense", "feedback", "wording"}


def test_agreement_is_the_shared_part_of_both_heads() -> None:
    legs = {"lexical": [LegHit(c, 1.0) for c in "abcd"], "dense": [LegHit(c, 1.0) for c in "cdef"]}
    assert agreement(legs, 4) == 0.5
    assert agreement({"lexical": legs["lexical"]}, 4) == 0


def test_meaning_weighs_less_for_questions_that_name_identifiers() -> None:
    view = small_view()
    assert Asked.of(view, "how does a boat sail").coverage == 1
    named = Asked.of(view, "what does parse_line raise")
    assert named.names_identifiers
    assert named.coverage < 1


@pytest.mark.parametrize("parameters", [{"weight": 1.5}, {"depth": 0}, {"proximity": -1.0}])
def test_parameters_that_make_no_sense_are_refused(parameters) -> None:
    with pytest.raises(SettingsError, match="hybrid"):
        Hybrid(**parameters)


@pytest.mark.parametrize("retriever", [Neighbours(), Parent()])
def test_widened_passages_show_no_chunk_twice(retriever) -> None:
    view = small_view()
    found = retriever.search(view, QUESTIONS[0], 10)
    rows = {row.chunk_id: row for row in view.rows}
    spans = [(rows[r.chunk_id].document_id, r.widened) for r in found]
    assert len(set(spans)) == len(spans)
    assert any(r.widened != (rows[r.chunk_id].start, rows[r.chunk_id].end) for r in found)
