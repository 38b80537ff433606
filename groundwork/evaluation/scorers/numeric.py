"""A number that must come out, within a tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, finite, without_reference
from groundwork.evaluation.scorers._text import without_marks
from groundwork.evaluation.types import Output, Score

_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d{1,3}(?:[,'\u00a0\u202f]\d{3})+|\d+)?(?:\.\d+|(?<=\d)\.?)(?:[eE][-+]?\d+)?"
)
_BETWEEN = re.compile(r"(?<=\d)[,'\u00a0\u202f](?=\d{3})")


class Numeric(Base):
    """1 where a number of the answer is within the tolerance of a reference, else 0.

    Args:
        absolute: tolerance in units of the number.
        relative: tolerance as a share of the reference; the wider one of the two holds.
        pick: which number of the answer counts: the `last`, the `first`, or `any` of them.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(
        self, absolute: float = 0.0, relative: float = 1e-6, pick: Literal["last", "first", "any"] = "last"
    ) -> None:
        self.absolute = absolute
        self.relative = relative
        self.pick = pick

    def score(self, example: Example, output: Output, services: Services) -> Score:
        wanted = [n for n in map(number, _each(example.expected)) if n is not None]
        if not wanted:
            return without_reference()
        if output.failed:
            return self.failed(output)
        own = finite(output.value)
        given = [own] if own is not None else numbers(without_marks(answer_of(output)))
        if not given:
            return Score(0.0, label="none", reason="the answer holds no number")
        if self.pick != "any":
            given = [given[-1 if self.pick == "last" else 0]]
        off = min((abs(g - w), g, w) for g in given for w in wanted)
        right = any(abs(g - w) <= max(self.absolute, self.relative * abs(w)) for g in given for w in wanted)
        if not math.isfinite(off[0]):
            return Score(0.0, label="wrong", reason="the number is out of all range")
        return Score(
            float(right),
            label="right" if right else "wrong",
            reason=f"{off[1]:g} where {off[2]:g} is expected",
            parts={"predicted": off[1], "expected": off[2], "error": off[0]},
        )


def numbers(text: str) -> list[float]:
    """Return the finite numbers of a text in order; `1,234.5`, `-3e8` and `.5` are numbers, `1.2.3` is none to rely on."""
    found = []
    for match in _NUMBER.finditer(text):
        value = finite(_BETWEEN.sub("", match[0]).replace("−", "-"))
        if value is not None:
            found.append(value)
    return found


def number(value: Any) -> float | None:
    """Return a reference as a number: itself, or the first number of its text; None where it has none."""
    own = finite(value)
    if own is not None or not isinstance(value, str):
        return own
    return next(iter(numbers(value)), None)


def _each(expected: Any) -> list[Any]:
    if expected is None or isinstance(expected, Mapping):
        return []
    return list(expected) if isinstance(expected, list | tuple) else [expected]


plugin = Numeric
