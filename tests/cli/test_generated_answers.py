"""Answers that a model writes, on the command line: conversations, what was left out, and asking again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.answers.labs import LEAVE, lab
from tests.cli.conftest import Done, call

RULES = (
    "The rules are:\n\n- Every employee has 28 days of paid leave a year [1].\n- They get a free car [1].\n"
)
Run = Callable[..., Done]


@pytest.fixture
def on(tmp_path: Path) -> Run:
    script = {
        "rules": [{"when": "Last question", "text": "How many days of paid leave does a manager have?"}],
        "replies": [RULES],
    }
    lab(tmp_path, script).close()
    return lambda *arguments: call(*arguments, "--workspace", tmp_path / "ws")


def test_a_generated_answer_keeps_its_lines_and_says_what_was_left_out(on: Run) -> None:
    done = on("ask", LEAVE)
    assert done.code == 0
    assert done.out.startswith(
        "The rules are: [1]\n\n- Every employee has 28 days of paid leave a year. [1]\n\n[1] "
    )
    assert "1 sentence of the model had no support in the passages and was left out." in done.out
    assert ", lab/model, ans_" in done.out
    document = on("ask", LEAVE, "--json").json
    assert document["served_by"] == "lab/model"
    assert [s["text"] for s in document["removed"]] == ["- They get a free car."]
    assert "text" not in document["exchanges"][0]


def test_a_conversation_is_begun_continued_listed_and_shown(on: Run) -> None:
    first = on("ask", LEAVE, "--continue", "--json").json
    second = on("ask", "And a manager?", "--continue", "--json").json
    third = on("ask", "And a manager?", "--conversation", first["conversation"], "--json").json
    assert first["conversation"] == second["conversation"] == third["conversation"]
    assert second["standalone"] == "How many days of paid leave does a manager have?"
    (listed,) = on("conversations", "--json").json["conversations"]
    assert (listed["id"], listed["turns"], listed["question"]) == (first["conversation"], 3, LEAVE)
    shown = on("conversations", first["conversation"])
    assert "understood as: How many days of paid leave does a manager have?" in shown.out
    assert [a["id"] for a in on("conversations", first["conversation"], "--json").json["answers"]] == [
        first["id"], second["id"], third["id"]
    ]  # fmt: skip
    assert on("ask", "And?", "--conversation", "con_nope").code == 2
    assert on("ask", "And?", "--conversation", "new", "--continue").code == 2


def test_replay_live_asks_again_and_says_how_far_the_answers_agree(on: Run) -> None:
    answer = on("ask", LEAVE, "--json").json
    document = on("replay", "last", "--live", "--runs", "3", "--json").json
    assert (document["id"], document["n"], document["same_text"]["value"]) == (answer["id"], 3, 1.0)
    assert "same citations" in on("replay", answer["id"], "--live").out
    assert on("replay", answer["id"], "--json").json == {
        "id": answer["id"],
        "result": "identical",
        "differences": [],
    }
    for wrong in (("replay", "last", "--runs", "3"), ("replay", "--all", "--live"), ("replay", "--live")):
        assert on(*wrong).code == 2


def test_explain_shows_the_calls_and_each_sentence(on: Run) -> None:
    on("ask", LEAVE)
    said = on("explain", "last").out
    assert "Call to lab/model (answer, first)" in said
    assert "Taken out: “- They get a free car.”" in said
    assert "sentence 2 is supported" in said
