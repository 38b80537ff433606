"""Citation precision: does each citation belong where it stands?

Source: Gao, Yen, Yu and Chen, Enabling Large Language Models to Generate Text with Citations (ALCE, 2023), section 3.
"""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, declined
from groundwork.evaluation.scorers._support import Cited, quotes_of, sentences_of, supported
from groundwork.evaluation.types import Output, Score, not_applicable


class CitationPrecision(Base):
    """Share of the citations, over all sentences, that are needed and right; between 0 and 1.

    A citation is right where the citations of its sentence together support it, and it does so alone or the others do not
    without it. One that refers to nothing is wrong. An answer without any citation scores 0; who declines is left out.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"citations"})

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        sentences = [] if declined(output) else sentences_of(output)
        if not sentences:
            return not_applicable("no sentence was said")
        right = total = 0
        worst = ""
        for sentence in sentences:
            numbers = dict.fromkeys(sentence.citations)
            good = _right(sentence, output, services)
            right, total = right + good, total + len(numbers)
            if good < len(numbers) and not worst:
                worst = sentence.text
        if not total:
            return Score(0.0, label="uncited", reason="nothing is cited", parts={"citations": 0})
        reason = f"{right} of {total} citations" + (f"; not of: {worst[:160]}" if worst else "")
        return Score(right / total, reason=reason, parts={"citations": total, "right": right})


def _right(sentence: Cited, output: Output, services: Services) -> int:
    quotes = quotes_of(output, sentence.citations)
    if not supported(services, sentence.text, list(quotes.values())):
        return 0
    if len(quotes) == 1:
        return 1
    return sum(
        supported(services, sentence.text, [quote])
        or not supported(services, sentence.text, [q for m, q in quotes.items() if m != n])
        for n, quote in quotes.items()
    )


plugin = CitationPrecision
