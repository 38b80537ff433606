"""Three apps that decline where they should answer: one for its prompt, one for its context, one for its model, as drawn.

The model plays a script that answers from the passage it is shown, as long as the prompt shows it one. So each fault leaves
its trace in the records: passages that do not hold the answer, a request without the passage or with an order that spoils
it, or a reply that does not say what the passage says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet
from groundwork.pathways.labs._facts import draw_facts

APPS = ("lab-north", "lab-south", "lab-west")
MODEL = "lab-hunt-model"
FAULTS = ("prompt", "context", "model")
SPOILING = ("Answer with one word.", "Answer in rhymes.", "Answer with a question.")
"""Orders in a prompt after which the model says nothing that could be checked."""
PROMPT = """\
---
description: Answers people from the pages of the town.
inputs:
  question: text
  passages: list
hints:
  temperature: 0
---
system:
You answer from the numbered passage and from nothing else.
After every sentence write the marker of its passage, such as [1].
If the passage does not answer the question, reply with the two words: NO ANSWER

user:
<body>
Question: {{ question }}
"""
PASSAGES = """\
{{# passages }}
[{{ n }}] {{ document }}
{{ text }}

{{/ passages }}
"""


class FaultHunt:
    """Read records until you know at which part it lies, mend that part alone, and see in the records that it was it."""

    title = "Hunt a fault: prompt, context or model?"
    summary = "Three apps decline what they should answer; find in their records which part is at fault, and mend it."
    minutes = 45
    skills: Sequence[str] = ("failure-attribution",)
    milestones: Sequence[str] = ("y2-ethics",)
    after: Sequence[str] = ("first-cited-answer",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = draw_facts(random, len(APPS))
        apps = {}
        for place, (app, fault) in enumerate(zip(APPS, random.sample(FAULTS, len(FAULTS)), strict=True)):
            own = facts[3 * place : 3 * place + 3]
            asked = random.choice(own)
            apps[app] = {
                "fault": fault,
                "facts": own,
                "question": asked["question"],
                "number": asked["number"],
                "way": random.choice(("missing", "spoiling")),
                "order": random.choice(SPOILING),
                "off": random.choice((3, 5, 9)),
            }
        asked_of = {f"question_{app.removeprefix('lab-')}": apps[app]["question"] for app in APPS}
        return {"apps": apps, **asked_of}

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        bench.spec(_spec(draw))
        for app in APPS:
            drawn = draw["apps"][app]
            for fact in drawn["facts"]:
                bench.write(
                    f"documents/{app}/services/{fact['id']}.md", f"# {fact['topic']}\n\n{fact['sentence']}\n"
                )
            bench.write(
                f"documents/{app}/history.md", "# History\n\nThe town hall was built after the great fire.\n"
            )
            bench.prompt(app, _prompt(drawn))
            bench.ingest(app, f"documents/{app}")
            bench.ask(app, drawn["question"])

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        points = []
        for app in APPS:
            short, drawn = app.removeprefix("lab-"), draw["apps"][app]
            points += [
                Point(
                    f"diagnosis_{short}",
                    f"You say what is at fault in `{app}`: prompt, context or model",
                    sheet=Sheet(f"fault_{short}", drawn["fault"]),
                    hint="look at the passages, then at what the model was asked, then at what it said",
                ),
                Point(
                    f"mended_{short}",
                    f"`{app}` answers with its source, and you know what it says to the question that people asked",
                    worth=2,
                    check=_mended(app, drawn["fault"]),
                    sheet=Sheet(f"number_{short}", float(drawn["number"])),
                    hint=f"ask `{app}` the question of the task again, and write down the number in its answer",
                ),
            ]
        return points

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        found = "; ".join(f"`{app}`: {draw['apps'][app]['fault']}" for app in APPS)
        return (
            "`groundwork explain ANSWER` shows passages and reply, `groundwork prompt show` what a model is asked.",
            "No passage has the answer: context. It has, but the request does not show it or orders nonsense: prompt. "
            "It is all there, and the reply says otherwise: model.",
            "`exclude` of an index keeps files out of it; prompts are `prompts/lab-….md`; which model is asked is `model` "
            "of an app. Indexes and apps stand in the lab's `groundwork.toml`.",
            f"{found}.",
        )


def _mended(app: str, fault: str) -> dict[str, Any]:
    """Return that the app answers again, with the other parts as they were."""
    where: dict[str, Any] = {
        "app": app,
        "abstained": False,
        "citations": {"at_least": 1},
        "served_by": f"{MODEL}/careful",
        "at": {"after": "$lab.started_at"},
    }
    if fault != "prompt":
        where["prompt"] = {"prefix": f"{app}@"}
    return {
        "find": "answer",
        "where": where,
        "because": f"`{app}` has not answered with a source since you began, through the model `{MODEL}/careful`",
        "do": f'groundwork ask "QUESTION" --app {app}',
    }


def _prompt(drawn: Mapping[str, Any]) -> str:
    if drawn["fault"] != "prompt":
        return PROMPT.replace("<body>\n", PASSAGES)
    if drawn["way"] == "missing":
        return PROMPT.replace("<body>\n", "")
    return PROMPT.replace("<body>\n", f"{PASSAGES}{drawn['order']}\n")


def _spec(draw: Mapping[str, Any]) -> dict[str, Any]:
    careful: list[dict[str, Any]] = [{"when": order, "text": "Certainly."} for order in SPOILING]
    hasty: list[dict[str, Any]] = []
    tables: dict[str, Any] = {"indexes": {}, "apps": {}}
    for app in APPS:
        drawn = draw["apps"][app]
        for fact in drawn["facts"]:
            wrong = fact["sentence"].replace(f" {fact['number']} ", f" {fact['number'] + drawn['off']} ", 1)
            careful.append({"when": fact["sentence"], "text": f"{fact['sentence']} [1]"})
            hasty.append({"when": fact["sentence"], "text": f"{wrong} [1]"})
        index: dict[str, Any] = {"backend": "memory", "chunker": "whole", "embedder": "none"}
        if drawn["fault"] == "context":
            index["exclude"] = ["services/*", f"{app}/services/*"]
        tables["indexes"][app] = index
        tables["apps"][app] = {
            "index": app,
            "strategy": "lexical",
            "passages": 1,
            "model": f"{MODEL}/{'hasty' if drawn['fault'] == 'model' else 'careful'}",
            "prompt": app,
            "fallback": "none",
        }
    scripts = {
        "careful": {"rules": careful, "replies": ["NO ANSWER"]},
        "hasty": {"rules": hasty, "replies": ["NO ANSWER"]},
    }
    tables["providers"] = {
        MODEL: {"kind": "scripted", "options": {"scripts": scripts}, "models": {name: {} for name in scripts}}
    }
    return tables


plugin = FaultHunt
