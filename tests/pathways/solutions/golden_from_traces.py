"""Propose every answer, mended where it is wrong; reject the one with a person in it; publish; measure twice."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    name = draw["name"]
    facts = {f["question"]: f for f in draw["facts"]}
    faulty = {*draw["wrong"], *draw["declined"]}
    kept = []
    for answer in learner.json("answers", "--app", name)["answers"]:
        fact = facts.get(answer["question"])
        mended = ["--expected", fact["expected"]] if fact and fact["id"] in faulty else []
        proposed = learner.json("dataset", "propose", name, answer["id"], *mended)["candidates"][0]["id"]
        if answer["question"] == draw["private"]:
            learner("dataset", "reject", proposed, "--reason", "it says who asked")
        else:
            kept.append(proposed)
    learner("dataset", "accept", *kept, "--publish")
    learner.answer("kind", draw["kind"])
    learner("evaluate", draw["clerk"], "--dataset", name, "--scorer", "correct")
    done = learner.json("evaluate", name, "--dataset", name, "--scorer", "correct")
    learner.answer("share", round(done["summary"]["correct"]["value"], 2))
