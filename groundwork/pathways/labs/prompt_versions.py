"""A prompt with three rules of the house, one of which spoils answers: found by versions, measurements and a gate.

The model plays a script that reacts to a rule's wording as models do now and then: for the questions that were drawn it says
something friendly and empty while the spoiling rule stands in the prompt, and answers rightly once it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet
from groundwork.pathways.labs._facts import documents, draw_facts, examples

NAME = "lab-reply"
DATASET = "lab-replies"
MODEL = "lab-reply-model"
RULES = (
    "Open with a kind word to the reader.",
    "Use round numbers wherever that reads more easily.",
    "Speak of the town as we and us.",
    "Name the office that is in charge.",
    "Write so that a child of ten understands it.",
    "Mention what was different last year.",
    "Close with an invitation to call us.",
)
_EMPTY = "Our colleagues at the town hall will gladly tell you more."
_PROMPT = """\
---
description: Answers people from the pages of the town.
inputs:
  question: text
  passages: list
hints:
  temperature: 0
tests:
- name: question and passage stand in the prompt
  inputs:
    question: When does the town hall open?
    passages:
    - n: 1
      document: town-hall.md
      text: The town hall opens at nine.
  expect:
  - prompt_contains:
    - The town hall opens at nine.
    - When does the town hall open?
---
system:
You answer from the numbered passages and from nothing else.
After every sentence write the marker of its passage, such as [1].
If the passages do not answer the question, reply with the two words: NO ANSWER

user:
{{# passages }}
[{{ n }}] {{ document }}
{{ text }}

{{/ passages }}
Rules of the house:
<rules>

Question: {{ question }}
"""


class PromptVersions:
    """Change a prompt in versions, measure each, and release the one that a gate lets through."""

    title = "Version a prompt, test it, and release the better one"
    summary = (
        "Find the one rule of a prompt that spoils answers, by versions that are measured instead of guessed."
    )
    minutes = 40
    skills: Sequence[str] = ("prompt-versioning",)
    milestones: Sequence[str] = ("m-prompt-versioning",)
    after: Sequence[str] = ("first-cited-answer",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = draw_facts(random, 4)
        rules = random.sample(RULES, 3)
        numbers = [f"R-{n}" for n in sorted(random.sample(range(100, 1000), 3))]
        spoiling = random.randrange(3)
        spoiled = sorted(f["id"] for f in random.sample(facts, random.choice((7, 8))))
        return {
            "facts": facts,
            "rules": rules,
            "numbers": numbers,
            "spoiling": numbers[spoiling],
            "rule": rules[spoiling],
            "spoiled": spoiled,
            "count": len(facts),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        for name, text in documents(draw["facts"]).items():
            bench.write(f"documents/{name}", text)
        bench.spec(_spec(draw))
        bench.prompt(NAME, prompt_of(draw))
        bench.ingest(NAME)
        bench.dataset(DATASET, examples(draw["facts"]))
        bench.release(NAME, "production")

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        return (
            Point(
                "versions",
                "The prompt has at least two versions beside the one you began with",
                check={
                    "find": "prompt_version",
                    "where": {"name": NAME, "at": after},
                    "count": {"at_least": 2},
                    "because": f"`prompts/{NAME}.md` was not changed and measured twice yet",
                    "do": f"groundwork gate run {NAME}",
                },
            ),
            Point(
                "measured",
                "At least three versions were measured on the same golden set, the first one among them",
                worth=2,
                check={
                    "find": "evaluation",
                    "where": {"app": NAME, "dataset": DATASET, "state": "done", "at": after},
                    "spread": {"field": "prompt", "at_least": 3},
                    "per": "dataset_version",
                    "because": "fewer than three versions of the prompt were measured",
                    "do": f"groundwork gate run {NAME}",
                },
            ),
            Point(
                "culprit",
                "You name the rule that spoils answers, by its number",
                sheet=Sheet("rule", draw["spoiling"]),
                hint="take out one rule at a time, and put it back before you try the next",
            ),
            Point(
                "released",
                "A version that the gate let through and that is tested serves in production",
                3,
                _RELEASED,
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"`groundwork gate run {NAME}` measures the prompt as the file is now against the release in production.",
            "Only one of the three rules does harm. Remove a line, save, run the gate; put it back and take the next.",
            "Compare two versions side by side: `groundwork evaluation list`, then `groundwork compare A B`.",
            f"Questions such as “{_first_spoiled(draw)}” are spoiled. The rule to take out is {draw['spoiling']}.",
        )


_RELEASED: Mapping[str, Any] = {
    "all": [
        {
            "find": "verdict",
            "as": "verdict",
            "where": {"gate": NAME, "outcome": "promote", "at": {"after": "$lab.started_at"}},
            "because": "the gate has not said `promote` yet",
            "do": f"groundwork gate run {NAME}",
        },
        {"find": "evaluation", "as": "measured", "where": {"id": "$verdict.candidate"}},
        {
            "find": "prompt_run",
            "where": {"prompt": "$measured.prompt", "passed": True, "tests": {"at_least": 2}},
            "because": "no run of at least two tests passed on the version that the gate let through",
            "do": f"groundwork prompt test {NAME}",
        },
        {
            "find": "release",
            "as": "release",
            "where": {"app": NAME, "prompt": "$measured.prompt"},
            "because": "no release has the version that the gate let through",
            "do": f"groundwork release create {NAME}",
        },
        {
            "find": "deployment",
            "where": {"release": "$release.id", "environment": "production", "standing": True},
            "because": "that release does not serve in production",
            "do": f"groundwork release promote {NAME}@latest",
        },
    ]
}


def prompt_of(draw: Mapping[str, Any]) -> str:
    """Return the prompt's file with its three rules."""
    rules = (f"- {number}: {rule}" for number, rule in zip(draw["numbers"], draw["rules"], strict=True))
    return _PROMPT.replace("<rules>", "\n".join(rules))


def _spec(draw: Mapping[str, Any]) -> dict[str, Any]:
    right = {f["id"]: {"when": f["question"], "text": f"{f['sentence']} [1]"} for f in draw["facts"]}
    rules = [
        *(rule for i, rule in right.items() if i not in draw["spoiled"]),
        {"when": draw["rule"], "text": _EMPTY},
        *(rule for i, rule in right.items() if i in draw["spoiled"]),
    ]
    script = {"rules": rules, "replies": ["NO ANSWER"]}
    return {
        "indexes": {NAME: {"backend": "memory", "chunker": "whole", "embedder": "none"}},
        "providers": {
            MODEL: {
                "kind": "scripted",
                "options": {"scripts": {"writer": script}},
                "models": {"writer": {"price": {"input": 0.5, "output": 1.5}}},
            }
        },
        "apps": {
            NAME: {
                "index": NAME,
                "strategy": "lexical",
                "passages": 2,
                "model": f"{MODEL}/writer",
                "prompt": NAME,
                "fallback": "none",
            }
        },
        "gates": {
            NAME: {
                "app": NAME,
                "dataset": DATASET,
                "scorers": ["correct"],
                "primary": {"metric": "correct", "effect": 0.4},
                "min_n": len(draw["facts"]),
            }
        },
    }


def _first_spoiled(draw: Mapping[str, Any]) -> str:
    return next(str(f["question"]) for f in draw["facts"] if f["id"] in draw["spoiled"])


plugin = PromptVersions
