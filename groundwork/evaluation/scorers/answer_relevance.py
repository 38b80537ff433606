"""Does the answer answer what was asked? By a judge."""

from __future__ import annotations

from groundwork.evaluation.scorers._judged import Judged


class AnswerRelevance(Judged):
    """1 where the judge finds that the answer is about the question, else 0; needs no reference; who declines is left out.

    Args:
        judge: name of a judge of the spec that is shown input and output.
        graded: the place of the label among the judge's labels, from 0 to 1.
    """

    def __init__(self, judge: str = "relevance", graded: bool = False) -> None:
        super().__init__(judge, graded, "skip")


plugin = AnswerRelevance
