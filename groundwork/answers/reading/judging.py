"""Choose the line that answers a question and say how likely it is that it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from groundwork.answers.reading.answering import answering
from groundwork.answers.reading.linear import Trained
from groundwork.answers.reading.page import Page
from groundwork.answers.reading.question import Question
from groundwork.answers.reading.selecting import SELECTING, Asking, selecting

SHORTLIST = 12
"""Lines that an encoder gets to see: the best by words alone."""

Similarity = Callable[[Sequence[str]], Sequence[float]]
"""Cosines of the question with texts, in their order."""

_SIMILARITY = SELECTING.index("similarity")
Figures = list[list[float]]


@dataclass(frozen=True)
class Sight:
    """A question before a page with the figures of every line; `places` are the lines that may be chosen, in order."""

    asking: Asking
    figures: Figures
    places: tuple[int, ...]


@dataclass(frozen=True)
class Judgement:
    """The lines that may be chosen, best first with their scores, and the confidence in the first.

    Attributes:
        figures: the answering figures behind the confidence, in the order of `ANSWERING`.
    """

    asking: Asking
    ranking: tuple[int, ...]
    scores: tuple[float, ...]
    confidence: float
    figures: tuple[float, ...]


def look(
    question: Question, page: Page, words: Trained, similarity: Similarity | None = None
) -> Sight | None:
    """Return the figures of all lines; None when no line is worth quoting.

    Args:
        words: the weights without an encoder; they choose the lines that `similarity` gets to see.
    """
    places = [i for i, line in enumerate(page.lines) if not line.label] or list(range(len(page.lines)))
    if not places or not question.terms:
        return None
    asking = Asking(question, page)
    figures = [selecting(asking, i) for i in range(len(page.lines))]
    if similarity is not None:
        places = sorted(sorted(places, key=lambda i: (-words.selecting.score(figures[i]), i))[:SHORTLIST])
        seen = dict(zip(places, map(float, similarity([page.lines[i].text for i in places])), strict=True))
        asking = replace(asking, similarities=seen)
        for place, value in seen.items():
            figures[place][_SIMILARITY] = value
    return Sight(asking, figures, tuple(places))


def judge(sight: Sight, trained: Trained) -> Judgement:
    """Rank the lines and weigh the evidence for the first; ties go to the better rank, then to the earlier line."""
    lines = sight.asking.page.lines
    scores = {i: trained.selecting.score(sight.figures[i]) for i in sight.places}
    ranking = sorted(scores, key=lambda i: (-scores[i], lines[i].rank, lines[i].unit.start, i))
    figures = answering(sight.asking, sight.figures, ranking[0])
    return Judgement(
        sight.asking,
        tuple(ranking),
        tuple(scores[i] for i in ranking),
        trained.answering.probability(figures),
        tuple(figures),
    )
