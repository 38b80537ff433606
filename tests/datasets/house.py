"""A workspace with datasets in every state, for the pages and the doors."""

from __future__ import annotations

from pathlib import Path

from groundwork.app.workspace import Workspace
from groundwork.core.principal import Principal
from groundwork.datasets import changing
from groundwork.datasets.store import Datasets
from groundwork.datasets.types import Candidate, Example, ExampleOrigin
from tests.workspaces import light_workspace

HOSTILE = "<script>alert(1)</script> ‮ \"'& " + "wide" * 60


def questions(n: int = 70) -> list[Example]:
    """Examples of all kinds: clusters, tags, an impossible one, twins on two sides, personal data, messages."""
    plain = [
        Example(
            f"q{i:03}",
            f"What does rule {i} of the handbook say about {('leave', 'travel', 'pay')[i % 3]}?",
            expected=[f"Rule {i}", f"the {i}th rule"],
            cluster=f"chapter {i % 7}",
            tags=("hard",) if i % 4 == 0 else ("language:en",),
            licence="CC BY 4.0",
        )
        for i in range(n)
    ]
    return [
        *plain,
        Example("none", "What is the king's shoe size?", impossible=True, tags=("hard",)),
        Example(
            "twin", "what does RULE 3 of the handbook say about leave", split="holdout", cluster="chapter 3"
        ),
        Example("mail", "Who reads ann.lee@example.com?", expected="Ann, phone +49 30 1234567"),
        Example(
            "chat",
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": HOSTILE}],
            expected={"answer": HOSTILE, "n": 3},
            context=("One passage.", HOSTILE),
            relevant={"rules.md": 2.0, "a/b.md": 1.0},
            tools=({"name": "look_up", "arguments": {"rule": 3}},),
            weight=2.0,
            metadata={"assert": [{"type": "contains", "value": HOSTILE}]},
            origin=ExampleOrigin(kind="file", source="rules.jsonl:7", principal="user:ann"),
        ),
    ]


def filled(datasets: Datasets, principal: Principal, name: str = "golden") -> list[Candidate]:
    """Make three versions of a dataset and one candidate in every state; return the candidates."""
    only = Example(f"only-{name}", f"What is {name}?", expected=f"only {name}")
    datasets.create(principal, name, [*questions(), only], note="imported from rules.jsonl")
    changing.edit(datasets, principal, name, "q001", {"expected": "Rule one", "tags": ["hard", "first"]})
    changing.take(datasets, principal, name, ["q002"])
    made = [
        datasets.propose(principal, name, Example(f"new{i}", f"What is new, {i}? {HOSTILE}", expected="this"))
        for i in range(4)
    ]
    datasets.decide(principal, made[1].id, True)
    datasets.decide(principal, made[2].id, False, reason="too vague")
    return [datasets.candidate(principal, c.id) for c in made]


def workspace_with_datasets(root: Path) -> Workspace:
    """A small workspace of plain values."""
    return light_workspace(root)
