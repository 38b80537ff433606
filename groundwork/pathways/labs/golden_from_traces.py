"""A golden set grows from what people really asked: some answers were wrong, one question tells who asked it.

Which answers are wrong, which were declined although a page says it, and what personal datum stands in a question are drawn.
Whether what is expected is right is told by a second app that answers as the clerk of the town would: it has every example
right, or the golden set is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts, _models, _names, _people

TOPICS, OLD = 3, 3
OUTSIDE = (
    "Who was mayor in the year 1950?",
    "Which football club won the cup?",
    "Is the moon visible tonight?",
    "Where does the river begin?",
)
"""Questions that no page answers."""
FAULTS = ((1, 1), (1, 2), (2, 1))
"""How many answers are wrong, and how many were declined though a page says it."""


class GoldenFromTraces:
    """Propose recorded answers for a golden set, mend what they got wrong, keep out what must not be in it, publish."""

    title = "Grow a golden set from recorded answers"
    summary = "Turn what people really asked into examples: propose, mend, reject, publish, evaluate."
    minutes = 40
    skills: Sequence[str] = ("golden-sets",)
    milestones: Sequence[str] = (
        "y1-first-rag-app",
        "y3-evaluation-framework",
        "m-llm-evaluation",
        "d90-eval-metrics",
    )
    after: Sequence[str] = ("first-cited-answer",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        random.shuffle(facts)
        old, asked = facts[:OLD], facts[OLD:]
        wrong, declined = random.choice(FAULTS)
        kind = random.choice(_people.KINDS)
        outside = random.choice(OUTSIDE)
        told = _people.said(kind, _people.made_up(random, kind))
        questions = [*(f["question"] for f in asked), outside, f"Hello, {told}. {asked[-1]['question']}"]
        private = questions[-1]
        random.shuffle(questions)
        new = len(asked) + 1
        name = f"lab-golden-{_names.tag(random)}"
        return {
            "name": name,
            "clerk": f"{name}-clerk",
            "facts": facts,
            "old": [f["id"] for f in old],
            "wrong": [f["id"] for f in asked[:wrong]],
            "declined": [f["id"] for f in asked[wrong : wrong + declined]],
            "questions": questions,
            "private": private,
            "kind": kind,
            "kinds": list(_people.KINDS),
            "before": OLD,
            "asked": len(questions),
            "new": new,
            "all": OLD + new,
            "share": round((OLD + new - wrong - declined) / (OLD + new), 4),
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        facts, name = draw["facts"], draw["name"]
        for file, text in _facts.documents(facts).items():
            bench.write(f"documents/{file}", text)
        said = _models.missing_the_point(facts, draw["wrong"])
        said |= dict.fromkeys(draw["declined"], _models.NOTHING)
        scripts = {"clerk": _models.script(facts, {}), "model": _models.script(facts, said)}
        bench.spec(
            {
                "apps": {
                    name: _models.app(name, f"{name}/model"),
                    draw["clerk"]: _models.app(name, f"{name}/clerk"),
                },
                "indexes": {name: _models.index()},
                "providers": {name: {"kind": "scripted", "options": {"scripts": scripts}}},
            }
        )
        bench.ingest(name)
        bench.dataset(name, _facts.examples([f for f in facts if f["id"] in draw["old"]]))
        for question in draw["questions"]:
            bench.ask(name, question)

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        name, after = draw["name"], {"after": "$lab.started_at"}
        version = {
            "find": "dataset",
            "as": "version",
            "where": {"name": name, "examples": draw["all"], "impossible": 1, "personal": 0, "at": after},
            "because": f"no version of `{name}` has {draw['all']} examples, one of them impossible and none personal",
            "do": f"groundwork dataset publish {name}",
        }
        return (
            Point(
                "accepted",
                f"{draw['new']} recorded answers became examples",
                check={
                    "find": "dataset_candidate",
                    "where": {"dataset": name, "source": "ans", "state": "accepted", "decided": after},
                    "count": {"at_least": draw["new"]},
                    "because": f"{draw['new']} answers are to be accepted",
                    "do": f"groundwork dataset review {name}",
                },
            ),
            Point(
                "kept_out",
                "One was rejected, and `kind` says what stood in it",
                check={
                    "find": "dataset_candidate",
                    "where": {"dataset": name, "source": "ans", "state": "rejected", "decided": after},
                    "because": "nothing was rejected yet; one question must not be kept",
                    "do": "groundwork dataset reject CANDIDATE",
                },
                sheet=Sheet("kind", draw["kind"]),
                hint=f"one of {', '.join(_people.KINDS)}",
            ),
            Point(
                "right",
                "What the new version expects is right: the clerk has every example right",
                worth=2,
                check={
                    "all": [
                        version,
                        _measured(
                            draw["clerk"],
                            {"at_least": 0.999},
                            "the clerk does not have every example of it right, so what some of them expect is wrong",
                        ),
                    ]
                },
            ),
            Point(
                "measured",
                "The app is measured on it, and `share` says how much it gets right",
                check={
                    "all": [
                        version,
                        _measured(
                            name,
                            {"at_least": draw["share"] - 0.001, "at_most": draw["share"] + 0.001},
                            f"`{name}` is not measured on that version, or what it expects is what the app got wrong",
                        ),
                    ]
                },
                sheet=Sheet("share", draw["share"], 0.006),
                hint="`correct` of the evaluation, between 0 and 1",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        facts = {f["id"]: f for f in draw["facts"]}
        wrong = [facts[i]["question"] for i in (*draw["wrong"], *draw["declined"])]
        return (
            f"`groundwork answers --app {draw['name']}` lists what was asked; compare each answer with the pages in the "
            "folder `documents` of the lab.",
            "Propose a wrong answer with what is right: "
            f"`groundwork dataset propose {draw['name']} ANSWER --expected TEXT`. One that was declined although a page "
            "says it is wrong, too.",
            "A question that no page answers is a good example: the right thing is to decline. Accept it as it is.",
            f"Who is named in a golden set stays there in every version. Look for: {draw['kind']}.",
            f"Wrong are the answers to: {' '.join(wrong)}",
        )


def _measured(app: str, correct: Mapping[str, float], because: str) -> dict[str, Any]:
    """Return the predicate that an app was measured on the version that was found, with such a share right."""
    return {
        "find": "evaluation",
        "where": {
            "app": app,
            "dataset_version": "$version.digest",
            "n": "$version.examples",
            "state": "done",
            "correct": correct,
        },
        "because": because,
        "do": f"groundwork evaluate {app} --dataset NAME --scorer correct",
    }


plugin = GoldenFromTraces
