"""Scoring by a judge: what its verdict becomes. What it is shown is the same as when it is measured."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.judges.showing import shown_of
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, without_reference
from groundwork.evaluation.types import Output, Score, not_applicable


class Judged(Base):
    """A judge's verdict on one output: 1 where its label passes, else 0.

    A verdict that cannot be read is a missing score with the error `judge_garbage`, never a pass.

    Args:
        judge: name of a judge of the spec.
        graded: the place of the label among the judge's labels, from 0 (worst) to 1 (best), instead of passing or not.
        declined: what a declined answer is: `judged` like any other, `fail`, or `skip` to leave it out.
    """

    binary: ClassVar[bool] = True
    metrics: ClassVar[tuple[str, ...]] = ("mean",)
    by_reference: ClassVar[bool] = False
    """Whether an example without a reference is left out."""

    def __init__(self, judge: str = "", graded: bool = False, declined: str = "judged") -> None:
        self.judge = judge
        self.graded = graded
        self.declined = declined

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if self.by_reference and not example.references and not example.impossible:
            return without_reference()
        if output.failed:
            return self.failed(output)
        if output.abstained and self.declined == "skip":
            return not_applicable("it declined")
        if output.abstained and self.declined == "fail":
            return Score(0.0, label="declined", reason="it declined")
        asker = services.judge(self.judge)
        verdict = asker.ask(shown_of(example, output), scope=output.answer_id)
        if verdict.error or verdict.value is None or verdict.label not in asker.labels:
            return Score(
                None,
                reason=verdict.reason[:500] or "the judge said nothing that can be read",
                error=verdict.error or "judge_garbage",
                cost_usd=verdict.cost_usd,
            )
        labels = list(asker.labels)
        least = labels.index(asker.passing) if asker.passing in labels else len(labels) - 1
        passes = labels.index(verdict.label) >= least
        value = min(1.0, max(0.0, verdict.value))
        return Score(
            value if self.graded else float(passes),
            label=verdict.label,
            reason=verdict.reason[:2000],
            parts={"judge": asker.name, "version": asker.version, "grade": value, "cached": verdict.cached},
            cost_usd=verdict.cost_usd,
        )
