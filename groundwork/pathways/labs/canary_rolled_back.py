"""A new model that makes things up about one topic: a canary finds it out on a share of the traffic and takes itself back.

Which of two new models it is, and which topic, are drawn. The other one says more and does no harm. A sentence that no
passage supports is taken out of the answer, nothing is left, and the request counts as served badly; so harm shows in the
canary's own records after seven bad requests in a row, and after thirteen where every second one is bad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts, _models, _names

TOPICS, TURNS = 3, 12
MODELS = ("violet", "yellow")
NOW = "green"
PLACE = "dev"


class CanaryRolledBack:
    """Try a new model on half of the requests, and watch it being taken back before most people met it."""

    title = "Let a canary take itself back"
    summary = "Try new models on half of the traffic. One makes things up about one topic, and is taken back for it."
    minutes = 40
    skills: Sequence[str] = ("safe-rollout",)
    milestones: Sequence[str] = ("y3-internal-platform",)
    after: Sequence[str] = ("gate-passed-and-refused",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        harmful, harmless = random.sample(MODELS, 2)
        topic = random.choice(facts)["topic"]
        bad = [f["question"] for f in facts if f["topic"] == topic]
        good = [f["question"] for f in facts if f["topic"] != topic]
        traffic: list[str] = []
        for turn in range(TURNS):
            traffic += random.sample([bad[turn % len(bad)], good[turn % len(good)]], 2)
        return {
            "name": f"lab-canary-{_names.tag(random)}",
            "facts": facts,
            "topics": sorted({f["topic"] for f in facts}),
            "topic": topic,
            "harmful": harmful,
            "harmless": harmless,
            "traffic": traffic,
            "count": len(traffic),
            "place": PLACE,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        facts, name = draw["facts"], draw["name"]
        for file, text in _facts.documents(facts).items():
            bench.write(f"documents/{file}", text)
        bench.write("traffic.txt", "".join(f"{question}\n" for question in draw["traffic"]))
        made_up = {f["id"]: f"{_facts.wrong(f)} [1]" for f in facts if f["topic"] == draw["topic"]}
        longer = {f["id"]: f"{f['sentence']} [1] {_models.beside_the_point(facts, f)} [1]" for f in facts}
        said = {NOW: {}, draw["harmful"]: made_up, draw["harmless"]: longer}
        scripts = {model: _models.script(facts, said[model]) for model in sorted(said)}
        bench.spec(
            {
                "apps": {name: _models.app(name, f"{name}/{NOW}")},
                "indexes": {name: _models.index()},
                "providers": {name: {"kind": "scripted", "options": {"scripts": scripts}}},
            }
        )
        bench.ingest(name)
        bench.release(name, PLACE)

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        name = draw["name"]
        canary = {
            "find": "deployment",
            "as": "canary",
            "where": {
                "app": name,
                "release": "$release.id",
                "kind": "canary",
                "state": "rolled_back",
                "at": {"after": "$lab.started_at"},
            },
            "because": "no canary of a model that does harm took itself back yet",
            "do": f"groundwork release canary {name}@latest --to {PLACE} --share 0.5",
        }
        harmful = {
            "find": "release",
            "as": "release",
            "where": {"app": name, "models": {"has": f"{name}/{draw['harmful']}"}},
            "because": "no canary of a model that does harm took itself back yet",
            "do": f"groundwork release create {name}",
        }
        return (
            Point(
                "taken_back",
                "A canary did harm and took itself back",
                worth=2,
                check={"all": [harmful, canary]},
            ),
            Point(
                "served",
                "Somebody asked afterwards, and the release from before answered",
                check={
                    "all": [
                        harmful,
                        canary,
                        {
                            "find": "answer",
                            "where": {
                                "app": name,
                                "release": "$canary.previous",
                                "at": {"after": "$canary.ended"},
                            },
                            "because": "nobody asked since the canary was taken back",
                            "do": f'groundwork ask "{draw["traffic"][0]}" --app {name} --environment {PLACE}',
                        },
                    ]
                },
            ),
            Point(
                "harmful",
                "Which of the new models does harm",
                sheet=Sheet("model", draw["harmful"]),
                hint=f"one of {', '.join(MODELS)}",
            ),
            Point(
                "topic",
                "About which topic it makes things up",
                sheet=Sheet("topic", draw["topic"]),
                hint=f"one of {', '.join(draw['topics'])}",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        name = draw["name"]
        status = f"groundwork release canary status {name} --to {PLACE}"
        return (
            f"A canary needs a release of its own: change `model` under `[apps.{name}]` in the lab's groundwork.toml, "
            f"then `groundwork release create {name}`.",
            f"`{status}` says how many requests came, and how many of them the new one lost.",
            "Nothing is shown after all of the traffic? Then this model does no harm. End the canary with "
            f"`groundwork release canary end {name} --to {PLACE}`, and try the other one.",
            f"`groundwork release ask {name}@1 {name}@latest QUESTION` puts both answers side by side; ask a question "
            "about each topic.",
            f"It is `{draw['harmful']}`.",
        )


plugin = CanaryRolledBack
