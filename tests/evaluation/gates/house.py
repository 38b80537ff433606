"""A workspace with a gate, a dataset and recorded outputs of two subjects: the whole way without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from groundwork.app.workspace import Workspace
from groundwork.core.digest import digest_json
from groundwork.core.ids import new_id
from groundwork.core.principal import LOCAL, Principal
from groundwork.datasets.types import Example
from groundwork.evaluation.gates.types import Plan, Verdict
from tests.workspaces import LIGHT, light_workspace

GATE = """
[gates.quality]
dataset = "golden"
scorers = ["correct", "latency"]
slices = ["language:"]
primary = {metric = "correct", effect = 0.1}
guards = [{metric = "latency", margin = 0.5, relative = true}]
limits = [{metric = "p95(latency)", at_most = 1000}]
"""
N = 120


def house(root: Path, spec: str = GATE, n: int = N) -> Workspace:
    """Make the workspace; its dataset `golden` has `n` examples, every third in German."""
    workspace = light_workspace(root, LIGHT + spec)
    examples = [
        Example(
            f"exm_{i:04}",
            f"What is {i} and {i}?",
            str(2 * i),
            tags=("language:de",) if i % 3 == 0 else ("language:en",),
        )
        for i in range(n)
    ]
    workspace.datasets.create(LOCAL, "golden", examples)
    return workspace


def recorded(
    path: Path, right: Callable[[int], bool], *, n: int = N, latency: float = 100.0, broken: bool = False
) -> str:
    """Write outputs that are right where `right` says so and return the word for them."""
    lines = []
    for i in range(n):
        line: dict[str, object] = {
            "id": f"exm_{i:04}",
            "output": str(2 * i) if right(i) else "no idea at all",
        }
        line["latency_ms"] = latency + i % 7
        if broken:
            line |= {"output": "", "error": "upstream_failed", "message": "no answer"}
        lines.append(json.dumps(line))
    path.write_text("\n".join(lines) + "\n")
    return f"file:{path}"


def sides(root: Path, better: bool = True, n: int = N) -> tuple[str, str]:
    """Return the words for a baseline that is right in 60 % and a candidate that is right in 85 %, or in 40 %."""
    old = recorded(root / "old.jsonl", lambda i: i % 10 < 6, n=n)
    new = recorded(root / "new.jsonl", lambda i: i % 20 < 17 if better else i % 10 < 4, n=n)
    return old, new


def kept_verdict(workspace: Workspace, principal: Principal) -> Verdict:
    """Write a plan and a verdict of it down, without running anything, and return the verdict."""
    records = workspace.evaluation.gates.records
    now = "2026-11-29T09:00:00.000+00:00"
    plan = Plan(
        digest=digest_json(["plan", principal.tenant]), gate="quality", app="default", environment="production", spec={},
        dataset="golden@1", dataset_version="0" * 64, split="test", n=0, clusters=0, scorers={}, judges={}, baseline="a",
        candidate="b", baseline_subject={}, candidate_subject={}, power={"words": ""}, expected_cost_usd=0.0,
        created_at=now, created_by=principal.name,
    )  # fmt: skip
    records.put_plan(principal, plan)
    verdict = Verdict(
        id=new_id("vrd"), gate="quality", app="default", environment="production", outcome="insufficient",
        headline=f"There is no example in {principal.tenant}.", reasons=(), checks=(), slices=(), baseline="evl_a",
        candidate="evl_b", release="", plan=plan.digest, planned_at=now, posthoc=False, dataset="golden@1",
        dataset_version="0" * 64, split="test", n=0, clusters=0, needed_n=None, still_needed=None, alpha=0.05, judges={},
        looks=0, earlier=0, statement="Nothing was tested.", warnings=(), candidate_subject={}, baseline_subject={},
        cost_usd=0.0, created_at=now, created_by=principal.name,
    )  # fmt: skip
    return records.put_verdict(principal, verdict)
