"""Ways around a lab that look like a solution: with every right answer on the sheet, the records still tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from groundwork.pathways.labs import task as texts
from tests.pathways.labs.harness import Learner


def accept_everything(learner: Learner) -> None:
    """Make a golden set of what the model said, without reading it."""
    name = learner.draw["name"]
    ids = [a["id"] for a in learner.json("answers", "--app", name)["answers"]]
    proposed = learner.json("dataset", "propose", name, *ids)["candidates"]
    learner("dataset", "accept", *(c["id"] for c in proposed), "--publish")
    for app in (name, learner.draw["clerk"]):
        learner("evaluate", app, "--dataset", name, "--scorer", "correct")


def loosen_the_gate(learner: Learner) -> None:
    """Take the cheapest model, and change the gate until it agrees."""
    draw = learner.draw
    before, after = learner.read("groundwork.toml").split(f"[apps.{draw['new']}]")
    spec = f"{before}[apps.{draw['new']}]{after.replace('/oak', '/' + draw['careless'], 1)}"
    learner.write("groundwork.toml", spec.replace("margin = 0.15", "margin = 0.9"))
    learner("gate", "run", draw["name"], "--baseline", f"{draw['now']}@latest")
    learner("release", "create", draw["new"])


def serve_the_lucky_one(learner: Learner) -> None:
    """Run both gates, and put the one with the verdict against it into an environment."""
    draw = learner.draw
    for name in ("a", "b"):
        code = 0 if name == draw["passed"] else 1
        learner("gate", "run", draw[name], "--baseline", f"{draw['now']}@latest", code=code)
    learner("release", "create", draw["lucky"])
    learner("release", "promote", f"{draw['lucky']}@latest", "--to", "dev")


def throw_away_what_is_odd(learner: Learner) -> None:
    """Keep only questions that nothing was found in."""
    name = learner.draw["name"]
    questions = ("dataset", "import", learner.folder / "questions.jsonl", "--name", name)
    learner(*questions)
    looked = learner.json("dataset", "check", name, code=1)
    odd = {i for group in looked["duplicates"] for i in group["ids"]} | {x["id"] for x in looked["personal"]}
    lines = [json.loads(line) for line in learner.read("questions.jsonl").splitlines()]
    learner.write("questions.jsonl", "".join(f"{json.dumps(x)}\n" for x in lines if x["id"] not in odd))
    learner(*questions)


def end_it_by_hand(learner: Learner) -> None:
    """Try the harmless model, and end the canary without a reason."""
    name = learner.draw["name"]
    spec = learner.read("groundwork.toml")
    learner.write("groundwork.toml", spec.replace(f"{name}/green", f"{name}/{learner.draw['harmless']}"))
    learner("release", "create", name)
    learner("release", "canary", f"{name}@latest", "--to", "dev", "--share", "0.5")
    learner("ask", learner.draw["traffic"][0], "--app", name, "--environment", "dev")
    learner("release", "canary", "end", name, "--to", "dev")
    learner("ask", learner.draw["traffic"][1], "--app", name, "--environment", "dev")


def look_at_a_few(learner: Learner) -> None:
    """Measure on ten questions of the golden set."""
    draw = learner.draw
    learner("dataset", "import", learner.folder / "questions.jsonl", "--name", draw["name"])
    for strategy in ("lexical", "dense"):
        learner("evaluate", draw[strategy], "--dataset", draw["name"], "--scorer", "recall", "--limit", "10")


WAYS: list[tuple[str, Callable[[Learner], None], set[str]]] = [
    ("golden-from-traces", accept_everything, {"accepted"}),
    ("cost-cut", loosen_the_gate, set()),
    ("gate-passed-and-refused", serve_the_lucky_one, {"passed"}),
    ("data-quality", throw_away_what_is_odd, {"found"}),
    ("canary-rolled-back", end_it_by_hand, set()),
    ("retrieval-compared", look_at_a_few, set()),
]


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "way", "met"), WAYS, ids=[way.__name__ for _, way, _ in WAYS])
def test_a_way_around_earns_nothing_but_what_it_did(
    lab: str, way: Callable[[Learner], None], met: set[str], tmp_path: Path
) -> None:
    learner = Learner(tmp_path / "house", lab)
    try:
        learner.start()
        points = texts.find_lab(lab).points(learner.draw)
        for sheet, _ in texts.sheets(points):
            learner.answer(sheet.key, sheet.right)
        way(learner)
        seen = learner.verify()
        rest_on_records = {p.id for p in points if p.check}
        assert {s.id for s in seen.states if s.met} & rest_on_records == met
        assert not seen.passed
    finally:
        learner.close()
