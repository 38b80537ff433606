"""Classification: is it the right label?"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, finite, without_reference
from groundwork.evaluation.types import Output, Score


class Label(Base):
    """1 where the label is a right one, else 0. Labels are compared without regard to case, spaces around them and a dot.

    The label is the output's value or text; a value that maps labels to probabilities stands for the likeliest, and its
    probability is the confidence. An object is read at `key`.

    Args:
        key: where in a structured output the label stands.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"expected"})
    metrics: ClassVar[tuple[str, ...]] = ("rate", "macro_f1")

    def __init__(self, key: str = "label") -> None:
        self.key = key

    def score(self, example: Example, output: Output, services: Services) -> Score:
        wanted = [self._of(w) for w in _each(example.expected)]
        if not wanted:
            return without_reference()
        if output.failed:
            return Score(
                0.0, label="failed", reason=self.failed(output).reason, parts={"expected": wanted[0]}
            )
        predicted, confidence = self._predicted(output)
        right = predicted in wanted
        parts: dict[str, Any] = {"predicted": predicted, "expected": predicted if right else wanted[0]}
        if confidence is not None:
            parts["confidence"] = min(1.0, max(0.0, confidence))
        return Score(
            float(right),
            label=predicted[:80],
            reason=f"`{predicted[:80]}` for `{wanted[0][:80]}`",
            parts=parts,
        )

    def _predicted(self, output: Output) -> tuple[str, float | None]:
        value = output.value
        if isinstance(value, Mapping) and self.key not in value:
            odds = {str(k): p for k, v in value.items() if (p := finite(v)) is not None}
            if odds:
                best = max(sorted(odds), key=odds.__getitem__)
                return plain(best), odds[best]
        if isinstance(value, Mapping):
            return self._of(value), finite(value.get("confidence", output.confidence))
        said = answer_of(output) if value is None or output.abstained else value
        return plain(said), finite(output.confidence)

    def _of(self, value: Any) -> str:
        return plain(value.get(self.key, "") if isinstance(value, Mapping) else value)


def plain(value: Any) -> str:
    """Return a label as it is compared."""
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return unicodedata.normalize("NFKC", said).casefold().strip().rstrip(".").strip()


def _each(expected: Any) -> list[Any]:
    if expected is None:
        return []
    return list(expected) if isinstance(expected, list | tuple) else [expected]


plugin = Label
