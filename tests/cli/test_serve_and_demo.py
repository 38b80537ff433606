"""The two commands that go on: `serve` and `demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("cli-demo")  # one demo for all of them
PROGRAM = [sys.executable, "-m", "groundwork.cli"]
RIGHT_PAGES = (
    ("How do I roll back an index?", "guides/snapshots.md", "groundwork knowledge rollback"),
    ("What happens to a file that cannot be read?", ".md", "quarantine with a reason"),
    ("When does Groundwork abstain?", "guides/answers.md", "under the threshold"),
    ("How do I back up a workspace?", "guides/operating.md", "copy its folder"),
)
"""Questions of the demo, the page that answers each, and words of the answer."""


@contextmanager
def serving(root: Path, *more: str):
    """A server of the workspace; yields its process and what it said when it was ready."""
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--json", "--workspace", str(root), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            text += line
        yield process, json.loads(text)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_serve_says_where_it_is_refuses_a_second_one_and_stops_on_ctrl_c(house):
    with serving(house.root) as (process, ready):
        assert ready["pid"] == process.pid
        with urllib.request.urlopen(ready["url"] + "/livez") as reply:
            assert reply.status == 200
        second = subprocess.run(
            [*PROGRAM, "serve", "--port", "0", "--json", "--workspace", str(house.root)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert second.returncode == 1
        error = json.loads(second.stdout)["error"]
        assert error["code"] == "busy"
        assert ready["url"] in error["message"] + error["hint"]
        assert house("ingest", house.files).code == 0
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode in (0, 130)
        assert "Traceback" not in err


def test_serve_binds_this_machine_only(house):
    done = house("serve", "--host", "0.0.0.0", "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "invalid_input"


def test_serve_without_a_workspace_says_how_to_make_one(tmp_path):
    done = subprocess.run([*PROGRAM, "serve"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "groundwork init" in done.stderr


def test_the_demo_answers_from_the_right_pages_declines_replays_and_explains(tmp_path):
    shown = subprocess.run(
        [*PROGRAM, "demo", "--temporary", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert list(tmp_path.iterdir()) == []
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["ingest"]["documents"]["added"] >= 15
    assert document["ingest"]["documents"]["quarantined"] == 0
    *answered, declined = document["answers"]
    for answer in answered:
        assert not answer["abstained"], answer["question"]
        assert answer["citations"]
    for question, page, words in RIGHT_PAGES:
        answer = next(a for a in answered if a["question"] == question)
        assert answer["citations"][0]["document"].endswith(page), question
        assert words in answer["text"], question
    assert declined["abstained"]
    assert document["replay"]["result"] == "identical"
    assert document["explanation"]["deletions"]
    assert document["call"]["text"].startswith(answered[0]["text"])
    measured = document["evaluation"]
    assert measured["state"] == "done"
    assert measured["summary"]["correct"]["n"] == measured["n"] == 22
    assert measured["summary"]["correct"]["value"] > 0.7
    assert document["release"]["ref"] == "default@1"
    assert document["release"]["answered_by"].startswith("rel_")
    assert not Path(document["workspace"]).exists()


@pytest.mark.slow
def test_the_demo_can_be_run_again_and_without_weights(tmp_path):
    program = (
        "import sys, groundwork.models.weights as w; w._package_folder = lambda model: []\n"
        "from groundwork.cli import main; main(sys.argv[1:])"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, "demo", "--no-serve", str(tmp_path / "demo")],
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert "embedder: lsa" in done.stdout
        assert "groundwork model fetch minilm" in done.stdout
        assert "identical" in done.stdout
    assert "nothing changed" in done.stdout
