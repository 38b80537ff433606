"""What the shipped catalogue promises about its content."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from groundwork.evidence.parse import read_predicate
from groundwork.pathways.catalogue.loaded import ESCO_ATTRIBUTION, Loaded
from groundwork.pathways.catalogue.references import flaws
from groundwork.pathways.labs import LABS
from tests.data_sets import data_set
from tests.pathways.catalogue.conftest import LOADED

DOCS = Path(__file__).resolve().parents[3] / "docs"
LABS_OF_THE_CATALOGUE = {
    "first-model-endpoint",
    "first-documents",
    "first-cited-answer",
    "prompt-versions",
    "structured-output",
    "replay-after-change",
    "recovery-after-kill",
    "retrieval-compared",
    "golden-from-traces",
    "gate-passed-and-refused",
    "canary-rolled-back",
    "cost-cut",
    "hallucination-caught",
    "fault-hunt",
    "monitoring-read",
    "data-quality",
    "access-and-privacy",
}
# Core skills that the documents name for a role, and the skills that stand for them.
NAMED = {
    "ml-engineer": {
        "Python": "python-engineering",
        "PyTorch or TensorFlow": "deep-learning",
        "MLOps": "mlops",
        "system design": "system-design",
    },
    "data-scientist": {
        "statistics": "statistics",
        "SQL": "sql",
        "Python": "python-engineering",
        "experimentation": "experimentation",
    },
    "ai-researcher": {
        "deep learning theory": "deep-learning-theory",
        "writing papers": "research-practice",
        "novel architectures": "research-practice",
    },
    "ai-product-manager": {
        "product sense": "product-sense",
        "ML literacy": "ml-literacy",
        "stakeholder management": "stakeholder-communication",
    },
    "prompt-engineer": {
        "behaviour of language models": "llm-behaviour",
        "evaluation": "llm-evaluation",
        "prompt design": "prompt-design",
    },
    "mlops-engineer": {
        "Kubernetes": "kubernetes-for-ai",
        "CI/CD": "ci-cd",
        "model serving": "model-serving-infrastructure",
        "monitoring": "basic-ai-monitoring",
    },
    "ai-engineer": {
        "problem definition": "problem-framing",
        "data preparation": "data-preparation",
        "model development": "ml-fundamentals",
        "integration of APIs and databases": "python-fastapi-services",
        "deployment": "model-serving-infrastructure",
        "continuous monitoring": "basic-ai-monitoring",
    },
}


def test_it_has_the_size_that_was_asked_for(loaded: Loaded) -> None:
    c = loaded.catalogue
    assert 60 <= len(c.skills) <= 80
    assert len(c.milestones) == 19
    assert len(c.actions) == 12
    assert len(c.roles) == 21
    assert len(c.transitions) == 6
    assert not c.left_out


def test_it_is_whole(loaded: Loaded) -> None:
    assert flaws(loaded.catalogue) == []


def test_every_skill_is_needed_by_a_role_or_held_by_a_background(loaded: Loaded) -> None:
    needed = {skill for role in loaded.targets() for skill in loaded.requirements(role)[0]}
    needed |= {skill for background in loaded.catalogue.backgrounds for skill in background.holds}
    assert {skill.id for skill in loaded.catalogue.skills} == needed


def test_every_named_core_skill_stands_for_a_skill_of_full_weight(loaded: Loaded) -> None:
    for role in loaded.catalogue.roles:
        names = NAMED.get(role.id, {})
        assert set(role.named_skills) == set(names), role.id
        assert all(role.skills[skill] == 3 for skill in names.values()), role.id


def test_every_target_has_a_milestone_that_proves_it(loaded: Loaded) -> None:
    assert all(role.milestones for role in loaded.targets())
    used = {milestone for role in loaded.targets() for milestone in role.milestones}
    assert used == set(loaded.milestones)


def test_a_milestone_proves_only_what_it_needs(loaded: Loaded) -> None:
    for milestone in loaded.catalogue.milestones:
        assert set(milestone.proves) <= set(loaded.closure(milestone.needs)), milestone.id


def test_both_streams_run_through_every_year(loaded: Loaded) -> None:
    for year in ("year-1", "year-2", "year-3"):
        assert {s.stream for s in loaded.catalogue.skills if s.stage == year} == {"technical", "ethical"}
        assert {m.stream for m in loaded.catalogue.milestones if m.stage == year} == {"technical", "ethical"}


def test_every_lab_is_named_by_a_skill_and_by_a_milestone_or_action(loaded: Loaded) -> None:
    by_skill = {lab for skill in loaded.catalogue.skills for lab in skill.labs}
    taught = {
        lab for entry in (*loaded.catalogue.milestones, *loaded.catalogue.actions) for lab in entry.labs
    }
    assert by_skill == LABS_OF_THE_CATALOGUE
    assert taught == LABS_OF_THE_CATALOGUE


def test_a_lab_and_the_catalogue_say_the_same_of_what_it_proves(loaded: Loaded) -> None:
    for name in LABS.names():
        lab, word = LABS.get(name), name.replace("_", "-")
        if word in LABS_OF_THE_CATALOGUE:
            proven = {skill.id for skill in loaded.catalogue.skills if word in skill.labs}
            assert set(lab.skills) == proven, word
            assert set(lab.milestones) <= {*loaded.milestones, *loaded.actions}, word


@pytest.mark.parametrize(
    "entry", [*LOADED.catalogue.milestones, *LOADED.catalogue.actions], ids=lambda e: e.id
)
def test_every_check_is_a_predicate(entry: object) -> None:
    read_predicate(entry.check)  # type: ignore[attr-defined]


def test_a_page_of_the_handbook_that_is_named_is_there(loaded: Loaded) -> None:
    pages = {r.url for r in loaded.catalogue.resources if r.kind == "handbook"}
    pages |= {m.guide for m in loaded.catalogue.milestones if m.guide}
    pages |= {
        d for q in loaded.catalogue.quizzes for item in q.questions for d in item.derived_from if "/" in d
    }
    assert {page for page in pages if not (DOCS / page).is_file()} == set()


def test_resources_say_what_is_known_of_link_and_cost(loaded: Loaded) -> None:
    for resource in loaded.catalogue.resources:
        assert resource.checked == "", "nobody looked at links and prices yet"
        assert (resource.cost is None) or resource.currency, resource.id
        assert resource.kind == "handbook" or not resource.url or resource.url.startswith("https://")
    assert loaded.resource("gatech-omscs").cost == 6000
    assert loaded.resource("fast-ai").cost == 0


def test_every_answer_follows_from_a_fact_or_a_page(loaded: Loaded) -> None:
    facts = {view.id for view in loaded.facts()}
    for quiz in loaded.catalogue.quizzes:
        ids = [item.id for item in quiz.questions]
        assert len(ids) == len(set(ids))
        assert len(ids) > quiz.draw, "a second draw can differ"
        for item in quiz.questions:
            assert item.because
            assert item.derived_from, (quiz.id, item.id)
            assert all("/" in d or d in facts for d in item.derived_from), (quiz.id, item.id)
            assert 3 <= len(item.options) <= 5
            assert item.options_origin == "ours"


def test_the_right_answers_stand_in_no_fixed_place(loaded: Loaded) -> None:
    places = [item.answer for quiz in loaded.catalogue.quizzes for item in quiz.questions]
    assert all(places.count(place) >= len(places) / 8 for place in range(4))


def test_the_three_questions_of_the_documents_are_asked_with_their_answers(loaded: Loaded) -> None:
    wanted = {
        "quiz-swe-to-mle-time": "6 to 12 months",
        "quiz-portfolio": "End-to-end projects with deployment and a demo",
        "quiz-data-share": "60 to 70 percent",
    }
    for quiz, answer in wanted.items():
        (item,) = [item for item in loaded.quiz(quiz).questions if item.origin == "stated"]
        assert item.options[item.answer] == answer


def test_the_attribution_of_esco_is_said_as_it_asks(loaded: Loaded) -> None:
    assert loaded.attributions == ("This service uses the ESCO classification of the European Commission",)
    assert loaded.attributions[0] == ESCO_ATTRIBUTION
    assert Loaded(loaded.catalogue.model_copy(update={"roles": (), "skills": ()})).attributions == ()


def test_every_term_of_esco_is_in_its_data(loaded: Loaded) -> None:
    folder = data_set("esco_skills")
    known: dict[str, tuple[str, str]] = {}
    for name in ("occupations.csv.gz", "skillGroups.csv.gz"):
        with gzip.open(folder / name, "rt", encoding="utf-8") as stream:
            known |= {
                r["ORIGINURI"]: (r["PREFERREDLABEL"].strip(), r["CODE"]) for r in csv.DictReader(stream)
            }
    terms = [a for entry in (*loaded.catalogue.roles, *loaded.catalogue.skills) for a in entry.alignments]
    assert len(terms) > 50
    for term in terms:
        assert known[term.uri] == (term.label, term.code)
