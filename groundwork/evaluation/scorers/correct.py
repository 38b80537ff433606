"""The right answer holds a reference, or shares enough words with one, or declines where nothing can be said."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, declined, has_reference, without_reference
from groundwork.evaluation.scorers._text import holds, token_f1, without_marks, words
from groundwork.evaluation.types import Output, Score

_SHORT = frozenset({"yes", "no", "true", "false", "ja", "nein"})


class Correct(Base):
    """1 for a right answer, else 0.

    Right is an answer in which the words of a reference stand one after the other, or whose token F1 with a reference is
    at least `f1`; a reference `yes` or `no` must be the answer's first word. Where the example is impossible, declining is
    right and anything else wrong; elsewhere declining is wrong. It reads no meaning: use `answer_correctness` for that.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(self, f1: float = 0.5) -> None:
        self.f1 = f1

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if not has_reference(example):
            return without_reference()
        if output.failed:
            return self.failed(output)
        if example.impossible:
            if declined(output):
                return Score(1.0, label="declined", reason="declined, and nothing can be said")
            return Score(0.0, label="wrong", reason="answered although nothing can be said")
        if declined(output):
            return Score(0.0, label="declined", reason="declined although there is an answer")
        given = words(without_marks(answer_of(output)), "unicode")
        best = 0.0
        for reference in example.references:
            wanted = words(reference, "unicode")
            if len(wanted) == 1 and wanted[0] in _SHORT:
                if given[:1] == wanted:
                    return Score(1.0, label="right", reason=f"begins with `{wanted[0]}`")
                continue
            if holds(given, wanted):
                return Score(1.0, label="right", reason=f"holds `{reference[:80]}`", parts={"f1": 1.0})
            best = max(best, token_f1(given, wanted)[0])
        right = best >= self.f1
        return Score(
            float(right),
            label="right" if right else "wrong",
            reason=f"token F1 {best:.2f} with the nearest reference; {self.f1:g} is asked for",
            parts={"f1": best},
        )


plugin = Correct
