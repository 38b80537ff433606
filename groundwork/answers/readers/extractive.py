"""Answer by quoting whole sentences of the passages verbatim, with a confidence that they answer the question.

How it reads is in `groundwork.answers.reading`. Two sets of weights stand ready: by words alone, and with MiniLM's
sentence similarity where its weights are on the machine. The encoder is asked about English only: it knows no other
language well enough to help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from groundwork.answers.reading.answering import ANSWERING
from groundwork.answers.reading.composing import compose
from groundwork.answers.reading.judging import Judgement, Similarity, judge, look
from groundwork.answers.reading.linear import Variant, trained
from groundwork.answers.reading.page import Page, read_page
from groundwork.answers.reading.question import parts, read_question
from groundwork.answers.types import Draft, Passage
from groundwork.core.digest import digest_json
from groundwork.models.encoder import MiniLmEncoder
from groundwork.models.weights import MINILM, is_present

VERSION = 1
"""Raised whenever equal question, passages and weights may give another draft."""

_SHOWN = (
    "overlap", "passage_share", "pairs", "type", "similarity", "rarest_missing", "names_missing", "numbers_missing",
    "unseen", "negation_unmet", "contrary_line",
)  # fmt: skip


@dataclass(frozen=True)
class Extractive:
    """Quotes at most `max_quotes` stretches; deterministic.

    Args:
        max_quotes: further sentences are quoted when they cover more of the question than those before.
        encoder: `auto` takes MiniLM where its weights are on the machine, `minilm` insists on it (MissingModelError when
            absent), `none` reads by words alone. What was taken is part of the fingerprint.
        models: folder of downloaded models; empty for the user's.
    """

    max_quotes: int = 3
    encoder: Literal["auto", "minilm", "none"] = "auto"
    models: str = ""
    deterministic: ClassVar[bool] = True
    default_threshold: ClassVar[float] = 0.3

    @property
    def variant(self) -> Variant:
        """Which weights are used for English questions."""
        if self.encoder == "none" or (self.encoder == "auto" and not is_present(MINILM, self.models)):
            return "words"
        return "minilm"

    @property
    def fingerprint(self) -> str:
        """Digest of version, parameters, weights and encoder."""
        parts: dict[str, object] = {"reader": "extractive", "version": VERSION, "max_quotes": self.max_quotes}
        parts["words"] = trained("words").digest
        if self.variant == "minilm":
            parts["minilm"] = trained("minilm").digest
            parts["encoder"] = _encoder(self.models).fingerprint
        return digest_json(parts)

    def pinned(self) -> dict[str, object]:
        """Return name and parameters with the encoder named that was taken."""
        encoder = "minilm" if self.variant == "minilm" else "none"
        return {"name": "extractive", "max_quotes": self.max_quotes, "encoder": encoder}

    def read(self, question: str, passages: Sequence[Passage]) -> Draft:
        """Return quotes of the passages with the confidence that they answer; empty when nothing is shared.

        A question of several parts (`Who … and how many …?`) is read part by part; the least sure part decides.
        """
        page = read_page(passages)
        judged = [self._judge(part, page) for part in parts(question)]
        found = [j for j in judged if j is not None]
        if not found or len(found) < len(judged):
            whole = self._judge(question, page) if len(judged) > 1 else None
            found = [whole] if whole is not None else []
        if not found:
            return Draft("", (), 0.0, {"overlap": 0.0})
        text, quotes = compose(found, passages, self.max_quotes)
        least = min(found, key=lambda j: j.confidence)
        return Draft(text, quotes, round(least.confidence, 6), _signals(least))

    def _judge(self, question: str, page: Page) -> Judgement | None:
        asked = read_question(question)
        variant: Variant = self.variant if asked.english else "words"
        similarity = self._similarity(question) if variant == "minilm" else None
        sight = look(asked, page, trained("words"), similarity)
        if sight is None or not any(sight.asking.matched(terms) for terms in page.passage_terms):
            return None
        return judge(sight, trained(variant))

    def _similarity(self, question: str) -> Similarity:
        models = self.models

        def cosines(texts: Sequence[str]) -> list[float]:
            asked = _vector(question[:2_000], models)
            # Rounded, so that the last bits of another machine's arithmetic seldom matter.
            return [round(sum(map(float.__mul__, asked, _vector(text, models))), 4) for text in texts]

        return cosines


plugin = Extractive


def _signals(judgement: Judgement) -> dict[str, float]:
    figures = dict(zip(ANSWERING, judgement.figures, strict=True))
    shown = {name: round(figures[name], 4) for name in _SHOWN}
    first, second = (*judgement.scores, judgement.scores[0])[:2]
    return {**shown, "lead": round(first - second, 4)}


@lru_cache(maxsize=4)
def _encoder(models: str) -> MiniLmEncoder:
    return MiniLmEncoder(threads=1, models=models)


@lru_cache(maxsize=4096)
def _vector(text: str, models: str) -> tuple[float, ...]:
    """Return the vector of a text; it depends on the text alone, so it can be kept."""
    return tuple(_encoder(models).encode([text])[0].tolist())
