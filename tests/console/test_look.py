"""The look, checked: contrast of every pair of colours that is used, and what a page needs to be read without eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.core.principal import LOCAL
from groundwork.server import static
from tests.console.sample_traces import sample_spans, span_id, trace_id
from tests.server.fake_workspace import FakeWorkspace

CSS = (static.HERE / "tokens.css").read_text(encoding="utf-8")
SHEET = "".join((static.HERE / name).read_text(encoding="utf-8") for name in ("console.css", "traces.css"))
TEXT_PAIRS = [
    (ink, ground)
    for ink in ("ink", "ink-soft")
    for ground in ("paper", "raised", "band-0", "band-1", "accent-soft", "good-soft", "warn-soft", "bad-soft")
] + [
    ("ink", "mark"), ("ink", "mark-strong"), ("accent-ink", "accent"),
    ("accent", "paper"), ("accent", "raised"), ("accent", "accent-soft"), ("accent", "good-soft"), ("accent", "warn-soft"),
    ("good", "paper"), ("good", "raised"), ("warn", "paper"), ("warn", "raised"), ("bad", "paper"), ("bad", "raised"),
]  # fmt: skip
EDGE_PAIRS = [
    ("line-strong", "paper"),
    ("line-strong", "raised"),
    ("accent", "paper"),
    ("mark-edge", "raised"),
]
VOID = {"meta", "link", "input", "img", "br", "hr", "source"}


def _themes() -> Iterator[tuple[str, dict[str, str]]]:
    blocks = re.findall(r"\{([^{}]*--paper[^{}]*)\}", CSS)
    assert len(blocks) == 3
    values = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", b)) for b in blocks]
    assert values[1] == values[2], "the dark theme of the system and the chosen one differ"
    yield "light", values[0]
    yield "dark", values[1]


THEMES = dict(_themes())


def _luminance(colour: str) -> float:
    """Relative luminance of sRGB, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, WCAG 2.2, between 1 and 21."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_stands_out_by_four_and_a_half_to_one(theme: str, ink: str, ground: str) -> None:
    assert contrast(THEMES[theme][ink], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("edge", "ground"), EDGE_PAIRS)
def test_edges_of_controls_stand_out_by_two_and_a_half_to_one(theme: str, edge: str, ground: str) -> None:
    """WCAG asks for 3 to 1 where the edge alone shows the control; ours are labelled, and most reach it."""
    assert contrast(THEMES[theme][edge], THEMES[theme][ground]) >= 2.5


def test_the_reference_colours_of_the_design_are_used() -> None:
    assert (THEMES["light"]["accent"], THEMES["dark"]["accent"]) == ("#0b6e6e", "#4fc3bd")
    assert (THEMES["light"]["mark"], THEMES["dark"]["mark"]) == ("#fff0b3", "#5c4a00")


def test_colours_are_named_once_and_sizes_are_the_four_of_the_design() -> None:
    assert not re.search(r"#[0-9a-f]{3,8}\b", re.sub(r"#[a-z-]+", "", SHEET))
    sizes = re.findall(r"--(?:small|body|large|title):\s*([\d.]+)rem", CSS)
    assert [float(s) * 16 for s in sizes] == [13, 15, 19, 24]
    used = set(re.findall(r"font-size:\s*([^;}]+)", SHEET))
    assert used <= {"var(--small)", "var(--body)", "var(--large)", "var(--title)", "16px", "0.9em"}


def test_focus_is_visible_and_motion_is_optional() -> None:
    assert ":focus-visible { outline: 2px solid var(--accent)" in SHEET
    moving = SHEET.split("prefers-reduced-motion: no-preference")[0]
    assert "transition" not in moving
    assert "animation" not in SHEET
    assert all(int(ms) <= 150 for ms in re.findall(r"(\d+)ms", SHEET))


