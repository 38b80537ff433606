"""Ingest, mend, let go, search."""

from __future__ import annotations

import shutil

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw, documents = learner.draw, learner.folder / "documents"
    ingest = ("ingest", documents, "--index", "lab-documents")
    refused = learner.json(*ingest)["quarantine"]
    assert [entry["path"].rpartition("/")[2] for entry in refused] == [draw["damaged"]]
    learner.answer("refused", draw["damaged"])

    shutil.copy(learner.folder / "spare" / draw["spare"], documents)
    (documents / draw["damaged"]).unlink()
    learner(*ingest)
    (documents / draw["outdated"]).unlink()
    learner(*ingest)

    hits = learner.json("search", draw["question"], "--index", "lab-documents")["hits"]
    assert str(draw["figure"]) in hits[0]["text"]
    learner.answer("figure", draw["figure"])
