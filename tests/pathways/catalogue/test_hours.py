"""Hours: fitted to the months that the documents state, round, and marked as what they are."""

from __future__ import annotations

import math

import pytest

from groundwork.pathways.catalogue import hours
from groundwork.pathways.catalogue.loaded import Loaded

STATED = {
    "swe-to-ml-engineer": 369,
    "analyst-to-data-scientist": 246,
    "pm-to-ai-pm": 184,
    "non-tech-to-entry-ai": 737,
    "cloud-to-ai-systems-engineer": 1277,
}


@pytest.mark.parametrize(("way", "wanted"), STATED.items())
def test_the_hours_of_a_way_give_the_median_of_its_months_within_three_percent(
    loaded: Loaded, way: str, wanted: int
) -> None:
    transition = next(t for t in loaded.catalogue.transitions if t.id == way)
    assert transition.months is not None
    needed = hours.reference_hours(transition.months)
    assert needed == pytest.approx(wanted, abs=1.5)
    found = loaded.hours(*loaded.gap(transition.start, transition.target))
    assert abs(found / needed - 1) <= 0.03
    low, high = transition.months
    assert hours.months_of(found) == pytest.approx(math.sqrt(low * high), rel=0.03)


def test_from_ml_to_ai_engineer_takes_less_than_every_way_with_stated_months(loaded: Loaded) -> None:
    fastest = loaded.hours(*loaded.gap("ml-engineer", "ai-engineer"))
    assert 140 <= fastest <= 165
    others = [t for t in loaded.catalogue.transitions if t.months]
    assert len(others) == 5
    assert all(fastest < loaded.hours(*loaded.gap(t.start, t.target)) for t in others)


def test_the_spread_of_a_way_follows_from_its_months(loaded: Loaded) -> None:
    assert loaded.sigma("software-engineer", "ml-engineer") == pytest.approx(0.2704, abs=1e-4)
    assert loaded.sigma("cloud-platform-engineer", "ai-systems-engineer") == pytest.approx(0.1582, abs=1e-4)
    assert loaded.sigma("ml-engineer", "ai-engineer") == pytest.approx(0.27, abs=1e-3)
    assert loaded.sigma("teacher", "prompt-engineer") == hours.SIGMA


def test_hours_are_estimates_in_order_and_round_to_half_hours(loaded: Loaded) -> None:
    for entry in (*loaded.catalogue.skills, *loaded.catalogue.milestones, *loaded.catalogue.actions):
        h = entry.hours
        assert h.basis == "estimate", entry.id
        assert h.p10 < h.p50 < h.p90, entry.id
        assert all((value * 2).is_integer() for value in (h.p10, h.p50, h.p90)), entry.id


def test_a_lab_proves_only_skills_that_are_small(loaded: Loaded) -> None:
    assert all(skill.hours.p50 <= 12 for skill in loaded.catalogue.skills if skill.labs)


def test_the_share_of_data_work_is_computed_and_shown_as_a_fact(loaded: Loaded) -> None:
    for role, work in loaded.data_work.items():
        skills = [loaded.skill(i) for i in loaded.requirements(role)[0]]
        assert work.hours == sum(s.hours.p50 for s in skills)
        assert work.data_hours == sum(s.hours.p50 * s.data_share for s in skills)
        assert 0 < work.share < 1
    view = loaded.fact("curriculum-data-share")
    share = loaded.data_work["entry-level-ai-role"].share
    assert view.details["share_by_role"]["entry-level-ai-role"] == round(share, 3)
    assert f"{share:.0%}" in view.says
    assert view.details["share_of_labs"] == round(loaded.lab_work.share, 3)
    assert 0 < loaded.lab_work.share < 1


def test_minutes_of_labs_count_by_the_greatest_share_of_their_skills(loaded: Loaded) -> None:
    work = hours.lab_data_work(loaded, {"data-quality": 60, "structured-output": 60, "of-no-skill": 60})
    assert (work.hours, work.data_hours) == (3, 1)
