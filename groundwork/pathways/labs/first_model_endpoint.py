"""A model is served under a name of one's own, over HTTP, with a key, and goes on when its first provider is down.

Which of the provider's models is down and how, which one stands in, and what it says is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet

PROVIDER, MODEL = "lab-upstream", "lab-endpoint"
BIRDS = ("heron", "kestrel", "merlin", "osprey", "plover", "siskin", "curlew", "dunlin")
WORDS = (
    "almanac",
    "basalt",
    "cobalt",
    "ferry",
    "gantry",
    "juniper",
    "lantern",
    "marble",
    "orchard",
    "saffron",
    "thistle",
)
FAILURES = {"auth": 401, "rate_limited": 429, "server_error": 500, "overloaded": 503}
"""Failures after which the fallback is asked, each with its HTTP status."""


class FirstModelEndpoint:
    """Give a model a name with a fallback, a key to call it with, and read in the records who answered and why."""

    title = "Serve your first model endpoint"
    summary = "Serve a model under your own name, with a fallback and a key, and read who answered and why."
    minutes = 35
    skills: Sequence[str] = ("llm-apis",)
    milestones: Sequence[str] = ("y1-model-serving-deployed", "m-llm-api", "d30-managed-llm")
    after: Sequence[str] = ()
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        main, spare = (f"{bird}-{random.randint(2, 9)}" for bird in random.sample(BIRDS, 2))
        return {
            "main": main,
            "spare": spare,
            "failure": random.choice(sorted(FAILURES)),
            "word": f"{random.choice(WORDS)} {random.randint(100, 999)}",
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        scripts = {
            draw["main"]: {"fail": draw["failure"], "status": FAILURES[draw["failure"]]},
            draw["spare"]: {"text": f"The word of the day is: {draw['word']}."},
        }
        bench.spec({"providers": {PROVIDER: {"kind": "scripted", "options": {"scripts": scripts}}}})

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        served = {
            "model": MODEL,
            "served_model": "$lab.spare",
            "state": "done",
            "key": {"not": ""},
            "at": {"after": "$lab.started_at"},
        }
        post = "groundwork serve"
        return (
            Point(
                "served",
                f"A program called `{MODEL}` over HTTP with a key, and the model that stands in answered it",
                check={
                    "find": "call",
                    "where": {**served, "stream": False},
                    "because": f"no call to `{MODEL}` with an API key was answered by `{draw['spare']}` yet",
                    "do": post,
                },
            ),
            Point(
                "streamed",
                "A second call had its answer streamed",
                check={
                    "find": "call",
                    "where": {**served, "stream": True},
                    "because": f"no streamed call to `{MODEL}` with an API key was answered yet",
                    "do": post,
                },
            ),
            Point("word", "The word of the day that it says", sheet=Sheet("word", draw["word"])),
            Point(
                "failure",
                "What went wrong at the first model, in the gateway's word for it",
                sheet=Sheet("failure", draw["failure"]),
                hint="`groundwork usage call last` shows every attempt of a call with its failure",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"`groundwork model list` shows the models of `{PROVIDER}`; your own name is a table `[models.{MODEL}]`.",
            "A named model has `routes`, who serves it, and `fallbacks`, who stands in; both name `provider/model`.",
            f'The table needs `routes = [{{ model = "{PROVIDER}/{draw["main"]}" }}]` and a list `fallbacks`.',
            "A server reads the spec when it starts: start it after you have written the table, and send the key as "
            "`Authorization: Bearer …`.",
            "`groundwork usage call last` shows the attempts of the newest call: the first line is the one that failed.",
        )


plugin = FirstModelEndpoint
