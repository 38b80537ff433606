"""Ingest, ask, compare the quote with the stored text, say that it is right, ask in vain."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    learner("ingest", learner.folder / "documents", "--index", "lab-cited")
    answer = learner.json("ask", draw["question"], "--app", "lab-cited")
    assert str(draw["figure"]) in answer["text"]
    learner.answer("figure", draw["figure"])

    cited = answer["citations"][0]
    stored = learner.json("knowledge", "document", cited["document_id"], "--index", "lab-cited")["text"]
    assert stored[cited["start"] : cited["end"]] == cited["quote"]
    learner.answer("start", cited["start"])

    learner("feedback", "give", answer["id"], "--up")
    assert learner.json("ask", draw["unknown"], "--app", "lab-cited")["abstained"]
