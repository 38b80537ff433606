"""The sentences of an answer with the quotes behind them, and whether those support them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from groundwork.answers.sentences import split
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._text import without_marks
from groundwork.evaluation.types import Output

_MARK = re.compile(r"\[(\d+(?:,\s*\d+)*)\]")
MAX_SENTENCES = 200
"""Of a longer answer the first so many sentences are looked at."""


class Cited(NamedTuple):
    """A sentence and the numbers of the citations behind it, from 1."""

    text: str
    citations: tuple[int, ...]
    supported: bool | None = None


def sentences_of(output: Output) -> list[Cited]:
    """Return the sentences that claim something, with their citations.

    As the output lists them; else its text is cut into sentences, and marks such as `[2]` in or right behind one are its
    citations.
    """
    if output.sentences:
        said = [Cited(without_marks(s.text).strip(), s.citations, s.supported) for s in output.sentences]
    else:
        said = _cut(output.text)
    return [s for s in said if any(c.isalnum() for c in s.text)][:MAX_SENTENCES]


def _cut(text: str) -> list[Cited]:
    units = [u for u in split(text) if u.kind not in ("heading", "rule")]
    found: list[Cited] = []
    for unit in units:
        piece = unit.of(text)
        marks = tuple(
            int(n) for group in _MARK.findall(piece) for n in group.split(",") if len(n.strip()) < 6
        )
        bare = without_marks(piece).strip()
        if not any(c.isalnum() for c in bare) and found:
            found[-1] = found[-1]._replace(citations=found[-1].citations + marks)
        else:
            found.append(Cited(bare, marks))
    return found


def quotes_of(output: Output, citations: Sequence[int]) -> dict[int, str]:
    """Return the text behind each citation number that exists and has one; each number once."""
    return {
        n: output.citations[n - 1].quote
        for n in dict.fromkeys(citations)
        if 1 <= n <= len(output.citations) and output.citations[n - 1].quote.strip()
    }


def supported(services: Services, claim: str, passages: Sequence[str]) -> bool:
    """Say whether passages together support a sentence; nothing supports nothing."""
    return bool(passages) and bool(services.grounded(claim, passages).supported)


def grounds_of(example: Example, output: Output) -> tuple[str, ...]:
    """Return what an answer may rest on: the passages it was given, else what it cites, else the example's context."""
    given = tuple(p.text for p in output.passages if p.text.strip())
    cited = tuple(c.quote for c in output.citations if c.quote.strip())
    return given or cited or tuple(c for c in example.context if c.strip())
