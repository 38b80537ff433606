"""Every page over HTTP: what it shows, that it needs no script, and that text stays text."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from tests.server.conftest import client_of, job
from tests.server.fake_workspace import FakeWorkspace

PAGE = {"accept": "text/html"}


def _get(client: TestClient, path: str, status: int = 200) -> str:
    response = client.get(path, headers=PAGE)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def _send(client: TestClient, page: str, path: str, **fields: str) -> str:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(client, page))
    assert token
    response = client.post(path, data={"_token": token[1], **fields}, follow_redirects=False)
    assert response.status_code == 303, response.text
    return response.headers["location"]


def test_an_empty_workspace_offers_three_things_to_do(tmp_path: object) -> None:
    with client_of(FakeWorkspace(tmp_path, empty=True)) as client:  # type: ignore[arg-type]
        page = _get(client, "/")
    assert len(re.findall(r"<li>\s*<h2>", page)) == 3
    for command in ("groundwork ingest", "groundwork ask", "groundwork replay"):
        assert command in page
    assert 'type="file"' in page


def test_a_question_leads_to_the_record_of_its_answer_beside_the_evidence(client: TestClient) -> None:
    where = _send(
        client, "/", "/ask", question="How many days may be carried into the next year?", app="default"
    )
    page = _get(client, where)
    words = _words(page)
    assert "Up to five days may be carried into the next year." in words
    assert "Answered from 1 passage" in words
    assert "Uncalibrated." in words
    assert re.search(r'<mark id="quote-1">.*Up to five days may be carried into the next year\.</mark>', page)
    assert where.rsplit("/", 1)[1] in page
    assert where in _get(client, "/")
    assert where in _get(client, "/answers")


def test_the_evidence_opens_the_document_at_the_quoted_place(client: TestClient, answer_id: str) -> None:
    page = _get(client, f"/answers/{answer_id}")
    link = re.search(r'href="(/knowledge/default/documents/[^"]+#span)"', page)
    assert link
    document = _get(client, link[1].replace("&amp;", "&").split("#")[0])
    marked = re.search(r'<mark class="[^"]*" id="span"[^>]*>([^<]+)</mark>', document)
    assert marked
    assert marked[1] == "Up to five days may be carried into the next year."


def test_an_abstention_is_a_sentence_with_its_reason_and_what_was_found(client: TestClient) -> None:
    where = _send(client, "/", "/ask", question="zebra quantum chromodynamics lecture", app="default")
    words = _words(_get(client, where))
    assert "No answer:" in words
    assert "Declined to answer" in words
    page = _words(_get(client, where + "/explain"))
    assert "not reached" in page


def test_replay_and_explain_are_pages_with_an_address(client: TestClient, answer_id: str) -> None:
    assert "Identical: the same sentences" in _words(_get(client, f"/answers/{answer_id}/replay"))
    words = _words(_get(client, f"/answers/{answer_id}/explain"))
    for part in ("Scores against thresholds", "confidence", "What brought each passage", "rank 1", "without"):
        assert part in words
    assert "&#34;index&#34;: &#34;default&#34;" in _get(client, f"/answers/{answer_id}/settings")


def test_a_drift_is_shown_as_what_was_and_what_is(fake_client: TestClient) -> None:
    words = _words(_get(fake_client, "/answers/ans_0001/replay"))
    assert "Drifted" in words
    assert "Recorded within 30 days Now within 14 days" in words


def test_two_answers_stand_side_by_side(fake_client: TestClient) -> None:
    page = _get(fake_client, "/answers/compare?a=ans_0003&b=ans_0002")
    assert page.count("<section aria-label=") == 2
    assert "differs" in page
    assert "ans_0001" in _get(fake_client, "/answers?compare=ans_0003")


def test_a_sentence_without_a_source_is_marked_and_not_hidden(fake_client: TestClient) -> None:
    page = _get(fake_client, "/answers/ans_0003")
    assert re.search(r'class="sentence bare"[^>]*>Ask early\. <span class="bare-note">no source', page)


def test_text_of_documents_and_questions_is_always_escaped(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&"
    where = _send(fake_client, "/", "/ask", question=hostile)
    travel = list(fake._documents)[1]
    for path in (
        where,
        "/",
        "/answers",
        f"/knowledge/default/documents/{travel}",
        f"/knowledge/default?contains={hostile}",
    ):
        page = _get(fake_client, path)
        assert "<img src=x" not in page
        assert '<script>alert("never")' not in page


@pytest.mark.parametrize(
    "path", ["/", "/answers/ans_0003", "/knowledge/default", "/settings", "/nope", "/jobs/job_1"]
)
def test_no_page_holds_inline_script_or_style(fake_client: TestClient, path: str) -> None:
    page = fake_client.get(path, headers=PAGE).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r"\son[a-z]+=", page)
    assert not re.search(r'(?:href|src|action)="(?:https?:|//|javascript:)', page)


def test_documents_snapshots_and_quarantine_stand_on_the_page_of_an_index(client: TestClient) -> None:
    words = _words(_get(client, "/knowledge/default"))
    for part in (
        "2 documents",
        "handbook/leave.md",
        "travel policy.txt",
        "head",
        "1 file could not be read",
        "broken.pdf",
    ):
        assert part in words
    assert (
        "travel"
        not in _get(client, "/knowledge/default?contains=leave")
        .split('id="document-list"')[1]
        .split("</table>")[0]
    )
    assert "No document" in _get(client, "/knowledge/default?contains=zzz")
    assert "Nothing has been ingested yet" in _get(client, "/knowledge/other")


def test_an_older_snapshot_has_its_own_address_and_says_so(client: TestClient) -> None:
    oldest = client.get("/api/indexes/default/snapshots").json()[-1]["id"]
    words = _words(_get(client, f"/knowledge/default@{oldest[:7]}"))
    assert "as it was" in words
    assert "travel policy" not in words


def test_two_snapshots_can_be_compared_and_the_head_moved_back_and_forward(client: TestClient) -> None:
    newest, oldest = (s["id"] for s in client.get("/api/indexes/default/snapshots").json()[:2])
    diff = _words(_get(client, f"/knowledge/default/diff?old={oldest[:12]}&new={newest[:12]}"))
    assert "2 documents differ" in diff
    confirm = f"/knowledge/default/rollback?to={oldest[:12]}"
    words = _words(_get(client, confirm))
    assert "Nothing is removed" in words
    assert f"roll forward to {newest[:7]}" in words
    where = _send(client, confirm, "/knowledge/default/rollback", snapshot=oldest, reason="test")
    assert "Nothing was lost" in _get(client, where)
    assert client.get("/api/indexes/default").json()["head"]["id"] == oldest
    _send(client, f"/knowledge/default/rollback?to={newest}", "/knowledge/default/rollback", snapshot=newest)
    assert client.get("/api/indexes/default").json()["head"]["id"] == newest
    assert "is the head" in _words(_get(client, f"/knowledge/default/rollback?to={newest}", 400))


def test_a_document_shows_its_chunks_with_ordinals_and_its_outline(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    leave, travel = fake._documents.values()
    page = _get(fake_client, f"/knowledge/default/documents/{leave.info.id}")
    for c in leave.chunks:
        assert f'id="c{c.ordinal}"' in page
    assert page.count('class="chunk band-0"') + page.count('class="chunk band-1"') == len(leave.chunks)
    assert f'href="#at{leave.text.index("## How")}"' in page
    assert f'id="at{leave.text.index("## How")}"' in page
    assert 'class="stop" id="place0">page 1<' in _get(
        fake_client, f"/knowledge/default/documents/{travel.info.id}"
    )


@pytest.mark.parametrize("query", ["start=5&end=5", "start=9&end=3", "start=0&end=999999", "start=3"])
def test_a_place_that_is_not_in_the_text_marks_nothing(
    fake_client: TestClient, fake: FakeWorkspace, query: str
) -> None:
    page = _get(fake_client, f"/knowledge/default/documents/{next(iter(fake._documents))}?{query}")
    assert 'id="span"' not in page
    assert "is not in this version" in page


def test_a_job_shows_how_far_it_is_and_asks_again_by_itself(fake_client: TestClient) -> None:
    page = _get(fake_client, "/jobs/job_1")
    assert "40 of 120 chunks embedded" in page
    assert '<progress max="120" value="40"' in page
    assert 'hx-get="/jobs/job_1"' in page
    assert "Cancel this job" in page
    part = fake_client.get("/jobs/job_1", headers={**PAGE, "hx-request": "true"}).text
    assert part.lstrip().startswith("<section")
    assert "<html" not in part


def test_a_finished_job_says_what_came_out_and_asks_no_more(fake_client: TestClient) -> None:
    page = _get(fake_client, "/jobs/job_2")
    assert "hx-get" not in page
    assert "Cancel" not in page
    assert "120" in _words(page)


def test_a_failed_job_says_what_is_safe_and_what_to_do(tmp_path: object) -> None:
    with client_of(FakeWorkspace(tmp_path, jobs_=[job("job_3", "failed")])) as client:  # type: ignore[arg-type]
        words = _words(_get(client, "/jobs/job_3"))
    for part in ("what readers see is unchanged", "somebody else writes", "Try again"):
        assert part in words


def test_a_job_is_cancelled_by_a_form(fake_client: TestClient, fake: FakeWorkspace) -> None:
    assert _send(fake_client, "/jobs/job_1", "/jobs/job_1/cancel") == "/jobs/job_1"
    assert ("cancel", "job_1") in fake.calls


def test_files_are_added_by_a_form_and_the_job_is_shown(fake_client: TestClient, fake: FakeWorkspace) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(fake_client, "/knowledge/default"))
    assert token
    sent = fake_client.post(
        "/knowledge/default/uploads",
        data={"_token": token[1]},
        files=[("files", ("a.md", b"# A")), ("files", ("b.md", b"# B"))],
        follow_redirects=False,
    )
    assert (sent.status_code, sent.headers["location"]) == (303, "/jobs/job_1")
    none = fake_client.post("/knowledge/default/uploads", data={"_token": token[1]}, headers=PAGE)
    assert none.status_code == 400
    assert "choose at least one file" in none.text


def test_settings_and_health_say_what_is_so_and_what_to_do(fake_client: TestClient) -> None:
    assert "environment" in _words(_get(fake_client, "/settings"))
    words = _words(_get(fake_client, "/settings/health"))
    assert "1 thing to look at" in words
    assert "groundwork model fetch minilm" in words
    token = re.search(r'name="_token" value="([0-9a-f]+)"', _get(fake_client, "/settings/health"))
    assert token
    verified = fake_client.post("/settings/health/verify", data={"_token": token[1]}, headers=PAGE)
    assert "Everything that is stored is as it was written" in verified.text


def test_the_theme_that_was_chosen_comes_with_the_page(fake_client: TestClient) -> None:
    assert "data-theme" not in _get(fake_client, "/").split("<head>")[0]
    fake_client.cookies.set("groundwork_theme", "dark")
    assert 'data-theme="dark"' in _get(fake_client, "/")
    fake_client.cookies.set("groundwork_theme", '"><script>')
    assert "data-theme" not in _get(fake_client, "/").split("<head>")[0]
