"""Measured as recorded, named, the policy set, measured again."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    score = ("--dataset", "lab-cares", "--scorer", "hallucination")
    learner("evaluate", f"file:{learner.folder / 'answers.jsonl'}", *score)
    learner.answer("made_up", draw["made_up"])
    learner.write("groundwork.toml", learner.read("groundwork.toml").replace('"mark"', '"remove"'))
    learner("evaluate", "lab-care", *score)
