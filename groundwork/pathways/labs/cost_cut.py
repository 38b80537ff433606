"""Three cheaper models: one saves enough and is as good, one is cheap and careless, one is cheap by the token and wordy.

Which of the three is which is drawn, with all prices. What an answer costs is settled: tokens read and written are the same
for every question of a model, so that costs follow from the draw to the last digit. The prompt asks at a temperature over 0,
so that no answer comes from the cache and every evaluation pays what it would pay in service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts, _models, _names

TOPICS, QUESTIONS = 6, 18
DEAR, CHEAPER = "oak", ("birch", "cedar", "maple")
READ, WROTE, OUTPUT = 400, 40, 4
"""Tokens of an answer, and how many times as much as a token read a token written costs."""
LEAST = 0.2
"""The share of the cost that has to be saved."""
PROMPT = """\
---
description: Answers from numbered passages; sampled, so that every evaluation pays for its answers.
inputs:
  question: {type: text}
  passages: {type: list}
hints: {temperature: 0.3}
---
system:
Answer in one sentence from the numbered passages, with the marker of the passage behind it. If they do not answer the
question, reply with the two words: NO ANSWER

user:
{{# passages }}
[{{ n }}] {{ document }}
{{ text }}

{{/ passages }}
Question: {{ question }}
"""


class CostCut:
    """Cut what an answer costs by a fifth or more, and show on pairs that no quality was lost."""

    title = "Cut the cost by a fifth, and lose no quality"
    summary = "Try cheaper models under a gate that wants the same quality for a fifth less."
    minutes = 50
    skills: Sequence[str] = ("cost-per-answer",)
    milestones: Sequence[str] = ("y2-inference-cost-reduced", "y2-infra-cost-optimized")
    after: Sequence[str] = ("gate-passed-and-refused",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        right, careless, wordy = random.sample(CHEAPER, 3)
        price = random.choice((2.0, 2.5, 3.0, 4.0, 5.0))
        saved = random.randint(28, 45)
        words = dict.fromkeys((DEAR, *CHEAPER), WROTE) | {wordy: random.choice((150, 155, 160, 165))}
        prices = {DEAR: price, right: price * (100 - saved) / 100, careless: price * 0.2, wordy: price * 0.5}
        cost = (READ + OUTPUT * WROTE) * price / 1e6
        name = f"lab-cost-{_names.tag(random)}"
        return {
            "name": name,
            "now": f"{name}-now",
            "new": f"{name}-new",
            "facts": facts,
            "right": right,
            "careless": careless,
            "missed": random.sample([f["id"] for f in facts], QUESTIONS // 3),
            "words": words,
            "prices": {m: round(p, 4) for m, p in prices.items()},
            "saved": saved,
            "bound": round(cost * (1 - LEAST), 9),
            "most": round(cost * (1 - LEAST) * QUESTIONS, 9),
            "paid": round(cost * QUESTIONS * 0.999, 9),
            "count": QUESTIONS,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        facts, name = draw["facts"], draw["name"]
        for file, text in _facts.documents(facts).items():
            bench.write(f"documents/{file}", text)
        said = {draw["careless"]: _models.missing_the_point(facts, draw["missed"])}
        words = draw["words"]
        scripts = {m: _models.script(facts, said.get(m, {}), (READ, words[m])) for m in sorted(words)}
        prices = {m: {"price": {"input": p, "output": OUTPUT * p}} for m, p in sorted(draw["prices"].items())}
        app = _models.app(name, f"{name}/{DEAR}", prompt=name)
        bench.spec(
            {
                "apps": {draw["new"]: app, draw["now"]: app},
                "gates": {
                    name: {
                        "app": draw["new"],
                        "dataset": name,
                        "scorers": ["correct", "cost"],
                        "primary": {"metric": "correct", "test": "non_inferiority", "margin": 0.15},
                        "limits": [{"metric": "mean(cost)", "at_most": draw["bound"]}],
                        "min_n": QUESTIONS,
                    }
                },
                "indexes": {name: _models.index()},
                "providers": {name: {"kind": "scripted", "models": prices, "options": {"scripts": scripts}}},
            }
        )
        bench.prompt(name, PROMPT)
        bench.ingest(name)
        bench.dataset(name, _facts.examples(facts))
        bench.release(draw["now"])

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        run = f"groundwork gate run {draw['name']} --baseline {draw['now']}@latest"
        shown = [
            {
                "find": "verdict",
                "as": "verdict",
                "where": {
                    "gate": draw["name"],
                    "outcome": "promote",
                    "n": QUESTIONS,
                    "posthoc": False,
                    "at": {"after": "$lab.started_at"},
                },
                "because": f"the gate `{draw['name']}` has not said `promote` yet",
                "do": run,
            },
            {
                "find": "evaluation",
                "where": {"id": "$verdict.baseline", "cost_usd": {"at_least": draw["paid"]}},
                "because": "what is served now was not measured at its full price",
                "do": run,
            },
            {
                "find": "evaluation",
                "where": {
                    "id": "$verdict.candidate",
                    "app": draw["new"],
                    "cost_usd": {"above": 0, "at_most": draw["most"]},
                    "correct": {"at_least": 0.95},
                },
                "because": f"`{draw['new']}` is not a fifth cheaper with as many right answers",
                "do": run,
            },
        ]
        pinned = {
            "find": "release",
            "where": {"app": draw["new"], "verdict": "$verdict.id"},
            "because": f"no release of `{draw['new']}` carries the verdict yet",
            "do": f"groundwork release create {draw['new']}",
        }
        return (
            Point(
                "cheaper",
                "On the same questions the new app costs a fifth less or better, and both sides paid for their answers",
                worth=2,
                check={"all": shown},
            ),
            Point(
                "pinned",
                "A release of the new app rests on that verdict",
                check={"all": [*shown, pinned]},
            ),
            Point(
                "model",
                "Which model it is",
                sheet=Sheet("model", draw["right"]),
                hint=f"one of {', '.join(CHEAPER)}",
            ),
            Point(
                "saved",
                "How much of the cost of an answer is saved, in percent",
                sheet=Sheet("saved", draw["saved"], 1.0),
                hint="from the costs of the two evaluations, not from the prices",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            "A price is by the token; what counts is the cost of an answer. How much does each model write?",
            f"Change `model` under `[apps.{draw['new']}]` in the lab's groundwork.toml, then run the gate "
            f"`{draw['name']}`; try each of the three.",
            "`groundwork evaluation list` shows what each evaluation cost; `groundwork gate show` says why a verdict is "
            "what it is.",
            f"`{draw['careless']}` is the cheapest, and gets a third of the questions wrong.",
        )


plugin = CostCut
