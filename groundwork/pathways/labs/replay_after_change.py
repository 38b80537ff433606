"""Documents change, and yesterday's answers can still be made again; the same question now is another answer.

Which of two changed pages changes the answer, and from which number to which, is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts

NAME = "lab-replay"
TOPICS = 5


class ReplayAfterChange:
    """Bring changed documents in, replay what was answered before, and say which change made which difference."""

    title = "Replay an answer after the documents changed"
    summary = "Change the documents, make yesterday's answers again, and find the change that matters."
    minutes = 30
    skills: Sequence[str] = ("reproducibility",)
    milestones: Sequence[str] = ("y1-first-rag-app", "y2-ethics")
    after: Sequence[str] = ("first-cited-answer",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        asked = random.choice(facts)
        other = random.choice([f for f in facts if f["topic"] != asked["topic"]])
        third = random.choice([f for f in facts if f["topic"] not in (asked["topic"], other["topic"])])
        now = int(asked["number"]) + random.randint(2, 6)
        return {
            "facts": facts,
            "question": asked["question"],
            "questions": [asked["question"], other["question"], third["question"]],
            "sentence": asked["sentence"],
            "then": asked["number"],
            "now": now,
            "page": _facts.file_of(asked["topic"]),
            "other": _facts.file_of(other["topic"]),
            "year": random.randint(2024, 2029),
            "count": TOPICS,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        pages = _facts.documents(draw["facts"])
        for name, text in pages.items():
            bench.write(f"documents/{name}", text)
        changed = draw["sentence"].replace(f" {draw['then']} ", f" {draw['now']} ", 1)
        bench.write(f"update/{draw['page']}", pages[draw["page"]].replace(draw["sentence"], changed))
        bench.write(
            f"update/{draw['other']}",
            f"{pages[draw['other']]}\nChecked in {draw['year']}; nothing is different.\n",
        )
        bench.spec(
            {
                "indexes": {NAME: {"backend": "memory", "embedder": "none", "chunker": "whole"}},
                "apps": {NAME: {"index": NAME, "strategy": "lexical", "passages": 3}},
            }
        )
        bench.ingest(NAME)
        for question in draw["questions"]:
            bench.ask(NAME, question)

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        answered = {"app": NAME, "abstained": False, "citations": {"at_least": 1}, "at": after}
        question = draw["question"]
        return (
            Point(
                "changed",
                "The changed pages are in the index",
                check={
                    "find": "ingest",
                    "where": {"index": NAME, "changed": 2, "at": after},
                    "because": f"no ingest into `{NAME}` brought two changed pages yet",
                    "do": f"groundwork ingest labs/replay_after_change/documents --index {NAME}",
                },
            ),
            Point(
                "replayed",
                "The three answers from before came out identical when they were made again",
                check={
                    "find": "replay",
                    "where": {
                        "app": NAME,
                        "result": "identical",
                        "answered": {"before": "$lab.started_at"},
                        "at": after,
                    },
                    "count": {"at_least": 3},
                    "because": "not all three answers from before were made again yet",
                    "do": "groundwork replay ANSWER",
                },
            ),
            Point(
                "now",
                "The question was asked of the changed pages, and `now` is what they say",
                check={
                    "all": [
                        {
                            "find": "snapshot",
                            "as": "new",
                            "where": {"index": NAME, "at": after},
                            "because": "there is no snapshot of the changed pages yet",
                        },
                        {
                            "find": "answer",
                            "where": {**answered, "snapshot": "$new.digest"},
                            "because": "nothing was asked of the changed pages yet",
                            "do": f'groundwork ask "{question}" --app {NAME}',
                        },
                    ]
                },
                sheet=Sheet("now", draw["now"]),
                hint="the number alone",
            ),
            Point(
                "then",
                "The question was asked again of the pages as they were, and `then` is what they said",
                check={
                    "all": [
                        {
                            "find": "snapshot",
                            "as": "old",
                            "where": {"index": NAME, "at": {"before": "$lab.started_at"}},
                            "because": "the snapshot from before is gone",
                            "do": "groundwork path reset replay-after-change",
                        },
                        {
                            "find": "answer",
                            "where": {**answered, "snapshot": "$old.digest"},
                            "because": "nothing was asked of the pages as they were since you began",
                            "do": f'groundwork ask "{question}" --app {NAME} --snapshot head~1',
                        },
                    ]
                },
                sheet=Sheet("then", draw["then"]),
                hint="the number alone",
            ),
            Point(
                "page",
                "The changed page that changes the answer",
                sheet=Sheet("page", draw["page"]),
                hint="two pages changed, and only one of them has to do with the question; its file name alone",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            "Copy the files of `update` over those of `documents` and ingest that folder again.",
            f"`groundwork answers --app {NAME}` lists what was answered; `groundwork replay` makes it again from its pins.",
            "`--snapshot head~1` asks the pages as they were before the newest ingest.",
            f"`groundwork knowledge diff --index {NAME}` names the pages that changed; an answer cites one of them.",
        )


plugin = ReplayAfterChange
