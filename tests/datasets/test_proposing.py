"""Answers, traces and feedback become examples: through the library, the command line, HTTP and the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app import datasets as promoting
from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL
from groundwork.datasets.types import Example
from tests.cli.conftest import call
from tests.server.people import PAGE, Browser, app_of, key_of
from tests.workspaces import FILES, light_workspace, write


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("proposing")
    made = light_workspace(root / "w")
    made.ingest([write(root / "docs", FILES)])
    yield made
    made.close()


def test_an_answer_becomes_an_example_and_goes_when_its_document_is_erased(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "w") as home:
        home.ingest([write(tmp_path / "docs", FILES)])
        answer = home.ask("How many days of paid leave a year?")
        assert not answer.abstained
        found = promoting.propose(home, "golden", answer.id, reason="good")
        assert found.example.input == answer.question
        assert found.example.expected == answer.text
        assert found.example.relevant == {c.document_id: 1.0 for c in answer.citations}
        assert found.example.origin.answer_id == answer.id
        trace = found.example.origin.trace_id
        assert promoting.propose(home, "golden", trace).id == found.id
        home.datasets.decide(LOCAL, found.id, True)
        made = home.datasets.publish(LOCAL, "golden")
        assert made.examples == 1
        receipts = {r.room: r for r in home.erase([answer.citations[0].document_id])}
        assert receipts["datasets"].removed == 2
        assert home.datasets.examples(LOCAL, "golden") == []
        assert "28 days" not in str([c.example for c in home.datasets.candidates(LOCAL, state="")])
        with pytest.raises(InvalidInputError):
            promoting.propose(home, "other", answer.id)
        with pytest.raises(InvalidInputError, match="redacted"):
            home.datasets.create(LOCAL, "again", [found.example])


def test_feedback_of_the_two_kinds_is_proposed_once(home: Workspace) -> None:
    answer = home.ask("How are trains booked?")
    book = home.telemetry.feedback
    book.give(LOCAL, "correction", text="In second class.", answer_id=answer.id)
    book.give(LOCAL, "golden", answer_id=answer.id)
    thumb = book.give(LOCAL, "thumb", value="up", answer_id=answer.id)
    found, empty = promoting.propose_feedback(home, "said")
    assert [c.example.expected for c in found] == ["In second class.", answer.text]
    assert empty == 0
    assert [c.id for c in promoting.propose_feedback(home, "said")[0]] == [c.id for c in found]
    with pytest.raises(InvalidInputError, match="thumb"):
        promoting.propose(home, "said", thumb.id)
    with pytest.raises(NotFoundError):
        promoting.propose(home, "said", "ans_none")


def test_what_feedback_export_writes_is_imported_with_its_origin(home: Workspace, tmp_path: Path) -> None:
    from groundwork.app.golden import as_line, examples
    from groundwork.datasets.importing import read_file

    answer = home.ask("Who approves flights?")
    home.telemetry.feedback.give(LOCAL, "golden", text="A manager.", answer_id=answer.id)
    file = tmp_path / "golden.jsonl"
    file.write_text("".join(as_line(x) for x in examples(home, LOCAL)))
    found = [x for x in read_file(file).examples if x.expected == "A manager."]
    assert found[0].input == "Who approves flights?"
    assert found[0].origin.answer_id == answer.id
    made = home.datasets.create(LOCAL, "exported", found)
    assert home.datasets.examples(LOCAL, made.ref)[0].origin.feedback_id


def run(*words: str) -> tuple[int, Any]:
    done = call(*words, "--json")
    return done.code, done.json if done.code == 0 or words[1] in ("check", "delete") else None


def test_a_golden_set_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(light_workspace(tmp_path / "w").root)
    (tmp_path / "g.csv").write_text(
        "question,answer,chapter\n"
        + "".join(f"What is rule {n} about?,rule {n},{n % 5}\n" for n in range(20))
    )
    code, made = run(
        "dataset", "import", str(tmp_path / "g.csv"), "--name", "golden", "--map", "cluster=chapter"
    )
    assert (code, made["version"]["ref"], made["examples"]) == (0, "golden@1", 20)
    assert (
        run("dataset", "import", str(tmp_path / "g.csv"), "-n", "golden", "--map", "cluster=chapter")[1][
            "version"
        ]["number"]
        == 1
    )
    _, split = run("dataset", "split", "golden", "60/20/20", "--seed", "3")
    assert sum(split["version"]["summary"]["splits"].values()) == 20
    assert (
        run("dataset", "add", "golden", "Who?", "-e", "Ann", "-e", "Bob", "--id", "who", "-t", "hard")[0] == 0
    )
    assert run("dataset", "add", "golden", "Who?", "--id", "who")[0] != 0
    _, edited = run(
        "dataset", "edit", "golden", "who", "--impossible", "--split", "holdout", "--expected", ""
    )
    assert edited["example"]["expected"] is None
    assert (edited["example"]["impossible"], edited["example"]["split"]) == (True, "holdout")
    _, shown = run("dataset", "examples", "golden", "--tag", "hard")
    assert [x["id"] for x in shown["examples"]] == ["who"]
    _, diff = run("dataset", "diff", "golden")
    assert [f["name"] for f in diff["changed"][0]["fields"]] == ["expected", "split", "impossible"]
    assert run("dataset", "remove", "golden", "who")[1]["version"]["examples"] == 20
    assert run("dataset", "check", "golden")[0] == 0
    run("dataset", "add", "golden", "What is rule 3 about", "--split", "holdout", "--cluster", "z")
    code, leaks = run("dataset", "check", "golden")
    assert (code, leaks["leaks"][0]["kind"]) == (1, "exact")
    for form in ("jsonl", "csv", "promptfoo", "inspect"):
        file = tmp_path / f"out.{form}"
        assert run("dataset", "export", "golden", str(file), "--format", form)[1]["examples"] == 21
        assert file.stat().st_size > 500
    assert run("dataset", "delete", "golden")[0] == 1
    assert [d["name"] for d in run("dataset", "list")[1]["datasets"]] == ["golden"]
    assert len(run("dataset", "versions", "golden")[1]["versions"]) == 6
    assert run("dataset", "show", "golden@2")[1]["ref"] == "golden@2"
    assert run("dataset", "delete", "golden", "--yes")[0] == 0
    assert run("dataset", "show", "golden")[0] != 0


def test_the_queue_from_the_command_line(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.root)
    answer = home.ask("How long may a password be?")
    other = home.ask("When are passwords changed?")
    _, found = run("dataset", "propose", "queue", answer.id, other.id)
    ids = [c["id"] for c in found["candidates"]]
    assert [c["id"] for c in run("dataset", "review", "queue")[1]["candidates"]] == ids[::-1]
    assert run("dataset", "reject", ids[1], "--reason", "vague")[1]["candidates"][0]["reason"] == "vague"
    _, done = run("dataset", "accept", ids[0], "--publish", "-e", "14 characters", "--tag", "it")
    assert done["versions"][0]["ref"] == "queue@1"
    assert home.datasets.examples(LOCAL, "queue")[0].expected == "14 characters"
    assert run("dataset", "publish", "queue")[0] != 0
    assert run("dataset", "propose", "queue")[0] != 0
    assert "rejected" in call("dataset", "review", "queue", "--state", "all").out


def test_datasets_over_http(home: Workspace) -> None:
    client, shown = Browser(app_of(home)), key_of(home, "admin", "default", name="http")

    def ask(method: str, path: str, status: int, **more: Any) -> Any:
        answer = client.request(method, f"/api/datasets{path}", headers=shown, **more)
        assert answer.status_code == status, (path, answer.text[:500])
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer

    words = [
        "leave",
        "travel",
        "pay",
        "rooms",
        "keys",
        "mail",
        "cars",
        "phones",
        "desks",
        "parking",
        "visitors",
        "badges",
    ]
    examples = [{"input": f"{w}?", "expected": f"a{n}", "cluster": f"c{n % 4}"} for n, w in enumerate(words)]
    made = ask("POST", "", 201, json={"name": "web", "examples": examples})
    assert made["ref"] == "web@1"
    one = ask("GET", "/web/examples?limit=1&offset=2", 200)
    assert (one["total"], one["items"][0]["input"]) == (12, "pay?")
    identifier = one["items"][0]["id"]
    assert ask("GET", f"/web@1/examples/{identifier}", 200)["expected"] == "a2"
    assert ask("PATCH", f"/web/examples/{identifier}", 200, json={"expected": ["x", "y"]})["number"] == 2
    assert ask("GET", "/web/diff", 200)["changed"][0]["fields"][0]["now"] == ["x", "y"]
    assert ask("POST", "/web/split", 200, json={"ratios": {"test": 1, "holdout": 1}})["number"] == 3
    assert ask("GET", "/web/check", 200)["passed"]
    body = {"examples": [{"id": "q/1", "input": "Slash?"}], "remove": [identifier]}
    assert ask("POST", "/web/examples", 201, json=body)["examples"] == 12
    assert ask("GET", "/web/examples/q/1", 200)["input"] == "Slash?"
    assert ask("DELETE", "/web/examples/q/1", 200)["examples"] == 11
    taken = ask("GET", "/web/export?format=csv", 200)
    assert taken.text.startswith("id,input,expected")
    assert "web-5.csv" in taken.headers["content-disposition"]
    file = {"file": ("g.csv", b"question,answer\nA?,b\nC?,d\n", "text/csv")}
    assert ask("POST", "/-/import?name=up&mode=add", 201, files=file)["version"]["examples"] == 2
    bad = {"file": ("g.jsonl", b'{"input":"a"}\n{}\n', "text/plain")}
    assert "line 2" in ask("POST", "/-/import?name=up", 400, files=bad)["detail"]
    proposed = ask(
        "POST", "/-/candidates", 201, json={"dataset": "web", "example": {"input": "New?", "expected": "n"}}
    )
    assert ask("GET", "", 200)["waiting"]["web"] == 1
    path = f"/-/candidates/{proposed['id']}"
    assert ask("PATCH", path, 200, json={"expected": "m"})["example"]["expected"] == "m"
    assert ask("POST", f"{path}/accept", 200, json={"publish": True})["state"] == "accepted"
    assert ask("POST", f"{path}/reject", 409)["code"] == "conflict"
    assert ask("GET", "/web/examples?contains=new", 200)["items"][0]["expected"] == "m"
    ask("POST", "/web/publish", 409)
    ask("POST", "/-/candidates", 400, json={"dataset": "web"})
    ask("GET", "/web/examples?split=tests", 422)
    ask("POST", "", 400, json={"name": "Bad Name", "examples": examples})
    assert len(ask("GET", "/web/versions", 200)) == 6
    ask("DELETE", "/web@2", 204)
    ask("DELETE", "/web", 204)
    ask("GET", "/web", 404)


def test_a_person_writes_and_reviews_in_the_console(home: Workspace) -> None:
    browser, shown = Browser(app_of(home)), {**key_of(home, "admin", "default", name="page"), **PAGE}

    def post(path: str, status: int = 303, files: Any = None, **fields: str) -> Any:
        import re

        token = re.search(
            r'name="_token" value="([0-9a-f]{64})"', browser.get("/datasets", headers=shown).text
        )
        assert token
        answer = browser.post(
            path, data={"_token": token[1], **fields}, headers=shown, files=files, follow_redirects=False
        )
        assert answer.status_code == status, (path, answer.text[:400])
        return answer

    assert "There is no dataset" in browser.get("/datasets", headers=shown).text or home.datasets.list(LOCAL)
    post(
        "/datasets",
        dataset="desk",
        input="Who?",
        expected='["Ann", "Bob"]',
        tags="x, y",
        split="test",
        id="who",
    )
    assert home.datasets.example(LOCAL, "desk", "who").expected == ["Ann", "Bob"]
    refused = post("/datasets", 409, dataset="desk", input="Again?")
    assert "already" in refused.text
    assert "Again?" in refused.text
    post("/datasets/desk/new", input="How?", expected="so", split="holdout", id="how", impossible="yes")
    assert home.datasets.example(LOCAL, "desk", "how").impossible
    assert post("/datasets/desk/new", 400, input=" ").text.count("input is empty") == 1
    post(
        "/datasets/desk/example", id="who", input="Who?", expected="Ann", split="train", tags="x", cluster="c"
    )
    assert home.datasets.example(LOCAL, "desk", "who").expected == "Ann"
    post("/datasets/desk/example", id="how", remove="yes")
    assert [x.id for x in home.datasets.examples(LOCAL, "desk")] == ["who"]
    file = {"file": ("g.csv", b"question,answer\nA?,b\nC?,d\n", "text/csv")}
    post("/datasets/-/import", files=file, dataset="desk", add="yes")
    assert home.datasets.get(LOCAL, "desk").examples == 3
    assert (
        "line 1" in post("/datasets/-/import", 400, files={"file": ("g.jsonl", b"x\n")}, dataset="desk").text
    )
    post("/datasets/desk/split", train="1", test="1", validation="0", holdout="0", seed="1")
    post("/datasets/desk/check")
    answer = home.ask("How many days may be carried over?")
    there = post("/datasets/-/propose", dataset="desk", what=answer.id, expected="5").headers["location"]
    post(there, decision="save", input="How many?", expected="five", split="test", tags="", id="ignored")
    assert home.datasets.candidate(LOCAL, there.rpartition("/")[2]).example.expected == "five"
    post(
        there, decision="publish", input="How many?", expected="5 days", split="test", tags="hr", reason="ok"
    )
    assert any(
        x.expected == "5 days" and x.origin.answer_id == answer.id
        for x in home.datasets.examples(LOCAL, "desk")
    )
    assert "was accepted" in post(there, 409, decision="reject").text
    page = browser.get("/datasets/desk", headers=shown).text
    assert "5 days" in page
    made = home.datasets.examples(LOCAL, "desk", contains="5 days")[0]
    opened = browser.get("/datasets/desk/example", params={"id": made.id}, headers=shown)
    assert f"/answers/{answer.id}" in opened.text
    post("/datasets/desk/remove")
    assert browser.get("/datasets/desk", headers=shown).status_code == 404


def test_a_viewer_looks_and_changes_nothing(home: Workspace) -> None:
    home.datasets.create(LOCAL, "seen", [Example("a", "A?")])
    client, shown = Browser(app_of(home)), key_of(home, "viewer", "default", name="viewer")
    assert client.get("/api/datasets/seen", headers=shown).status_code == 200
    assert client.delete("/api/datasets/seen", headers=shown).status_code == 403
    page = client.get("/datasets/seen", headers={**shown, **PAGE})
    assert page.status_code == 200
    assert "Delete…" not in page.text
