"""Two candidates with a higher mean than what is served: one is better, the other had luck. A gate tells them apart.

Which of the two is which is drawn, and so is how often each wins and loses. The better one wins on eight or nine questions
and loses one; the lucky one wins a few more than it loses, which two equal models do in one of ten comparisons or more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from groundwork.pathways.labs import Bench, Point, Sheet, _facts, _models, _names

TOPICS, QUESTIONS = 6, 18
NOW, CANDIDATES = "now", ("a", "b")


class GatePassedAndRefused:
    """Let a gate decide on two candidates, put the one that passed into an environment, and keep the other out."""

    title = "Pass a gate, and see one rightly refused"
    summary = "Two candidates have a higher mean. One is better, one had luck; a gate tells them apart."
    minutes = 50
    skills: Sequence[str] = ("release-gates",)
    milestones: Sequence[str] = (
        "y1-first-rag-app",
        "y2-reusable-patterns",
        "y3-governance-implemented",
        "y3-evaluation-framework",
        "d90-cicd",
    )
    after: Sequence[str] = ("retrieval-compared",)
    stream = "technical"
    test_out = True

    def draw(self, random: Random) -> dict[str, Any]:
        facts = _facts.draw_facts(random, TOPICS)
        ids = [f["id"] for f in facts]
        random.shuffle(ids)
        missed, known = ids[: QUESTIONS // 2], ids[QUESTIONS // 2 :]
        passed, refused = random.sample(CANDIDATES, 2)
        wins, losses = random.choice([(3, 1), (4, 1), (4, 2)])
        misses = {
            NOW: missed,
            passed: [*missed[random.choice((8, 9)) :], random.choice(known)],
            refused: [*missed[wins:], *random.sample(known, losses)],
        }
        name = f"lab-gate-{_names.tag(random)}"
        return {
            "name": name,
            "now": f"{name}-{NOW}",
            "a": f"{name}-a",
            "b": f"{name}-b",
            "facts": facts,
            "misses": misses,
            "passed": passed,
            "refused": refused,
            "better": f"{name}-{passed}",
            "lucky": f"{name}-{refused}",
            "gain": round((wins - losses) / QUESTIONS, 4),
            "losses": losses,
            "count": QUESTIONS,
        }

    def prepare(self, bench: Bench, draw: Mapping[str, Any]) -> None:
        facts, name = draw["facts"], draw["name"]
        for file, text in _facts.documents(facts).items():
            bench.write(f"documents/{file}", text)
        scripts = {
            model: _models.script(facts, _models.missing_the_point(facts, wrong))
            for model, wrong in sorted(draw["misses"].items())
        }
        gate = {
            "dataset": name,
            "scorers": ["correct"],
            "primary": {"metric": "correct", "effect": 0.3},
            "min_n": QUESTIONS,
        }
        bench.spec(
            {
                "indexes": {name: _models.index()},
                "apps": {draw[m]: _models.app(name, f"{name}/{m}") for m in (NOW, *CANDIDATES)},
                "gates": {draw[m]: {"app": draw[m], **gate} for m in CANDIDATES},
                "providers": {name: {"kind": "scripted", "options": {"scripts": scripts}}},
            }
        )
        bench.ingest(name)
        bench.dataset(name, _facts.examples(facts))
        bench.release(draw["now"])

    def points(self, draw: Mapping[str, Any]) -> Sequence[Point]:
        return (
            Point(
                "passed",
                "A gate let the candidate pass that is better",
                check=_verdict(draw["better"], "promote"),
            ),
            Point(
                "refused",
                "A gate refused the other one, and no environment serves it",
                check={
                    "all": [
                        _verdict(draw["lucky"], ["reject", "insufficient"]),
                        {
                            "find": "deployment",
                            "where": {"app": draw["lucky"]},
                            "count": {"at_least": 0, "at_most": 0},
                            "because": f"`{draw['lucky']}` was put into an environment all the same",
                            "do": "groundwork path reset gate-passed-and-refused",
                        },
                    ]
                },
            ),
            Point(
                "served",
                "A release of the better one rests on that verdict and stands in an environment",
                check={
                    "all": [
                        {**_verdict(draw["better"], "promote"), "as": "verdict"},
                        {
                            "find": "release",
                            "as": "release",
                            "where": {"app": draw["better"], "verdict": "$verdict.id"},
                            "because": "no release of the candidate that passed carries its verdict",
                            "do": "groundwork release create APP",
                        },
                        {
                            "find": "deployment",
                            "where": {"release": "$release.id", "kind": "promote", "standing": True},
                            "because": "that release stands in no environment",
                            "do": "groundwork release promote APP@latest --to dev",
                        },
                    ]
                },
            ),
            Point(
                "gain",
                "By how much the mean of the one that was refused is higher than that of what is served, between 0 and 1",
                sheet=Sheet("gain", draw["gain"], 0.006),
                hint="the difference of `correct` in its verdict, to three places",
            ),
            Point(
                "losses",
                "How many questions the refused one gets wrong that what is served gets right",
                sheet=Sheet("losses", draw["losses"]),
                hint="`groundwork compare` counts who won where",
            ),
        )

    def hints(self, draw: Mapping[str, Any]) -> Sequence[str]:
        return (
            "A gate asks whether the difference could be luck. How many questions would two equal models differ in?",
            f"`groundwork gate run {draw['a']} --baseline {draw['now']}@latest` decides on the first; its exit code is 1 "
            "unless it says promote.",
            "`groundwork gate verdicts` lists what was decided; `groundwork gate show` with the id of a verdict says why.",
            f"`groundwork compare {draw['now']} {draw['lucky']} --metric correct` says how often each of them won.",
        )


def _verdict(gate: str, outcome: str | list[str]) -> dict[str, Any]:
    """Return the predicate that a gate decided so on all questions, by a plan made before."""
    return {
        "find": "verdict",
        "where": {
            "gate": gate,
            "outcome": outcome,
            "n": QUESTIONS,
            "posthoc": False,
            "at": {"after": "$lab.started_at"},
        },
        "because": "one of the two gates is still to be run"
        if isinstance(outcome, list)
        else "no gate said `promote` of the candidate that is better",
        "do": f"groundwork gate run {gate[:-1]}…",
    }


plugin = GatePassedAndRefused
