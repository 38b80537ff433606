"""Answers, calls, ingests and jobs are traces without any code; they agree with their records to the last token."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.answers.spans import spans_of
from groundwork.app.calling import caller_of, request_of
from groundwork.app.workspace import Workspace
from groundwork.core.errors import BusyError, GroundworkError, UpstreamError
from groundwork.core.principal import LOCAL
from groundwork.gateway.flow_trace import trace_hex
from groundwork.gateway.types import Caller, ResponseFormat
from groundwork.server.application import create_app
from groundwork.telemetry.ids import span_id
from groundwork.telemetry.types import Added, Query, Span
from tests.storage.postgres import empty_postgres_url, postgres_server, postgres_url
from tests.telemetry.house import QUESTION, SPEC, every_span, ledger, make_house, spans, trace

__all__ = ["empty_postgres_url", "postgres_server", "postgres_url"]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    made = make_house(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """The house on either database."""
    spec = SPEC
    if request.param == "postgresql":
        spec = f'database = "{request.getfixturevalue("empty_postgres_url")}"\n{SPEC}'
    made = make_house(tmp_path, spec)
    yield made
    made.close()


def ask(workspace: Workspace, model: str, text: str = "What about trains?", **more: Any) -> Any:
    return workspace.gateway.complete(request_of(model, [("user", text)], **more), caller_of(LOCAL))


def sums(found: list[Span]) -> tuple[int, int, int]:
    """Return tokens read, tokens written and cost of the spans that stand for calls."""
    metered = [s for s in found if s.kind in ("generation", "embedding")]
    return (
        sum(s.input_tokens or 0 for s in metered),
        sum(s.output_tokens or 0 for s in metered),
        sum(s.cost_nanousd or 0 for s in metered),
    )


def test_an_answer_over_http_is_a_trace_within_a_second_and_agrees_with_its_record(house: Workspace) -> None:
    app = create_app(house, upkeep=house.telemetry.upkeep)
    with TestClient(app, base_url="http://127.0.0.1:8700", client=("127.0.0.1", 5000)) as client:
        answer = client.post("/api/ask", json={"question": QUESTION, "app": "talk"}).json()
        answered = time.monotonic()
        while house.telemetry.reader.by_answer(LOCAL, answer["id"]) is None:
            assert time.monotonic() - answered < 5, "nothing came"
            time.sleep(0.01)
        assert time.monotonic() - answered < 1.5
    found = spans(house, trace_hex(answer["trace_id"]))
    names = [s.name for s in found]
    assert names == [
        "answer", "retrieval default", "read generative", "chat play/mini", "check citations",
    ]  # fmt: skip
    root, retrieval, reading, call, checking = found
    assert (root.input, root.output, root.answer_id) == (QUESTION, answer["text"], answer["id"])
    assert [d["id"] for d in retrieval.attributes["gen_ai.retrieval.documents"]] == [
        h["chunk_id"] for h in answer["retrieved"]
    ]
    assert retrieval.attributes["gen_ai.retrieval.documents"][0]["score"] == answer["retrieved"][0]["score"]
    assert retrieval.attributes["gen_ai.retrieval.documents"][0]["legs"]
    assert reading.prompt == answer["pins"]["prompt"]
    assert [s.parent_id for s in (retrieval, reading, checking)] == [root.span_id] * 3
    assert call.parent_id == reading.span_id
    # One attempt is no span of its own; the call says what is known of it.
    assert 0 < call.attributes["groundwork.attempt.latency_ms"] <= call.duration_ms + 1
    [row] = ledger(house)
    assert sums(found) == (row["input_tokens"], row["output_tokens"], row["cost_nanousd"])
    assert sums(found)[2] == round(answer["usage"]["cost_usd"] * 1e9)
    assert call.attributes["gen_ai.input.messages"][-1]["role"] == "user"
    assert call.output.startswith("Up to five days")
    assert all(s.source == "groundwork" and s.principal == "local" for s in found)


def test_times_of_an_answer_lie_within_each_other(house: Workspace) -> None:
    answer = house.ask(QUESTION, app="talk")
    assert set(answer.timings) == {"understanding", "retrieval", "reading", "checking", "total"}
    root, *stages = [s for s in spans(house, trace_hex(answer.trace_id)) if s.scope == "groundwork.answers"]
    assert all(root.started_ns <= s.started_ns <= s.ended_ns <= root.ended_ns for s in stages)
    assert root.duration_ms == pytest.approx(answer.timings["total"], abs=0.002)


def test_a_record_from_before_stages_were_timed_still_makes_a_trace(house: Workspace) -> None:
    answer = replace(house.ask(QUESTION, app="talk"), timings={}, parent_span="")
    made = spans_of(answer)
    assert [s.kind for s in made] == ["answer", "retrieval", "chain", "guardrail"]
    assert made[0].duration_ms >= sum(e.latency_ms for e in answer.exchanges) - 0.001
    assert spans_of(answer) == made


def test_declining_is_an_event_of_the_answer(house: Workspace) -> None:
    answer = house.ask("Who painted the ceiling of the chapel?")
    assert answer.abstained
    root = spans(house, trace_hex(answer.trace_id))[0]
    [event] = [e for e in root.events if e.name == "groundwork.abstained"]
    assert event.attributes["groundwork.reason"] == answer.reason
    assert root.attributes["groundwork.abstained"] is True


def test_a_client_s_trace_is_the_trace_of_its_answer(house: Workspace) -> None:
    app = create_app(house)
    with TestClient(app, base_url="http://127.0.0.1:8700", client=("127.0.0.1", 5000)) as client:
        body = {"question": QUESTION, "app": "talk"}
        answer = client.post("/api/ask", json=body, headers={"traceparent": PARENT}).json()
        chat = {"model": "app/talk", "messages": [{"role": "user", "content": QUESTION}]}
        assert (
            client.post("/v1/chat/completions", json=chat, headers={"traceparent": PARENT}).status_code == 200
        )
    assert answer["trace_id"] == PARENT[3:35]
    found = {s.span_id: s for s in spans(house, PARENT[3:35])}
    outer = [s for s in found.values() if s.parent_id not in found]
    assert {s.name for s in outer} == {"answer", "chat app/talk"}
    assert {s.parent_id for s in outer} == {PARENT[36:52]}
    # The answer that the app gave hangs under the call that asked it.
    inner = [s for s in found.values() if s.name == "answer" and s.parent_id in found]
    assert [found[s.parent_id].name for s in inner] == ["chat app/talk"]


def test_what_an_app_takes_is_counted_once(house: Workspace) -> None:
    ask(house, "app/talk", QUESTION)
    line = trace(house)
    rows = ledger(house)
    inner = [r for r in rows if r["provider"] == "play"]
    assert len(rows) == 2
    assert (line.input_tokens, line.output_tokens, line.cost_nanousd) == (
        inner[0]["input_tokens"], inner[0]["output_tokens"], inner[0]["cost_nanousd"],
    )  # fmt: skip


def test_each_attempt_of_a_call_is_a_span_with_its_reason(either: Workspace) -> None:
    house = either
    ask(house, "fast")
    call, *attempts = spans(house, trace(house).trace_id)
    said = [(a.attributes["groundwork.reason"], a.provider, a.model, a.status) for a in attempts]
    assert said == [
        ("first", "play", "down", "error"), ("retry", "play", "down", "error"), ("fallback", "play", "mini", "ok"),
    ]  # fmt: skip
    assert attempts[0].attributes["http.response.status_code"] == 500
    assert attempts[0].attributes["error.type"] == "server_error"
    assert (call.status, call.attributes["gen_ai.request.model"], call.model) == ("ok", "fast", "mini")
    [row] = ledger(house)
    assert sums([call, *attempts]) == (row["input_tokens"], row["output_tokens"], row["cost_nanousd"])


def test_a_hit_of_the_cache_a_refusal_and_a_broken_stream_say_what_they_are(house: Workspace) -> None:
    ask(house, "play/mini", temperature=0)
    ask(house, "play/mini", temperature=0)
    with pytest.raises(GroundworkError):
        house.gateway.complete(
            replace(request_of("play/mini", [("user", "x")]), response_format=ResponseFormat("json_object")),
            caller_of(LOCAL),
        )
    with pytest.raises(GroundworkError):
        ask(house, "play/nothing")
    by_state = [s for s in every_span(house) if s.call_id and s.name.startswith("chat")]
    hit = next(s for s in by_state if s.cached)
    assert [e.name for e in hit.events] == ["groundwork.cache.hit"]
    assert hit.output.startswith("Up to five days")  # what was replayed
    unfit = next(s for s in by_state if s.attributes.get("groundwork.structured") == "refused")
    assert unfit.status == "error"
    assert "groundwork.structured_output" in {e.name for e in unfit.events}
    unknown = next(s for s in by_state if "nothing" in s.name)
    assert (unknown.status, unknown.attributes["error.type"]) == ("error", "model_not_found")
    rows = ledger(house)
    assert sums(by_state) == tuple(
        sum(r[n] for r in rows) for n in ("input_tokens", "output_tokens", "cost_nanousd")
    )


def test_a_budget_that_refuses_is_an_event(tmp_path: Path) -> None:
    house = make_house(tmp_path, "budget_day_usd = 0.0\n" + SPEC)
    with pytest.raises(GroundworkError):
        ask(house, "play/mini")
    [call] = [s for s in every_span(house) if s.call_id]
    assert [e.name for e in call.events] == ["groundwork.refused.budget"]
    assert call.cost_nanousd == 0
    house.close()


def test_an_app_whose_texts_are_not_kept_leaves_none_in_any_file(house: Workspace) -> None:
    answer = house.ask("How many days may a zebrafinch carry into the next year?", app="quiet")
    found = spans(house, trace_hex(answer.trace_id))
    assert len(found) == 5
    assert not any(s.input or s.output for s in found)
    assert {s.attributes.get("groundwork.texts") for s in found} == {"off"}
    retrieval = next(s for s in found if s.kind == "retrieval")
    assert [d["id"] for d in retrieval.attributes["groundwork.retrieved"]] == [
        h["chunk_id"] for h in answer.retrieved
    ]
    house.close()
    holding = [
        p.name for p in (house.root / ".groundwork").glob("telemetry.db*") if b"zebrafinch" in p.read_bytes()
    ]
    assert holding == []


def test_personal_data_is_masked_where_that_is_asked_for(tmp_path: Path) -> None:
    house = make_house(tmp_path, 'capture = "masked"\n' + SPEC)
    answer = house.ask("May ann.example@corp.example carry days into the next year?", app="talk")
    found = spans(house, trace_hex(answer.trace_id))
    assert "ann.example" in answer.question
    assert not any("ann.example" in f"{s.input} {s.output} {s.attributes}" for s in found)
    house.close()


def test_texts_of_a_call_go_with_its_process_and_its_span_says_so(house: Workspace) -> None:
    ask(house, "play/mini", "Remember the walrus.")
    house.telemetry.content.take(house.telemetry.content.ids())  # as if the process had died
    time.sleep(0.55)
    [call] = spans(house, trace(house).trace_id)
    assert (call.input, call.output) == ("", "")
    assert call.attributes["groundwork.texts"] == "missing"
    assert call.input_tokens == 120


def test_two_processes_make_each_span_once_and_keep_the_texts(either: Workspace) -> None:
    house = either
    other = Workspace.open(house.root)
    for n in range(5):
        ask(house, "play/mini", f"Question {n} of the walrus.")
    house.telemetry.projector.catch_up()
    other.telemetry.projector.catch_up()
    house.telemetry.projector.catch_up()
    calls = [s for s in every_span(house) if s.call_id and s.name.startswith("chat")]
    assert len(calls) == len({s.span_id for s in calls}) == 5
    assert all("walrus" in s.input for s in calls)
    other.close()


def test_a_store_that_refuses_loses_nothing(house: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store = house.telemetry.store
    add, refusals = store.add, [True, True]

    def refusing(tenant: str, given: Any) -> Added:
        if refusals:
            refusals.pop()
            raise BusyError("too many spans wait")
        return add(tenant, given)

    monkeypatch.setattr(store, "add", refusing)
    ask(house, "play/mini", "Remember the walrus.")
    for _ in range(2):
        with pytest.raises(BusyError):
            house.telemetry.projector.catch_up()
    [call] = spans(house, trace(house).trace_id)
    assert "walrus" in call.input
    assert house.telemetry.projector.catch_up() == 0


def test_an_ingest_and_a_job_tell_what_they_found(either: Workspace, tmp_path: Path) -> None:
    house = either
    docs = tmp_path / "more"
    docs.mkdir()
    (docs / "travel.md").write_text("# Travel\n\nTrains are booked in second class.\n")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 not really")
    report = house.ingest([docs])
    found = next(s for s in every_span(house) if s.span_id == span_id(report.id))
    assert (found.kind, found.attributes["groundwork.documents.added"]) == ("ingest", 1)
    [event] = [e for e in found.events if e.name == "groundwork.quarantined"]
    assert event.attributes["groundwork.path"].endswith("broken.pdf")
    assert found.snapshot == f"default@{report.snapshot}"
    job = house.start_ingest([docs])
    waiting = next(s for s in every_span(house) if s.job_id == job)
    assert waiting.attributes["groundwork.open"] is True
    house.cancel(job)
    ended = [s for s in every_span(house) if s.job_id == job]
    assert len(ended) == 1
    assert "groundwork.open" not in ended[0].attributes
    assert ended[0].attributes["groundwork.job.state"] == "cancelled"


def test_replaying_compares_no_times_and_makes_no_trace(house: Workspace) -> None:
    answer = house.ask(QUESTION, app="talk")
    before = len(every_span(house))
    assert house.replay(answer.id).result == "identical"
    assert len(every_span(house)) == before


def test_a_workspace_from_before_traces_shows_its_past(house: Workspace) -> None:
    answers = [house.ask(QUESTION) for _ in range(3)]
    assert not (house.root / ".groundwork" / "telemetry.db").exists()
    listed = house.telemetry.fresh().traces(LOCAL, Query(app="default")).items
    assert {t.answer_id for t in listed} == {a.id for a in answers}


def test_records_of_one_tenant_are_spans_of_that_tenant(house: Workspace) -> None:
    house.gateway.complete(
        request_of("play/mini", [("user", "Hello")]), Caller(tenant="other", principal="ann")
    )
    reader = house.telemetry.fresh()
    assert [s.principal for _, s in reader.raw("other", 0, 10)] == ["ann"]
    assert not [s for _, s in reader.raw("default", 0, 100) if s.call_id]


def test_a_record_that_cannot_be_read_holds_up_no_other(house: Workspace) -> None:
    broken, sound = house.ask(QUESTION), house.ask(QUESTION)
    with sqlite3.connect(house.root / ".groundwork" / "groundwork.db") as connection:
        connection.execute("UPDATE answers SET record = '{}' WHERE id = ?", (broken.id,))
    reader = house.telemetry.fresh()
    assert reader.by_answer(LOCAL, sound.id)
    assert reader.by_answer(LOCAL, broken.id) is None
    assert house.telemetry.projector.catch_up() == 0


def test_a_question_that_no_model_answered_is_a_trace_with_its_error(tmp_path: Path) -> None:
    house = make_house(
        tmp_path, SPEC + '\n[apps.broken]\nstrategy = "lexical"\nmodel = "play/down"\nfallback = "none"\n'
    )
    with pytest.raises(UpstreamError):
        house.ask(QUESTION, app="broken")
    root, retrieval, reading, call, *attempts = spans(house, trace(house, Query(app="broken")).trace_id)
    assert (root.name, root.status, root.input) == ("answer", "error", QUESTION)
    assert root.attributes["error.type"] == "upstream_failed"
    assert (retrieval.status, reading.status) == ("ok", "error")
    assert (call.parent_id, call.status) == (reading.span_id, "error")
    assert len(attempts) == 2
    house.close()


def test_a_conversation_is_a_session_whose_questions_are_understood_first(house: Workspace) -> None:
    first = house.ask(QUESTION, conversation="new")
    second = house.ask("And when do they lapse?", conversation=first.conversation)
    assert second.standalone
    found = spans(house, trace_hex(second.trace_id))
    assert [s.name for s in found][:2] == ["answer", "understand question"]
    assert found[1].output == second.standalone
    assert {s.session_id for s in found} == {first.conversation}
    session = house.telemetry.reader.session(LOCAL, str(first.conversation))
    assert {t.answer_id for t in session} == {first.id, second.id}


def test_a_strategy_that_orders_anew_has_a_span_for_it(tmp_path: Path) -> None:
    mmr = 'strategy = { name = "mmr", base = "lexical" }'
    house = make_house(tmp_path, SPEC.replace('strategy = "lexical"', mmr, 1))
    answer = house.ask(QUESTION)
    [span] = [s for s in spans(house, trace_hex(answer.trace_id)) if s.kind == "rerank"]
    assert span.attributes["groundwork.order"] == [h["chunk_id"] for h in answer.retrieved]
    house.close()
