"""Start an evaluation in its own process, kill it when it hangs, mend the model, resume."""

from __future__ import annotations

import signal
import time

from sqlalchemy import func, select

from groundwork.storage.improvement_tables import evaluation_results
from tests.pathways.labs.harness import Learner

MODEL = "lab-recovery/clerk"


def solve(learner: Learner) -> None:
    draw = learner.draw
    evaluate = ("evaluate", f"model:{MODEL}", "--dataset", "lab-recovery", "--scorer", "exact")
    process = learner.process(*evaluate)
    try:
        _wait_for(learner, draw["others"])
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()

    (left,) = learner.json("evaluation", "list")["evaluations"]
    asked = {e["id"] for e in learner.json("dataset", "examples", "lab-recovery")["examples"]}
    done = {r["example_id"] for r in learner.json("evaluation", "results", left["id"])["results"]}
    (hung,) = asked - done
    learner.answer("hung", hung)

    spec = learner.read("groundwork.toml")
    learner.write("groundwork.toml", spec.replace("delay_ms = 90000", "delay_ms = 0"))
    learner("evaluation", "resume", left["id"])
    results = learner.json("evaluation", "results", left["id"])["results"]
    (wrong,) = [r["example_id"] for r in results if r["scores"]["exact"]["value"] == 0]
    learner.answer("wrong", wrong)


def _wait_for(learner: Learner, results: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    count = select(func.count()).select_from(evaluation_results)
    while time.monotonic() < until:
        with learner.workspace.rooms.database.read() as connection:
            if int(connection.execute(count).scalar() or 0) >= results:
                return
        time.sleep(0.2)
    raise AssertionError(f"there were no {results} results within {seconds:.0f} s")
