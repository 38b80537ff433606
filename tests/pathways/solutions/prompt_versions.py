"""One harmless rule taken out and measured, then the harmful one; tested, let through, released."""

from __future__ import annotations

from tests.pathways.labs.harness import Learner

APP = "lab-reply"


def solve(learner: Learner) -> None:
    number = learner.draw["spoiling"]
    path = learner.root / "prompts" / f"{APP}.md"
    first = path.read_text()
    path.write_text(without(first, next(x for x in learner.draw["numbers"] if x != number)))
    learner("evaluate", APP, "--dataset", "lab-replies", "--scorer", "correct")

    lines = ("- name: the rule is gone", "  inputs: {question: When, passages: []}", "  expect:")
    test = "\n".join((*lines, f"  - prompt_not_contains: '{number}'", ""))
    path.write_text(without(first, number).replace("---\nsystem:", f"{test}---\nsystem:"))
    learner("gate", APP)
    learner.answer("rule", number)
    learner("prompt", "test", APP)
    learner("release", "create", APP)
    learner("release", "promote", f"{APP}@latest")


def without(prompt: str, number: str) -> str:
    return "".join(line for line in prompt.splitlines(keepends=True) if not line.startswith(f"- {number}:"))
