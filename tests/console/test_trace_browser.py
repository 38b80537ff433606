"""A person at a real browser walks through traces: by mouse, by keyboard alone, without scripts; hostile text stays text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from groundwork.core.principal import LOCAL
from tests.console import sample_traces as samples
from tests.console.sample_traces import HOSTILE, span_id, trace_id
from tests.console.test_browser import CONTRAST, DESKTOP, PHONE, Person, Server, browser, pytestmark
from tests.server.fake_workspace import FakeWorkspace

__all__ = ["browser", "pytestmark"]
ANSWER, AGENT, LARGE = trace_id("answer"), trace_id("agent"), trace_id("large")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeWorkspace]:
    made = FakeWorkspace(tmp_path_factory.mktemp("house"))
    now = time.time_ns()
    made.telemetry.store.add(LOCAL.tenant, samples.sample_spans(now))
    spans = list(samples.large_trace(now - 90_000 * samples.SECOND, 6_000))
    for first in range(0, len(spans), 2_000):
        made.telemetry.store.add(LOCAL.tenant, spans[first : first + 2_000])
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(house: FakeWorkspace) -> Iterator[str]:
    server = Server(house)
    yield server.url
    server.stop()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')"))


def test_a_person_finds_what_failed_and_reads_why(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/")
    page.get_by_role("link", name="Traces", exact=True).click()
    page.get_by_label("Outcome").select_option("error")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/traces?*status=error*")
    page.get_by_role("link", name="plan a trip").click()
    page.wait_for_url(f"**/traces/{AGENT}")
    page.locator(f"#row-{span_id(AGENT, 'book')}").click()
    page.wait_for_url("**/spans/*")
    page.locator("#panel-title", has_text="book").wait_for()
    assert "card declined" in page.locator("#panel").inner_text()
    assert page.locator(".span-row a[aria-current]").get_attribute("id") == f"row-{span_id(AGENT, 'book')}"
    page.reload()
    assert "card declined" in page.locator("#panel").inner_text()
    page.go_back()
    page.locator("#panel-title", has_text="plan a trip").wait_for()
    person.check()


@pytest.mark.slow
def test_the_whole_way_is_walked_by_keys_alone(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url(f"{url}/traces")
    page.keyboard.press("f")
    page.keyboard.type("lisbon")
    page.keyboard.press("Enter")
    page.wait_for_url("**text=lisbon*")
    page.keyboard.press("j")
    assert focused(page) == "plan a trip"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{AGENT}")
    page.keyboard.press("j")
    assert focused(page).startswith("plan a trip")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("turn 1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("j")
    assert focused(page).startswith("turn 2")
    page.keyboard.press("k")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    assert focused(page).startswith("chat claude-sonnet-5")
    page.keyboard.press("]")
    assert focused(page).startswith("turn 2")
    page.keyboard.press("]")
    assert focused(page).startswith("book")
    page.keyboard.press("[")
    assert focused(page).startswith("turn 2")
    page.keyboard.press("]")
    page.keyboard.press("Enter")
    page.locator("#panel-title", has_text="book").wait_for()
    assert focused(page).startswith("book")
    page.keyboard.press("]")
    page.keyboard.press("]")
    assert page.locator("#walk").inner_text() == "There is no further failed span."
    person.check()


def test_the_main_job_is_done_by_keys_alone(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page

    def tab_to(name: str) -> None:
        for _ in range(80):
            if focused(page) == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} is not reached")

    page.goto("/")
    page.keyboard.type("How many days may I carry over?")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/answers/ans_*")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className").startswith("sentence")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#quote-1", wait_until="commit")
    tab_to("Open at this place")
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents/**")
    page.go_back()
    page.goto(page.url.split("#")[0])
    tab_to("Not helpful")
    page.keyboard.press("Enter")
    page.wait_for_url("**#feedback")
    assert page.get_by_role("button", name="Not helpful").get_attribute("aria-pressed") == "true"
    tab_to("Correct it")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Five days.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".given", has_text="Five days.").wait_for()
    person.check()


@pytest.mark.slow
def test_the_search_field_is_one_key_away_and_opens_an_id(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/settings")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type(ANSWER)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{ANSWER}")
    page.keyboard.press("/")
    page.keyboard.type("lentils")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=lentils")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert focused(page) == "chat"
    person.check()


@pytest.mark.slow
def test_a_large_trace_opens_at_once_and_goes_on_below(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto(f"/traces/{LARGE}")
    assert page.locator(".span-row").count() == 200
    page.get_by_role("link", name="200 more below this span").click()
    page.locator(".span-row").nth(399).wait_for()
    assert page.url.endswith(LARGE)
    assert page.locator(".more-rows").count() == 1
    page.get_by_role("searchbox", name="Find in this trace").fill("item 4999")
    page.keyboard.press("Enter")
    page.wait_for_url("**find=item*")
    assert page.locator(".span-row").count() == 1
    far = span_id(LARGE, "call 4999")
    page.goto(f"/traces/{LARGE}/spans/{far}")  # the tree shows the part in which it lies
    assert page.locator("#panel-title").inner_text() == "call 4999"
    assert page.locator(".span-row a[aria-current]").get_attribute("id") == f"row-{far}"
    assert page.locator(".span-row").count() < 100
    page.goto(f"/traces/{LARGE}")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("]")  # the failed span is not on this page of rows
    page.wait_for_url("**errors=1")
    assert page.locator(".span-row.failed").count() == 1
    person.check()


@pytest.mark.slow
def test_two_rows_are_ticked_and_compared(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/traces?session=ses_kitchen")
    button = page.get_by_role("button", name="Compare two")
    assert button.is_disabled()
    page.get_by_role("checkbox", name="Compare chat").nth(0).check()
    page.get_by_role("checkbox", name="Compare chat").nth(1).check()
    button.click()
    page.wait_for_url("**/traces/compare?a=*&b=*")
    assert page.locator("mark").count() > 3
    person.check()


@pytest.mark.slow
def test_the_list_moves_by_itself_where_it_was_told_to_and_not_under_a_choice(
    browser: Any, url: str, house: FakeWorkspace
) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/traces?app=arriving")
    page.get_by_role("link", name="Live", exact=True).click()
    page.wait_for_url("**live=1")

    def arrives(n: int) -> None:
        now = time.time_ns()
        made = samples.Span(
            trace_id(f"late {n}"), span_id("late", str(n)), f"late {n}", now, now + 1, app="arriving"
        )
        house.telemetry.store.add(LOCAL.tenant, [made])

    arrives(1)
    page.get_by_role("link", name="late 1").wait_for()
    page.get_by_role("checkbox", name="Compare late 1").check()
    arrives(2)
    page.wait_for_timeout(2_500)
    assert page.get_by_role("checkbox", name="Compare late 1").is_checked()
    assert page.get_by_role("link", name="late 2").count() == 0
    page.get_by_role("checkbox", name="Compare late 1").uncheck()
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("link", name="late 2").wait_for()
    page.get_by_role("link", name="Live: stop").click()
    assert "live" not in page.url
    person.check()


@pytest.mark.slow
def test_attributes_are_narrowed_and_ids_copied(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    page.goto(f"/traces/{ANSWER}/spans/{span_id(ANSWER, 'chat gpt-5-mini')}")
    rows = page.locator("[data-sift] tr:visible")
    before = rows.count()
    page.get_by_label("Narrow the attributes").fill("temperature")
    assert before > rows.count() == 1
    page.locator("button[data-copy='panel-id']").click()
    assert page.evaluate("navigator.clipboard.readText()") == span_id(ANSWER, "chat gpt-5-mini")
    person.check()


@pytest.mark.slow
def test_feedback_filters_and_trees_work_without_any_script(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=PHONE, java_script_enabled=False)
    page = person.page
    page.goto("/answers/ans_0001")
    page.get_by_role("button", name="Not helpful").click()
    assert page.get_by_role("button", name="Not helpful").get_attribute("aria-pressed") == "true"
    page.get_by_text("Correct it").click()
    page.get_by_label("What it should have said").fill("Within 14 days.")
    page.get_by_role("button", name="Send the correction").click()
    assert "Within 14 days." in page.locator(".given").inner_text()
    page.get_by_role("button", name="Take back").first.click()
    assert "Within 14 days." not in page.locator(".given").inner_text()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Traces", exact=True).click()
    page.locator("summary", has_text="More").click()
    page.get_by_label("User", exact=True).fill("ben")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("link", name="plan a trip").click()
    page.locator(f"#row-{span_id(AGENT, 'find_flight')}").click()
    assert "TP571" in page.locator("#panel").inner_text()
    person.check()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_pages_of_traces_stands_out(browser: Any, url: str, scheme: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, color_scheme=scheme)
    for path in (
        "/traces?status=error",
        f"/traces/{ANSWER}",
        f"/traces/compare?a={ANSWER}&b={AGENT}",
        "/sessions/ses_kitchen",
    ):
        person.page.goto(path)
        assert person.page.evaluate(CONTRAST) == [], (scheme, path)
    person.check()


def test_hostile_text_neither_runs_nor_loads_anything(browser: Any, url: str, house: FakeWorkspace) -> None:
    hostile = trace_id("hostile")
    house.telemetry.feedback.give(LOCAL, "correction", text=HOSTILE, answer_id="ans_0003")
    house.telemetry.feedback.give(LOCAL, "label", value=HOSTILE[:80], trace_id=hostile)
    house.telemetry.views.save(LOCAL, HOSTILE[:80], "traces", f"text={HOSTILE}&cursor=x", True)
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.on("dialog", lambda d: (person.faults.append(f"dialog: {d.message}"), d.dismiss()))
    for path in (
        "/traces", f"/traces/{hostile}", f"/traces/compare?a={hostile}&b={ANSWER}", "/sessions", "/answers/ans_0003",
        "/traces?live=1&app=%3Cimg%20src=http://evil.example/z.png%3E", "/search?q=%3Cimg%20src=http://evil.example/z.png%3E",
    ):  # fmt: skip
        page.goto(path)
        assert page.evaluate("window.hacked") is None, path
        assert page.locator("main img").count() == 0, path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"/traces/{hostile}")
    page.mouse.move(700, 500)
    page.locator(".span-row a").first.click()
    page.wait_for_url("**/spans/*")
    assert "http://evil.example/x.png" in page.locator("#panel").inner_text()
    person.check()
