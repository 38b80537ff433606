"""Two ways of finding passages, one golden set: which one is better here, and by how much?

The documents are of two kinds. Part sheets are told apart by their number alone, which words find and meaning does not.
Regulations are written in office words and asked about in everyday ones, which meaning finds and words do not. How many
questions are of which kind is drawn, and with it the answer. Both recalls follow from the draw: words find every part and no
regulation; meaning finds every regulation, and as many parts as there are ranks, since to it all parts are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _names

QUESTIONS, RANKS = 30, 5
STRATEGIES = ("lexical", "dense")
WORDS = (
    (("car", "garage"), ("vehicle", "depot", "mileage")),
    (("wages", "money"), ("remuneration", "disbursement", "ledger")),
    (("doctor", "sick"), ("physician", "incapacity", "certificate")),
    (("key", "door"), ("premises", "admission", "custodian")),
    (("mail", "stamp"), ("correspondence", "dispatch", "franking")),
    (("lunch", "canteen"), ("catering", "provision", "subsidy")),
    (("computer", "screen"), ("apparatus", "workstation", "inventory")),
    (("train", "ticket"), ("conveyance", "itinerary", "fare")),
    (("gift", "wine"), ("gratuity", "benefaction", "disclosure")),
    (("bin", "rubbish"), ("refuse", "segregation", "receptacle")),
    (("course", "teacher"), ("tuition", "qualification", "syllabus")),
    (("clothes", "boots"), ("attire", "footwear", "issuance")),
)
"""Everyday words, and what the regulations call the same thing."""
FORMS = ("What about my {} and the {}?", "Who helps me with the {1} and the {0}?", "My {} or {}: what now?")


class RetrievalCompared:
    """Measure two strategies on one golden set, say which is better and by how much, and pin the better one."""

    title = "Compare two retrieval strategies on a golden set"
    summary = "Measure words against meaning by recall, with intervals, and let the numbers choose."
    minutes = 45
    skills: Sequence[str] = ("semantic-search",)
    milestones: Sequence[str] = ("m-rag-system", "d60-vector-search")
    after: Sequence[str] = ("first-cited-answer",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        better = random.choice(STRATEGIES)
        parts = random.randint(24, 27) if better == "lexical" else random.randint(5, 8)
        letters = "".join(random.sample("BDFGKLMPRSTVX", 2))
        numbers = [n + random.randrange(7) * 13 for n in range(1001, 1001 + 100 * parts, 100)]
        random.shuffle(numbers)
        topics = random.sample(range(len(WORDS)), len(WORDS))
        found = {"lexical": parts, "dense": QUESTIONS - parts + min(RANKS, parts)}
        name = f"lab-retrieval-{_names.tag(random)}"
        return {
            "name": name,
            "lexical": f"{name}-lexical",
            "dense": f"{name}-dense",
            "better": better,
            "app": f"{name}-{better}",
            "gain": round(abs(found["lexical"] - found["dense"]) / QUESTIONS, 3),
            "parts": [f"{letters}-{n}" for n in numbers],
            "newtons": [random.randint(12, 89) for _ in numbers],
            "topics": topics,
            "days": [random.randint(3, 28) for _ in topics],
            "count": QUESTIONS,
            "ranks": RANKS,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        name = draw["name"]
        for file, text in _documents(draw):
            bench.write(f"documents/{file}", text)
        bench.write("questions.jsonl", "".join(f"{json.dumps(x)}\n" for x in _examples(draw)))
        bench.spec(
            {
                "indexes": {
                    name: {
                        "backend": "memory",
                        "chunker": "whole",
                        "embedder": {"name": "lsa", "dimensions": len(WORDS) + 2},
                    }
                },
                "apps": {
                    draw[strategy]: {"index": name, "strategy": strategy, "passages": RANKS}
                    for strategy in STRATEGIES
                },
            }
        )
        bench.ingest(name)

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        one, other, better = (_measured(draw, draw[k]) for k in ("lexical", "dense", "app"))
        return (
            Point(
                "measured",
                "Both strategies are measured by recall, with an interval, on one version of the golden set",
                worth=2,
                check={
                    "all": [
                        {**one, "as": "one"},
                        {**other, "where": {**other["where"], "dataset_version": "$one.dataset_version"}},
                    ]
                },
            ),
            Point(
                "better",
                "Which strategy is better here, `lexical` or `dense`",
                sheet=Sheet("better", draw["better"]),
                hint="compare the two recalls; the one with more of the relevant documents is better",
            ),
            Point(
                "gain",
                "By how much its recall is higher, between 0 and 1",
                sheet=Sheet("gain", draw["gain"], 0.013),
                hint="the difference of the two recalls, as `groundwork compare` shows it",
            ),
            Point(
                "pinned",
                "The better one is pinned as a release that carries its evaluation",
                check={
                    "all": [
                        {**better, "as": "measured"},
                        {
                            "find": "release",
                            "where": {"app": draw["app"], "evaluation": "$measured.id"},
                            "because": "no release of the better strategy carries its evaluation yet",
                            "do": "groundwork release create APP",
                        },
                    ]
                },
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        name = draw["name"]
        return (
            "Both apps search the same index; only `strategy` differs. Look into the spec that came with the lab, and run "
            "`groundwork search` with a part number and with an everyday word.",
            f"`groundwork evaluate {draw['lexical']} --dataset {name} --scorer recall` measures the first.",
            f"`groundwork compare {draw['lexical']} {draw['dense']} --metric recall` shows the difference, how sure it is, "
            "and which questions each of them wins.",
            f"Most questions here are about {'parts' if draw['better'] == 'lexical' else 'regulations'}.",
        )


def _measured(draw: Mapping[str, Any], app: str) -> dict[str, Any]:
    """Return the predicate that an app was measured by recall on the whole golden set."""
    return {
        "find": "evaluation",
        "where": {
            "app": app,
            "dataset": draw["name"],
            "state": "done",
            "recall": {"exists": True},
            "intervals": {"at_least": 1},
            "n": QUESTIONS,
            "at": {"after": "$lab.started_at"},
        },
        "because": f"`{app}` is not measured by recall on all {QUESTIONS} questions of `{draw['name']}`",
        "do": f"groundwork evaluate {app} --dataset {draw['name']} --scorer recall",
    }


def _documents(draw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return name and text of each: a sheet for every part; a regulation and three letters for every topic."""
    made = []
    for part, newtons in zip(draw["parts"], draw["newtons"], strict=True):
        text = f"# Part {part}\n\nPart {part} is tightened with {newtons} newton metres and then sealed.\n"
        made.append((f"parts/{part.lower()}.md", text))
    for n, (topic, days) in enumerate(zip(draw["topics"], draw["days"], strict=True), 1):
        (one, other), (first, second, third) = WORDS[topic]
        rule = f"The {first} and its {second} are attested with the {third} within {days} days."
        made.append((f"regulations/{first}.md", f"# Regulation {n}: {first}\n\n{rule}\n"))
        for k, told in enumerate(("They said", "I heard", "She wrote"), 1):
            letter = f"Hello, it was my {one} and the {other}. {told} {first}, {second} and {third}. Thanks!"
            made.append((f"letters/{first}-{k}.md", f"{letter}\n"))
    return made


def _examples(draw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the golden set: a question for every part, and questions about regulations for the rest."""
    made = [
        {
            "id": f"part-{part.lower()}",
            "input": f"How firmly is {part} tightened?",
            "relevant": {f"{part.lower()}.md": 1},
            "tags": ["part"],
            "split": "test",
        }
        for part in draw["parts"]
    ]
    for n, form in enumerate(FORMS, 1):
        for topic in draw["topics"]:
            (one, other), (first, *_) = WORDS[topic]
            made.append(
                {
                    "id": f"rule-{first}-{n}",
                    "input": form.format(one, other),
                    "relevant": {f"{first}.md": 1},
                    "cluster": first,
                    "tags": ["regulation"],
                    "split": "test",
                }
            )
    return made[:QUESTIONS]


plugin = RetrievalCompared
