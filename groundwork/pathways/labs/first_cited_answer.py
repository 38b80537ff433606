"""A question is answered with the place it was taken from, and one without an answer is declined.

Pages, questions and figures are drawn, and so is where in its page the quoted sentence stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts

NAME = "lab-cited"
TOPICS = 5


class FirstCitedAnswer:
    """Ask an app, check a citation against the stored text, and see it decline what it cannot know."""

    title = "Get your first cited answer"
    summary = "Ask an app over documents, check its citation character by character, and see it decline."
    minutes = 25
    skills: Sequence[str] = ("cited-answers",)
    milestones: Sequence[str] = ("y1-first-rag-app", "m-rag-system", "d60-rag-fastapi")
    after: Sequence[str] = ("first-documents",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS + 1)
        topics = list(dict.fromkeys(f["topic"] for f in facts))
        missing = random.choice(topics)
        known = [f for f in facts if f["topic"] != missing]
        asked = random.choice(known)
        page = _facts.file_of(asked["topic"])
        start = _facts.documents(known)[page].index(asked["sentence"])
        return {
            "facts": known,
            "question": asked["question"],
            "figure": asked["number"],
            "page": page,
            "start": start,
            "end": start + len(asked["sentence"]),
            "unknown": random.choice([f for f in facts if f["topic"] == missing])["question"],
            "count": TOPICS,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        for name, text in _facts.documents(draw["facts"]).items():
            bench.write(f"documents/{name}", text)
        bench.spec(
            {
                "indexes": {NAME: {"backend": "memory", "embedder": "none", "chunker": "whole"}},
                "apps": {NAME: {"index": NAME, "strategy": "lexical", "passages": 3}},
            }
        )

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        after = {"after": "$lab.started_at"}
        documents = {
            "find": "snapshot",
            "as": "snapshot",
            "where": {"index": NAME, "documents": TOPICS, "at": after},
            "because": f"the {TOPICS} pages are not in the index `{NAME}` yet",
            "do": f"groundwork ingest labs/first_cited_answer/documents --index {NAME}",
        }
        return (
            Point(
                "answered",
                f"`{NAME}` answered from your documents, with a citation",
                check={
                    "all": [
                        documents,
                        {
                            "find": "answer",
                            "where": {
                                "app": NAME,
                                "abstained": False,
                                "citations": {"at_least": 1},
                                "snapshot": "$snapshot.digest",
                                "at": after,
                            },
                            "because": "no answer from these documents cites anything yet",
                            "do": f'groundwork ask "{draw["question"]}" --app {NAME}',
                        },
                    ]
                },
            ),
            Point(
                "figure",
                "What the answer says",
                sheet=Sheet("figure", draw["figure"]),
                hint="the number alone",
            ),
            Point(
                "place",
                "Where in the stored text of its page the quote begins, counted in characters from 0",
                sheet=Sheet("start", draw["start"]),
                hint=f"`groundwork ask … --app {NAME} --json` has `start` and `end` with each citation",
            ),
            Point(
                "declined",
                f"`{NAME}` declined a question that the documents do not answer",
                check={
                    "find": "answer",
                    "where": {"app": NAME, "abstained": True, "at": after},
                    "because": f"`{NAME}` has not declined anything yet",
                    "do": f'groundwork ask "{draw["unknown"]}" --app {NAME}',
                },
            ),
            Point(
                "judged",
                "You said of the answer whether it is right",
                check={
                    "all": [
                        {
                            "find": "answer",
                            "as": "answer",
                            "where": {"app": NAME, "abstained": False, "at": after},
                            "because": "there is no answer to judge yet",
                            "do": f'groundwork ask "{draw["question"]}" --app {NAME}',
                        },
                        {
                            "find": "feedback",
                            "where": {"answer": "$answer.id", "kind": "thumb", "at": after},
                            "because": "you have not said of that answer whether it is good",
                            "do": "groundwork feedback give ANSWER --up",
                        },
                    ]
                },
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"Bring the documents into the index `{NAME}` first; an app answers from nothing else.",
            f'`groundwork ask "{draw["question"]}" --app {NAME}` shows the sentence, with `--json` also its place.',
            "`start` and `end` count characters of the stored text: `groundwork knowledge document ID --text` prints it.",
            f"The quote stands in `{draw['page']}`. `groundwork explain ANSWER` shows what the app looked at.",
        )


plugin = FirstCitedAnswer