class _Page(HTMLParser):
    """What matters of a page for those who hear it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.open: list[str] = []
        self.names: list[tuple[str, str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label":
            self.labels.add(str(found.get("for") or ""))
        if tag not in VOID:
            self.open.append(tag)
            if tag in ("a", "button"):
                self.names.append((tag, str(found.get("aria-label") or "")))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.names and any(t in ("a", "button") for t in self.open):
            self.names[-1] = (self.names[-1][0], self.names[-1][1] + data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag]


def _paths(fake: FakeWorkspace) -> list[str]:
    leave, travel = fake._documents
    return [
        "/", "/answers", "/answers/ans_0003", "/answers/ans_0002", "/answers/ans_0001/replay", "/answers/ans_0003/explain",
        "/answers/ans_0003/settings", "/answers/compare?a=ans_0003&b=ans_0001", "/answers?compare=ans_0003",
        "/knowledge",
        "/knowledge/default", "/knowledge/default@head~1", "/knowledge/default/snapshots", "/knowledge/default/quarantine",
        "/knowledge/default/diff", "/knowledge/default/rollback?to=head~1",
        f"/knowledge/default/documents/{leave}?start=10&end=60",
        f"/knowledge/default/documents/{travel}", "/jobs", "/jobs/job_1", "/jobs/job_2", "/settings", "/settings/health",
        "/problems/not_found", "/nope",
    ]  # fmt: skip


def _trace_paths(fake: FakeWorkspace) -> list[str]:
    fake.telemetry.store.add(LOCAL.tenant, sample_spans())
    answer, agent, hostile = (trace_id(n) for n in ("answer", "agent", "hostile"))
    spans = [(answer, "chat gpt-5-mini"), (answer, "search default"), (answer, "attempt 1"), (agent, "book")]
    return [
        "/traces", "/traces?status=error&order=slowest&min_ms=x", "/traces?text=nothingatall", f"/traces/{answer}",
        f"/traces/{agent}?errors=1", f"/traces/{hostile}", f"/traces/compare?a={answer}&b={agent}", "/sessions",
        "/sessions/ses_kitchen", "/search", "/search?q=leave", "/search?q=nothingatall", "/dashboards", "/query",
        *(f"/traces/{t}/spans/{span_id(t, name)}" for t, name in spans),
    ]  # fmt: skip


def test_every_page_can_be_heard_and_walked_by_keyboard(fake_client: TestClient, fake: FakeWorkspace) -> None:
    for path in [*_paths(fake), *_trace_paths(fake)]:
        page = _Page(fake_client.get(path, headers={"accept": "text/html"}).text)
        assert page.all("html")[0]["lang"] == "en", path
        assert len(page.all("h1")) == 1, path
        assert len(page.all("main")) == 1, path
        assert all(n.get("aria-label") for n in page.all("nav")), path
        assert len(page.ids) == len(set(page.ids)), (path, sorted(page.ids))
        assert page.all("a")[0]["href"] == "#main", path
        assert all("alt" in i for i in page.all("img")), path
        assert all(name for _, name in page.names), (path, page.names)
        for field in [*page.all("input"), *page.all("textarea"), *page.all("select")]:
            named = field.get("type") == "hidden" or field.get("aria-label") or field.get("id") in page.labels
            assert named, (path, field)
        for tag, a in page.tags:
            for name in ("aria-labelledby", "aria-describedby"):
                assert a.get(name) in (None, *page.ids), (path, tag, a)
            if tag == "a" and str(a.get("href", "")).startswith("#"):
                assert str(a["href"])[1:] in page.ids, (path, a)
            assert tag != "th" or a.get("scope"), (path, a)


def test_headings_leave_no_level_out(fake_client: TestClient, fake: FakeWorkspace) -> None:
    for path in [*_paths(fake), *_trace_paths(fake)]:
        page = _Page(fake_client.get(path, headers={"accept": "text/html"}).text)
        inside = [t for t, a in page.tags if re.fullmatch(r"h[1-6]", t) and a.get("id") != "key-title"]
        levels = [int(t[1]) for t in inside]
        assert levels[0] == 1, path
        assert all(b <= a + 1 for a, b in pairwise(levels)), (path, levels)


def test_every_link_on_every_page_leads_somewhere(fake_client: TestClient, fake: FakeWorkspace) -> None:
    seen: set[str] = set()
    for path in _paths(fake):
        page = _Page(fake_client.get(path, headers={"accept": "text/html"}).text)
        for _, a in page.tags:
            target = str(a.get("href") or a.get("src") or "").split("#")[0]
            if target and target not in seen:
                seen.add(target)
                assert target.startswith("/"), (path, target)
                status = fake_client.get(target, headers={"accept": "text/html"}).status_code
                allowed = {200, 404} if "doc_old" in target else {200}
                assert status in allowed, (path, target, status)
    assert len(seen) > 40


def test_every_template_is_used_and_every_static_file_is_served(fake_client: TestClient) -> None:
    templates = Path(static.HERE).parent / "templates"
    sources = "".join(
        p.read_text(encoding="utf-8") for p in [*templates.glob("*.html"), *templates.parent.glob("*.py")]
    )
    for template in templates.glob("*.html"):
        kind = re.match(r"answer_(record|replay|explain|settings)\.html", template.name)
        assert kind or template.name in sources, template.name
    for name in static.files():
        response = fake_client.get(static.address(name))
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        again = fake_client.get(f"/static/{name}", headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304
    for name in ("../application.py", "%2e%2e/application.py", "/etc/passwd", "nope.css"):
        assert fake_client.get(f"/static/{name}").status_code == 404
