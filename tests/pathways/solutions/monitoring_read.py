"""The traffic brought in, seven answers, a view saved as the console saves it."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner

ASKED = {
    "hour": "bad_hour", "app": "bad_app", "model": "bad_model", "cause": "cause", "failed": "failed", "p95": "slow_ms",
    "usd": "usd",
}  # fmt: skip


def solve(learner: Learner) -> None:
    draw = learner.draw
    traffic = next(learner.folder.glob("traffic-*.jsonl"))
    done = learner.json("trace", "import", traffic)
    assert str(draw["requests"]) in str(done)
    found = learner.json(
        "trace", "list", "--where", f"app={draw['bad_app']}", "--where", "status=error", "--limit", 100
    )
    assert draw["bad_requests"] <= len(found["traces"]) <= draw["failed"]
    for key, name in ASKED.items():
        learner.answer(key, draw[name])
    query = f"app={draw['bad_app']}&status=error"
    learner.workspace.telemetry.views.save(learner.principal, draw["view"], "traces", query)
