"""Dashboards and questions in SQL: over HTTP, as pages, and in a real browser; each tenant sees its own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import Principal
from groundwork.server.application import create_app
from tests.console.board_spans import fill, traffic
from tests.console.test_browser import CONTRAST, DESKTOP, PHONE, Person, Server, browser
from tests.server.conftest import BASE, client_of
from tests.workspaces import light_workspace

__all__ = ["browser"]
TRACES = 300


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = light_workspace(tmp_path_factory.mktemp("boards") / "w")
    fill(made, traffic(TRACES))
    fill(made, traffic(20, seed=1, tenant_app="theirs"), "other")
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(house: Workspace) -> Iterator[TestClient]:
    with client_of(house) as made:
        yield made


class Somebody:
    """A doorkeeper who takes everybody for one principal."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def principal(self, request: Any) -> Principal:
        return self._principal

    def allows(self, principal: Principal, permission: str) -> bool:
        return True


def as_(house: Workspace, principal: Principal) -> TestClient:
    app = create_app(house, doorkeeper=Somebody(principal))
    return TestClient(app, base_url=BASE, client=("127.0.0.1", 50000), raise_server_exceptions=False)


def test_a_dashboard_over_http_adds_up(client: TestClient) -> None:
    board = client.get("/api/dashboards", params={"range": "30d"}).json()
    total = board["total"]
    assert total["requests"] == TRACES
    assert sum(p["measures"]["requests"] for p in board["series"]) == TRACES
    assert sum(r["measures"]["requests"] for r in board["rows"]["app"]) == TRACES
    assert sum(r["measures"]["cost_nanousd"] for r in board["rows"]["model"]) == total["cost_nanousd"]
    assert total["errors"]["low"] < total["errors"]["value"] < total["errors"]["high"]
    assert board["step_s"] == 86400
    narrowed = client.get("/api/dashboards", params={"range": "30d", "app": "support"}).json()
    assert 0 < narrowed["total"]["requests"] < TRACES
    model = client.get("/api/dashboards", params={"range": "30d", "model": "claude-haiku"}).json()
    assert model["total"]["requests"] == model["total"]["calls"] > 0


@pytest.mark.parametrize(
    "query",
    ["range=x", "range=99999w", "since=2026-11-02&until=2026-11-01", "since=0001-01-01T00:00:00", "until=x"],
)
def test_a_stretch_of_time_that_is_none_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/dashboards?{query}").status_code in (400, 422)


def test_a_tenant_sees_its_own_traffic_alone(house: Workspace) -> None:
    for tenant, count in (("default", TRACES), ("other", 20), ("third", 0)):
        with as_(house, Principal(tenant=tenant, owner=True)) as client:
            board = client.get("/api/dashboards?range=30d").json()
            assert board["total"]["requests"] == count
            assert ("theirs" in str(board)) == (tenant == "other")
            answer = client.post("/api/query", json={"statement": "SELECT count(*) FROM traces"}).json()
            assert answer["rows"] == [[count]]
            page = client.get("/dashboards?range=30d").text
            assert ("theirs" in page) == (tenant == "other")


def test_whoever_is_no_owner_sees_a_dashboard_of_their_own(house: Workspace) -> None:
    with as_(house, Principal(name="nobody")) as client:
        board = client.get("/api/dashboards?range=30d").json()
        assert board["total"]["requests"] == board["counted_spans"] == 0
        assert board["dearest"] == []
    with as_(house, Principal(name="local")) as client:
        assert client.get("/api/dashboards?range=30d").json()["total"]["requests"] == TRACES


def test_every_measure_on_the_page_stands_with_its_interval_its_meaning_and_its_records(
    client: TestClient,
) -> None:
    page = client.get("/dashboards?range=30d&app=support").text
    boards = re.findall(r'<section class="board".*?</section>', page, re.S)
    assert len(boards) == 9
    for board in boards:
        href = re.search(r'class="value" href="([^"]*)"', board)
        assert href is not None
        assert "app=support" in href[1]
        assert "since=" in href[1]
        assert client.get(href[1].replace("&amp;", "&")).status_code == 200
        assert '<p class="means">' in board
        if " %<" in board:
            assert re.search(r"95 %: [\d.]+ % to [\d.]+ %, n = [\d,]+", board)
    week = client.get("/dashboards?range=7d").text
    assert "No clear change: it was" in week
    assert "more than in the 7 days before" in week


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    workspace = light_workspace(tmp_path / "w")
    with client_of(workspace) as client:
        page = client.get("/dashboards").text
        assert "Ask a question" in page
        assert "<svg" not in page
        assert client.get("/query?sql=SELECT+count(*)+FROM+spans").status_code == 200
    workspace.close()


