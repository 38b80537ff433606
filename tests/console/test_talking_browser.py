"""A person at a real browser follows a conversation, what was left out and what it cost; phone, both themes, no script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from groundwork.answers.types import Answer
from groundwork.app.workspace import Workspace
from tests.console.talking_house import FOLLOWING, LEAVE, STANDALONE, talking_house
from tests.console.test_browser import CONTRAST, DESKTOP, PHONE, Person, Server, browser, pytestmark

__all__ = ["browser", "pytestmark"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with talking_house(tmp_path_factory.mktemp("talking")) as made:
        yield made


@pytest.fixture(scope="module")
def answers(house: Workspace) -> list[Answer]:
    first = house.ask(LEAVE, conversation="new")
    return [first, house.ask(FOLLOWING, conversation=first.conversation),
            *(house.ask(LEAVE, app=a, conversation="new") for a in ("strict", "cut", "down", "steps"))]  # fmt: skip


@pytest.fixture(scope="module")
def url(house: Workspace) -> Iterator[str]:
    server = Server(house)
    yield server.url
    server.stop()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "size", [pytest.param(DESKTOP, marks=pytest.mark.slow), PHONE], ids=["desktop", "phone"]
)
def test_pages_of_generated_answers_fit_the_screen_and_stand_out(
    browser: Any, url: str, answers: list[Answer], size: dict[str, int], scheme: str
) -> None:
    person = Person(browser, url, viewport=size, color_scheme=scheme)
    page = person.page
    paths = [f"/answers/{a.id}{tail}" for a in answers for tail in ("", "/explain", "/replay")]
    for path in (*paths, "/conversations", f"/conversations/{answers[0].conversation}"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(CONTRAST) == [], path
    person.check()


@pytest.mark.slow
def test_a_person_goes_on_from_an_answer_without_any_script(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=PHONE, java_script_enabled=False)
    page = person.page
    page.goto("/")
    page.get_by_label("Your question").fill(LEAVE)
    page.get_by_role("button", name="Ask", exact=True).click()
    assert "no quote supports this" in page.locator(".sentence.bare").inner_text()
    first = page.url
    page.get_by_label("Your next question").fill(FOLLOWING)
    page.get_by_role("button", name="Go on").click()
    assert page.url != first
    assert STANDALONE in page.locator("main > .lead").inner_text()
    page.locator(".turns a").first.click()
    assert page.url == first
    page.get_by_role("link", name="Replay").first.click()
    page.get_by_label("Runs").fill("2")
    page.get_by_role("button", name="Ask the models again").click()
    assert "2 of 2 runs gave the same text" in page.locator("main").inner_text()
    page.goto(first)
    page.get_by_text("1 model call").click()
    page.get_by_role("link", name="the call").click()
    assert "lab/model" in page.get_by_role("heading", level=1).inner_text()
    person.check()
