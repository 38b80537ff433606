"""Pathways over HTTP: the catalogue, a plan, the next step, quizzes, notes, labs and proofs, each person's own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from tests.pathways.walking.house import kept_way
from tests.server.conftest import client_of
from tests.server.people import Browser, app_of, key_of, workspace_of_people
from tests.workspaces import FILES, write

PLAN = {"background": "product manager", "target": "ai product manager", "hours_per_week": 6, "by": "2031-06"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = workspace_of_people(tmp_path_factory.mktemp("pathways"))
    made.ingest([write(made.root / "files", FILES)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(house: Workspace) -> Iterator[TestClient]:
    with client_of(house) as client:
        yield client


def test_roles_are_listed_found_by_words_and_compared(owner: TestClient) -> None:
    listed = owner.get("/api/pathways/roles").json()
    assert "ai-systems-engineer" in [r["id"] for r in listed["roles"]]
    assert listed["backgrounds"] == []
    assert owner.get("/api/pathways/roles?all=true").json()["backgrounds"]
    role = owner.get("/api/pathways/role", params={"name": "ml engineer"}).json()
    assert role["id"] == "ml-engineer"
    assert role["skills_needed"]
    both = owner.get(
        "/api/pathways/comparison", params={"one": "ml engineer", "other": "data scientist"}
    ).json()
    assert 0 < both["overlap"] < 1
    unknown = owner.get("/api/pathways/role", params={"name": "ai sistems enginer"})
    assert unknown.status_code == 404
    assert "AI Systems Engineer" in unknown.json()["hint"]


def test_the_catalogue_is_served_without_the_answers_of_its_quizzes(owner: TestClient) -> None:
    body = owner.get("/api/pathways/catalogue").json()
    assert body["catalogue"]["milestones"]
    assert all(isinstance(q, str) for quiz in body["catalogue"]["quizzes"] for q in quiz["questions"])
    assert len(owner.get("/api/pathways/facts").json()) > 200
    assert {f["section"] for f in owner.get("/api/pathways/facts?section=market").json()} == {"market"}
    assert any(k["name"] == "release" and k["fields"] for k in owner.get("/api/pathways/kinds").json())


def test_a_file_of_a_team_is_checked_and_not_kept(owner: TestClient, house: Workspace) -> None:
    before = house.pathways.catalogues.current().digest
    checked = owner.post(
        "/api/pathways/catalogue/check", json={"text": "skills:\n  - id: x\n    titel: X\n"}
    ).json()
    assert checked["usable"] is False
    assert checked["problems"][0]["line"] == 3
    assert owner.post("/api/pathways/catalogue/check", json={"text": "skills: []\n"}).json()["usable"] is True
    assert house.pathways.catalogues.current().digest == before


def test_a_plan_is_made_kept_listed_compared_and_forecast(owner: TestClient) -> None:
    assert owner.get("/api/pathways/forecast").status_code == 404
    assert owner.get("/api/pathways/next").json()["kind"] == "profile"
    plan = owner.post("/api/pathways/plans", json=PLAN)
    assert plan.status_code == 201
    body = plan.json()
    assert {"milestone", "start", "end", "hours", "because", "unlocks"} <= set(body["items"][0])
    assert owner.get("/api/pathways/profile").json()["by"] == "2031-06-30"
    assert owner.get(f"/api/pathways/plans/{body['id']}").json() == body
    tried = owner.post("/api/pathways/plans", json={"hours_per_week": 12, "store": False}).json()
    assert owner.get("/api/pathways/profile").json()["hours_per_week"] == 6
    assert [p["id"] for p in owner.get("/api/pathways/plans").json()["items"]] == [body["id"]]
    assert tried["forecast"]["p50"] < body["forecast"]["p50"]
    assert owner.get(f"/api/pathways/plans/{body['id']}/diff").json() == {}
    assert owner.get("/api/pathways/forecast").json()["p50_months"] > 0
    step = owner.get("/api/pathways/next").json()
    assert step["because"]
    assert step["commands"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**PLAN, "hours_per_week": 0}, 400),
        ({**PLAN, "by": "2020-01"}, 400),
        ({**PLAN, "target": "ai sistems enginer"}, 404),
        ({**PLAN, "confidence": 2}, 422),
        ({**PLAN, "shoe_size": 43}, 422),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_a_hint(
    owner: TestClient, body: dict[str, object], status: int
) -> None:
    answer = owner.post("/api/pathways/plans", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["hint"]


def test_progress_and_checks_say_what_is_missing_and_looking_writes_nothing(
    owner: TestClient, house: Workspace
) -> None:
    progress = owner.get("/api/pathways/progress").json()
    assert progress["counts"]["skills_proven"] == 0
    assert progress["target"] == "ai-product-manager"
    one = owner.get("/api/pathways/subjects/y1-first-rag-app").json()
    assert one["state"] == "open"
    assert any(m["command"] for m in one["finding"]["missing"])
    assert owner.post("/api/pathways/subjects/y1-first-rag-app/check").json()["state"] == "open"
    assert len(owner.post("/api/pathways/check").json()) >= 31
    assert owner.get("/api/pathways/subjects/nothing-like-it").status_code == 404
    assert house.pathways.proofs.list(LOCAL) == []


def test_a_quiz_is_drawn_handed_in_once_and_shows_no_answer_before(owner: TestClient) -> None:
    drawn = owner.post("/api/pathways/quizzes/ethics/draws").json()
    assert all(set(q) == {"question", "ask", "options"} for q in drawn["questions"])
    assert owner.get(f"/api/pathways/draws/{drawn['id']}").json() == drawn
    address = f"/api/pathways/draws/{drawn['id']}/answers"
    assert owner.post(address, json={"answers": [0]}).status_code == 400
    result = owner.post(address, json={"answers": [0] * len(drawn["questions"])}).json()
    assert result["score"] == sum(i["chosen"] == i["right"] for i in result["items"])
    assert owner.post(address, json={"answers": [0] * len(drawn["questions"])}).status_code == 409
    assert [r["id"] for r in owner.get("/api/pathways/quiz-results").json()] == [drawn["id"]]
    assert next(q for q in owner.get("/api/pathways/quizzes").json() if q["id"] == "ethics")["taken"] == 1


def test_notes_are_written_listed_withdrawn_and_forgotten(owner: TestClient) -> None:
    said = owner.post(
        "/api/pathways/attestations", json={"subject": "d30-communities", "statement": "I joined two."}
    )
    assert said.status_code == 201
    assert len(owner.get("/api/pathways/attestations").json()) == 1
    assert owner.post(f"/api/pathways/attestations/{said.json()['id']}/withdraw").json()["withdrawn_at"]
    assert owner.get("/api/pathways/attestations").json() == []
    note = owner.post(
        "/api/pathways/reflections", json={"question": "reflect-domain", "text": "I know hospitals."}
    ).json()
    assert owner.get("/api/pathways/reflections").json() == [note]
    assert owner.delete(f"/api/pathways/reflections/{note['id']}").status_code == 204
    assert owner.get("/api/pathways/reflections").json() == []


def test_a_lab_is_begun_answered_verified_and_set_back(owner: TestClient, house: Workspace) -> None:
    lines = owner.get("/api/labs").json()
    assert {line["state"] for line in lines} == {"new"}
    assert owner.get("/api/labs/first-documents").status_code == 404
    run = owner.post("/api/labs/first-documents/start", json={}).json()
    assert (house.root / run["folder"] / "task.md").is_file()
    assert "draw" not in run
    assert (
        owner.post(
            "/api/labs/first-documents/answers", json={"key": run["asked"][0], "value": "x"}
        ).status_code
        == 200
    )
    seen = owner.post("/api/labs/first-documents/verify").json()
    assert (seen["passed"], seen["points"]) == (False, 0)
    assert owner.post("/api/labs/first-documents/hint").json()["hint"]
    again = owner.post("/api/labs/first-documents/reset").json()
    assert again["id"] != run["id"]
    assert owner.get("/api/labs/first-documents").json()["state"] == "open"


def test_proofs_open_their_records_and_a_portfolio_leaves_as_one_file_that_checks(
    owner: TestClient, house: Workspace
) -> None:
    house.ask("How many days of paid leave?")
    kept = kept_way(house, LOCAL)
    listed = owner.get("/api/pathways/proofs").json()
    assert [p["id"] for p in listed["items"]] == [kept["proof"]]
    one = owner.get(f"/api/pathways/proofs/{kept['proof']}").json()
    assert one["found"][0]["command"].startswith("groundwork explain ans_")
    assert one["envelope"]["payload"]
    packed = owner.post("/api/pathways/portfolio", json={"name": "Ann Example"})
    assert packed.status_code == 200, packed.text
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert {"index.html", "resume.json", "bundle.zip"} <= set(archive.namelist())
        bundle = archive.read("bundle.zip")
    checked = owner.post("/api/pathways/bundles/check", files={"file": ("bundle.zip", bundle)}).json()
    assert checked["valid"] is True
    assert owner.post("/api/pathways/bundles/check", files={"file": ("x.zip", b"no zip")}).status_code == 400
    stopped = owner.post("/api/pathways/portfolio", json={"summary": "my key is sk-proj-" + "a1B2" * 12})
    assert stopped.status_code == 409
    assert owner.post("/api/pathways/cosignatures", json={"envelope": {}}).status_code == 400


def test_every_person_sees_their_own_way_alone_and_a_viewer_begins_no_lab(house: Workspace) -> None:
    client = Browser(app_of(house))
    admin, viewer = key_of(house, "admin"), key_of(house, "viewer")
    kept = kept_way(house, LOCAL)
    for shown in (admin, viewer):
        for path in ("plans/" + kept["plan"], "proofs/" + kept["proof"], "draws/" + kept["draw"]):
            assert client.get(f"/api/pathways/{path}", headers=shown).status_code == 404
        assert client.get("/api/pathways/reflections", headers=shown).json() == []
        assert client.get("/api/pathways/profile", headers=shown).json()["target"] == ""
    assert client.post("/api/pathways/reflections", json={"text": "Mine."}, headers=viewer).status_code == 201
    assert client.post("/api/labs/first-cited-answer/start", json={}, headers=viewer).status_code == 403
    assert client.get("/api/pathways/roles").status_code == 401
