"""Names as people write them."""

from __future__ import annotations

import pytest

from groundwork.core.errors import NotFoundError
from groundwork.pathways.catalogue.loaded import Loaded


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ("ml engineer", "ml-engineer"),
        ("ML-Engineer", "ml-engineer"),
        ("Machine Learning Engineers", "ml-engineer"),
        ("mle", "ml-engineer"),
        ("AI systems engineer", "ai-systems-engineer"),
        ("ai engineer", "ai-engineer"),
        ("full-stack AI engineer", "ai-engineer"),
        ("LLMOps", "mlops-engineer"),
        ("data scientist", "data-scientist"),
        ("ai pm", "ai-product-manager"),
        ("an entry-level AI role", "entry-level-ai-role"),
        ("prompt", "prompt-engineer"),
    ],
)
def test_a_role_is_found_by_the_words_people_use(loaded: Loaded, words: str, role: str) -> None:
    assert loaded.role(words).id == role


@pytest.mark.parametrize(
    ("words", "background"),
    [
        ("cloud platform engineer", "cloud-platform-engineer"),
        ("software engineer", "software-engineer"),
        ("software engineering", "software-engineer"),
        ("SWE", "software-engineer"),
        ("non-technical", "career-changer-non-tech"),
        ("without a technical background", "career-changer-non-tech"),
        ("analytics", "data-analyst"),
        ("product management", "product-manager"),
        ("PhD", "academia"),
        ("nurse", "healthcare"),
        ("site reliability engineer", "sre"),
        ("journalist", "journalist"),
    ],
)
def test_a_background_is_found_by_the_words_people_use(loaded: Loaded, words: str, background: str) -> None:
    assert loaded.background(words).id == background


def test_every_entry_is_found_by_its_id_title_and_aliases(loaded: Loaded) -> None:
    for role in loaded.catalogue.roles:
        for name in (role.id, role.title, *role.aliases):
            assert loaded.role(name).id == (role.same_as or role.id), name
    for background in loaded.catalogue.backgrounds:
        for name in (background.id, background.title, *background.aliases):
            assert loaded.background(name).id == background.id, name


def test_an_unknown_role_offers_the_nearest(loaded: Loaded) -> None:
    with pytest.raises(NotFoundError) as caught:
        loaded.role("data sientist")
    assert "`Data Scientist`" in caught.value.hint
    assert caught.value.details["nearest"][0] == "data-scientist"
    assert "is no known role" in caught.value.message


def test_words_that_mean_several_are_not_guessed(loaded: Loaded) -> None:
    with pytest.raises(NotFoundError) as caught:
        loaded.role("engineer")
    assert "means several roles" in caught.value.message


@pytest.mark.parametrize("words", ["", "   ", "???", "x" * 100_000, "\u202eml\x00"])
def test_words_that_say_nothing_are_answered_clearly(loaded: Loaded, words: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        loaded.role(words)
    assert "did you mean" in caught.value.hint
    assert len(caught.value.message) < 150


@pytest.mark.parametrize("kind", ["skill", "milestone", "action", "quiz", "resource", "stage", "reflection"])
def test_an_unknown_id_is_answered_with_the_nearest(loaded: Loaded, kind: str) -> None:
    plural = {"quiz": "quizzes"}.get(kind, kind + "s")
    first = getattr(loaded.catalogue, plural)[0].id
    with pytest.raises(NotFoundError) as caught:
        getattr(loaded, kind)(first + "x")
    assert f"`{first}`" in caught.value.hint
    assert getattr(loaded, kind)(first).id == first
