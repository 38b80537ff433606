"""The way of one question, from the front door: cited, recorded, replayed, explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.answers.citations import check_citations
from groundwork.answers.types import Draft, Passage, Quote
from groundwork.app.workspace import Workspace
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.knowledge.records import DocumentInfo, DocumentView
from tests.workspaces import FILES, light_workspace, write


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(tmp_path / "docs", FILES)


@pytest.fixture
def workspace(tmp_path: Path, docs: Path) -> Iterator[Workspace]:
    with light_workspace(tmp_path / "ws") as made:
        made.ingest([docs])
        yield made


def test_an_answer_quotes_the_stored_text_exactly(workspace: Workspace) -> None:
    answer = workspace.ask("How many days of paid leave does an employee have?")
    assert not answer.abstained
    assert "28 days" in answer.text
    for citation in answer.citations:
        text = workspace.document(citation.document_id).text
        assert text[citation.start : citation.end] == citation.quote
    assert answer.citations[0].heading == "Leave policy"
    assert answer.pins.snapshot == workspace.snapshots()[0].id
    assert workspace.answer(answer.id) == answer


def test_a_question_about_something_else_is_declined_with_a_reason(workspace: Workspace) -> None:
    answer = workspace.ask("What is the capital of Mongolia?")
    assert answer.abstained
    assert answer.text == ""
    assert answer.citations == ()
    assert answer.reason


def test_a_replay_is_identical_although_the_documents_have_changed_since(
    workspace: Workspace, docs: Path
) -> None:
    answer = workspace.ask("How many days of paid leave does an employee have?")
    (docs / "leave.md").write_text("# Leave policy\n\nEvery employee has 30 days of paid leave a year.\n")
    workspace.ingest([docs])
    assert "30 days" in workspace.ask(answer.question).text
    assert workspace.replay(answer.id).result == "identical"
    again = Workspace.open(workspace.root)
    assert again.replay(answer.id).result == "identical"
    again.close()


def test_a_replay_of_a_pruned_snapshot_says_that_it_drifted(workspace: Workspace, docs: Path) -> None:
    answer = workspace.ask("How many days of paid leave does an employee have?")
    (docs / "leave.md").write_text("# Leave\n\nThirty.\n")
    workspace.ingest([docs])
    workspace.prune("default", 1)
    replay = workspace.replay(answer.id)
    assert replay.result == "drifted"
    assert replay.differences[-1].what == "snapshot"


def test_an_explanation_names_legs_scores_and_what_would_be_without_a_passage(workspace: Workspace) -> None:
    answer = workspace.ask("How many days of paid leave does an employee have?")
    explanation = workspace.explain(answer.id)
    cited = [p for p in explanation.passages if p["cited"]]
    assert cited
    assert "lexical" in cited[0]["legs"]
    assert {c["name"] for c in explanation.checks} >= {"confidence", "passages found"}
    assert explanation.deletions[0].changed
    assert any("uncalibrated" in s for s in explanation.sentences)


@pytest.mark.parametrize("question", ["", "   ", "\x00", "x" * 100_000])
def test_a_question_that_cannot_be_asked_is_refused(workspace: Workspace, question: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        workspace.ask(question)
    assert caught.value.hint
    assert workspace.answers() == []


def test_an_unknown_app_answer_or_strategy_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError):
        workspace.ask("What?", app="nope")
    with pytest.raises(NotFoundError):
        workspace.answer("ans_nope")
    with pytest.raises(NotFoundError):
        workspace.search("What?", strategy="magic")


def test_people_see_their_own_answers_and_the_owner_sees_all(workspace: Workspace) -> None:
    ann = Principal(name="user:ann")
    answer = workspace.ask("How many days of leave?", principal=ann)
    assert [a.id for a in workspace.answers(ann)] == [answer.id]
    assert workspace.answers(Principal(name="user:bob")) == []
    assert workspace.answers() != []
    with pytest.raises(NotFoundError):
        workspace.answer(answer.id, Principal(name="user:bob"))


def test_a_quote_that_does_not_stand_in_the_stored_text_takes_its_sentence_with_it() -> None:
    info = DocumentInfo("doc_1", "a.md", "A", "v", "text/markdown", "", 1, 1, 1, "")
    view = DocumentView(info, "The sky is blue. Grass is green.", (), ())
    passages = [
        Passage(1, 1.0, "a.md", "doc_1", "chk_1", 0, 32, "The sky is blue. Grass is green."),
        Passage(2, 0.5, "a.md", "doc_1", "chk_2", 0, 10, "Forged text"),
    ]
    draft = Draft(
        "The sky is blue [1] It is forged [2] Grass is green [3] Nobody said so. Out of range [9]",
        (Quote(0, 0, 16), Quote(1, 0, 6), Quote(0, 17, 32)),
        1.0,
    )
    text, citations = check_citations(draft, passages, lambda _: view)
    assert text == "The sky is blue [1] Grass is green [2]"
    assert [c.quote for c in citations] == ["The sky is blue.", "Grass is green."]


def test_a_footnote_inside_a_quote_is_no_marker() -> None:
    info = DocumentInfo("doc_1", "a.md", "A", "v", "text/markdown", "", 1, 1, 1, "")
    words = "It grew.[4] Then it fell."
    passages = [Passage(1, 1.0, "a.md", "doc_1", "chk_1", 0, len(words), words)]
    draft = Draft(f"{words} [1]", (Quote(0, 0, len(words)),), 1.0)
    text, citations = check_citations(draft, passages, lambda _: DocumentView(info, words, (), ()))
    assert text == f"{words} [1]"
    assert [c.quote for c in citations] == [words]
