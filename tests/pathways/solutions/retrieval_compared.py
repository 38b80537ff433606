"""Import the golden set, measure both, compare, pin the better one."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    learner("dataset", "import", learner.folder / "questions.jsonl", "--name", draw["name"])
    recalls = {}
    for strategy in ("lexical", "dense"):
        done = learner.json("evaluate", draw[strategy], "--dataset", draw["name"], "--scorer", "recall")
        recalls[strategy] = done["summary"]["recall"]["value"]
    better, worse = sorted(recalls, key=lambda name: -recalls[name])
    learner.answer("better", better)
    learner.answer("gain", round(recalls[better] - recalls[worse], 2))
    learner("release", "create", draw[better])
