"""Every scorer and every metric on the shelf keeps its contract."""

from __future__ import annotations

from typing import Any

import pytest

from groundwork.evaluation.metrics import METRICS, Metric
from groundwork.evaluation.scorers import SCORERS, Scorer
from groundwork.testing.metric import MetricContract
from groundwork.testing.scorer import ScorerContract

FURTHER: list[dict[str, Any]] = [
    {"name": "exact", "normalise": "unicode"},
    {"name": "f1", "normalise": "unicode"},
    {"name": "rouge_l", "tokens": "unicode"},
    {"name": "regex", "pattern": r"^\w+", "absent": True},
    {"name": "json_schema", "schema": {"type": "object", "required": ["label"]}},
    {"name": "numeric", "relative": 0.1, "pick": "any"},
    {"name": "ndcg", "unit": "passage", "gain": "exponential", "k": 2},
    {"name": "tool_calls", "order": "any", "schemas": {"find": {"type": "object", "required": ["a"]}}},
    {"name": "trajectory", "mode": "strict", "arguments": True, "max_calls": 2, "forbidden": ["book"]},
    {"name": "calibration", "of": "f1"},
    {"name": "latency", "until": "first"},
    {"name": "reward", "low": -1.0},
]
PARAMETERS: list[dict[str, Any]] = [
    {"name": "pass_k", "k": 2},
    {"name": "ece", "by": "size", "bins": 3},
    {"name": "risk_at_coverage", "coverage": 0.3},
    {"name": "auroc", "positive": "a"},
    {"name": "precision", "positive": "a"},
    {"name": "quantile", "q": 1.0},
]


def _id(spec: str | dict[str, Any]) -> str:
    return (
        spec if isinstance(spec, str) else "-".join(str(v) for v in spec.values() if not isinstance(v, dict))
    )


@pytest.fixture(scope="module", params=[*SCORERS.names(), *FURTHER], ids=_id)
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return SCORERS.make(request.param)


@pytest.fixture(scope="module", params=[*METRICS.names(), *PARAMETERS], ids=_id)
def metric(request: pytest.FixtureRequest) -> Metric:
    return METRICS.make(request.param)


class TestEveryScorer(ScorerContract):
    """The contract itself."""


class TestEveryMetric(MetricContract):
    """The contract itself."""
