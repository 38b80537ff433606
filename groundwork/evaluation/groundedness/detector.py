"""Say how likely it is that passages support a text, sentence by sentence, why not, and which sentence is nearest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from groundwork.answers.sentences import split
from groundwork.evaluation.groundedness.evidence import Evidence
from groundwork.evaluation.groundedness.figures import Sight, look
from groundwork.evaluation.groundedness.model import Model, Reading, bundled, response_figures
from groundwork.evaluation.groundedness.reasons import explain
from groundwork.evaluation.groundedness.thresholds import Thresholds
from groundwork.evaluation.groundedness.types import Finding, Kind, Part, Source

__all__ = ["Detector", "Finding", "Kind", "Part", "Response", "Source", "Thresholds", "default"]

MAX_SENTENCES = 400
"""A longer text is judged up to here."""
MAX_CHARS = 200_000
EMBEDDED = 6
"""Sentences of the passages that an encoder gets to see for each sentence: the best by words."""

NOTHING = 0.5
"""Probability of a text that claims nothing: there is nothing to support, and nothing to object to."""
AGREED = 0.85
"""Least probability of a sentence that names a field, gives its value, and says nothing that is not in the passages."""

Embed = Callable[[Sequence[str]], NDArray[np.floating]]
"""Unit vectors, shape (n, d), of texts in their order."""


@dataclass(frozen=True)
class Response:
    """A whole text judged: `probability` that the passages support all of it, with the finding of each sentence.

    Attributes:
        figures: of the whole text, by the names of `model.RESPONSE`; what a domain's calibration weighs anew.
        contradicted: a number, name, negation or field was found changed in one of its sentences.
        truncated: the text or the passages were longer than what is read.
    """

    probability: float
    supported: bool
    findings: tuple[Finding, ...]
    figures: dict[str, float]
    contradicted: bool = False
    truncated: bool = False


@dataclass(frozen=True)
class Detector:
    """Finds what is not grounded; keeps nothing of what it is given, may be used from several threads.

    Args:
        thresholds: of a domain, from its own labels (`calibrate`); None for the ones that come with the weights.
        domain: whose threshold of the weights is used where there are no own ones; unknown ones mean `default`.
        embed: local encoder. None: words alone, with weights and calibration of their own, some hundred times as fast.
    """

    thresholds: Thresholds | None = None
    domain: str = "default"
    embed: Embed | None = None
    _model: Model | None = field(default=None, repr=False)

    @property
    def model(self) -> Model:
        return self._model or bundled("minilm" if self.embed else "words")

    @property
    def threshold(self) -> float:
        """The least probability of a whole text that counts as supported."""
        if self.thresholds is not None:
            return self.thresholds.response
        known = self.model.thresholds
        return known.get(self.domain, known["default"])

    @property
    def sentence_threshold(self) -> float:
        """The least probability of one sentence that counts as supported."""
        if self.thresholds is not None:
            return self.thresholds.sentence
        return self.model.thresholds["default"]

    def sentence(self, claim: str, passages: Sequence[str] | Evidence) -> Finding:
        """Judge one sentence against all passages; their order changes nothing."""
        return self._judge(claim, _evidence(passages))[0]

    def text(self, answer: str, passages: Sequence[str] | Evidence) -> list[Finding]:
        """Judge each sentence of a text, in order; rules (drawn lines) are left out."""
        return list(self.respond(answer, passages).findings)

    def score(self, answer: str, passages: Sequence[str] | Evidence) -> float:
        """Return the probability that the passages support all of a text, between 0 and 1."""
        return self.respond(answer, passages).probability

    def respond(self, answer: str, passages: Sequence[str] | Evidence) -> Response:
        """Judge a whole text and each of its sentences; one that claims nothing gets `NOTHING`."""
        evidence = _evidence(passages)
        cut = answer[:MAX_CHARS]
        units = [u for u in split(cut) if u.kind != "rule"]
        once: dict[str, tuple[Finding, Reading, bool]] = {}
        judged = []
        for unit in units[:MAX_SENTENCES]:
            said = unit.of(cut)
            if said not in once:
                once[said] = self._judge(said, evidence)
            finding, reading, settled = once[said]
            judged.append((_moved(finding, unit.start), reading, settled))
        findings = tuple(finding for finding, _, _ in judged)
        told = [(reading, settled) for finding, reading, settled in judged if finding.kind != "empty"]
        # A field that was looked up needs no weighing.
        readings = [reading for reading, settled in told if not settled]
        weights = self.thresholds.response_model if self.thresholds else None
        probability = self.model.probability(readings, weights) if readings else AGREED if told else NOTHING
        return Response(
            probability,
            probability >= self.threshold,
            findings,
            response_figures(readings),
            any(r.contradicted for r in readings),
            evidence.truncated or len(answer) > MAX_CHARS or len(units) > MAX_SENTENCES,
        )

    def _judge(self, claim: str, evidence: Evidence) -> tuple[Finding, Reading, bool]:
        sight = look(claim, evidence)
        nearest, similarity = sight.best, None
        figures = sight.figures
        if self.embed is not None and sight.claims and evidence.count:
            nearest, similarity = self._nearest(claim, sight, evidence)
            figures = {**figures, "similarity": similarity}
        elif self.embed is not None:
            figures = {**figures, "similarity": 0.0}
        contradicted = sight.clash is not None or (sight.altered is not None and sight.agreed is None)
        reading = replace(self.model.read(figures), contradicted=contradicted)
        probability = self.model.probability([reading])
        if not sight.claims:
            probability = 1.0
        settled = sight.agreed is not None and not contradicted
        if settled:
            probability = max(probability, AGREED)
        supported = probability >= self.sentence_threshold
        kind, reason, parts = explain(claim, sight, evidence, supported)
        return (
            Finding(
                text=claim,
                start=0,
                end=len(claim),
                probability=probability,
                supported=supported,
                kind=kind,
                reason=reason,
                source=evidence.sources[nearest] if nearest is not None else None,
                parts=tuple(parts),
                similarity=similarity,
            ),
            reading,
            settled,
        )

    def _nearest(self, claim: str, sight: Sight, evidence: Evidence) -> tuple[int | None, float]:
        """Return the nearest of the units that share most words with a sentence, and its cosine."""
        assert self.embed is not None
        places = evidence.shortlist(sight.shared, EMBEDDED)
        if not places:
            return None, 0.0
        vectors = np.asarray(
            self.embed([claim[:2_000], *(evidence.sources[i].text for i in places)]), dtype=np.float64
        )
        cosines = vectors[1:] @ vectors[0]
        best = int(np.argmax(cosines))
        return places[best], float(np.clip(cosines[best], -1.0, 1.0))


def _moved(finding: Finding, by: int) -> Finding:
    if not by:
        return finding
    parts = tuple(replace(p, start=p.start + by, end=p.end + by) for p in finding.parts)
    return replace(finding, start=finding.start + by, end=finding.end + by, parts=parts)


def _evidence(passages: Sequence[str] | Evidence) -> Evidence:
    return passages if isinstance(passages, Evidence) else Evidence(passages)


@cache
def default() -> Detector:
    """Return the detector with the weights that come with Groundwork, without an encoder."""
    return Detector()
