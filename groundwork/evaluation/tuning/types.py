"""The values of tuning: a configuration, what is planned, how far it is, and what came out; all immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.core.digest import digest_json

TuningState = Literal["planned", "running", "done", "failed", "cancelled"]
Part = Literal["strategy", "chunker", "passages", "threshold", "prompt", "model"]
PARTS: tuple[Part, ...] = ("strategy", "chunker", "passages", "threshold", "prompt", "model")
"""What may differ between configurations, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What of an app is changed; empty: the app as it is.

    Attributes:
        changes: by part; `strategy` and `chunker` are names or tables, as in the spec.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Its name in records; equal changes answer equal digests."""
        return digest_json(dict(self.changes))[:16]

    @property
    def raw(self) -> Configuration:
        """The same without the threshold: outputs are made once, and every threshold is applied to them."""
        return Configuration({k: v for k, v in self.changes.items() if k != "threshold"})

    @property
    def title(self) -> str:
        """How people read it, such as `hybrid_rm3 chunks=10, passages 12`; `as it is` for the app itself."""
        said = [_said(part, self.changes[part]) for part in PARTS if part in self.changes]
        return ", ".join(said) or "as it is"


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """What a tuning would do and cost.

    Attributes:
        metric: as written, such as `correct`; scorer: its spec.
        evaluations: about how many pairs of configuration and example will be looked at.
        expected_cost_usd: about; None where no price is known.
        snapshot: of the app's index. retrieval: only searches are run, since the metric looks at passages alone.
    """

    app: str
    dataset: str
    dataset_ref: str
    dataset_version: str
    metric: str
    scorer: Mapping[str, Any]
    configurations: tuple[Configuration, ...]
    n: int
    clusters: int
    evaluations: int
    expected_cost_usd: float | None
    snapshot: str
    app_digest: str
    retrieval: bool
    alpha: float = 0.05
    seed: int = 0
    split: str = ""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            **{k: v for k, v in asdict(self).items() if k != "configurations"},
            "configurations": [dict(c.changes) for c in self.configurations],
        }


@dataclass(frozen=True, slots=True)
class Tuning:
    """One tuning as it stands. `report` is `reporting.report` once it is done."""

    id: str
    app: str
    dataset: str
    dataset_version: str
    state: TuningState
    plan: Mapping[str, Any]
    progress: Mapping[str, Any]
    report: Mapping[str, Any] | None
    job_id: str = ""
    created_at: str = ""
    created_by: str = ""
    finished_at: str | None = None
    error: Mapping[str, Any] | None = None

    @property
    def dataset_ref(self) -> str:
        """The dataset as people name it."""
        return str(self.plan.get("dataset_ref") or self.dataset)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Tried:
    """What one configuration scored on one example; `value` is None where it is missing, which counts as the worst."""

    value: float | None
    applies: bool = True
    latency_ms: float = 0.0
    cost_usd: float = 0.0
    error: str = ""


def said_p(p: float) -> str:
    """Return a p-value as it is written."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _said(part: str, value: Any) -> str:
    if isinstance(value, Mapping):
        rest = " ".join(
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in value.items() if k != "name"
        )
        value = f"{value.get('name', '')} {rest}".strip()
    if isinstance(value, float):
        value = f"{value:g}"
    return str(value) if part in ("strategy", "model") else f"{part} {value}"
