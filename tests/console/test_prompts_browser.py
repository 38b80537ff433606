"""A person at a real browser with prompts: writes one, tries it, labels it; with and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.prompts.files import STARTER
from tests.console.test_browser import CONTRAST, DESKTOP, PHONE, Person, Server, browser, pytestmark

__all__ = ["browser", "pytestmark"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Workspace.init(tmp_path_factory.mktemp("prompts")) as workspace:
        workspace.prompts.write(LOCAL, "summary", STARTER)
        workspace.prompts.label(LOCAL, "summary", "latest", "production")
        workspace.prompts.write(LOCAL, "summary", STARTER.replace("at most", "no more than"))
        workspace.prompts.test(LOCAL, "summary")
        server = Server(workspace)
        yield server.url
        server.stop()


@pytest.mark.parametrize(
    "script", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["with script", "without"]
)
def test_a_person_writes_tries_and_labels_a_prompt(browser: Any, url: str, script: bool) -> None:
    person = Person(browser, url, viewport=DESKTOP, java_script_enabled=script)
    page, name = person.page, f"mine-{int(script)}"
    page.goto("/prompts")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Write it").click()
    page.wait_for_url(f"**/prompts/{name}")
    page.get_by_label("text text").fill("Trains are late.\n{{ x }}")
    page.get_by_role("button", name="Fill in").click()
    filled = page.get_by_role("status").inner_text()
    assert "at most 2 sentences.\n\nTrains are late.\n{{ x }}" in filled
    page.goto(f"/prompts/{name}")
    page.get_by_role("button", name="Run the tests").click()
    page.get_by_text("all passed").wait_for()
    page.get_by_role("link", name="Label").first.click()
    page.get_by_role("button", name="Move the label").click()
    assert "production now points at" in page.get_by_role("status").inner_text()
    person.check()


@pytest.mark.slow
def test_pages_of_prompts_fit_the_screen_and_can_be_read(browser: Any, url: str) -> None:
    for size, scheme in ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")):
        person = Person(browser, url, viewport=size, color_scheme=scheme)
        one = "/prompts/summary"
        for path in (
            "/prompts", one, f"{one}@production", f"{one}/diff", f"{one}/edit", f"{one}/label", f"{one}/remove",
            "/prompts/answer",
        ):  # fmt: skip
            person.page.goto(path)
            assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert person.page.evaluate(CONTRAST) == [], (path, scheme)
        person.check()
