"""Gates, verdicts and comparisons in the console and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.evaluation.gates.types import Verdict
from tests.console.test_pages import _get, _send, _words
from tests.evaluation.gates.house import house, sides
from tests.server.conftest import client_of


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with house(tmp_path_factory.mktemp("gates")) as made:
        yield made


@pytest.fixture(scope="module")
def verdicts(workspace: Workspace) -> tuple[Verdict, Verdict]:
    """A verdict that promotes and one that rejects."""
    gates = workspace.evaluation.gates
    found = []
    for better in (True, False):
        old, new = sides(workspace.root, better)
        found.append(gates.run(LOCAL, "quality", candidate=new, baseline=old))
    return found[0], found[1]


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with client_of(workspace) as made:
        yield made


def test_a_workspace_without_gates_says_how_to_write_one(tmp_path: Path) -> None:
    with house(tmp_path / "bare", spec="") as bare, client_of(bare) as client:
        page = _get(client, "/gates")
        assert "[gates.quality]" in page
        assert "There is no verdict yet" in page


def test_gates_stand_with_their_last_verdict_in_words(
    client: TestClient, verdicts: tuple[Verdict, Verdict]
) -> None:
    page = _words(_get(client, "/gates"))
    assert "quality" in page
    assert "Reject" in page
    assert "is worse" in page


def test_a_verdict_says_its_sentence_before_its_figures(
    client: TestClient, verdicts: tuple[Verdict, Verdict]
) -> None:
    good = verdicts[0]
    page = _get(client, f"/gates/verdicts/{good.id}")
    words = _words(page)
    assert words.index("is better") < words.index("What had to be shown")
    assert "Tested:" in words
    assert good.plan[:7] in page
    assert "whisker-pass" in page
    assert f"/evaluations/{good.candidate}" in page
    assert "Override" not in words  # there is nothing to override


def test_a_refused_verdict_is_overridden_with_a_reason(
    client: TestClient, verdicts: tuple[Verdict, Verdict]
) -> None:
    bad = verdicts[1]
    address = f"/gates/verdicts/{bad.id}"
    assert (
        _send(client, address, f"{address}/override", reason="the old index is unlawful to keep") == address
    )
    words = _words(_get(client, address))
    assert "overridden" in words
    assert "the old index is unlawful to keep" in words
    body = client.get(f"/api/verdicts/{bad.id}").json()
    assert body["outcome"] == "reject"
    assert body["overrides"][0]["reason"] == "the old index is unlawful to keep"
    again = client.post(f"/api/verdicts/{bad.id}/override", json={"reason": "once more, with feeling"})
    assert again.status_code == 409
    assert client.post(f"/api/verdicts/{bad.id}/override", json={"reason": "short"}).status_code in (400, 422)


def test_two_evaluations_stand_side_by_side_with_what_got_worse_first(
    client: TestClient, verdicts: tuple[Verdict, Verdict]
) -> None:
    bad = verdicts[1]
    address = f"/compare?a={bad.baseline}&b={bad.candidate}"
    page = _get(client, address)
    words = _words(page)
    assert "The second is worse" in words
    assert f"/evaluations/{bad.candidate}/examples/exm_" in page
    first = page.index('<h2 id="examples">')
    assert 'class="state bad">worse' in page[first : first + 3000]
    better = _get(client, f"{address}&order=better&metric=latency")
    assert "What n would decide" in better
    assert "Choose" not in better
    assert "First (baseline)" in _get(client, "/compare")


def test_the_same_evaluation_twice_is_said_and_not_compared(
    client: TestClient, verdicts: tuple[Verdict, Verdict]
) -> None:
    one = verdicts[0].baseline
    answer = client.get(f"/compare?a={one}&b={one}", headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "are the same evaluation" in answer.text


def test_the_interface_lists_plans_and_reports(client: TestClient, verdicts: tuple[Verdict, Verdict]) -> None:
    good = verdicts[0]
    listed = client.get("/api/gates").json()
    assert [g["name"] for g in listed] == ["quality"]
    assert client.get("/api/gates/quality").json()["last"]["gate"] == "quality"
    assert client.get("/api/verdicts?gate=quality").json()[-1]["id"] == good.id
    assert client.get(f"/api/verdicts/{good.id}/plan").json()["digest"] == good.plan
    for form, head in (("html", "<!doctype html>"), ("markdown", "### "), ("junit", "<?xml"), ("sarif", "{")):
        answer = client.get(f"/api/verdicts/{good.id}/report?format={form}")
        assert answer.text.startswith(head)
        assert "attachment" in answer.headers["content-disposition"]
    compared = client.get(f"/api/compare?a={good.baseline}&b={good.candidate}&metric=correct").json()
    assert compared["metrics"][0]["better"] == "candidate"
    pairs = client.get(
        f"/api/compare/pairs?a={good.baseline}&b={good.candidate}&metric=correct&limit=5"
    ).json()
    assert len(pairs) == 5
    json.dumps(compared, allow_nan=False)


def test_a_file_of_the_server_cannot_be_named_from_outside(client: TestClient) -> None:
    asked: dict[str, Any] = {"candidate": "file:/etc/passwd", "baseline": "default"}
    for what in ("plan", "run"):
        answer = client.post(f"/api/gates/quality/{what}", json=asked)
        assert answer.status_code == 403, answer.text
        assert "root:" not in answer.text


def test_what_cannot_be_planned_is_said_beside_the_form(client: TestClient) -> None:
    page = _get(client, "/gates")
    token = page.split('name="_token" value="')[1].split('"')[0]
    form = {"_token": token, "gate": "quality", "candidate": "", "baseline": "", "environment": "production"}
    answer = client.post("/gates", data=form, follow_redirects=False)
    assert answer.status_code == 400
    assert "nothing stands in" in answer.text
