"""Asking and reading answers over HTTP, on a real workspace."""

from __future__ import annotations

from starlette.testclient import TestClient


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
