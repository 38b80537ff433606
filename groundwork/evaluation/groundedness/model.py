"""The trained weights: two readings of a sentence, and how they make one calibrated probability.

`meaning` was learned from sentences that people wrote or models answered and people judged: is what it says covered?
`wording` was learned from sentences of a passage that were copied, shortened, or changed in one place: was it changed?
A sentence and a whole text are weighed alike: a sentence is a text of one. Weights are data: a JSON file beside this one
that says where it comes from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import DamagedError
from groundwork.evaluation.groundedness.figures import FIGURES

Variant = Literal["words", "minilm"]
RESPONSE = ("least", "mean", "joint", "wording", "kept")
"""Figures of a whole text: the least and the mean meaning of its sentences; both readings summed as log probabilities over
the root of their number; and how few runs of the passages' words it is made of, over the root of its words. The bundled
weights leave the last one out; it counts where a domain's labels say so, as those of summaries do."""


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, x))))


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > -30.0 else x


@dataclass(frozen=True)
class Linear:
    """A weighted sum of named figures plus a constant, in log odds."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    constant: float

    def __call__(self, figures: Mapping[str, float]) -> float:
        return self.constant + sum(w * figures[n] for n, w in zip(self.names, self.weights, strict=True))

    def as_dict(self) -> dict[str, Any]:
        return {"constant": self.constant, "weights": dict(zip(self.names, self.weights, strict=True))}


@dataclass(frozen=True)
class Reading:
    """What the two readings say of a sentence, in log odds that it is supported; its words, and in how many runs they stand
    in the passages (a word that does not stand there is a run)."""

    meaning: float
    wording: float
    contradicted: bool = False
    words: float = 0.0
    runs: float = 0.0


@dataclass(frozen=True)
class Model:
    """The weights of a variant.

    Attributes:
        response: over `RESPONSE`; its logistic is the calibrated probability.
        thresholds: least probability that counts as supported, by domain; `default` for others.
        digest: of the file. provenance: data, licences, counts, command and the figures of the cross-validation.
    """

    meaning: Linear
    wording: Linear
    response: Linear
    thresholds: Mapping[str, float]
    digest: str
    provenance: Mapping[str, Any]

    def read(self, figures: Mapping[str, float]) -> Reading:
        """Return the evidence that a sentence with these figures is supported."""
        words = math.expm1(figures["length"])
        runs = words / math.exp(figures["run_length"])
        return Reading(self.meaning(figures), self.wording(figures), words=words, runs=runs)

    def probability(self, readings: Sequence[Reading], response: Linear | None = None) -> float:
        """Return the probability that the passages support all of a text, given the readings of its sentences.

        Args:
            response: weights of a domain in the place of the bundled ones.
        """
        value = sigmoid((response or self.response)(response_figures(readings)))
        return value * CONTRADICTED if any(r.contradicted for r in readings) else value


CONTRADICTED = 0.15
"""What is left of the probability when something was found to be changed, by rule and not by weight: see `Sight.altered`."""
FLOOR = -4.0
"""Least that the wording of one sentence says, as the logarithm of a probability: beyond it, worse is not less likely."""


def response_figures(readings: Sequence[Reading]) -> dict[str, float]:
    """Return the figures named by `RESPONSE`; of no sentence, those of one with no evidence either way."""
    if not readings:
        return dict.fromkeys(RESPONSE, 0.0)
    root = math.sqrt(len(readings))
    words = math.fsum(r.words for r in readings)
    return {
        "least": min(r.meaning for r in readings),
        "mean": math.fsum(r.meaning for r in readings) / len(readings),
        "joint": math.fsum(log_sigmoid(r.meaning) for r in readings) / root,
        "wording": math.fsum(max(FLOOR, log_sigmoid(r.wording)) for r in readings) / root,
        "kept": -math.fsum(r.runs for r in readings) / math.sqrt(max(1.0, words)),
    }


@cache
def bundled(variant: Variant = "words") -> Model:
    """Return the weights that come with Groundwork.

    Raises:
        DamagedError: they do not fit the figures of this version.
    """
    data = (files("groundwork.evaluation.groundedness") / "weights" / f"{variant}.json").read_bytes()
    return from_dict(json.loads(data), digest_bytes(data))


def from_dict(stored: Mapping[str, Any], digest: str = "") -> Model:
    """Return a model of what `scripts/train_groundedness.py` writes."""
    return Model(
        _linear(stored["meaning"], (*FIGURES, "similarity")),
        _linear(stored["wording"], FIGURES),
        _linear(stored["response"], RESPONSE),
        stored["thresholds"],
        digest,
        stored["provenance"],
    )


def _linear(stored: Mapping[str, Any], known: Sequence[str]) -> Linear:
    odd = sorted(set(stored["weights"]) - set(known))
    if odd:
        raise DamagedError(
            f"the weights of the groundedness detector are of another version: {', '.join(odd)} is unknown",
            hint="reinstall Groundwork, or train them anew with `python scripts/train_groundedness.py`",
        )
    names = tuple(stored["weights"])
    return Linear(names, tuple(float(stored["weights"][n]) for n in names), float(stored["constant"]))
