"""Run both gates, read the refusal, pin and promote the one that passed."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    verdicts = {}
    for name in ("a", "b"):
        code = 0 if name == draw["passed"] else 1
        verdicts[name] = learner.json(
            "gate", "run", draw[name], "--baseline", f"{draw['now']}@latest", code=code
        )
    refused = verdicts[draw["refused"]]
    learner.answer("gain", round(refused["checks"][0]["difference"], 3))
    learner.answer("losses", _losses(learner, draw["now"], draw["lucky"]))
    learner("release", "create", draw["better"])
    learner("release", "promote", f"{draw['better']}@latest", "--to", "dev")


def _losses(learner: Learner, baseline: str, candidate: str) -> int:
    compared = learner.json("compare", baseline, candidate, "--metric", "correct")
    return int(compared["metrics"][0]["losses"])
