"""A tuning that is done, without running one: for tests of pages, routes and tenants."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundwork.app.workspace import Workspace
from groundwork.core.principal import Principal
from groundwork.evaluation.tuning.reporting import report
from groundwork.evaluation.tuning.selecting import Floats, Places, choose, forward, shuffled
from groundwork.evaluation.tuning.types import Configuration, Tuning, TuningPlan

CONFIGURATIONS = (
    Configuration(),
    Configuration({"passages": 12}),
    Configuration({"strategy": {"name": "hybrid", "weight": 0.7}}),
    Configuration({"chunker": {"name": "sentences", "max_chars": 800}, "passages": 4}),
)


class _Table:
    def __init__(self, values: Floats) -> None:
        self.values = values

    def of(self, configuration: int, places: Places) -> Floats:
        found: Floats = self.values[configuration][places]
        return found


def plan() -> TuningPlan:
    """Return the plan of a small tuning."""
    return TuningPlan(
        app="default",
        dataset="golden",
        dataset_ref="golden@1",
        dataset_version="0" * 64,
        metric="ndcg",
        scorer={"name": "ndcg"},
        configurations=CONFIGURATIONS,
        n=60,
        clusters=60,
        evaluations=200,
        expected_cost_usd=0.0,
        snapshot="0" * 64,
        app_digest="0" * 64,
        retrieval=True,
    )


def told(gain: float = 0.3) -> dict[str, Any]:
    """Return the report of a tuning whose second configuration is better by `gain`."""
    rng = np.random.default_rng(1)
    values = np.clip(rng.normal(0.4, 0.2, 60) + rng.normal(0, 0.05, (4, 60)), 0, 1)
    values[1] = np.clip(values[1] + gain, 0, 1)
    table, clusters = _Table(values), [f"e{i}" for i in range(60)]
    order = shuffled(clusters, 0)
    made = report(
        table, CONFIGURATIONS, clusters, [1.0] * 60, choose(table, 4, order), forward(table, 4, clusters), order,
        binary=False, sign=1.0, alpha=0.05, costs={0: {"latency_ms": 12.0, "cost_usd": 0.0}},
    )  # fmt: skip
    return {"metric": "ndcg", "dataset": "golden@1", "left_out": 0, **made}


def kept_tuning(workspace: Workspace, principal: Principal, gain: float = 0.3) -> Tuning:
    """Write down a tuning that is done."""
    book = workspace.evaluation.tuner.book
    made = book.create(principal, plan())
    book.change(principal, made.id, state="done", report=told(gain), finished_at=book.now())
    return book.get(principal, made.id)
