"""Asking and reading answers over HTTP, on a real workspace."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from tests.answers.labs import LEAVE, lab
from tests.server.conftest import client_of


def test_an_answer_cites_the_exact_place_and_is_found_again_under_its_id(
    client: TestClient, answer_id: str
) -> None:
    answer = client.get(f"/api/answers/{answer_id}").json()
    citation = answer["citations"][0]
    text = client.get(
        f"/api/documents/{citation['document_id']}/text", params={"snapshot": answer["pins"]["snapshot"]}
    ).text
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert "five days" in citation["quote"]
    assert answer["calibration"] is None


def test_replay_and_explain_speak_about_the_recorded_answer(client: TestClient, answer_id: str) -> None:
    assert client.post(f"/api/answers/{answer_id}/replay").json()["result"] == "identical"
    explanation = client.get(f"/api/answers/{answer_id}/explain").json()
    assert explanation["answer"]["id"] == answer_id
    assert any(p["cited"] for p in explanation["passages"])


def test_the_list_of_answers_goes_on_from_where_the_page_before_ended(client: TestClient) -> None:
    asked = [
        client.post("/api/ask", json={"question": f"Who pays for meal {n}?"}).json()["id"] for n in range(3)
    ]
    seen: list[str] = []
    before = None
    while True:
        page = client.get(
            "/api/answers", params={"limit": 2, **({"before": before} if before else {})}
        ).json()
        seen += [a["id"] for a in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert seen[:3] == asked[::-1]
    assert len(seen) == len(set(seen))


def test_an_empty_or_endless_question_is_refused_with_a_hint(client: TestClient) -> None:
    for question in ("", "   ", "x" * 100_000):
        response = client.post("/api/ask", json={"question": question})
        assert response.status_code in (400, 413)
        assert response.json()["hint"]


def test_an_unknown_answer_app_or_snapshot_is_not_found(client: TestClient) -> None:
    assert client.get("/api/answers/ans_nothing").status_code == 404
    assert client.post("/api/ask", json={"question": "why", "app": "nope"}).status_code == 404
    assert client.post("/api/ask", json={"question": "why", "snapshot": "0000000"}).status_code == 404


def test_a_generated_answer_shows_its_sentences_calls_and_what_was_left_out(tmp_path: Path) -> None:
    said = "Every employee has 28 days of paid leave a year [1]. They also get a free car [1]."
    with lab(tmp_path, said) as workspace, client_of(workspace) as client:
        answer = client.post("/api/ask", json={"question": LEAVE}).json()
        assert (answer["served_by"], answer["incomplete"], answer["notes"]) == ("lab/model", False, [])
        (kept,), (out,) = answer["sentences"], answer["removed"]
        assert answer["text"][kept["start"] : kept["end"]] == kept["text"]
        assert (kept["supported"], kept["citations"], out["supported"], out["start"]) == (
            True,
            [1],
            False,
            -1,
        )
        assert "car" in out["note"]
        (exchange,) = answer["exchanges"]
        assert "text" not in exchange
        assert client.get(f"/api/calls/{exchange['call_id']}").json()["answer_id"] == answer["id"]
        assert answer["shown"][0]["tokens"] > 0
        explained = client.get(f"/api/answers/{answer['id']}/explain").json()
        assert explained["exchanges"][0]["text"] == said
        assert [p["role"] for p in explained["prompts"][0]] == ["system", "user"]
        assert LEAVE in explained["prompts"][0][1]["text"]


def test_a_live_replay_asks_again_and_says_how_far_the_models_agree(tmp_path: Path) -> None:
    said = "Every employee has 28 days of paid leave a year [1]."
    with lab(tmp_path, said) as workspace, client_of(workspace) as client:
        answer = client.post("/api/ask", json={"question": LEAVE}).json()["id"]
        found = client.post(f"/api/answers/{answer}/replay-live", params={"runs": 4}).json()
        assert (found["n"], len(found["runs"]), found["same_text"]["value"]) == (4, 4, 1.0)
        assert 0 < found["same_text"]["low"] < 1
        assert len(client.get("/api/calls").json()["items"]) == 5
        for runs in (0, 21):
            refused = client.post(f"/api/answers/{answer}/replay-live", params={"runs": runs})
            assert refused.status_code in (400, 422)


def test_an_answer_without_a_model_cannot_be_replayed_live(client: TestClient, answer_id: str) -> None:
    refused = client.post(f"/api/answers/{answer_id}/replay-live")
    assert refused.status_code == 400
    assert "groundwork replay" in refused.json()["hint"]


def test_a_conversation_goes_on_and_is_listed_with_its_turns(client: TestClient) -> None:
    first = client.post(
        "/api/ask", json={"question": "How many days may be carried over?", "conversation": "new"}
    ).json()
    again = {"question": "And when do they lapse?", "conversation": first["conversation"]}
    second = client.post("/api/ask", json=again).json()
    assert second["standalone"].startswith("And when do they lapse? (")
    found = client.get(f"/api/conversations/{first['conversation']}").json()
    assert [a["id"] for a in found["answers"]] == [first["id"], second["id"]]
    page = client.get("/api/conversations", params={"limit": 1}).json()
    assert (page["items"][0]["turns"], page["items"][0]["last"]) == (2, second["id"])
    assert client.get("/api/conversations/con_nothing").status_code == 404
    assert client.post("/api/ask", json={**again, "conversation": "con_nothing"}).status_code == 404
