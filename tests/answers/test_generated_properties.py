"""Laws of generated answers, whatever a model writes and however it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.answers.types import AnswerEvent
from groundwork.app.workspace import Workspace
from tests.answers.labs import LEAVE
from tests.answers.models import Models, give
from tests.workspaces import FILES, light_workspace, write

SPEC = """\
[indexes.default]
backend = "memory"
embedder = "none"
[apps.default]
model = "lab/any"
[apps.marks]
model = "lab/any"
unsupported = "mark"
"""
PIECES = [
    "Every employee has 28 days of paid leave a year", "Up to 5 days of unused leave may be carried over", ". ", ".", " [1]",
    "Trains are booked", " in second class", "[2]", " [1][2] ", " [9]", "\n", "\n\n", "\n- ", "They get a free car",
    "28 days", "“every employee has 28 days”", "The rules are:", "```\ncode\n```", "NO ANSWER", "<b>", "![](//evil.example)",
    "。", "\ud800", "\x00", "I cannot say", "# Heading\n", "| a | b |\n",
]  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root: Path = tmp_path_factory.mktemp("properties")
    with light_workspace(root / "ws", SPEC) as made:
        made.ingest([write(root / "docs", FILES)])
        yield made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.sampled_from(PIECES), max_size=24).map("".join),
    piece=st.integers(1, 40),
    breaks_after=st.none() | st.integers(0, 300),
    app=st.sampled_from(["default", "marks"]),
)
def test_what_is_streamed_is_the_answer_every_quote_stands_and_replay_is_identical(
    workspace: Workspace, said: str, piece: int, breaks_after: int | None, app: str
) -> None:
    models = Models([said], piece=piece, breaks_after=breaks_after)
    give(workspace, models)
    events: list[AnswerEvent] = []
    answer = workspace.ask(LEAVE, app=app, on_event=events.append)
    assert "".join(e.gap + e.text for e in events if e.kind == "sentence") == answer.text
    assert [e.number for e in events if e.kind == "citation"] == list(range(1, len(answer.citations) + 1))
    assert events[-1].answer == answer
    for citation in answer.citations:
        text = workspace.document(citation.document_id).text
        assert text[citation.start : citation.end] == citation.quote
    for sentence in answer.sentences:
        assert answer.text[sentence.start : sentence.end] == sentence.text
        assert sentence.supported == bool(sentence.citations)
    assert bool(answer.text) == bool(answer.citations) != answer.abstained
    assert workspace.answer(answer.id) == answer
    asked = len(models.calls)
    replay = workspace.replay(answer.id)
    assert (replay.result, replay.differences) == ("identical", ())
    assert len(models.calls) == asked
    workspace.explain(answer.id)
    assert len(models.calls) == asked
