"""Answers of a chat assistant, some of which say what no page says: found by measurement, then kept from people by a policy.

What is made up was drawn: a sentence with another number, a true sentence with a false one behind it, or one that belongs to
quite another page. The same assistant then answers through an app, where its sentences are held against the passages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet
from groundwork.pathways.labs._facts import documents, draw_facts, examples, file_of, wrong

NAME = "lab-care"
DATASET = "lab-cares"
MODEL = "lab-care-model"
TOPICS, ADDED, OTHERS = 4, 2, (1, 2, 3)
"""How many answers have a false sentence behind a true one, and how many have something else made up."""


class HallucinationCaught:
    """Measure which answers stand on their sources, name those that do not, and let none of them out."""

    title = "Catch what a model makes up"
    summary = "Find the answers that no source supports among those of an assistant, and set the policy that stops them."
    minutes = 35
    skills: Sequence[str] = ("hallucination-detection",)
    milestones: Sequence[str] = ("y1-ethics", "m-llm-evaluation")
    after: Sequence[str] = ("first-cited-answer",)
    stream = "ethical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = draw_facts(random, TOPICS)
        chosen = random.sample(facts, ADDED + random.choice(OTHERS))
        added, others = chosen[:ADDED], chosen[ADDED:]
        said = {f["id"]: _true(random, f, facts) for f in facts}
        said |= {f["id"]: f"{f['sentence']} {wrong(random.choice(_beside(f, facts)))}" for f in added}
        said |= {f["id"]: _made_up(random, f, facts) for f in others}
        return {
            "facts": facts,
            "said": said,
            "made_up": " ".join(sorted(f["id"] for f in chosen)),
            "share": round(len(chosen) / len(facts), 6),
            "count": len(facts),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        pages = documents(draw["facts"])
        for name, text in pages.items():
            bench.write(f"documents/{name}", text)
        lines = (json.dumps({"id": i, "output": said}) for i, said in draw["said"].items())
        bench.write("answers.jsonl", "".join(f"{line}\n" for line in lines))
        bench.spec(_spec(draw))
        bench.ingest(NAME)
        asked = zip(draw["facts"], examples(draw["facts"]), strict=True)
        bench.dataset(DATASET, [{**e, "context": [pages[file_of(f["topic"])]]} for f, e in asked])

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        return (
            Point(
                "measured",
                "The assistant's answers were measured for what no source supports",
                worth=2,
                check={
                    "find": "evaluation",
                    "where": {
                        "subject": "recorded",
                        "dataset": DATASET,
                        "state": "done",
                        "n": draw["count"],
                        "hallucination": {
                            "at_least": draw["share"] - 0.001,
                            "at_most": draw["share"] + 0.001,
                        },
                        "at": after,
                    },
                    "because": "the answers in answers.jsonl were not measured yet",
                    "do": _MEASURE,
                },
            ),
            Point(
                "named",
                "You name the questions whose answers are made up, in their order",
                worth=2,
                sheet=Sheet("made_up", draw["made_up"]),
                hint="write all of them and no others, such as `q01 q05 q11`",
            ),
            Point(
                "policy",
                "The app leaves out what no passage supports: nothing made up is left in its answers",
                worth=3,
                check={
                    "find": "evaluation",
                    "where": {
                        "subject": "app",
                        "app": NAME,
                        "dataset": DATASET,
                        "state": "done",
                        "n": draw["count"],
                        "hallucination": 0,
                        "model": {"prefix": f"{MODEL}/"},
                        "at": after,
                    },
                    "because": f"no evaluation of `{NAME}` is free of what is made up",
                    "do": f"groundwork evaluate {NAME} --dataset {DATASET} --scorer hallucination",
                },
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        added = next(f for f in draw["facts"] if f["id"] in draw["made_up"] and _is_added(f, draw))
        return (
            "The scorer `hallucination` gives 1 where a sentence stands in no passage, and says which sentence and why.",
            "`groundwork evaluation results last` goes through all answers, the console shows each beside its passages.",
            f"The policy is `unsupported` of `[apps.{NAME}]` in the lab's `groundwork.toml`, where it says `mark` now.",
            f"There are {len(draw['made_up'].split())} of them. Ask “{added['question']}” to see a sentence left out.",
        )


_MEASURE = f"groundwork evaluate file:labs/hallucination_caught/answers.jsonl --dataset {DATASET} --scorer hallucination"


def _spec(draw: Mapping[str, Any]) -> dict[str, Any]:
    rules = [
        {"when": f["question"], "text": draw["said"][f["id"]].replace(". ", ". [1] ") + " [1]"}
        for f in draw["facts"]
    ]
    script = {"rules": rules, "replies": ["NO ANSWER"]}
    return {
        "indexes": {NAME: {"backend": "memory", "chunker": "whole", "embedder": "none"}},
        "providers": {
            MODEL: {
                "kind": "scripted",
                "options": {"scripts": {"assistant": script}},
                "models": {"assistant": {}},
            }
        },
        "apps": {
            NAME: {
                "index": NAME,
                "strategy": "lexical",
                "passages": 1,
                "model": f"{MODEL}/assistant",
                "unsupported": "mark",
                "fallback": "none",
            }
        },
    }


def _beside(fact: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the other facts of the same page."""
    return [f for f in facts if f["topic"] == fact["topic"] and f["id"] != fact["id"]]


def _true(random: Random, fact: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> str:
    more = random.choice(_beside(fact, facts))["sentence"] if random.random() < 0.5 else ""
    return f"{fact['sentence']} {more}".strip()


def _made_up(random: Random, fact: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> str:
    """Return another number alone, or a true sentence with one that belongs to another page."""
    if random.random() < 0.5:
        return wrong(fact)
    far = random.choice([f for f in facts if f["topic"] != fact["topic"]])
    return f"{fact['sentence']} {far['sentence']}"


def _is_added(fact: Mapping[str, Any], draw: Mapping[str, Any]) -> bool:
    return bool(draw["said"][fact["id"]].startswith(fact["sentence"]))


plugin = HallucinationCaught
