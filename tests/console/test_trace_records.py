"""Own records are traces without any code: from an answer, a call or a job to its spans and back, over real workspaces."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from tests.console.test_trace_pages import get, send, titles, words
from tests.gateway_house import GatewayHouse, make_house
from tests.server.conftest import client_of


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHouse]:
    made = make_house(tmp_path_factory.mktemp("used") / "w", days=1)
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def using(used: GatewayHouse) -> Iterator[TestClient]:
    with client_of(used.workspace) as made:
        yield made


def trace_of(page: str) -> str:
    found = re.search(r'href="(/traces/[0-9a-f]{32})"', page)
    assert found, "no link to a trace"
    return found[1]


def test_a_question_asked_here_is_a_trace_at_once(client: TestClient) -> None:
    where = send(
        client, "/", "/ask", question="How many days may be carried into the next year?", app="default"
    )
    answer = get(client, where)
    assert "How it came about" in words(answer)
    path = trace_of(answer)
    page = get(client, path)
    said = words(page)
    assert "An answer of default: How many days may be carried into the next year?" in said
    assert f'href="{where}" title="answer' in page
    spans = dict(
        re.findall(r'<a href="([^"]*/spans/[0-9a-f]{16})"[^>]*><span class="span-name">([^<]*)</span>', page)
    )
    search = next(href for href, name in spans.items() if name.startswith("retrieval"))
    found = get(client, search)
    assert "found" in words(found)
    document = re.search(r'href="(/knowledge/default/documents/[^"]*#span)"', found)
    assert document
    assert 'id="span"' in get(client, document[1].replace("&amp;", "&").split("#")[0])


def test_feedback_on_an_answer_is_on_the_line_of_its_trace(client: TestClient, answer_id: str) -> None:
    page = f"/answers/{answer_id}"
    path = trace_of(get(client, page))
    send(client, page, "/feedback", kind="thumb", value="down", answer_id=answer_id)
    shown = re.findall(r'class="line-title" href="([^"]*)"', get(client, "/traces?feedback=down"))
    assert path in shown
    assert "not helpful" in words(get(client, path))


def test_a_call_leads_to_its_trace_and_the_trace_back(using: TestClient, used: GatewayHouse) -> None:
    call = used.workspace.usage.calls(LOCAL, {"model": "fast"}, limit=1)[0].id
    path = trace_of(get(using, f"/usage/{call}"))
    page = get(using, path)
    assert "A model call" in words(page)
    assert f'href="/usage/{call}"' in page
    assert "The route fails, the fallback answers." in page
    assert "Trains are booked in second class" in page
    failed = get(using, f"{path}?errors=1")
    assert len(re.findall(r'class="span-name"', failed)) >= 1


def test_every_call_and_ingest_is_in_the_list(using: TestClient, used: GatewayHouse) -> None:
    used.workspace.telemetry.fresh()
    shown = titles(get(using, "/traces?source=groundwork"))
    assert any(t.startswith("ingest") for t in shown)
    assert len(titles(get(using, "/traces?status=error"))) >= 1
    assert titles(get(using, "/traces?app=default"))


def test_a_job_leads_to_its_trace_and_the_trace_back(client: TestClient, workspace: Workspace) -> None:
    job = workspace.start_ingest([workspace.root / "handbook"], index="default", principal=LOCAL)
    workspace.cancel(job)
    page = get(client, f"/jobs/{job}")
    assert "Its trace" in page
    assert f'href="/jobs/{job}"' in get(client, trace_of(page))
