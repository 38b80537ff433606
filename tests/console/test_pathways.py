"""The pages of pathways, over a real workspace: what a person sees, sends and gets back, without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.server.console import pathway_calendar, pathway_map
from tests.console.house import Looked, walked_house
from tests.console.test_pages import _get, _send, _words
from tests.server.conftest import client_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    found = walked_house(tmp_path_factory.mktemp("walked") / "w")
    yield found
    found.close()


@pytest.fixture(scope="module")
def walked(house: Looked) -> Iterator[TestClient]:
    with client_of(house.workspace) as found:
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        yield made


@pytest.fixture
def client(fresh: Workspace) -> Iterator[TestClient]:
    with client_of(fresh) as made:
        yield made


def test_an_empty_workspace_begins_with_the_first_lab(client: TestClient) -> None:
    home = _words(_get(client, "/"))
    assert "Or learn it by doing" in home
    assert "groundwork path" in home
    page = _words(_get(client, "/pathways"))
    assert "Next best step" in page
    assert "Make a plan" in page


def test_a_plan_is_made_and_read_as_a_calendar(client: TestClient, fresh: Workspace) -> None:
    sent = _send(
        client,
        "/pathways",
        "/pathways/plan",
        start_from="software-engineer",
        target="ml-engineer",
        hours="10",
        by="2028-06",
    )
    plan = fresh.pathways.planner.latest(LOCAL)
    assert plan is not None
    assert sent == f"/pathways/plans/{plan.id}"
    words = _words(_get(client, sent))
    assert "Likely between" in words
    for item in plan.items:
        assert item.title in words
        assert item.because in words
    assert _words(_get(client, "/pathways")).count("Likely between") == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hours", "0", "hours"),
        ("hours", "many", "no number of hours"),
        ("by", "2001-01", "2001"),
        ("target", "wizard", "wizard"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why_and_keeps_what_was_typed(
    client: TestClient, field: str, value: str, said: str
) -> None:
    form = {"start_from": "software-engineer", "target": "ml-engineer", "hours": "10", "by": "2028-06"}
    token = re.search(r'name="_token" value="([^"]+)"', _get(client, "/pathways"))
    assert token
    answer = client.post("/pathways/plan", data={**form, field: value, "_token": token[1]})
    assert answer.status_code == 400
    assert said in _words(answer.text)
    assert 'value="2028-06"' in answer.text or field == "by"


def test_the_map_shows_every_skill_and_where_it_stands(house: Looked, walked: TestClient) -> None:
    page = _get(walked, "/pathways/skills")
    skills = house.workspace.pathways.catalogues.current().catalogue.skills
    for skill in skills:
        assert f'href="/pathways/skills/{skill.id}" aria-label=' in page
    assert page.count('<rect class="declared') >= 1
    only = _get(walked, "/pathways/skills?role=ml-engineer")
    assert only.count("<rect class=") < len(skills)


def test_two_roles_stand_side_by_side(walked: TestClient) -> None:
    words = _words(_get(walked, "/pathways/roles?a=ml-engineer&b=ai-engineer"))
    assert "comes before" in words
    assert "6 to 12" in words


def test_a_milestone_says_what_is_missing_and_with_which_command(walked: TestClient) -> None:
    page = "/pathways/milestones/y1-first-rag-app"
    words = _words(_get(walked, page))
    assert "What is missing" in words
    assert "groundwork" in words
    assert _send(walked, page, page) == f"{page}?checked=1"


def test_what_no_record_shows_is_attested_and_withdrawn(walked: TestClient, house: Looked) -> None:
    page = "/pathways/milestones/d60-aws-docs"
    assert _send(walked, page, f"{page}/attest", statement="Read them all", link="") == page
    assert "Read them all" in _words(_get(walked, page))
    mine = house.workspace.pathways.notes.attestations(LOCAL)
    kept = next(a for a in mine if a.statement == "Read them all")
    _send(walked, "/pathways/notes", f"/pathways/attestations/{kept.id}/withdraw")
    assert "withdrawn" in _words(_get(walked, page))


def test_a_reflection_is_kept_for_its_writer_and_forgotten_for_good(
    walked: TestClient, house: Looked
) -> None:
    question = house.workspace.pathways.catalogues.current().catalogue.reflections[0].id
    _send(walked, "/pathways/notes", "/pathways/notes", question=question, text="A quiet thought")
    assert "A quiet thought" in _words(_get(walked, "/pathways/notes"))
    kept = next(r for r in house.workspace.pathways.notes.reflections(LOCAL) if r.text == "A quiet thought")
    _send(walked, "/pathways/notes", f"/pathways/notes/{kept.id}/forget")
    assert "A quiet thought" not in _get(walked, "/pathways/notes")


def test_a_quiz_is_drawn_handed_in_and_explained(walked: TestClient, house: Looked) -> None:
    quiz = house.workspace.pathways.catalogues.current().catalogue.quizzes[0]
    token = re.search(r'name="_token" value="([^"]+)"', _get(walked, "/pathways/quizzes"))
    assert token
    drawn = walked.post(f"/pathways/quizzes/{quiz.id}", data={"_token": token[1]})
    draw = re.search(r'action="(/pathways/draws/[^"]+)"', drawn.text)
    assert draw
    left_open = walked.post(draw[1], data={"_token": token[1]})
    assert left_open.status_code == 400
    assert "left open" in _words(left_open.text)
    count = drawn.text.count("<fieldset>")
    answers = {f"question-{n}": "0" for n in range(count)}
    result = walked.post(draw[1], data={"_token": token[1], **answers})
    assert result.status_code == 200
    assert f"of {count}" in _words(result.text)
    assert any(q.because in _words(result.text) for q in quiz.questions)


def test_a_lab_is_verified_hinted_and_begun_again_in_the_console(walked: TestClient) -> None:
    page = "/pathways/labs/first-documents"
    words = _words(_get(walked, page))
    assert "Hints taken" in words
    token = re.search(r'name="_token" value="([^"]+)"', _get(walked, page))
    assert token
    looked = walked.post(f"{page}/verify", data={"_token": token[1]})
    assert looked.status_code == 200
    assert "0 of" in _words(looked.text)
    assert _send(walked, page, f"{page}/reset") == page
    assert "Hints taken" not in _words(_get(walked, page))


def test_a_proof_whose_record_is_gone_says_so(walked: TestClient, house: Looked) -> None:
    proof = house.addresses["/pathways/proofs/{proof_id}"][0]
    words = _words(_get(walked, proof))
    assert "no longer shown" in words
    assert "ans_gone" in words


def test_every_fact_of_the_documents_has_a_place(walked: TestClient, house: Looked) -> None:
    page = _get(walked, "/pathways/facts")
    for fact in house.workspace.pathways.catalogues.current().facts():
        assert f'<li id="{fact.id}">' in page


def test_search_finds_skills_labs_plans_and_proofs(walked: TestClient, house: Looked) -> None:
    words = _get(walked, "/search?q=first+documents")
    assert 'href="/pathways/labs/first-documents"' in words
    assert 'href="/pathways/skills/rag-patterns"' in _get(walked, "/search?q=RAG+patterns")
    for address in (
        house.addresses["/pathways/plans/{plan_id}"][0],
        house.addresses["/pathways/proofs/{proof_id}"][0],
    ):
        found = walked.get(f"/search?q={address.rpartition('/')[2]}", follow_redirects=False)
        assert (found.status_code, found.headers["location"]) == (303, address)


def test_boxes_of_the_map_do_not_lie_on_one_another(house: Looked) -> None:
    whole = house.workspace.pathways.catalogues.current().catalogue
    drawn = pathway_map.drawn(whole.stages, whole.skills, {})
    places = {(b.x, b.y) for b in drawn.boxes}
    assert len(places) == len(drawn.boxes) == len(whole.skills)
    assert all(b.x + pathway_map.BOX_WIDTH <= drawn.width for b in drawn.boxes)
    assert all(b.y + pathway_map.BOX_HEIGHT <= drawn.height for b in drawn.boxes)


def test_the_first_ninety_days_stand_beside_the_plan_that_their_document_describes(
    house: Looked, walked: TestClient
) -> None:
    words = _words(_get(walked, house.addresses["/pathways/plans/{plan_id}"][0]))
    actions = house.workspace.pathways.catalogues.current().catalogue.actions
    assert len(actions) == 12
    assert all(a.title in words for a in actions)


def test_the_calendar_holds_every_hour_of_the_plan(house: Looked) -> None:
    plan = house.workspace.pathways.planner.latest(LOCAL)
    months = pathway_calendar.months(plan)
    assert sum(m.hours for m in months) == pytest.approx(sum(i.hours for i in plan.items))
    assert [i.milestone for m in months for i in m.ends] == [
        i.milestone for i in sorted(plan.items, key=lambda i: (i.end.year, i.end.month))
    ]
