"""Weigh figures with trained weights, which are data: a JSON file beside this one that says where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from groundwork.answers.reading.answering import ANSWERING
from groundwork.answers.reading.selecting import SELECTING
from groundwork.core.digest import digest_bytes
from groundwork.core.errors import DamagedError

Variant = Literal["words", "minilm"]


@dataclass(frozen=True)
class Linear:
    """A weighted sum of named figures plus a constant."""

    weights: tuple[float, ...]
    constant: float = 0.0

    def score(self, figures: Sequence[float]) -> float:
        return self.constant + sum(w * f for w, f in zip(self.weights, figures, strict=True))

    def probability(self, figures: Sequence[float]) -> float:
        """Return the logistic of the score, in (0, 1)."""
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, self.score(figures)))))


@dataclass(frozen=True)
class Trained:
    """The two models of a variant, and where they come from.

    Attributes:
        digest: of the file; part of the reader's fingerprint.
        provenance: data set, licence, counts, command, seed, and the figures of the cross-validation.
    """

    selecting: Linear
    answering: Linear
    digest: str
    provenance: Mapping[str, Any]


@cache
def trained(variant: Variant) -> Trained:
    """Return the weights of a variant.

    Raises:
        DamagedError: the file does not hold a weight for each figure of this version.
    """
    data = (files("groundwork.answers.reading") / "weights" / f"{variant}.json").read_bytes()
    stored = json.loads(data)
    return Trained(
        _linear(stored["selecting"], SELECTING),
        _linear(stored["answering"], ANSWERING),
        digest_bytes(data),
        stored["provenance"],
    )


def _linear(stored: Mapping[str, Any], names: Sequence[str]) -> Linear:
    if set(stored["weights"]) != set(names):
        odd = sorted(set(stored["weights"]) ^ set(names))
        raise DamagedError(
            f"the reader's weights are of another version: {', '.join(odd)} do not match",
            hint="reinstall Groundwork, or train them anew with `python scripts/train_extractive.py`",
        )
    return Linear(tuple(float(stored["weights"][n]) for n in names), float(stored["constant"]))
