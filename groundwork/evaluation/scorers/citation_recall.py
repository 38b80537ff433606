"""Citation recall: is each sentence supported by what it cites?

Source: Gao, Yen, Yu and Chen, Enabling Large Language Models to Generate Text with Citations (ALCE, 2023), section 3.
"""

from __future__ import annotations

from typing import ClassVar

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, declined
from groundwork.evaluation.scorers._support import quotes_of, sentences_of, supported
from groundwork.evaluation.types import Output, Score, not_applicable


class CitationRecall(Base):
    """Share of the sentences that their own citations, taken together, support; between 0 and 1.

    A sentence without a citation is not supported. Who declines is left out.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"citations"})

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        sentences = [] if declined(output) else sentences_of(output)
        if not sentences:
            return not_applicable("no sentence was said")
        held = [supported(services, s.text, list(quotes_of(output, s.citations).values())) for s in sentences]
        worst = next((s.text for s, good in zip(sentences, held, strict=True) if not good), "")
        reason = f"{sum(held)} of {len(held)} sentences" + (f"; not: {worst[:160]}" if worst else "")
        return Score(
            sum(held) / len(held), reason=reason, parts={"sentences": len(held), "supported": sum(held)}
        )


plugin = CitationRecall
