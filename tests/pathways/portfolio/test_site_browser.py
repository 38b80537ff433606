"""The site in a real browser, from the disk: accessible in light and dark, on a desk and a phone, and asking nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.test_browser import CHROMIUM, DESKTOP, PHONE, browser
from tests.pathways.portfolio.house import exported

__all__ = ["browser"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed: `apt-get install chromium`"),
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_every_page_is_accessible_and_asks_nobody_for_anything(
    browser: Any, scheme: str, size: dict[str, int]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text))
    page.on("request", lambda r: None if r.url.startswith("file:") else faults.append(r.url))
    for path in sorted(exported().rglob("*.html")):
        page.goto(path.as_uri())
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        faults += [f"{path.name}: {v['id']}" for v in found.response["violations"]]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            faults.append(f"{path.name} is wider than the screen")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip", (
            "the way past the navigation comes first"
        )
    page.context.close()
    assert faults == []
