"""Take the changed pages in, replay, ask now and then, name the page."""

from __future__ import annotations

import shutil

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw, app = learner.draw, ("--app", "lab-replay")
    before = learner.json("answers", *app)["answers"]
    assert len(before) == 3
    for page in (learner.folder / "update").iterdir():
        shutil.copy(page, learner.folder / "documents")
    learner("ingest", learner.folder / "documents", "--index", "lab-replay")
    replayed = [learner.json("replay", a["id"]) for a in before]
    assert {r["result"] for r in replayed} == {"identical"}

    now = learner.json("ask", draw["question"], *app)
    assert str(draw["now"]) in now["text"]
    learner.answer("now", draw["now"])
    then = learner.json("ask", draw["question"], *app, "--snapshot", "head~1")
    assert str(draw["then"]) in then["text"]
    learner.answer("then", draw["then"])
    learner.answer("page", now["citations"][0]["document"].rpartition("/")[2])
