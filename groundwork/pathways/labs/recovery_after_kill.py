"""An evaluation hangs on one call, is killed, and goes on: nothing that was done is lost or paid for twice.

How many questions there are, on which one the model hangs, and which one it gets wrong is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts

NAME, MODEL = "lab-recovery", "lab-recovery/clerk"
HANGS_MS = 90_000


class RecoveryAfterKill:
    """Kill a process that hangs, go on where it stopped, and show with records that nothing was lost or done twice."""

    title = "Kill a process and lose nothing"
    summary = "Kill -9 an evaluation that hangs, mend the cause, resume, and show from records that nothing was lost."
    minutes = 30
    skills: Sequence[str] = ("production-reliability",)
    milestones: Sequence[str] = ("y3-internal-platform",)
    after: Sequence[str] = ("first-model-endpoint",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        count = random.randint(7, 12)
        facts = _facts.draw_facts(random, 4)[:count]
        hangs, wrong = random.sample([f["id"] for f in facts], 2)
        return {"facts": facts, "hangs": hangs, "wrong": wrong, "count": count, "others": count - 1}

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        rules = []
        for fact in draw["facts"]:
            said = "I have to look that up." if fact["id"] == draw["wrong"] else fact["expected"]
            rule = {"when": fact["question"], "text": said}
            rules.append({**rule, "delay_ms": HANGS_MS} if fact["id"] == draw["hangs"] else rule)
        options = {"scripts": {"clerk": {"rules": rules}}}
        bench.spec({"providers": {NAME: {"kind": "scripted", "options": options}}})
        bench.dataset(NAME, _facts.examples(draw["facts"]))

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        count = draw["count"]
        return (
            Point(
                "killed",
                "A call was under way when its process died, and is on record as lost",
                check={
                    "find": "call",
                    "where": {"model": MODEL, "state": "lost", "at": after},
                    "because": f"no call to `{MODEL}` was lost with its process yet",
                    "do": f"groundwork evaluate model:{MODEL} --dataset {NAME} --scorer exact",
                },
            ),
            Point(
                "kept",
                f"The model answered {count} times and not once more: what was done before was not done again",
                check={
                    "find": "call",
                    "where": {"model": MODEL, "state": "done", "at": after},
                    "count": {"at_least": count, "at_most": count},
                    "because": f"there are not exactly {count} answered calls, one for each question; "
                    "if there are more, begin again",
                    "do": "groundwork usage calls --model lab-recovery/clerk",
                },
            ),
            Point(
                "done",
                "The evaluation came to its end with every question",
                check={
                    "find": "evaluation",
                    "where": {"dataset": NAME, "state": "done", "n": count, "failed": 0, "at": after},
                    "because": f"no evaluation on `{NAME}` is done with all {count} questions",
                    "do": "groundwork evaluation resume EVALUATION",
                },
            ),
            Point(
                "hung",
                "The question on which it hung",
                sheet=Sheet("hung", draw["hangs"]),
                hint="the example that has no result while the evaluation is stopped, such as q03",
            ),
            Point(
                "wrong",
                "The question that the model gets wrong",
                sheet=Sheet("wrong", draw["wrong"]),
                hint="`groundwork evaluation results` shows what each question scored; its id, such as q03",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"It hangs with {draw['others']} of {draw['count']} done. `pgrep -f lab-recovery` finds it, `kill -9` ends it.",
            "`groundwork evaluation list` shows the evaluation that was left; do not start another one.",
            "The model waits because of a `delay_ms` in the lab's groundwork.toml. Set it to 0 before you go on.",
            "`groundwork evaluation resume EVALUATION` does the one question that is missing, and nothing else.",
        )


plugin = RecoveryAfterKill
