"""Hallucination: does an answer say anything that the passages do not?"""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers.groundedness import found
from groundwork.evaluation.types import Output, Score, not_applicable


class Hallucination(Base):
    """1 where some sentence is not supported by the passages, else 0; lower is better. Who declines is left out."""

    higher_is_better: ClassVar[bool] = False
    worst: ClassVar[float | None] = 1.0
    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"passages"})
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        findings = found(example, output, services)
        if not findings:
            return not_applicable("no sentence was said")
        text, worst = min(findings, key=lambda pair: (bool(pair[1].supported), float(pair[1].probability)))
        if worst.supported:
            return Score(0.0, label="supported")
        kind = str(getattr(worst, "kind", "unsupported"))
        return Score(1.0, label="hallucinated", reason=f"{worst.reason}: {text[:160]}", parts={"kind": kind})


plugin = Hallucination
