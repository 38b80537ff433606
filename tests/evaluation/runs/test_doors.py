"""Evaluations through the doors: the command line, HTTP with its durable job, and the pages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from groundwork.app.running import work
from groundwork.app.workspace import Workspace
from groundwork.cli.root import dispatch
from groundwork.core.principal import LOCAL, Principal
from groundwork.gateway.flow_trace import trace_hex
from groundwork.telemetry.ids import span_id
from tests.evaluation.runs.house import keep, numbered, questions, workspace_at
from tests.server.conftest import client_of

PAGE = {"accept": "text/html", "origin": "http://127.0.0.1:8700"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with workspace_at(tmp_path_factory.mktemp("doors") / "ws") as workspace:
        keep(workspace, questions())
        keep(workspace, numbered(12), "many")
        yield workspace


@pytest.fixture(scope="module")
def client(house: Workspace) -> Iterator[TestClient]:
    with client_of(house) as client:
        yield client


class _Context:
    """What a handler of a job is given, without an engine."""

    id = "job_of_a_test"
    kind = "evaluate"
    principal: Principal = LOCAL

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.told: list[Any] = []

    def progress(self, report: Any) -> None:
        self.told.append(report)

    def cancelled(self) -> bool:
        return False


def _command(house: Workspace, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = dispatch([*words, "--workspace", str(house.root)])
    out, err = capsys.readouterr()
    return code, out, err


# ---- the command line ----


def test_the_command_line_shows_the_plan_runs_it_and_shows_the_numbers(
    house: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _command(
        house, capsys, "evaluate", "default", "--dataset", "golden@1", "--title", "by hand"
    )
    assert code == 0
    assert "default over golden@1 (test): 6 examples in 4 clusters, no cost" in out
    assert "by hand" in out
    assert re.search(r"correct +1 +", out)
    code, out, _ = _command(house, capsys, "evaluation", "list", "--json")
    assert json.loads(out)["evaluations"][0]["title"] == "by hand"
    code, out, _ = _command(house, capsys, "evaluation", "results", "last", "--limit", "2")
    assert "asked: How many days of paid leave has every employee a year?" in out
    assert "there are more" in out


def test_a_dry_run_says_what_would_be_done_and_keeps_nothing(
    house: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(house.evaluation.book.list(LOCAL))
    code, out, _ = _command(
        house, capsys, "evaluate", "model:play/right", "-d", "many", "--dry-run", "--json"
    )
    assert code == 0
    assert json.loads(out)["n"] == 12
    assert json.loads(out)["expected_cost_usd"] > 0
    assert len(house.evaluation.book.list(LOCAL)) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "defualt"], "there is no app, release or model `defualt`"),
        (["evaluate", "--scorer", "corect"], "there is no scorer called `corect`"),
        (["evaluate", "--scorer", "rouge_l beta"], "is no parameter"),
        (["evaluate", "--dataset", "silver"], "silver"),
        (["evaluation", "show", "evl_none_of_this"], "there is no evaluation"),
        (["evaluation", "report", "last", "--format", "pdf"], "there is no form `pdf`"),
    ],
)
def test_what_cannot_be_is_said_with_a_next_step(
    house: Workspace, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, _, err = _command(house, capsys, *words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_scorers_take_parameters_and_another_name(
    house: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "evaluate",
        "model:play/right",
        "-d",
        "many",
        "--limit",
        "3",
        "-s",
        "exact as=same",
        "-s",
        '{"name": "f1"}',
    ]
    code, out, _ = _command(house, capsys, *words, "--json")
    assert code == 0
    assert sorted(json.loads(out)["scorers"]) == ["f1", "same"]


def test_results_leave_as_lines_as_a_table_and_as_reports(
    house: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _command(house, capsys, "evaluate", "default", "-d", "golden")
    _, out, _ = _command(house, capsys, "evaluation", "export", "--format", "jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [x["example_id"] for x in lines] == [x.id for x in questions()]
    assert lines[0]["expected"] == "28 days"
    _, out, _ = _command(house, capsys, "evaluation", "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [r["correct"] for r in rows] == ["1.0"] * 6
    for name in ("report.html", "report.md", "report.json"):
        code, _, _ = _command(house, capsys, "evaluation", "report", "--output", str(tmp_path / name))
        assert code == 0
        assert "correct" in (tmp_path / name).read_text()


def test_an_evaluation_goes_to_inspect_and_comes_back_with_its_scores(
    house: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _command(house, capsys, "evaluate", "model:play/right", "-d", "many", "-s", "exact")
    file = tmp_path / "log.json"
    code, _, err = _command(
        house, capsys, "evaluation", "export", "--format", "inspect", "--output", str(file)
    )
    assert code == 0, err
    code, out, err = _command(
        house, capsys, "evaluation", "import", str(file), "--dataset", "brought", "--json"
    )
    assert code == 0, err
    found = json.loads(out)
    assert (found["state"], found["n"], found["summary"]["exact"]["value"]) == ("done", 12, 1.0)
    assert house.datasets.get(LOCAL, "brought").examples == 12


# ---- HTTP ----


def test_over_http_an_evaluation_is_planned_queued_done_and_read(
    house: Workspace, client: TestClient
) -> None:
    asked = {"subject": "default", "dataset": "golden", "limit": 4, "title": "from afar"}
    plan = client.post("/api/evaluations/plan", json=asked).json()
    assert plan["n"] == 4
    started = client.post("/api/evaluations", json=asked)
    assert started.status_code == 202
    found = started.json()
    assert found["plan"] == plan["digest"]
    assert found["job_id"].startswith("job_")
    job = house.job(found["job_id"])
    assert (job.kind, job.arguments) == ("evaluate", {"evaluation": found["id"]})
    context = _Context(dict(job.arguments))
    assert work(house, context)["state"] == "done"
    assert context.told[-1]["done"] == context.told[-1]["total"] == 4
    assert work(house, context)["state"] == "done"  # a second delivery finds it done
    done = client.get(f"/api/evaluations/{found['id']}").json()
    assert done["summary"]["correct"]["n"] == 4
    page = client.get(f"/api/evaluations/{found['id']}/results?limit=3&offset=2").json()
    assert (page["total"], len(page["items"])) == (4, 2)
    tagged = client.get(f"/api/evaluations/{found['id']}/results?tag=topic:leave").json()
    assert {i["example_id"] for i in tagged["items"]} <= {"q0", "q1"}
    assert client.get("/api/evaluations?limit=1").json()[0]["id"] == found["id"]


def test_over_http_nothing_reads_a_file_of_the_server(house: Workspace, client: TestClient) -> None:
    answer = client.post("/api/evaluations", json={"subject": "file:/etc/passwd", "dataset": "golden"})
    assert answer.status_code == 400
    assert "cannot be evaluated from here" in answer.text


def test_over_http_a_cancelled_evaluation_stops_and_can_go_on(house: Workspace, client: TestClient) -> None:
    found = client.post("/api/evaluations", json={"subject": "default", "dataset": "golden"}).json()
    assert client.post(f"/api/evaluations/{found['id']}/cancel").json()["state"] == "cancelled"
    again = client.post(f"/api/evaluations/{found['id']}/resume")
    assert again.status_code == 202
    assert again.json()["state"] == "planned"
    assert again.json()["job_id"] != found["job_id"]
    assert work(house, _Context({"evaluation": found["id"]}))["state"] == "done"
    assert client.post(f"/api/evaluations/{found['id']}/cancel").json()["state"] == "done"


# ---- pages ----


def test_a_form_shows_what_it_will_do_and_then_does_it(house: Workspace, client: TestClient) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]{64})"', client.get("/evaluations", headers=PAGE).text)
    assert token
    asked = {"subject": "default", "dataset": "golden@1", "split": "test", "scorer": "correct", "limit": "3"}
    form = {"_token": token[1], **asked}
    before = len(house.evaluation.book.list(LOCAL))
    shown = client.post("/evaluations", data=form, headers=PAGE)
    assert "3 examples" in shown.text
    assert len(house.evaluation.book.list(LOCAL)) == before
    run = re.search(r'name="run" value="([0-9a-f]{64})"', shown.text)
    assert run
    sent = client.post("/evaluations", data={**form, "run": run[1]}, headers=PAGE, follow_redirects=False)
    assert sent.status_code == 303
    address = sent.headers["location"]
    waiting = client.get(address, headers={**PAGE, "hx-request": "true"})
    assert "0 of 3 results" in waiting.text
    work(house, _Context({"evaluation": address.rpartition("/")[2]}))
    assert client.get(address, headers={**PAGE, "hx-request": "true"}).headers["hx-refresh"] == "true"
    page = client.get(address, headers=PAGE).text
    assert "95 % interval" in page
    assert "whisker" in page


def test_a_form_that_cannot_be_run_says_why_and_keeps_what_was_written(
    house: Workspace, client: TestClient
) -> None:
    token = re.search(r'name="_token" value="([0-9a-f]{64})"', client.get("/evaluations", headers=PAGE).text)
    assert token
    form = {"_token": token[1], "subject": "void", "dataset": "golden@1", "title": "kept"}
    answer = client.post("/evaluations", data=form, headers=PAGE)
    assert answer.status_code == 400
    assert "holds nothing yet" in answer.text
    assert 'value="kept"' in answer.text


def test_one_result_stands_beside_what_was_expected_and_leads_to_its_answer(
    house: Workspace, client: TestClient
) -> None:
    found = house.evaluate("default", dataset="golden")
    page = client.get(f"/evaluations/{found.id}/examples/q0", headers=PAGE).text
    answer = house.evaluation.book.results(LOCAL, found.id)[0].output.answer_id
    assert f'href="/answers/{answer}"' in page
    assert "its trace" in page
    assert client.get(f"/evaluations/{found.id}/examples/none", headers=PAGE).status_code == 404


def test_the_list_draws_what_moved_with_its_interval(house: Workspace, client: TestClient) -> None:
    for _ in range(2):
        house.evaluate("default", dataset="golden")
    page = client.get("/evaluations", headers=PAGE).text
    assert "correct of default over golden" in page
    assert "trend-band" in page


# ---- traces ----


def test_an_evaluation_has_a_span_that_links_to_the_traces_of_its_answers(house: Workspace) -> None:
    found = house.evaluate("default", dataset="golden", limit=3)
    reader = house.telemetry.fresh()
    span = reader.span(LOCAL, trace_hex(found.id), span_id(found.id))
    assert (span.kind, span.status, span.app) == ("evaluation", "ok", "default")
    assert span.attributes["groundwork.evaluation.id"] == found.id
    answers = [r.output for r in house.evaluation.book.results(LOCAL, found.id)]
    assert [link.trace_id for link in span.links] == [trace_hex(a.trace_id) for a in answers]
    for link in span.links:
        assert reader.span(LOCAL, link.trace_id, link.span_id).kind == "answer"
