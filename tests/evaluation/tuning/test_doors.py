"""Tuning at the doors: the command line, HTTP, pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from groundwork.app.tuning import work
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from tests.cli.conftest import call
from tests.evaluation.tuning.house import kept_tuning
from tests.evaluation.tuning.test_tuner import SPEC, files, questions
from tests.server.conftest import client_of
from tests.workspaces import light_workspace, write


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("tuned")
    with light_workspace(root / "house", SPEC) as made:
        made.ingest([write(root / "docs", files(31))])
        made.datasets.create(LOCAL, "golden", questions(31))
        yield made


@pytest.fixture
def client(house: Workspace) -> Iterator[TestClient]:
    with client_of(house) as made:
        yield made


def test_the_command_says_what_it_will_do_then_does_it(house: Workspace) -> None:
    dry = call(
        "tune", "default", "--dry-run", "--budget", "3", "--only", "passages", "--json", "-w", house.root
    )
    assert dry.code == 0, dry.err
    assert dry.json["configurations"][0] == {}
    assert dry.json["expected_cost_usd"] == 0
    done = call("tune", "--metric", "ndcg", "--only", "strategy", "--budget", "3", "-w", house.root)
    assert done.code == 0, done.err
    assert "31 examples in 31 clusters, 3 configurations" in done.err + done.out
    assert "gain on unseen examples" in done.out
    listed = call("tune", "list", "--json", "-w", house.root)
    assert listed.json["tunings"][0]["state"] == "done"
    again = call("tune", "--resume", "last", "--json", "-w", house.root)
    assert again.json["report"] == listed.json["tunings"][0]["report"]


def test_a_recommendation_is_applied_and_one_that_is_none_is_refused(house: Workspace) -> None:
    spec = house.root / "groundwork.toml"
    before = spec.read_text()
    poor = kept_tuning(house, LOCAL, gain=0.0)
    refused = call("tune", "apply", poor.id, "-w", house.root)
    assert refused.code != 0
    assert "recommends no change" in refused.err or "nothing better" in refused.err
    assert spec.read_text() == before
    good = kept_tuning(house, LOCAL)
    shown = call("tune", "show", good.id, "-w", house.root)
    assert "+passages = 12     # one is enough" in shown.out
    applied = call("tune", "apply", good.id, "-w", house.root)
    assert applied.code == 0, applied.err
    assert "undo: cp" in applied.out
    assert "passages = 12" in spec.read_text()
    spec.write_text(before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "there is no app"),
        (["--dataset", "nope"], "nope"),
        (["--metric", "p95(latency)"], "cannot be tuned on"),
        (["--budget", "1"], "budget"),
        (["show", "tun_unknown00"], "there is no tuning"),
        (["--only", "colour"], "cannot be tuned"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(house: Workspace, words: list[str], said: str) -> None:
    found = call("tune", *words, "-w", house.root)
    assert found.code != 0
    assert said in found.err
    assert "hint" in found.err
    assert "Traceback" not in found.err


def test_over_http_a_tuning_is_planned_queued_and_read(house: Workspace, client: TestClient) -> None:
    body = {"dataset": "golden", "budget": 3, "parts": ["passages"]}
    plan = client.post("/api/tunings/plan", json=body)
    assert plan.status_code == 200, plan.text
    assert plan.json()["n"] == 31
    begun = client.post("/api/tunings", json={**body, "metric": "ndcg", "parts": ["strategy"]})
    assert begun.status_code == 202, begun.text
    found = begun.json()
    assert (found["state"], bool(found["job_id"])) == ("planned", True)
    assert client.get(f"/api/tunings/{found['id']}").json()["id"] == found["id"]
    assert found["id"] in [t["id"] for t in client.get("/api/tunings").json()]
    assert client.get(f"/api/tunings/{found['id']}/patch").status_code == 409
    assert client.post("/api/tunings", json={"dataset": "golden", "budget": 400}).status_code == 422
    assert client.post("/api/tunings", json={"dataset": "nope"}).status_code == 404
    good = kept_tuning(house, LOCAL)
    patch = client.get(f"/api/tunings/{good.id}/patch").json()
    assert patch["recommended"] is True
    assert "passages = 12" in patch["diff"]


def test_the_job_runs_what_was_queued(house: Workspace) -> None:
    tuner = house.evaluation.tuner
    begun = tuner.start(
        LOCAL, tuner.plan(LOCAL, "default", dataset="golden", metric="ndcg", parts=["strategy"], budget=2)
    )

    class Context:
        id, kind, principal, arguments = "job_1", "tune", LOCAL, {"tuning": begun.id}

        def progress(self, report: object) -> None: ...

        def cancelled(self) -> bool:
            return False

    assert work(house, Context())["state"] == "done"  # type: ignore[arg-type]


def test_the_pages_show_every_configuration_and_ask_before_they_run(
    house: Workspace, client: TestClient
) -> None:
    good = kept_tuning(house, LOCAL)
    page = client.get(f"/evaluations/tunings/{good.id}", headers={"accept": "text/html"}).text
    for said in ("as it is", "passages 12", "Gain on unseen examples", "p, after Holm", "<svg", "tune apply"):
        assert said in page
    listed = client.get("/evaluations/tunings", headers={"accept": "text/html"})
    assert good.id in listed.text
    token = re.search(r'name="_token" value="([0-9a-f]{64})"', listed.text)
    assert token
    form = {
        "_token": token[1],
        "app": "default",
        "dataset": "golden",
        "metric": "ndcg",
        "budget": "3",
        "part_strategy": "yes",
    }
    before = client.post("/evaluations/tunings", data=form)
    assert "Before it runs" in before.text
    run = re.search(r'name="run" value="(\w+)"', before.text)
    assert run
    begun = client.post("/evaluations/tunings", data={**form, "run": run[1]}, follow_redirects=False)
    assert begun.status_code == 303
    waiting = client.get(begun.headers["location"], headers={"accept": "text/html"})
    assert "0 of about" in waiting.text
    wrong = client.post("/evaluations/tunings", data={**form, "budget": "many"})
    assert wrong.status_code == 400
    assert "is no number of configurations" in wrong.text
