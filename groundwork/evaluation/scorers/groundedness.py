"""Groundedness: how many sentences of an answer the passages support, without asking a large model."""

from __future__ import annotations

from typing import Any, ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, declined
from groundwork.evaluation.scorers._support import grounds_of, sentences_of
from groundwork.evaluation.types import Output, Score, not_applicable


class Groundedness(Base):
    """Share of the sentences that the passages support, between 0 and 1; who declines is left out.

    The passages are those the answer was made from, else what it cites, else the example's context. `probability` among the
    parts is the least one of all sentences, as the detector puts it.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"passages"})

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        findings = found(example, output, services)
        if not findings:
            return not_applicable("no sentence was said")
        good = sum(bool(f.supported) for _, f in findings)
        text, worst = min(findings, key=lambda pair: float(pair[1].probability))
        return Score(
            good / len(findings),
            reason="every sentence is supported"
            if good == len(findings)
            else f"{worst.reason}: {text[:160]}",
            parts={
                "sentences": len(findings),
                "supported": good,
                "probability": min(1.0, max(0.0, float(worst.probability))),
            },
        )


def found(example: Example, output: Output, services: Services) -> list[tuple[str, Any]]:
    """Return each sentence of the answer with what the detector says of it; nothing where it declined."""
    if declined(output):
        return []
    passages = grounds_of(example, output)
    return [(s.text, services.grounded(s.text, passages)) for s in sentences_of(output)]


plugin = Groundedness
