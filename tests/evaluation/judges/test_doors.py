"""Judges through their doors: the command line, HTTP, the console, and the guide."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.cli.judges_labelling import Session
from groundwork.core.principal import LOCAL
from tests.cli.conftest import call
from tests.cli.documents import ROOT, perform, steps
from tests.console.test_pages import _get, _send, _words
from tests.data_sets import data_set
from tests.evaluation.judges.house import JudgeHouse, animals
from tests.server.conftest import client_of

GUIDE = ROOT / "docs" / "guides" / "judges.md"


def test_the_guide_leads_from_an_empty_folder_to_a_judge_that_may_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDWORK_MODELS", str(tmp_path / "no weights"))
    for step in steps(GUIDE):
        code, said, err = perform(step.command)
        assert code == 0, f"{step.command}\n{said}\n{err}"
    assert "may gate unattended" in said
    shown = call("judge", "show", "days", "--json").json
    assert shown["gates"]
    assert shown["record"]["record"]["origin"] == "imported"
    assert call("judge", "card", "days", "--make", "--json").code == 1
    fixed = call("judge", "correct", "last", "judge", "--json").json
    assert fixed["labels"] == 3
    assert fixed["measured"]["method"] == "Wilson score, 3 human labels of a drawn sample"
    unread = call("judge", "try", "days", "--output", "28 days", "--json")
    assert (unread.code, unread.json["label"]) == (0, "pass")
    assert call("judge", "try", "days", "--output", "x", "--other", "y").code == 2
    assert call("judge", "list", "--json").json["judges"][0]["name"] == "days"
    checked = call("judge", "check", "days", "--items", "3", "--json")
    assert (checked.code, checked.json["state"]) == (0, "steady")


def test_a_sitting_labels_by_keys_takes_back_and_goes_on_later(house: JudgeHouse) -> None:
    house.book.put(animals(10))
    sample = house.judges.draw(LOCAL, "right", "evl_one", 4, seed=1)
    out = io.StringIO()
    Session(house.judges, LOCAL, sample.id, out, io.StringIO("2\n1\nu\nc\nlooks odd\n1\ns\nx\nq\n")).run()
    labels = house.judges.labels(LOCAL, sample.id)
    assert [(x.item, x.label, x.comment) for x in labels] == [
        (sample.items[0], "pass", ""),
        (sample.items[1], "fail", "looks odd"),
    ]
    assert "took back `fail`" in out.getvalue()
    assert "press 1, 2, s, u, c or q" in out.getvalue()
    Session(house.judges, LOCAL, sample.id, out, io.StringIO("2\n2\n")).run()
    assert house.judges.progress(LOCAL, sample.id).mine == 4


@pytest.fixture
def client(house: JudgeHouse) -> Iterator[object]:
    house.book.put(animals(60))
    with client_of(house.workspace) as made:
        yield made


def test_over_http_a_judge_is_tried_drawn_for_labelled_and_measured(
    house: JudgeHouse, client: object
) -> None:
    http = client
    assert [j["name"] for j in http.get("/api/judges").json()] == ["bench", "mute", "pair", "right", "yes"]  # type: ignore[attr-defined]
    said = http.post("/api/judges/right/try", json={"output": "a zebra"}).json()  # type: ignore[attr-defined]
    assert said["label"] == "pass"
    assert http.post("/api/judges/right/try", json={"output": "a", "other": "b"}).status_code == 400  # type: ignore[attr-defined]
    sample = http.post(
        "/api/judges/right/samples", json={"evaluation": "evl_one", "size": 5, "seed": 1}
    ).json()  # type: ignore[attr-defined]
    base = f"/api/judges/samples/{sample['id']}"
    items = http.get(f"{base}/items").json()  # type: ignore[attr-defined]
    assert [i["item"] for i in items] == sample["items"]
    given = [{"item": i["item"], "label": "pass"} for i in items]
    assert len(http.post(f"{base}/labels", json={"labels": given}).json()) == 5  # type: ignore[attr-defined]
    wrong = http.post(f"{base}/labels", json={"labels": [{"item": items[0]["item"], "label": "great"}]})  # type: ignore[attr-defined]
    assert (wrong.status_code, "none of the judge" in wrong.json()["detail"]) == (400, True)
    assert http.delete(f"{base}/labels/last").json()["item"] == items[-1]["item"]  # type: ignore[attr-defined]
    assert http.get(base).json()["progress"]["mine"] == 4  # type: ignore[attr-defined]
    card = house.judges.make_card(LOCAL, "right")
    assert http.get(f"/api/judges/cards/{card.id}").json()["record"]["n"] == 4  # type: ignore[attr-defined]
    assert [c["id"] for c in http.get("/api/judges/right/cards").json()] == [card.id]  # type: ignore[attr-defined]
    assert http.get("/api/judges/right/drift").json()["state"] == "unknown"  # type: ignore[attr-defined]
    fixed = http.get("/api/judges/corrected", params={"evaluation": "evl_one"}).json()  # type: ignore[attr-defined]
    assert fixed["labels"] == 4
    assert http.get("/api/judges/nobody").status_code == 404  # type: ignore[attr-defined]
    queued = http.post("/api/judges/right/card", json={})  # type: ignore[attr-defined]
    assert (queued.status_code, queued.json()["kind"]) == (202, "judge")


def test_in_the_console_items_are_labelled_one_by_one_and_disagreements_listed(
    house: JudgeHouse, client: object
) -> None:
    http = client
    page = _get(http, "/judges")  # type: ignore[arg-type]
    assert "may not gate" in page
    sample = house.judges.draw(LOCAL, "right", "evl_one", 3, seed=1)
    place = f"/judges/samples/{sample.id}"
    page = _get(http, place)  # type: ignore[arg-type]
    assert "Item 1 of 3" in page
    assert "no zebra" not in page
    first = house.judges.item(LOCAL, sample.id, 1)
    wrong = "fail" if "zebra" in first.shown.output else "pass"
    assert _send(http, place, f"{place}/labels", item=first.item, label=wrong) == place  # type: ignore[arg-type]
    assert "1 of 3 labelled by you" in _words(_get(http, place))  # type: ignore[arg-type]
    assert _send(http, place, f"{place}/undo") == f"{place}?place=1"  # type: ignore[arg-type]
    for item in house.judges.items(LOCAL, sample.id):
        label = wrong if item.place == 1 else "pass" if "zebra" in item.shown.output else "fail"
        _send(http, place, f"{place}/labels", item=item.item, label=label)  # type: ignore[arg-type]
    assert "Nothing is left for you" in _get(http, place)  # type: ignore[arg-type]
    house.judges.make_card(LOCAL, "right")
    assert "1 disagreement" in _get(http, "/judges/right")  # type: ignore[arg-type]
    differing = _get(http, "/judges/right/disagreements")  # type: ignore[arg-type]
    assert f"/evaluations/evl_one/examples/{first.item.partition('/')[0]}" in differing
    assert _send(http, "/judges/right", "/judges/right/card").startswith("/jobs/job_")  # type: ignore[arg-type]


def test_published_kappas_of_people_are_met_on_the_part_that_is_given() -> None:
    found = call(
        "bench", "judges", data_set("pandalm"), data_set("llmbar"), "--simulate", "0", "--json"
    ).json["sets"]
    people = found["pandalm"]["people"]
    for pair, published in (
        ("1 with annotator 2", 0.85),
        ("1 with annotator 3", 0.88),
        ("2 with annotator 3", 0.86),
    ):
        kappa = people[f"annotator {pair}"]["kappa"]
        assert people[f"annotator {pair}"]["published"] == published
        assert kappa["low"] < published < kappa["high"]
        assert abs(kappa["value"] - published) < 0.015
    gpt4, chatgpt = (found["llmbar"]["judges"][f"{m}/Vanilla"] for m in ("GPT-4", "ChatGPT"))
    assert gpt4["positional_agreement"] == pytest.approx(196 / 207, abs=1e-4)
    assert gpt4["may gate"]
    assert chatgpt["position"]["found"]
    assert not chatgpt["may gate"]


def test_folders_are_known_by_their_columns_and_a_folder_without_verdicts_is_told(tmp_path: Path) -> None:
    assert "no agreement to compute" in call("bench", "judges", data_set("wice"), "--simulate", "0").out
    rows = [
        {
            "label": ("supported", "not_supported")[n % 2],
            "claim": f"c{n}",
            "gpt4_verdict": ("supported", "partially_supported")[n % 3 % 2],
        }
        for n in range(30)
    ]
    (tmp_path / "gpt4_verdicts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = call("bench", "judges", tmp_path, "--simulate", "0", "--json").json["sets"][tmp_path.name]
    assert found["kind"] == "wice"
    assert found["judges"]["gpt-4"]["n"] == 30
    assert "kappa, quadratic weights" in found["judges"]["gpt-4"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert call("bench", "judges", empty, "--simulate", "0").code == 2
