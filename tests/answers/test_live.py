"""`replay --live`: the models are asked again, and how far they agree is said with intervals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.answers.live import agreement, overlap, replay_live
from groundwork.answers.types import Citation
from groundwork.core.errors import InvalidInputError, UpstreamError
from groundwork.gateway.types import Caller
from tests.answers.labs import LEAVE, lab
from tests.answers.models import Models, give
from tests.workspaces import FILES, light_workspace, write

TRUE = "Every employee has 28 days of paid leave a year [1]."
ALSO = "Up to 5 days may be carried over until the end of March [1]."


def test_a_model_that_says_the_same_agrees_and_its_cache_is_not_asked(tmp_path: Path) -> None:
    with lab(tmp_path, TRUE) as workspace:
        answer = workspace.ask(LEAVE)
        found = workspace.replay_live(answer.id, n=4)
        assert [r.same_text for r in found.runs] == [True] * 4
        assert (found.same_text.value, found.token_f1.value, found.citation_overlap.value) == (1.0, 1.0, 1.0)
        assert found.same_text.low == pytest.approx(0.510, abs=0.001)
        from sqlalchemy import select

        from groundwork.storage import tables as t

        with workspace.rooms.database.read() as connection:
            assert not any(r.cached for r in connection.execute(select(t.calls.c.cached)))
        assert len(workspace.answers()) == 1


def test_a_model_that_wavers_is_measured_run_by_run(tmp_path: Path) -> None:
    spec = '[indexes.default]\nbackend = "memory"\nembedder = "none"\n[apps.default]\nmodel = "lab/wavers"\n'
    with light_workspace(tmp_path / "ws", spec) as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        models = Models([TRUE, TRUE, f"{TRUE} {ALSO}", "NO ANSWER", UpstreamError("down", hint="wait")])
        pipeline = give(workspace, models).rooms.pipeline
        answer = workspace.ask(LEAVE)
        found = replay_live(pipeline, answer, Caller(access=None), 4)
        same, more, none, down = found.runs
        assert (same.same_text, same.same_citations, same.token_f1) == (True, True, 1.0)
        assert not more.same_text
        assert 0 < more.token_f1 < 1
        assert 0 < more.citation_overlap < 1
        assert (none.same_abstention, none.token_f1) == (False, 0.0)
        assert down.served_by == "extractive"
        assert found.cost_usd == pytest.approx(0.003)
        assert found.same_abstention.value == 0.75
        assert 0 <= found.token_f1.low < found.token_f1.value < found.token_f1.high <= 1
        assert all(c.cache == "off" for _, c in models.calls[1:])


def test_an_answer_without_a_model_has_nothing_to_ask_again(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "ws") as workspace:
        workspace.ingest([write(tmp_path / "docs", FILES)])
        answer = workspace.ask(LEAVE)
        with pytest.raises(InvalidInputError) as caught:
            workspace.replay_live(answer.id)
        assert "groundwork replay" in caught.value.hint


@pytest.mark.parametrize("n", [0, -1, 101])
def test_the_number_of_runs_has_bounds(tmp_path: Path, n: int) -> None:
    with lab(tmp_path, TRUE) as workspace:
        answer = workspace.ask(LEAVE)
        with pytest.raises(InvalidInputError):
            workspace.replay_live(answer.id, n=n)


def test_agreement_counts_words_and_their_order() -> None:
    assert agreement("", "") == (1.0, 1.0)
    assert agreement("one house", "") == (0.0, 0.0)
    words, order = agreement("house dog cat", "cat dog house")
    assert (words, order) == (1.0, 0.333333)
    one = Citation("a", "doc_a", "chk", 0, 10, "0123456789")
    assert overlap([one], [replace(one, start=5, end=15)]) == pytest.approx(1 / 3, abs=1e-6)
    assert overlap([], []) == 1.0
