"""Every page in a real browser, on a desk and on a phone, light and dark: axe finds nothing, nothing fails, nothing is said.

The pages are those of the routes: a route without an example fails a test. With GROUNDWORK_SCREENSHOTS set,
screenshots are kept under `build/screenshots/`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.console import house as houses
from tests.console.test_browser import DESKTOP, PHONE, Server, browser, pytestmark

__all__ = ["browser", "pytestmark"]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"desktop": DESKTOP, "phone": PHONE}
ABORTED = "ERR_ABORTED"
Found = list[tuple[str, houses.Looked, Server]]
MODES = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The houses, each behind a server of its own."""
    made = [
        ("written", houses.written_house(tmp_path_factory.mktemp("written"))),
        ("used", houses.used_house(tmp_path_factory.mktemp("used") / "w")),
        ("released", houses.released_house(tmp_path_factory.mktemp("released") / "w")),
        ("gated", houses.gated_house(tmp_path_factory.mktemp("gated") / "w")),
        ("evaluated", houses.evaluated_house(tmp_path_factory.mktemp("evaluated") / "w")),
        ("judged", houses.judged_house(tmp_path_factory.mktemp("judged") / "w")),
        ("datasets", houses.dataset_house(tmp_path_factory.mktemp("datasets") / "w")),
        ("tuned", houses.tuned_house(tmp_path_factory.mktemp("tuned") / "w")),
        ("walked", houses.walked_house(tmp_path_factory.mktemp("walked") / "w")),
        ("empty", houses.empty_house(tmp_path_factory.mktemp("empty"))),
    ]
    found = [(name, house, Server(house.workspace)) for name, house in made]
    yield found
    for _, house, server in found:
        server.stop()
        house.close()


def test_every_route_of_the_console_has_a_page_to_look_at(looked: Found) -> None:
    known = {route for _, house, _ in looked for route in house.addresses}
    routes = set(houses.console_routes(looked[0][1].workspace))
    assert routes - known - set(houses.SHOWN_ONCE) == set()
    assert known <= routes


def test_the_first_page_of_every_room_is_accessible(browser: Any, looked: Found) -> None:
    """Each once, in turn on a desk and on a phone, light and dark; the slow tests look at every other page too."""
    turns, seen = cycle(MODES), set()
    fronts = []
    for name, house, server in looked:
        rooms = {r: a[:1] for r, a in house.addresses.items() if r.count("/") == 1 and r not in seen}
        addresses = {r: a for r, a in rooms.items() if "{" not in r}
        seen |= set(addresses)
        fronts.append((name, houses.Looked(house.workspace, addresses), server))
    _look(browser, fronts, lambda n: {next(turns)})


@pytest.mark.slow
def test_every_page_is_accessible(browser: Any, looked: Found) -> None:
    """Each route once, in turn on a desk and on a phone, light and dark; another test looks at everything in every way."""
    turns = cycle(MODES)
    _look(browser, looked, lambda n: {next(turns)} if n == 0 else set())


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=["-".join(m) for m in MODES])
def test_every_page_is_accessible_in_every_size_and_colour(
    browser: Any, looked: Found, mode: tuple[str, str]
) -> None:
    _look(browser, looked, lambda n: {mode})


def _look(browser: Any, looked: Found, modes: Callable[[int], set[tuple[str, str]]]) -> None:
    """Look at pages; `modes` says for the n-th example of a route in which ways."""
    from axe_playwright_python.sync_playwright import Axe

    axe, faults = Axe(), []
    for name, house, server in looked:
        pages: dict[tuple[str, str], Any] = {}
        for found in house.addresses.values():
            for n, address in enumerate(found):
                for mode in modes(n):
                    page = pages.get(mode) or pages.setdefault(mode, _page(browser, server, mode, faults))
                    page.goto(address)
                    faults += [(name, address, mode, *fault) for fault in _faults(axe, page)]
                    _keep(page, name, address, mode)
        for page in pages.values():
            page.context.close()
    assert not faults, "\n".join(dict.fromkeys(map(str, faults)))


def _page(browser: Any, server: Server, mode: tuple[str, str], faults: list[Any]) -> Any:
    context = browser.new_context(
        base_url=server.url, viewport=SIZES[mode[0]], color_scheme=mode[1], reduced_motion="reduce"
    )
    page = context.new_page()
    page.on(
        "console", lambda m: faults.append((page.url, m.text)) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda e: faults.append((page.url, str(e))))
    # What a page still asked for when one leaves it is aborted by the browser, and no fault.
    page.on(
        "requestfailed",
        lambda r: None if ABORTED in (r.failure or "") else faults.append((page.url, r.failure, r.url)),
    )
    page.on(
        "response", lambda r: faults.append((page.url, f"{r.status} {r.url}")) if r.status >= 400 else None
    )
    page.on(
        "request", lambda r: faults.append((page.url, r.url)) if not r.url.startswith(server.url) else None
    )
    return page


def _faults(axe: Any, page: Any) -> Iterator[tuple[str, ...]]:
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    for violation in found.response["violations"]:
        for node in violation["nodes"][:3]:
            yield violation["id"], node["html"][:200], node.get("failureSummary", "")
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        yield ("wider than the screen",)


def _keep(page: Any, name: str, address: str, mode: tuple[str, str]) -> None:
    if not os.environ.get("GROUNDWORK_SCREENSHOTS"):
        return
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    slug = (
        re.sub(r"[^a-z0-9]+", "-", re.sub(r"[0-9a-v]{16,}", "x", address.lower())).strip("-")[:80] or "home"
    )
    page.screenshot(path=SCREENSHOTS / f"{name}-{slug}.{'-'.join(mode)}.png")
