"""Traces over HTTP: lists, trees, spans, sessions, deletion and saved views."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.server import trace_bodies
from groundwork.telemetry.types import Query, SpanEvent
from tests.server.conftest import client_of
from tests.telemetry.making import START, generation, span, span_id, trace_id


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    workspace = Workspace.init(Path(tmp_path_factory.mktemp("traced")))
    workspace.telemetry.store.add(
        "default",
        [
            span(1, 0, app="shop", session_id="s/1", name="ask", input="When does the gate open?"),
            generation(
                1, 1, 0, events=(SpanEvent("done", START, {"ok": True}),), attributes={"x": {"y": [1, None]}}
            ),
            span(2, 0, app="desk", status="error", session_id="s/1"),
            span(3, 0, name="<script>\x00\ufffe</script>", input="hostile"),
        ],
    )
    workspace.telemetry.store.add("other", [span(9, 0)])
    with client_of(workspace) as client:
        yield client
    workspace.close()


def test_every_field_of_a_question_is_a_parameter() -> None:
    assert set(inspect.signature(trace_bodies.asked).parameters) == {f.name for f in fields(Query)}


def test_traces_are_listed_narrowed_ordered_and_paged(traced: TestClient) -> None:
    page = traced.get("/api/traces", params={"limit": 2}).json()
    assert [x["trace_id"] for x in page["items"]] == [trace_id(3), trace_id(2)]
    rest = traced.get("/api/traces", params={"limit": 2, "cursor": page["next"]}).json()
    assert [x["trace_id"] for x in rest["items"]] == [trace_id(1)]
    assert rest["next"] is None
    assert rest["items"][0]["models"] == ["small"]
    for question in (
        {"app": "shop"},
        {"text": "gate"},
        {"model": "small"},
        {"min_tokens": "50"},
        {"kind": "generation"},
    ):
        found = traced.get("/api/traces", params=question).json()["items"]
        assert [x["trace_id"] for x in found] == [trace_id(1)], question
    dearest = traced.get("/api/traces", params={"order": "dearest"}).json()["items"]
    assert dearest[0]["trace_id"] == trace_id(1)
    assert traced.get("/api/traces", params={"status": "error"}).json()["items"][0]["errors"] == 1


def test_a_trace_opens_by_the_beginning_of_its_id_with_its_tree_and_spans(traced: TestClient) -> None:
    line = traced.get(f"/api/traces/{trace_id(1)[:8]}").json()
    assert (line["name"], line["spans"], line["cost_nanousd"]) == ("ask", 2, 5000)
    tree = traced.get(f"/api/traces/{trace_id(1)}/spans").json()
    assert [(x["span_id"], x["depth"]) for x in tree["items"]] == [(span_id(0), 0), (span_id(1), 1)]
    assert (
        traced.get(f"/api/traces/{trace_id(1)}/spans", params={"contains": "gate"}).json()["items"][0]["name"]
        == "ask"
    )
    found = traced.get(f"/api/traces/{trace_id(1)}/spans/{span_id(1)}").json()
    assert found["attributes"] == {"x": {"y": [1, None]}}
    assert found["events"] == [{"name": "done", "at_ns": START, "attributes": {"ok": True}}]
    assert found["schema"] == ""
    assert traced.get(f"/api/traces/{trace_id(3)}").json()["name"] == "<script>\x00\ufffe</script>"


def test_spans_sessions_and_facets(traced: TestClient) -> None:
    assert len(traced.get("/api/spans", params={"limit": 50}).json()["items"]) == 4
    assert [
        x["model"]
        for x in traced.get("/api/spans", params={"app": "shop", "kind": "generation"}).json()["items"]
    ] == ["small"]
    (session,) = traced.get("/api/sessions").json()["items"]
    assert (session["session_id"], session["traces"], session["errors"]) == ("s/1", 2, 1)
    facets = traced.get("/api/traces/facets").json()
    assert facets["count"] == 3
    assert {"value": "desk", "traces": 1} in facets["fields"]["app"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/api/traces/{trace_id(9)}", 404),
        (f"/api/traces/{trace_id(9)}/spans", 404),
        ("/api/traces/zz", 404),
        (f"/api/traces/{trace_id(1)}/spans/none", 404),
        ("/api/sessions/none", 404),
        ("/api/traces?cursor=x", 400),
        ("/api/traces?limit=0", 422),
        ("/api/traces?min_ms=nan", 422),
        ("/api/traces?text=...", 400),
        ("/api/traces?order=odd", 422),
        ("/api/traces?since_ns=99999999999999999999", 422),
        (f"/api/traces/{trace_id(1)}/spans?offset=-1", 422),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_answered_by_name(
    traced: TestClient, address: str, status: int
) -> None:
    answer = traced.get(address)
    assert answer.status_code == status
    assert answer.json()["hint"]


def test_views_are_saved_listed_and_deleted(traced: TestClient) -> None:
    made = traced.post(
        "/api/views", json={"name": "Errors", "page": "traces", "query": "status=error", "shared": True}
    )
    assert made.status_code == 201
    assert traced.get("/api/views", params={"page": "traces"}).json() == [made.json()]
    assert traced.post("/api/views", json={"name": "x", "page": "nowhere"}).status_code == 422
    assert traced.delete(f"/api/views/{made.json()['id']}").status_code == 204
    assert traced.delete(f"/api/views/{made.json()['id']}").status_code == 404


def test_traces_are_deleted_by_id_and_by_question_and_never_all_by_accident(traced: TestClient) -> None:
    store = traced.app.state.workspace.telemetry.store  # type: ignore[attr-defined]
    store.add("default", [span(20, 0), span(21, 0, app="gone"), span(22, 0, app="gone")])
    assert traced.delete("/api/traces").status_code == 400
    assert traced.delete(f"/api/traces/{trace_id(20)}").json() == {"traces": 1, "spans": 1}
    assert traced.delete("/api/traces", params={"app": "gone"}).json() == {"traces": 2, "spans": 2}
    assert traced.get(f"/api/traces/{trace_id(20)}").status_code == 404
    kept = traced.get("/api/traces/kept").json()
    assert kept["dropped"]["deleted_traces"] == 3
    assert kept["days"] == 30
