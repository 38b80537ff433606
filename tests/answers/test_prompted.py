"""What models were asked is shown word for word, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundwork.answers.prompted import prompted
from tests.answers.labs import LEAVE, lab
from tests.workspaces import FILES, light_workspace, write

TRUE = "Every employee has 28 days of paid leave a year [1]."


def test_the_prompt_of_an_answer_is_the_one_the_model_got_although_the_file_has_changed(
    tmp_path: Path,
) -> None:
    with lab(tmp_path, TRUE) as workspace:
        answer = workspace.ask(LEAVE)
        folder = workspace.root / "prompts"
        folder.mkdir(exist_ok=True)
        (folder / "answer.md").write_text(
            "---\ninputs:\n  question: text\n  passages: list\n---\n{{ question }}\n"
        )
        workspace.ask(LEAVE)
        ((system, user),) = workspace.explain(answer.id).prompts
        assert (system.role, user.role) == ("system", "user")
        assert "<passage>\n# Leave policy" in user.text
        assert user.text.endswith(f"Question: {LEAVE}")


def test_a_prompt_whose_digest_is_another_is_not_shown(tmp_path: Path) -> None:
    with lab(tmp_path, TRUE) as workspace:
        answer = workspace.ask(LEAVE)
        pipeline = workspace.rooms.pipeline
        (first,) = answer.exchanges
        for other in (
            replace(answer, exchanges=(replace(first, request="0" * 64),)),
            replace(answer, question="Another question?"),
            replace(answer, pins=replace(answer.pins, prompt=f"answer@{'0' * 64}")),
            replace(answer, retrieved=()),
        ):
            assert prompted(pipeline, other, "local") == ((),)


def test_the_prompt_of_a_follow_up_is_shown_until_its_prompt_changes(tmp_path: Path) -> None:
    with lab(tmp_path, TRUE) as workspace:
        first = workspace.ask(LEAVE, conversation="new")
        second = workspace.ask("And for managers?", conversation=first.conversation)
        condensing, answering = workspace.explain(second.id).prompts
        assert f"Question: {LEAVE}" in condensing[-1].text
        assert answering
        folder = workspace.root / "prompts"
        folder.mkdir(exist_ok=True)
        (folder / "condense.md").write_text("---\ninputs:\n  question: text\n---\n{{ question }}\n")
        assert [bool(p) for p in workspace.explain(second.id).prompts] == [False, True]


def test_an_answer_without_a_model_has_no_prompts(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        assert workspace.explain(workspace.ask(LEAVE).id).prompts == ()
