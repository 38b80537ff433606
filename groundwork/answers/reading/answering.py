"""Figures of a question and passages for being answerable there, by the line that was selected."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

from groundwork.answers.reading.opposites import OPPOSITES, contrary
from groundwork.answers.reading.page import Line
from groundwork.answers.reading.question import NEGATIONS
from groundwork.answers.reading.selecting import SELECTING, Asking, share
from groundwork.answers.reading.terms import fold, wordset

_TAKEN = tuple(SELECTING.index(n) for n in (
    "overlap", "overlap_rare", "overlap_count", "exact", "names", "numbers", "pairs", "order", "density", "before", "after",
    "heading", "type", "focus", "novel", "length", "refers_before", "question_mark", "relation",
    "tail_pair", "similarity",
))  # fmt: skip

ANSWERING = (
    *(SELECTING[i] for i in _TAKEN),
    "passage_share", "passage_missing", "rarest_missing", "rarest_missing_line", "missing_count",
    "names_missing", "names_missing_line", "numbers_missing", "numbers_missing_line", "unseen", "other_passage",
    "negation_unmet", "negation_unasked", "contrary_line", "contrary_passage", "superlative_missing",
    "asked_words", "focus_missing", "soft", "capitals_unmatched", "window_share", "last_missing",
    "similarity_lead",
)  # fmt: skip


def answering(asking: Asking, figures: Sequence[Sequence[float]], best: int) -> list[float]:
    """Return the figures named by `ANSWERING`.

    Args:
        asking: question and page.
        figures: the selecting figures of every line.
        best: place of the line that was selected.
    """
    question, page = asking.question, asking.page
    line = page.lines[best]
    in_passage = page.passage_terms[line.passage]
    on_page: frozenset[str] = frozenset().union(*page.passage_terms)
    matched = asking.matched(line.terms)
    matched_passage = asking.matched(in_passage)
    terms = question.terms
    weights = asking.rare
    missing_passage = [t for t in terms if t not in matched_passage]
    missing_line = [t for t in terms if t not in matched]
    top = max(weights.values(), default=1.0)
    window = frozenset().union(
        *(page.lines[i].terms for i in (best - 1, best, best + 1) if i in page.by_passage[line.passage])
    )
    return [
        *(figures[best][i] for i in _TAKEN),
        share(matched_passage, asking.weights),
        1.0 - share(matched_passage, weights),
        max((weights[t] for t in missing_passage), default=0.0) / top,
        max((weights[t] for t in missing_line), default=0.0) / top,
        math.log1p(len(missing_passage)),
        _gone(question.names, matched_passage),
        _gone(question.names, matched),
        _gone(question.numbers, in_passage),
        _gone(question.numbers, line.terms),
        sum(weights[t] for t in terms if t not in on_page and not asking.near[t]),
        share(asking.matched(on_page), weights) - share(matched_passage, weights),
        1.0 if question.negated and not _negated(line) else 0.0,
        1.0 if _negated(line) and not question.negated else 0.0,
        _contrary(missing_line, line.terms),
        _contrary(missing_passage, in_passage),
        sum(1.0 for t in missing_line if t in _EXTREMES),
        math.log1p(len(terms)),
        1.0 if question.focus and question.focus not in in_passage and question.focus in weights else 0.0,
        sum(1 for m in matched.values() if m < 1.0) / max(1, len(terms)),
        _gone(question.names, window),
        share(asking.matched(window), weights),
        1.0 if terms and terms[-1] not in matched_passage else 0.0,
        _similarity_lead(asking, best),
    ]


def _similarity_lead(asking: Asking, best: int) -> float:
    others = [s for i, s in asking.similarities.items() if i != best]
    return asking.similarities.get(best, 0.0) - max(others) if others else 0.0


def _gone(wanted: frozenset[str], held: Container[str]) -> float:
    return sum(1 for t in wanted if t not in held) / len(wanted) if wanted else 0.0


def _negated(line: Line) -> bool:
    return any(fold(w.surface) in NEGATIONS for w in line.words)


def _contrary(missing: Sequence[str], held: frozenset[str]) -> float:
    found = 0
    for term in missing:
        known = OPPOSITES.get(term)
        if (known and not known.isdisjoint(held)) or any(
            abs(len(h) - len(term)) in (2, 3, 4) and contrary(term, h) for h in held
        ):
            found += 1
    return float(min(2, found))


_EXTREMES = wordset(
    "most least first last only largest smallest highest lowest best worst oldest latest earliest sole fewest main"
    " larg small high low old earli late few"
)
