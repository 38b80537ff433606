"""A person at a real browser makes a key, tries a model, and follows what it cost; keyboard, phone, both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from groundwork.core.principal import LOCAL
from tests.console.test_browser import CONTRAST, DESKTOP, PHONE, Person, Server, browser, pytestmark
from tests.gateway_house import GatewayHouse, make_house

__all__ = ["browser", "pytestmark"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    made = make_house(tmp_path_factory.mktemp("house") / "w", days=5)
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def url(house: GatewayHouse) -> Iterator[str]:
    server = Server(house.workspace)
    yield server.url
    server.stop()


def _paths(house: GatewayHouse) -> list[str]:
    call = house.workspace.usage.calls(LOCAL, {"model": "fast"}, limit=1)[0].id
    return [
        "/models", "/models/try", "/keys", f"/keys/{house.intranet.id}", f"/keys/{house.intranet.id}/revoke", "/usage",
        "/usage/calls", f"/usage/{call}",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_of_the_gateway_is_wider_than_the_screen(
    browser: Any, url: str, house: GatewayHouse, size: dict[str, int]
) -> None:
    person = Person(browser, url, viewport=size)
    for path in _paths(house):
        person.page.goto(path)
        assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    person.check()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_text_on_the_pages_of_the_gateway_stands_out(
    browser: Any, url: str, house: GatewayHouse, scheme: str
) -> None:
    person = Person(browser, url, viewport=DESKTOP, color_scheme=scheme)
    for path in _paths(house):
        person.page.goto(path)
        assert person.page.evaluate(CONTRAST) == [], (scheme, path)
    person.check()


def test_a_person_makes_a_key_copies_it_and_revokes_it(browser: Any, url: str, house: GatewayHouse) -> None:
    person = Person(browser, url, viewport=DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    page.goto("/answers")
    page.keyboard.press("g")
    page.keyboard.press("y")
    page.wait_for_url("**/keys")
    page.get_by_label("Name").fill("made by hand")
    page.get_by_label("embed").uncheck()
    page.get_by_label("Budget a day, USD").fill("2.50")
    page.get_by_role("button", name="Make a key").click()
    secret = page.locator("#new-key").inner_text().strip()
    assert secret.startswith("gw_")
    assert secret not in page.url
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("link", name="its page").click()
    assert page.locator("meter").count() == 1
    assert "chat, models" in page.locator("aside").inner_text()
    page.get_by_role("link", name="Revoke…").click()
    page.get_by_role("button", name="Revoke it").click()
    assert "is refused from now on" in page.get_by_role("status").inner_text()
    assert house.workspace.keys.get(LOCAL, "made by hand").revoked_at
    person.check()


def test_a_person_tries_a_model_by_keyboard_and_sees_what_it_cost(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=PHONE, color_scheme="dark")
    page = person.page
    page.goto("/models")
    page.get_by_role("link", name="Try play/mini").click()
    page.keyboard.press("f")
    page.keyboard.type("What about trains?")
    page.keyboard.press("Control+Enter")
    page.locator(".reply").wait_for()
    assert "Trains are booked" in page.locator(".reply").inner_text()
    page.get_by_role("link", name="The record of this call").click()
    page.wait_for_url("**/usage/call_*")
    assert "play/mini" in page.locator("main").inner_text()
    page.go_back()
    person.check()


@pytest.mark.slow
def test_bars_say_their_day_and_a_group_leads_to_its_calls(
    browser: Any, url: str, house: GatewayHouse
) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/usage")
    page.get_by_label("By", exact=True).select_option("key")
    page.get_by_role("button", name="Show").click()
    assert page.url.endswith("/usage?by=key&days=30")
    tall = page.locator(".plot .bar").last.bounding_box()
    assert tall["height"] > 20
    assert "calls" in page.locator(".plot g title").last.evaluate("e => e.textContent")
    page.get_by_role("link", name="intranet chat").first.click()
    page.wait_for_url(f"**/usage/calls?key={house.intranet.id}")
    assert page.locator("tbody tr").count() > 3
    person.check()
