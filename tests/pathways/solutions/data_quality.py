"""Bring in what came, mend the inbox, look the questions over, mend them."""

from __future__ import annotations

import json

from tests.pathways.labs.harness import Learner


def solve(learner: Learner) -> None:
    draw = learner.draw
    name = draw["name"]
    inbox = ("ingest", learner.folder / "inbox", "--index", name)
    learner(*inbox)
    refused = learner.json("knowledge", "quarantine", "--index", name)["quarantine"]
    for entry in refused:
        file = learner.folder / entry["path"]
        file.unlink()
        learner.write(f"inbox/{file.stem}.md", learner.read(f"archive/{file.stem}.md"))
    notice = learner.read("inbox/notice.md")
    (learner.folder / "inbox" / "notice.md").unlink()
    twice = [p.stem for p in (learner.folder / "inbox").iterdir() if p.read_text() == notice]
    learner.answer("twice", twice[0])
    learner(*inbox)

    questions = ("dataset", "import", learner.folder / "questions.jsonl", "--name", name)
    learner(*questions)
    looked = learner.json("dataset", "check", name, code=1)
    learner.answer("leaks", len(looked["leaks"]))
    learner.answer("kind", next(iter(looked["personal"][0]["kinds"])))
    lines = [json.loads(line) for line in learner.read("questions.jsonl").splitlines()]
    kept = [{**x, "input": _asked(x["input"])} for x in lines if not x["input"].endswith(" ??")]
    learner.write("questions.jsonl", "".join(f"{json.dumps(x)}\n" for x in kept))
    learner(*questions)


def _asked(said: str) -> str:
    """Return the question without who asked it."""
    return said.split(". ", 1)[-1]
