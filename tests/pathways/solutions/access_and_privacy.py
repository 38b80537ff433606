"""The access list set, asked twice; the letters named and gone; the person forgotten."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner

INDEX = "lab-people"


def solve(learner: Learner) -> None:
    draw = learner.draw
    group = f"group:{draw['group']}"
    spec = learner.read("groundwork.toml")
    table = f"[indexes.{INDEX}]\n"
    assert table in spec
    learner.write("groundwork.toml", spec.replace(table, f'{table}access = {{"*staff/*" = ["{group}"]}}\n'))
    learner("ingest", learner.folder / "documents", "--index", INDEX)
    question = f"How many euros a month does {draw['other']} earn?"
    learner("ask", question, "--app", INDEX, "--as", group)
    learner("ask", question, "--app", INDEX, "--as", "group:visitors")

    learner.answer("letters", draw["personal"])
    before = learner.json("dataset", "show", "lab-inbox")["number"]
    learner("dataset", "remove", "lab-inbox", *draw["personal"].split())
    learner("dataset", "delete", f"lab-inbox@{before}", "--yes")

    pages = (f"staff/{draw['slug']}.md", f"notices/{draw['notice']}.md")
    learner("knowledge", "erase", *pages, "--index", INDEX, "--yes")
