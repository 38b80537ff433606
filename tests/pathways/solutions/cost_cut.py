"""Put the right model in, let the gate decide, pin it; the saving comes from what both evaluations cost."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    spec = learner.read("groundwork.toml")
    before, after = spec.split(f"[apps.{draw['new']}]")
    learner.write(
        "groundwork.toml", f"{before}[apps.{draw['new']}]{after.replace('/oak', '/' + draw['right'], 1)}"
    )
    verdict = learner.json("gate", "run", draw["name"], "--baseline", f"{draw['now']}@latest")
    assert verdict["outcome"] == "promote"
    costs = [
        learner.json("evaluation", "show", verdict[side])["cost_usd"] for side in ("baseline", "candidate")
    ]
    learner("release", "create", draw["new"])
    learner.answer("model", draw["right"])
    learner.answer("saved", round(100 * (1 - costs[1] / costs[0])))