def test_a_question_in_sql_has_a_page_a_file_and_a_clear_refusal(client: TestClient) -> None:
    statement = "SELECT date_trunc('day', started_at) AS day, count(*) AS traces FROM traces GROUP BY day ORDER BY day"
    page = client.get("/query", params={"sql": statement}).text
    assert "data-plot" in page
    assert "Download as CSV" in page
    found = client.get("/query/result.csv", params={"sql": "SELECT '=1+1' AS a, 2 AS b"})
    assert found.text == "a,b\r\n'=1+1,2\r\n"
    refused = client.get("/query", params={"sql": "DROP TABLE spans"}).text
    assert "only SELECT is answered" in refused
    problem = client.post("/api/query", json={"statement": "SELECT nam FROM spans"})
    assert problem.status_code == 400
    assert "`name`" in problem.json()["hint"]
    assert client.post("/api/query", json={"statement": "SELECT 1", "limit": 10**9}).status_code == 422


def test_text_in_an_answer_is_shown_and_not_run(client: TestClient) -> None:
    page = client.get(
        "/query", params={"sql": "SELECT '<script>alert(1)</script>' AS x, '<b>' AS \"<i>\""}
    ).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<i>" not in page


def test_spans_are_downloaded_as_parquet(client: TestClient) -> None:
    import pyarrow.parquet as pq

    found = client.get("/api/spans.parquet?limit=25")
    assert found.headers["x-more"] == "true"
    assert pq.read_table(io.BytesIO(found.content)).num_rows == 25


def test_the_counters_of_the_process_say_what_traces_and_requests_came(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert f'groundwork_spans_total{{outcome="stored"}} {4 * (TRACES + 20)}.0' in text
    client.get("/nothing/of/that/name")
    text = client.get("/metrics").text
    assert re.search(r'groundwork_http_requests_total\{method="GET",route="other",status="404"\} \d', text)
    assert "/nothing" not in text
    assert 'groundwork_telemetry_lag_seconds{part="rollups"}' in text


browsing = pytest.mark.browser


@pytest.fixture(scope="module")
def url(house: Workspace) -> Iterator[str]:
    server = Server(house)
    yield server.url
    server.stop()


@browsing
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_plots_are_drawn_and_the_page_fits(browser: Any, url: str, size: dict[str, int], scheme: str) -> None:
    person = Person(browser, url, viewport=size, color_scheme=scheme)
    page = person.page
    for path in ("/dashboards?range=30d", "/dashboards?range=30d&app=sales", "/query?sql=SELECT+1+AS+one"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(CONTRAST) == [], path
    page.goto("/dashboards?range=30d")
    assert page.locator(".drawn-plot canvas").count() >= 8
    columns = {page.locator(".board").nth(n).bounding_box()["x"] for n in range(4)}
    assert len(columns) == (1 if size == PHONE else 3)
    person.check()


@pytest.mark.slow
@browsing
def test_a_person_goes_by_keyboard_to_a_number_and_to_its_traces(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/answers")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/dashboards")
    page.get_by_role("link", name="the last 30 days").press("Enter")
    page.wait_for_url("**range=30d**")
    over = page.locator(".drawn-plot .u-over").first
    box = over.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 6, box["y"] + 20)
    assert "requests" in page.locator(".drawn-plot figcaption").first.inner_text()
    page.get_by_role("link", name="sales", exact=True).press("Enter")
    page.wait_for_url("**app=sales**")
    page.get_by_role("link", name=re.compile("Failed: .* the traces behind it")).press("Enter")
    page.wait_for_url("**/traces?**status=error**")
    assert page.locator("tbody tr").count() > 0
    person.check()


@pytest.mark.slow
@browsing
def test_without_script_the_same_is_there_as_pictures_and_figures(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP, java_script_enabled=False)
    page = person.page
    page.goto("/dashboards?range=30d")
    assert page.locator(".drawn-plot svg").count() >= 8
    page.get_by_text("The plots in figures").click()
    assert page.locator(".figures-of tbody tr").count() > 10
    person.context.close()


@browsing
def test_a_person_asks_in_sql_and_sends_the_question_on(browser: Any, url: str) -> None:
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto("/dashboards?range=30d")
    page.get_by_role("link", name="Ask in SQL").click()
    page.get_by_role("link", name="Cost by app and model").click()
    page.get_by_label("The rows").wait_for()
    assert page.locator("tbody tr").count() == 9
    page.get_by_label("Statement").fill("SELECT nonsense FROM spans")
    page.get_by_role("button", name="Ask", exact=True).click()
    assert "nonsense" in page.get_by_role("alert").inner_text()
    assert "nonsense" in page.url
    person.check()


@browsing
@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/dashboards?range=30d", "/query?sql=SELECT+kind,+count(*)+FROM+spans+GROUP+BY+kind"]
)
def test_axe_finds_nothing(browser: Any, url: str, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    person = Person(browser, url, viewport=PHONE, color_scheme="dark")
    person.page.goto(path)
    found = Axe().run(person.page)
    assert found.response["violations"] == [], found.generate_report()
    person.context.close()
