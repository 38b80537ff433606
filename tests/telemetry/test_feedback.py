"""Feedback on answers and traces: over HTTP, on the command line, from programs; on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

import groundwork
from groundwork.app.workspace import Workspace
from groundwork.core.clock import ManualClock
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from groundwork.core.principal import LOCAL, Principal
from groundwork.server.application import create_app
from groundwork.storage.database import Database
from groundwork.telemetry.feedback import FeedbackBook, Said, Subject
from groundwork.telemetry.types import Feedback, Query, Span
from tests.cli.conftest import call
from tests.storage.postgres import empty_postgres_url, postgres_server, postgres_url
from tests.telemetry.house import QUESTION, make_house

__all__ = ["empty_postgres_url", "postgres_server", "postgres_url"]
ANN = Principal(name="user:ann", access=frozenset({"user:ann"}))
BEN = Principal(name="user:ben", access=frozenset({"user:ben"}))
TRACE = "ab" * 16


class TwoAnswers:
    """Ann's answer and Ben's, and one trace that both may see."""

    def answer(self, principal: Principal, answer_id: str) -> Subject:
        whose = {"ans_ann": ANN.name, "ans_ben": BEN.name}
        if answer_id not in whose or not (principal.owner or principal.name == whose[answer_id]):
            raise NotFoundError(f"there is no answer `{answer_id}`")
        return Subject(answer_id, f"trace of {answer_id}", "default", "r1")

    def trace(self, principal: Principal, trace_id: str) -> Subject:
        if not TRACE.startswith(trace_id):
            raise NotFoundError("there is no such trace")
        return Subject("", TRACE, "default")

    def said(self, principal: Principal, given: Feedback) -> Said:
        return Said("asked", "answered")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FeedbackBook]:
    if request.param == "postgresql":
        database = Database(str(request.getfixturevalue("postgres_url")))
    else:
        database = Database(tmp_path / "groundwork.db")
        database.migrate()
    clock = ManualClock(datetime(2026, 11, 28, tzinfo=UTC))
    made = FeedbackBook(database, clock, TwoAnswers(), lambda *line: lines.append(line))
    lines.clear()
    yield made
    database.close()


lines: list[tuple[str, str, str]] = []


def test_a_thumb_takes_the_place_of_the_earlier_one_of_its_giver(book: FeedbackBook) -> None:
    first = book.give(ANN, "thumb", value="down", answer_id="ans_ann")
    second = book.give(ANN, "thumb", value="up", answer_id="ans_ann")
    owners = book.give(LOCAL, "thumb", value="down", answer_id="ans_ann")
    found = {f.id: f for f in book.of_answer(LOCAL, "ans_ann")}
    assert [f.withdrawn_at is None for f in (found[first.id], found[second.id], found[owners.id])] == [
        False, True, True,
    ]  # fmt: skip
    assert book.counts() == {("thumb", "up"): 1, ("thumb", "down"): 1}
    assert [value for _, _, value in lines] == ["down", "up", "down"]
    book.withdraw(LOCAL, owners.id)
    assert lines[-1] == ("default", "trace of ans_ann", "up")
    book.withdraw(ANN, second.id)
    assert lines[-1][2] == ""


def test_nobody_gives_or_reads_feedback_on_what_they_may_not_see(book: FeedbackBook) -> None:
    with pytest.raises(NotFoundError):
        book.give(BEN, "thumb", value="up", answer_id="ans_ann")
    given = book.give(ANN, "comment", text="Good.", answer_id="ans_ann")
    with pytest.raises(NotFoundError):
        book.of_answer(BEN, "ans_ann")
    with pytest.raises(NotFoundError):
        book.withdraw(BEN, given.id)
    other = Principal(tenant="other", name=ANN.name, owner=True)
    with pytest.raises(NotFoundError):
        book.get(other, given.id)
    assert book.list(BEN).items == ()
    assert book.list(other).items == ()
    assert [f.id for f in book.list(LOCAL).items] == [given.id]


def test_a_second_delivery_of_a_key_is_the_first_feedback(book: FeedbackBook) -> None:
    first = book.give(ANN, "comment", text="Good.", answer_id="ans_ann", idempotency_key="k")
    assert book.give(ANN, "comment", text="Good.", answer_id="ans_ann", idempotency_key="k") == first
    with pytest.raises(ConflictError):
        book.give(ANN, "comment", text="Bad.", answer_id="ans_ann", idempotency_key="k")
    assert len(book.list(LOCAL).items) == 1


@pytest.mark.parametrize(
    "words",
    [
        {"kind": "thumb", "value": "sideways"},
        {"kind": "label", "value": ""},
        {"kind": "label", "value": "two\nlines"},
        {"kind": "label", "value": "x" * 101},
        {"kind": "correction", "text": "  "},
        {"kind": "comment", "text": "x" * 20_001},
        {"kind": "comment", "text": "x", "value": "y"},
        {"kind": "shout", "text": "x"},
        {"kind": "comment", "text": "x", "span_id": "nothing"},
        {"kind": "comment", "text": "x", "source": "letter"},
    ],
)
def test_words_that_do_not_fit_are_refused(words: dict[str, Any], tmp_path: Path) -> None:
    database = Database(tmp_path / "groundwork.db")
    database.migrate()
    book = FeedbackBook(database, ManualClock(datetime.now(UTC)), TwoAnswers())
    with pytest.raises(InvalidInputError):
        book.give(ANN, answer_id="ans_ann", **words)
    with pytest.raises(InvalidInputError):
        book.give(ANN, "comment", text="about nothing")
    database.close()


def test_a_long_list_is_read_in_pages(book: FeedbackBook) -> None:
    given = [book.give(ANN, "comment", text=str(n), answer_id="ans_ann").id for n in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = book.list(ANN, limit=3, cursor=cursor)
        seen += [f.id for f in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == sorted(given)
    assert book.list(ANN, kind="thumb").items == ()


def test_hostile_text_comes_back_as_it_was_given(book: FeedbackBook) -> None:
    text = "<script>alert('1')</script>\x00'; DROP TABLE feedback; -- 😀"
    assert book.give(ANN, "comment", text=text, trace_id=TRACE).text == text


# ---- in a house ----


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Workspace]:
    made = make_house(tmp_path)
    yield made
    made.close()


def test_feedback_over_http_stands_on_the_line_of_the_trace(house: Workspace) -> None:
    answer = house.ask(QUESTION)
    with TestClient(
        create_app(house), base_url="http://127.0.0.1:8700", client=("127.0.0.1", 5000)
    ) as client:
        place = f"/api/answers/{answer.id}/feedback"
        given = client.post(place, json={"kind": "thumb", "value": "up"})
        assert (given.status_code, given.json()["source"]) == (201, "api")
        trace_id = given.json()["trace_id"]
        assert house.telemetry.reader.trace(LOCAL, trace_id).feedback == "up"
        assert [t.answer_id for t in house.telemetry.reader.traces(LOCAL, Query(feedback="up")).items] == [
            answer.id
        ]
        again = client.post(f"/api/traces/{trace_id[:12]}/feedback", json={"kind": "label", "value": "leave"})
        assert again.json()["answer_id"] == answer.id
        assert {f["kind"] for f in client.get(place).json()} == {"thumb", "label"}
        listed = client.get("/api/feedback", params={"kind": "thumb"}).json()
        assert [f["id"] for f in listed["items"]] == [given.json()["id"]]
        gone = client.delete(f"/api/feedback/{given.json()['id']}")
        assert gone.json()["withdrawn_at"]
        assert house.telemetry.reader.trace(LOCAL, trace_id).feedback == ""
        assert (
            client.post(
                "/api/answers/ans_nothing/feedback", json={"kind": "thumb", "value": "up"}
            ).status_code
            == 404
        )
        assert client.post(place, json={"kind": "thumb", "value": "meh"}).status_code == 400
        assert client.post(place, json={"kind": "thumb", "value": "up", "more": 1}).status_code == 422


def test_golden_examples_are_exported_with_input_and_expected_output(
    house: Workspace, tmp_path: Path
) -> None:
    book = house.telemetry.feedback
    first, second = house.ask(QUESTION), house.ask(QUESTION)
    book.give(LOCAL, "golden", answer_id=first.id)
    book.give(LOCAL, "golden", text="Five days.", answer_id=second.id)
    sent = Span("cd" * 16, "ef" * 8, "chat", 1, 2, kind="generation", input="ping?", output="pong")
    house.telemetry.store.add("default", [sent])
    book.give(LOCAL, "golden", trace_id=sent.trace_id)
    withdrawn = book.give(LOCAL, "golden", text="no", answer_id=first.id)
    book.withdraw(LOCAL, withdrawn.id)
    house.close()
    file = tmp_path / "golden.jsonl"
    done = call("--workspace", str(house.root), "--json", "feedback", "export", "--kind", "golden", str(file))
    assert done.json["examples"] == 3
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(r["input"], r["expected"]) for r in rows] == [
        (QUESTION, first.text), (QUESTION, "Five days."), ("ping?", "pong"),
    ]  # fmt: skip
    assert [r["answer_id"] for r in rows] == [first.id, second.id, ""]
    assert rows[2]["trace_id"] == sent.trace_id


def test_feedback_on_the_command_line(house: Workspace) -> None:
    answer = house.ask(QUESTION)
    house.close()
    at = ("--workspace", str(house.root), "--json", "feedback")
    given = call(*at, "give", answer.id, "--down", "--correction", "Three days.").json
    assert [f["kind"] for f in given["feedback"]] == ["thumb", "correction"]
    listed = call(*at, "list").json["feedback"]
    assert {f["id"] for f in listed} == {f["id"] for f in given["feedback"]}
    taken = call(*at, "withdraw", given["feedback"][0]["id"]).json
    assert taken["withdrawn_at"]
    assert call(*at, "give", answer.id).code == 2
    assert call(*at, "give", "nonsense", "--up").code == 2


def test_a_program_gives_feedback_in_a_workspace_and_to_a_server(house: Workspace) -> None:
    answer = house.ask(QUESTION)
    inside = groundwork.feedback("up", answer_id=answer.id, workspace=house)
    assert (inside.kind, inside.source, inside.value) == ("thumb", "sdk", "up")
    server = uvicorn.Server(uvicorn.Config(create_app(house), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        pass
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        sent = groundwork.feedback(
            kind="correction", text="Three.", answer_id=answer.id, url=url, idempotency_key="k"
        )
        assert sent == groundwork.feedback(
            kind="correction", text="Three.", answer_id=answer.id, url=url, idempotency_key="k"
        )
        assert {f.kind for f in house.telemetry.feedback.of_answer(LOCAL, answer.id)} == {
            "thumb",
            "correction",
        }
        with pytest.raises(NotFoundError, match="ans_nothing"):
            groundwork.feedback("up", answer_id="ans_nothing", url=url)
    finally:
        server.should_exit = True
        thread.join()
    with pytest.raises(UnavailableError):
        groundwork.feedback("up", answer_id=answer.id, url=url)
    with pytest.raises(InvalidInputError):
        groundwork.feedback("up", url=url)
