"""Follow-up questions, with a model and without; and what erasure does to what was said before."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwork.answers.generating.condensing import condensed, depends, usable
from groundwork.answers.types import Turn
from groundwork.core.errors import NotFoundError
from groundwork.core.principal import Principal
from tests.answers.labs import LEAVE, lab
from tests.workspaces import FILES, light_workspace, write

ASKED = [Turn("user", "How many days of paid leave does an employee have?"), Turn("assistant", "28 days.")]


@pytest.mark.parametrize(
    ("question", "standalone"),
    [
        ("Does it expire?", "Does it expire? (paid leave employee)"),
        ("And for managers?", "And for managers? (paid leave employee)"),
        ("What about managers?", "What about managers? (paid leave employee)"),
        ("Which class are trains booked in?", "Which class are trains booked in?"),
        ("那个呢", "那个呢 (paid leave employee)"),
    ],
)
def test_a_question_that_points_back_gets_the_telling_words_of_the_one_before(
    question: str, standalone: str
) -> None:
    assert condensed(ASKED, question) == standalone
    assert condensed((), question) == question


def test_the_rule_looks_past_a_question_that_points_back_itself() -> None:
    turns = [*ASKED, Turn("user", "Does it expire?"), Turn("assistant", "In March.")]
    assert condensed(
        turns, "And when is that?"
    ) == "And when is that? (expire employee paid)" or "expire" in condensed(turns, "And when is that?")
    assert not depends("How many days of paid leave does an employee have?")


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("Does unused paid leave expire?", "Does unused paid leave expire?"),
        ('"Does unused paid leave expire?"', "Does unused paid leave expire?"),
        ("Question: Does unused paid leave expire?", "Does unused paid leave expire?"),
        ("", ""),
        ("NO ANSWER", ""),
        ("It expires in March.\n\nSource: leave.md", ""),
        ("<html>", ""),
        ("x" * 2_000, ""),
    ],
)
def test_what_a_model_writes_is_used_only_where_it_is_one_question(written: str, used: str) -> None:
    assert usable(written, "Does it expire?") == used


def test_a_conversation_goes_on_without_a_model(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        first = workspace.ask(LEAVE, conversation="new")
        assert first.conversation is not None
        second = workspace.ask(
            "Until when may unused days of it be carried over?", conversation=first.conversation
        )
        assert second.standalone.startswith("Until when may unused days of it be carried over? (")
        assert second.question == "Until when may unused days of it be carried over?"
        assert "March" in second.text
        assert workspace.replay(second.id).result == "identical"
        assert [a.id for a in workspace.conversation(first.conversation)] == [first.id, second.id]
        (listed,) = workspace.conversations()
        assert (listed.id, listed.turns, listed.question, listed.last) == (
            first.conversation,
            2,
            LEAVE,
            second.id,
        )


def test_a_model_rewrites_the_question_and_both_are_recorded(tmp_path: Path) -> None:
    script = {
        "rules": [{"when": "Last question", "text": "How many days of paid leave may be carried over?"}],
        "replies": ["Up to 5 days of unused leave may be carried over until the end of March [1]."],
    }
    with lab(tmp_path, script) as workspace:
        history = [Turn("user", LEAVE), Turn("assistant", "28 days.")]
        answer = workspace.ask("How many of them may be carried over?", history=history)
        assert answer.standalone == "How many days of paid leave may be carried over?"
        assert answer.question == "How many of them may be carried over?"
        assert [e.purpose for e in answer.exchanges] == ["condense", "answer"]
        assert answer.usage["model_calls"] == 2
        assert workspace.replay(answer.id).result == "identical"
        assert any("understood as" in s for s in workspace.explain(answer.id).sentences)


def test_the_rule_steps_in_when_the_model_does_not_rewrite(tmp_path: Path) -> None:
    script = {"rules": [{"when": "Last question", "fail": "overloaded"}], "replies": ["NO ANSWER"]}
    with lab(tmp_path, script) as workspace:
        answer = workspace.ask("How many of them may be carried over?", history=[Turn("user", LEAVE)])
        assert answer.standalone.startswith("How many of them may be carried over? (")
        assert answer.exchanges[0].error == "upstream_failed"


def test_people_go_on_in_their_own_conversations_alone(tmp_path: Path) -> None:
    ann, bob = Principal(name="user:ann"), Principal(name="user:bob")
    with light_workspace(tmp_path / "ws") as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        first = workspace.ask(LEAVE, conversation="new", principal=ann)
        assert workspace.conversations(bob) == []
        for asking in (lambda: workspace.ask("And then?", conversation=first.conversation, principal=bob),
                       lambda: workspace.conversation(str(first.conversation), bob),
                       lambda: workspace.ask("And then?", conversation="con_nope")):  # fmt: skip
            with pytest.raises(NotFoundError):
                asking()


def test_erasing_a_document_redacts_the_turns_that_came_after_it_too(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        first = workspace.ask(LEAVE, conversation="new")
        second = workspace.ask("What of trains for that?", conversation=first.conversation)
        assert "leave" in second.standalone
        workspace.erase([first.citations[0].document_id])
        later = workspace.answer(second.id)
        assert (later.redacted, later.question, later.standalone) == (True, "", "")
        third = workspace.ask("And that?", conversation=first.conversation)
        assert third.standalone == ""
