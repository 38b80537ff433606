"""A person at a real browser: asks, follows the evidence, uses keys and both themes; nothing leaves this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.workspace import Workspace
from groundwork.server.application import create_app
from tests.server.conftest import job
from tests.server.fake_workspace import FakeWorkspace

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
QUESTION = "How many days may be carried into the next year?"
QUOTE = "Up to five days may be carried into the next year."

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed: `apt-get install chromium`"),
]


class Server:
    """An application on a free port, in a thread."""

    def __init__(self, workspace: Any) -> None:
        import uvicorn

        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(create_app(workspace), log_config=None, lifespan="on"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


@pytest.fixture(scope="module")
def url(workspace: Workspace) -> Iterator[str]:
    server = Server(workspace)
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


class Person:
    """A page whose faults and requests are watched; `check` says that there was nothing to complain of."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=url, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.faults: list[str] = []
        self.hosts: set[str] = set()
        self.url = url
        self.page.on(
            "console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("request", lambda r: self.hosts.add(r.url.split("/")[2]))

    def check(self) -> None:
        assert self.faults == []
        assert self.hosts == {self.url.split("/")[2]}
        self.context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_person_asks_and_reads_the_evidence(
    browser: Any, url: str, size: dict[str, int], scheme: str
) -> None:
    person = Person(browser, url, viewport=size, color_scheme=scheme)
    page = person.page
    page.goto("/")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**/answers/ans_*")
    assert page.get_by_role("heading", level=1).inner_text() == QUESTION
    sentence = page.locator(".sentence").first
    assert QUOTE in sentence.inner_text()
    mark = page.locator("#quote-1")
    assert QUOTE in mark.inner_text()
    ground = mark.evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == ("rgb(255, 240, 179)" if scheme == "light" else "rgb(92, 74, 0)")
    answer, evidence = sentence.bounding_box(), mark.bounding_box()
    assert (
        (evidence["x"] > answer["x"] + 300)
        if size == DESKTOP
        else (evidence["y"] > answer["y"] + answer["height"])
    )
    page.get_by_role("link", name="Open at this place").first.click()
    page.wait_for_url("**/documents/**")
    assert page.locator("#span").inner_text() == QUOTE
    assert page.locator("#span").evaluate(
        "e => { const b = e.getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight; }"
    )
    page.go_back()
    assert page.get_by_role("heading", level=1).inner_text() == QUESTION
    person.check()


def test_a_sentence_is_joined_to_its_source_on_hover_and_by_keyboard(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, reduced_motion="reduce")
    page = person.page
    _ask(page)
    threads = page.locator("#threads path")
    assert threads.count() == 0
    page.locator(".sentence").first.hover()
    assert threads.count() == 1
    assert "on" in page.locator("#quote-1").get_attribute("class").split()
    page.mouse.move(5, 5)
    assert threads.count() == 0
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className").startswith("sentence")
    assert threads.count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "cite"
    page.keyboard.press("Enter")
    page.wait_for_url("**#quote-1", wait_until="commit")
    page.locator("#quote-1").hover()
    assert "on" in page.locator(".sentence").first.get_attribute("class").split()
    person.check()


def test_everything_is_reached_by_keys(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/answers")
    page.keyboard.press("?")
    assert page.locator("#key-help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#key-help").is_visible()
    for key, path in (("k", "/knowledge"), ("s", "/settings"), ("r", "/answers"), ("a", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"{url}{path}")
        page.evaluate("document.activeElement.blur()")
    page.goto("/knowledge/default")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.id") == "contains"
    page.keyboard.type("gtravel")
    assert page.url.split("?")[0].endswith("/knowledge/default")
    page.goto("/settings")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    person.check()


def test_a_list_is_narrowed_while_one_types(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/knowledge/default")
    assert page.locator("#document-list tbody tr").count() == 2
    page.get_by_role("searchbox", name="Search documents").fill("travel")
    page.locator("#document-list tbody tr:only-child").wait_for()
    page.wait_for_url("**contains=travel**", wait_until="commit")
    page.reload()
    assert page.locator("#document-list tbody tr").count() == 1
    person.check()


def test_two_snapshots_chosen_with_shift_are_compared(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/knowledge/default/snapshots")
    pins = page.locator("td a.pin")
    pins.nth(1).click(modifiers=["Shift"])
    pins.nth(0).click(modifiers=["Shift"])
    page.wait_for_url("**/knowledge/default/diff?old=*")
    assert "2 documents differ" in page.locator(".lead").inner_text()
    person.check()


def test_a_chosen_theme_stays_chosen_and_does_not_flicker(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, color_scheme="light")
    page = person.page
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch to dark colours").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.goto("/knowledge")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    person.check()


def test_progress_moves_by_itself_survives_a_reload_and_ends(browser: Any, tmp_path: Path) -> None:
    fake = FakeWorkspace(tmp_path, jobs_=[job("job_1", "running")])
    server = Server(fake)
    try:
        person = Person(browser, server.url, viewport=DESKTOP)
        page = person.page
        page.goto("/jobs/job_1")
        bar = page.locator("progress")
        assert bar.get_attribute("value") == "40"
        from dataclasses import replace

        fake.jobs_[0] = replace(fake.jobs_[0], progress={"stage": "embedding", "done": 90, "total": 120})
        page.locator("progress[value='90']").wait_for()
        page.reload()
        assert bar.get_attribute("value") == "90"
        fake.jobs_[0] = job("job_1", "succeeded")
        page.locator("#progress[aria-busy=false]").wait_for()
        assert page.locator("#cancel").count() == 0
        assert page.get_by_role("link", name="Open default").is_visible()
        person.check()
    finally:
        server.stop()


def test_pages_work_without_any_script(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, java_script_enabled=False)
    page = person.page
    page.goto("/")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    assert QUOTE in page.locator("#quote-1").inner_text()
    page.get_by_role("link", name="Replay").first.click()
    assert "Identical" in page.locator(".verdict").inner_text()
    page.goto("/knowledge/default")
    page.get_by_role("searchbox", name="Search documents").fill("travel")
    page.keyboard.press("Enter")
    page.wait_for_url("**contains=travel")
    assert page.locator("#document-list tbody tr").count() == 1
    person.check()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_is_wider_than_the_screen(
    browser: Any, url: str, workspace: Workspace, size: dict[str, int]
) -> None:
    person = Person(browser, url, viewport=size)
    page = person.page
    answer = _ask(page)
    document = workspace.documents()[0][0].id
    for path in (
        "/", "/answers", answer, f"{answer}/explain", f"{answer}/replay", f"{answer}/settings", "/knowledge",
        "/knowledge/default",
        "/knowledge/default/snapshots", "/knowledge/default/diff", "/knowledge/default/rollback?to=head~1",
        "/knowledge/default/quarantine", f"/knowledge/default/documents/{document}", "/settings", "/settings/health",
    ):  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    person.check()


def test_text_on_the_page_stands_out_from_what_is_behind_it(browser: Any, url: str) -> None:
    """Contrast as it is drawn, over all text of the busiest pages, in both themes."""
    for scheme in ("light", "dark"):
        person = Person(browser, url, viewport=DESKTOP, color_scheme=scheme)
        answer = _ask(person.page)
        for path in (
            "/",
            answer,
            f"{answer}/explain",
            "/knowledge/default",
            "/knowledge/default/diff",
            "/settings/health",
        ):
            person.page.goto(path)
            weak = person.page.evaluate(CONTRAST)
            assert weak == [], (scheme, path)
        person.check()


def _ask(page: Any) -> str:
    page.goto("/")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/answers/ans_*")
    return "/" + page.url.split("/", 3)[3]


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgb = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const c of layers) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest(".visually-hidden, .skip, option")) continue;
    const grounds = [];
    for (let n = e; n; n = n.parentElement) grounds.unshift(getComputedStyle(n).backgroundColor);
    const ink = luminance(rgb([...grounds, getComputedStyle(e).color])), ground = luminance(rgb(grounds));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) weak.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${walker.currentNode.data.slice(0, 30)}`);
  }
  return weak;
}"""
