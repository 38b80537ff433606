"""The commands, over a real workspace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import House, call

pytestmark = pytest.mark.xdist_group("cli-commands")  # they share a workspace


# -- the way in ------------------------------------------------------------------------------------------------------
def test_init_makes_a_workspace_once(tmp_path):
    first = call("init", tmp_path / "w", "--json")
    assert first.code == 0
    assert first.json["created"] is True
    assert first.json["indexes"] == first.json["apps"] == ["default"]
    assert (tmp_path / "w" / "groundwork.toml").is_file()
    assert call("init", tmp_path / "w", "--json").json["created"] is False


def test_ingest_reports_as_acceptance_expects(house):
    done = house("ingest", house.files, "--json")
    assert done.code == 0
    report = done.json
    assert report["index"] == "default"
    assert re.fullmatch(r"[0-9a-f]{64}", report["snapshot"])
    counts = report["documents"]
    assert {k: counts[k] for k in ("added", "changed", "unchanged", "removed", "quarantined")} == {
        "added": 3,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "quarantined": 1,
    }
    assert report["chunks"] >= 3
    assert report["seconds"] > 0
    assert [(q["path"], q["reason"]) for q in report["quarantine"]] == [("files/broken.pdf", "broken")]


def test_ingest_says_to_people_what_went_in_and_what_did_not(house):
    done = house("ingest", house.files)
    assert done.code == 0
    lines = done.out.splitlines()
    assert re.fullmatch(r"default: documents 3 added in [\d.]+ s", lines[0])
    assert re.match(r"snapshot [0-9a-f]{7}, \d+ chunks", lines[1])
    assert "1 file in quarantine:" in lines
    assert any(line.startswith("  files/broken.pdf: broken: ") for line in lines)
    assert done.err == ""


def test_a_second_ingest_finds_nothing_to_do(house):
    first = house("ingest", house.files, "--json").json
    second = house("ingest", house.files)
    assert "nothing changed; the snapshot is still " + first["snapshot"][:7] in second.out
    assert "3 unchanged" in second.out


def test_changes_are_counted_shown_and_rolled_back(house):
    first = house("ingest", house.files, "--json").json["snapshot"]
    (house.files / "new.md").write_text("# New\n\nThe canteen is on the third floor.\n")
    (house.files / "travel.md").rename(house.files / "journeys.md")
    (house.files / "parking.md").write_text("# Parking\n\nThe gate opens at nine.\n")
    (house.files / "hr" / "salaries.md").unlink()
    second = house("ingest", house.files, "--json").json
    counts = second["documents"]
    assert (counts["added"], counts["changed"], counts["renamed"], counts["removed"]) == (1, 1, 1, 1)

    diff = house("knowledge", "diff", "--json").json
    assert (diff["old"], diff["new"]) == (first, second["snapshot"])
    kinds = {c["document"]: c["kind"] for c in diff["changes"]}
    assert kinds == {
        "files/new.md": "added",
        "files/parking.md": "changed",
        "files/journeys.md": "renamed",
        "files/hr/salaries.md": "removed",
    }
    text = house("knowledge", "diff", first[:8], "head").out
    assert "> renamed  files/travel.md → files/journeys.md" in text
    assert max(map(len, text.splitlines())) <= 80

    back = house("knowledge", "rollback", "head~1", "--reason", "wrong", "--json")
    assert back.code == 0
    assert back.json["id"] == first
    found = house("knowledge", "snapshots", "--json").json["snapshots"]
    assert [s["id"] for s in found] == [second["snapshot"], first]
    assert [s["head"] for s in found] == [False, True]
    assert "seven" in house("ask", "When does the gate open?", "--json").json["text"]


def test_ingest_with_an_access_list_keeps_others_out(house):
    (house.files / "secret.md").write_text("# Secret\n\nThe password of the safe is swordfish.\n")
    house("ingest", house.files / "secret.md", "--access", "group:board")
    assert house("search", "swordfish", "--as", "group:sales", "--json").json["hits"] == []
    assert len(house("search", "swordfish", "--as", "group:board,user:x", "--json").json["hits"]) == 1


# -- questions -------------------------------------------------------------------------------------------------------
def test_search_answers_as_acceptance_expects(filled):
    found = filled("search", "gate opens", "--k", "2", "--json").json
    assert set(found) >= {"snapshot", "strategy", "hits"}
    hit = found["hits"][0]
    assert set(hit) >= {
        "rank",
        "score",
        "document",
        "document_id",
        "chunk_id",
        "start",
        "end",
        "text",
        "legs",
    }
    assert hit["document"] == "files/parking.md"
    assert len(found["hits"]) <= 2
    text = filled("knowledge", "document", hit["document_id"], "--json").json["text"]
    assert text[hit["start"] : hit["end"]] == hit["text"]


def test_search_takes_strategy_filter_and_snapshot(filled):
    only = filled("search", "gate", "--filter", '{"eq": ["media_type", "text/html"]}', "--json")
    assert only.json["hits"] == []
    at = filled("search", "gate", "--strategy", "lexical", "--snapshot", "head", "--json").json
    assert at["strategy"] == "lexical"
    assert at["hits"]


def test_search_shows_people_where_a_passage_stands(filled):
    lines = filled("search", "bicycles cellar key").out.splitlines()
    assert re.match(r" 1\. files/parking\.md:\d+-\d+  \d", lines[0])
    assert "Bicycles stand in the cellar" in " ".join(" ".join(lines).split())


def test_ask_answers_as_acceptance_expects(filled):
    answer = filled("ask", "When does the gate open?", "--json").json
    assert set(answer) >= {"id", "text", "abstained", "reason", "citations", "pins", "usage", "trace_id"}
    assert answer["abstained"] is False
    assert set(answer["pins"]) == {"release", "snapshot", "prompt", "model", "settings"}
    for cited in answer["citations"]:
        text = filled("knowledge", "document", cited["document_id"], "--text").out
        assert text[cited["start"] : cited["end"]] == cited["quote"]


def test_an_answer_shows_its_quotes_and_how_to_go_on(filled):
    done = filled("ask", "When does the gate open?")
    assert done.code == 0
    assert "[1] files/parking.md · Parking" in done.out
    assert "“The gate opens at seven in the morning and closes at ten at night.”" in " ".join(
        done.out.split()
    )
    assert "uncalibrated" in done.out
    assert "next: groundwork replay last, groundwork explain last" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_question_beyond_the_documents_is_declined_with_a_reason_and_exit_code_0(filled):
    done = filled("ask", "What is the capital of Mongolia?")
    assert done.code == 0
    assert done.out.startswith("No answer: ")
    answer = filled("ask", "What is the capital of Mongolia?", "--json").json
    assert answer["abstained"] is True
    assert answer["reason"]
    assert answer["citations"] == []


def test_a_question_can_come_from_standard_input(filled, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("When does the gate open?"))
    assert "seven" in filled("ask", "-", "--json").json["text"]


def test_replay_and_explain_find_the_answer_by_id_and_as_last(filled):
    answer = filled("ask", "When does the gate open?", "--json").json
    replay = filled("replay", answer["id"], "--json")
    assert replay.code == 0
    assert replay.json == {"id": answer["id"], "result": "identical", "differences": []}
    assert filled("replay", "last", "--json").json["id"] == answer["id"]
    explained = filled("explain", "last", "--json").json
    assert explained["answer"]["id"] == answer["id"]
    assert explained["passages"][0]["legs"]
    assert explained["deletions"]


def test_replay_all_counts_results(filled):
    filled("ask", "When does the gate open?")
    document = filled("replay", "--all", "--check", "--json")
    assert document.code == 0
    n = len(filled("answers", "--limit", "1000", "--json").json["answers"])
    assert document.json["n"] == document.json["counts"]["identical"] == n
    words = "answer" if n == 1 else "answers"
    assert filled("replay", "--all").out == f"{n} {words}: {n} identical, 0 same-set, 0 drifted, 0 redacted\n"


def test_a_drifted_answer_exits_0_and_with_check_1(house):
    house("ingest", house.files)
    answer = house("ask", "When does the gate open?", "--json").json
    (house.files / "new.md").write_text("# New\n\nThe canteen is on the third floor.\n")
    house("ingest", house.files)
    house("knowledge", "prune", "--keep", "1", "--yes")
    drifted = house("replay", answer["id"], "--json")
    assert drifted.code == 0
    assert drifted.json["result"] == "drifted"
    assert drifted.json["differences"]
    assert house("replay", answer["id"], "--check", "--json").code == 1


def test_maintaining_an_index_changes_no_snapshot_and_no_answer(house):
    house("ingest", house.files)
    house("ask", "When does the gate open?")
    before = house("knowledge", "snapshots", "--json").json
    assert house("knowledge", "maintain", "--json").json == {"index": "default"}
    assert "every snapshot reads as before" in house("knowledge", "maintain", "default").out
    assert house("knowledge", "snapshots", "--json").json == before
    assert house("replay", "last", "--json").json["result"] == "identical"
    assert house("knowledge", "maintain", "nope").code == 2


def test_documents_are_taken_out_by_name_and_a_rollback_brings_them_back(house):
    house("ingest", house.files)
    name = house("knowledge", "documents", "--json").json["documents"][0]["document"]
    reply = house("knowledge", "remove", name, "--json").json
    assert reply["documents"]["removed"] == 1
    left = house("knowledge", "documents", "--json").json["documents"]
    assert name not in [d["document"] for d in left]
    assert house("knowledge", "remove", name).code == 2
    house("knowledge", "rollback", "head~1")
    back = house("knowledge", "documents", "--json").json["documents"]
    assert name in [d["document"] for d in back]
    assert "Took 1 document out" in house("knowledge", "remove", name).out


def test_explain_is_readable_in_eighty_columns(filled):
    filled("ask", "When does the gate open?")
    text = filled("explain", "last").out
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "question  When does the gate open?",
        "confidence",
        "lexical #1 (",
        "Without each cited passage",
    ):
        assert part in text


def test_the_answers_are_listed_newest_first(filled):
    last = filled("ask", "When does the gate close?", "--json").json["id"]
    listed = filled("answers", "--json", "--limit", "5").json["answers"]
    assert listed[0]["id"] == last
    assert filled("answers", "--limit", "1").out.splitlines()[1] == "    When does the gate close?"


# -- knowledge -------------------------------------------------------------------------------------------------------
def test_indexes_and_documents_are_listed(filled):
    index = filled("knowledge", "list", "--json").json["indexes"][0]
    assert (index["name"], index["documents"], index["quarantined"]) == ("default", 3, 1)
    page = filled("knowledge", "documents", "--limit", "2", "--json").json
    assert page["total"] == 3
    assert len(page["documents"]) == 2
    assert "go on with --offset 2" in filled("knowledge", "documents", "--limit", "2").out
    assert [
        d["document"]
        for d in filled("knowledge", "documents", "--contains", "park", "--json").json["documents"]
    ] == ["files/parking.md"]


def test_a_document_is_found_by_id_by_name_and_by_the_end_of_its_name(filled):
    by_name = filled("knowledge", "document", "files/parking.md", "--json").json
    assert filled("knowledge", "document", by_name["id"], "--json").json == by_name
    assert filled("knowledge", "document", "parking.md", "--json").json == by_name
    assert filled("knowledge", "document", "parking.md", "--text").out == by_name["text"].rstrip("\n") + "\n"
    assert "Bicycles" in filled("knowledge", "document", "parking.md").out
    assert "#0 0-" in filled("knowledge", "document", "parking.md", "--chunks").out


def test_somebody_without_the_token_does_not_learn_of_a_document(filled):
    identifier = filled("knowledge", "document", "salaries.md", "--json").json["id"]
    assert filled("knowledge", "documents", "--as", "group:sales", "--json").json["total"] == 2
    hidden = filled("knowledge", "document", identifier, "--as", "group:sales", "--json")
    assert hidden.code == 2
    assert hidden.json["error"]["code"] == "not_found"


def test_somebody_sees_the_answers_asked_with_the_same_tokens_and_no_others(house):
    house("ingest", house.files)
    own = house("ask", "When does the gate open?", "--json").json["id"]
    theirs = house("ask", "When does the gate open?", "--as", "user:ann,group:hr", "--json").json["id"]
    for tokens, seen in (("group:hr,user:ann", [theirs]), ("user:bob", []), ("group:hr", [])):
        assert [a["id"] for a in house("answers", "--as", tokens, "--json").json["answers"]] == seen
    for command in ("replay", "explain"):
        assert house(command, own, "--as", "group:hr,user:ann").code == 2
        assert house(command, theirs, "--as", "group:hr,user:ann").code == 0
    assert [a["id"] for a in house("answers", "--json").json["answers"]] == [theirs, own]


def test_quarantine_names_the_file_and_the_reason(filled):
    entry = filled("knowledge", "quarantine", "--json").json["quarantine"][0]
    assert (entry["path"], entry["reason"]) == ("files/broken.pdf", "broken")
    assert entry["message"]


def test_erasing_asks_first_and_leaves_no_trace(house):
    house("ingest", house.files)
    answer = house("ask", "How much does the director earn?", "--json").json
    refused = house("knowledge", "erase", "salaries.md", "--json")
    assert refused.code == 2
    assert "--yes" in refused.json["error"]["hint"]
    done = house("knowledge", "erase", "salaries.md", "--yes", "--json")
    assert done.code == 0
    assert {r["room"] for r in done.json["receipts"]} >= {"knowledge", "answers"}
    assert house("search", "director crowns", "--json").json["hits"] == []
    assert house("replay", answer["id"], "--json").json["result"] == "redacted"
    again = house("ingest", house.files, "--json").json
    assert ("files/hr/salaries.md", "erased") in [(q["path"], q["reason"]) for q in again["quarantine"]]


# -- upkeep ----------------------------------------------------------------------------------------------------------
def test_verify_finds_nothing_wrong_and_then_the_damage(house):
    house("ingest", house.files)
    fine = house("verify", "--json")
    assert fine.code == 0
    assert fine.json["ok"] is True
    assert fine.json["checked"]["chunks"] >= 3
    blob = next(
        p
        for p in sorted((house.root / ".groundwork" / "blobs").rglob("*"))
        if p.is_file() and p.stat().st_size > 50
    )
    data = bytearray(blob.read_bytes())
    data[10] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    damaged = house("verify", "--json")
    assert damaged.code == 1
    assert damaged.json["damaged"]
    assert "damaged:" in house("verify").out


def test_verify_counts_one_thing_in_the_singular(house):
    house("ingest", house.files)
    assert "1 database, 1 manifest." in house("verify").out


def test_doctor_speaks_in_levels(filled):
    done = filled("doctor", "--json")
    assert done.code == 0
    assert {f["level"] for f in done.json["findings"]} <= {"ok", "warn", "error"}
    assert "hint:" in filled("doctor").out


def test_settings_show_where_a_value_comes_from(house, monkeypatch):
    monkeypatch.setenv("GROUNDWORK_PORT", "9000")
    rows = {r["key"]: r for r in house("settings", "--json").json["settings"]}
    assert (rows["settings.port"]["value"], rows["settings.port"]["origin"]) == (9000, "environment")
    assert rows["apps.default.strategy"]["origin"] == "groundwork.toml"
    assert rows["settings.threads"]["origin"] == "default"


def test_an_unknown_key_offers_the_nearest(house):
    (house.root / "groundwork.toml").write_text("porrt = 9000\n")
    done = house("settings")
    assert done.code == 2
    assert done.err.startswith("error: unknown key `porrt` in groundwork.toml\n")


# -- bad input -------------------------------------------------------------------------------------------------------
def bad(house: House) -> dict[str, tuple[object, ...]]:
    (house.root / "empty").mkdir()
    (house.root / "labels.jsonl").write_text("this is not JSON\n")
    return {
        "an empty folder": ("ingest", house.root / "empty"),
        "a path that is not there": ("ingest", house.root / "nowhere"),
        "an empty question": ("ask", ""),
        "a blank question": ("ask", " \n "),
        "a question of 100,000 characters": ("ask", "why " * 25_000),
        "a search of 100,000 characters": ("search", "why " * 25_000),
        "an unknown index": ("search", "x", "--index", "nope"),
        "an unknown index to ingest into": ("ingest", house.files, "--index", "nope"),
        "an unknown app": ("ask", "x", "--app", "nope"),
        "an unknown strategy": ("search", "gate", "--strategy", "nope"),
        "an unknown answer": ("replay", "ans_nope"),
        "an unknown answer to explain": ("explain", "ans_nope"),
        "an unknown snapshot": ("search", "gate", "--snapshot", "abcdef0"),
        "an unknown document": ("knowledge", "document", "nope.md"),
        "an unknown document id": ("knowledge", "document", "doc_nope"),
        "a filter that is not JSON": ("search", "gate", "--filter", "media_type=pdf"),
        "a filter with an unknown field": ("search", "gate", "--filter", '{"eq": ["colour", "red"]}'),
        "nothing to replay": ("replay",),
        "labels that are not there": ("calibrate", house.root / "nowhere.jsonl"),
        "labels that are not JSON": ("calibrate", house.root / "labels.jsonl"),
        "an unknown job": ("jobs", "show", "job_nope"),
        "a workspace that is not there": ("verify", "--workspace", house.root / "nowhere"),
    }


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("bad") / "house")
    assert house("ingest", house.files).code == 0
    return house, bad(house)


@pytest.mark.parametrize("case", [
    "an empty folder", "a path that is not there", "an empty question", "a blank question",
    "a question of 100,000 characters", "a search of 100,000 characters", "an unknown index",
    "an unknown index to ingest into", "an unknown app", "an unknown strategy", "an unknown answer",
    "an unknown answer to explain", "an unknown snapshot", "an unknown document", "an unknown document id",
    "a filter that is not JSON", "a filter with an unknown field", "nothing to replay", "labels that are not there",
    "labels that are not JSON", "an unknown job", "a workspace that is not there",
])  # fmt: skip
def test_bad_input_is_refused_in_words_and_changes_nothing(asked, case):
    house, cases = asked
    before = house("knowledge", "snapshots", "--json").out
    done = (
        call(*cases[case], "--workspace", house.root, "--json")
        if "--workspace" not in cases[case]
        else call(*cases[case], "--json")
    )
    assert done.code == 2, done
    error = done.json["error"]
    assert error["message"]
    assert error["hint"]
    assert done.err == f"error: {error['message']}\nhint: {error['hint']}\n"
    assert len(error["message"]) < 400
    assert house("knowledge", "snapshots", "--json").out == before


def test_a_workspace_of_a_newer_version_is_not_opened(house):
    house("ingest", house.files)
    import sqlite3

    with sqlite3.connect(house.root / ".groundwork" / "groundwork.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    connection.close()
    done = house("ask", "When does the gate open?", "--json")
    assert done.code == 1
    assert done.json["error"]["code"] == "workspace_version"
    assert done.json["error"]["hint"]


def test_a_missing_encoder_says_how_to_get_it(house):
    (house.root / "groundwork.toml").write_text('[indexes.default]\nembedder = "minilm"\n')
    program = (
        "import sys, groundwork.models.weights as w; w._package_folder = lambda model: []\n"
        "from groundwork.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "ingest", str(house.files), "--workspace", str(house.root)],
        env={**os.environ, "HOME": str(house.root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "error: the weights of `minilm` are not here" in done.stderr
    assert "groundwork model fetch minilm" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_goes_to_quarantine(house):
    (house.files / "locked.md").write_text("# Locked")
    (house.files / "locked.md").chmod(0)
    report = house("ingest", house.files, "--json").json
    assert ("files/locked.md", "unreadable") in [(q["path"], q["reason"]) for q in report["quarantine"]]


# -- the process -----------------------------------------------------------------------------------------------------
def program(*arguments: object, cwd: Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundwork.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        **more,
    )


def test_stdout_holds_one_document_and_nothing_else(house):
    for words in (("ingest", "files"), ("ask", "When does the gate open?")):
        done = program(*words, "--json", cwd=house.root)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)


def test_a_command_finds_the_workspace_from_a_folder_inside_it(house):
    program("ingest", "files", cwd=house.root)
    assert program("answers", "--json", cwd=house.files / "hr").returncode == 0


def test_ctrl_c_says_what_is_safe(house):
    import signal
    import time

    for n in range(120):
        (house.files / f"n{n}.md").write_text(f"# Page {n}\n\nThis is page number {n}.\n" * 50)
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwork.cli", "ingest", "files"],
        cwd=house.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    begun = house.root / ".groundwork" / "blobs"
    end = time.monotonic() + 30
    while not any(begun.glob("??/*")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the ingest was over before it could be interrupted")
    assert process.returncode == 130
    assert out == ""
    assert err.startswith("error: interrupted\nhint: readers still see the last published snapshot")
    assert "Traceback" not in err
    assert program("ingest", "files", "--json", cwd=house.root).returncode == 0
    assert program("verify", cwd=house.root).returncode == 0
