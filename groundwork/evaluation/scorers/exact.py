"""Exact match: the answer is one of the references, after both were made alike as the SQuAD script does."""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, has_reference, without_reference, written
from groundwork.evaluation.scorers._text import Manner, normalised
from groundwork.evaluation.types import Output, Score


class Exact(Base):
    """1 where the answer equals a reference, else 0; the empty answer is right where the example is impossible.

    Args:
        normalise: how both are made alike first: `squad`, `unicode`, or `none` for the very characters.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(self, normalise: Manner = "squad") -> None:
        self.normalise = normalise

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if not has_reference(example):
            return without_reference()
        if output.failed:
            return self.failed(output)
        if (
            output.value is not None
            and not isinstance(output.value, str)
            and output.value == example.expected
        ):
            return Score(1.0, label="equal", reason="the value equals the reference")
        given = normalised(answer_of(output), self.normalise)
        wanted = ("",) if example.impossible else example.references
        if any(given == normalised(written(w), self.normalise) for w in wanted):
            return Score(
                1.0, label="equal", reason=f"equals `{given[:80]}`" if given else "declined, rightly"
            )
        return Score(0.0, label="different", reason=f"`{given[:80]}` is none of {len(wanted)} reference(s)")


plugin = Exact
