"""Does the answer say what the reference says? By a judge."""

from __future__ import annotations

from typing import ClassVar

from groundwork.evaluation.scorers._judged import Judged


class AnswerCorrectness(Judged):
    """1 where the judge finds the answer right by the reference, else 0; examples without a reference are left out.

    Args:
        judge: name of a judge of the spec that is shown input, output and reference.
        graded: the place of the label among the judge's labels, from 0 to 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    by_reference: ClassVar[bool] = True

    def __init__(self, judge: str = "correctness", graded: bool = False) -> None:
        super().__init__(judge, graded, "judged")


plugin = AnswerCorrectness
