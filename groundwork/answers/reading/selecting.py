"""Figures of one line for being the line that answers the question."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from groundwork.answers.reading.page import Line, Page
from groundwork.answers.reading.question import Question
from groundwork.answers.reading.rarity import background
from groundwork.answers.reading.terms import STOP_WORDS, fold, wordset

SOFT = 0.6
"""What a match of two terms that share their beginning counts against a match of equal terms."""


@dataclass(frozen=True)
class Asking:
    """A question before a page.

    Attributes:
        similarities: cosine of question and line by an encoder, for the lines that were encoded; empty without one.
    """

    question: Question
    page: Page
    similarities: Mapping[int, float] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Weight of each content term before this page; they add up to 1 when there is any term."""
        raw = {t: background(t) * (0.3 + self.page.rarity(t)) for t in self.question.terms}
        total = sum(raw.values())
        return {t: w / total for t, w in raw.items()} if total else {}

    @cached_property
    def rare(self) -> Mapping[str, float]:
        """Weights from the background alone."""
        raw = {t: background(t) for t in self.question.terms}
        total = sum(raw.values())
        return {t: w / total for t, w in raw.items()} if total else {}

    @cached_property
    def near(self) -> Mapping[str, frozenset[str]]:
        """The terms of the page that begin like a question term that the page does not hold itself."""
        held: frozenset[str] = (
            frozenset().union(*self.page.passage_terms) if self.page.passage_terms else frozenset()
        )
        alike: dict[str, list[str]] = {}
        for term in held:
            alike.setdefault(term[:4], []).append(term)
        return {t: frozenset(h for h in alike.get(t[:4], ()) if similar(t, h)) for t in self.question.terms}

    def matched(self, terms: frozenset[str]) -> dict[str, float]:
        """Return how far each question term is among `terms`: 1 equal, SOFT alike; absent ones are left out."""
        found: dict[str, float] = {}
        for term in self.question.terms:
            if term in terms:
                found[term] = 1.0
            elif self.near[term] and not self.near[term].isdisjoint(terms):
                found[term] = SOFT
        return found


def similar(one: str, other: str) -> bool:
    """Whether two different terms share a beginning long enough to be forms of one word."""
    shortest = min(len(one), len(other))
    if one == other or shortest < 4 or one[:4] != other[:4] or not one[0].isalpha():
        return False
    shared = next((i for i in range(shortest) if one[i] != other[i]), shortest)
    return shared >= max(4, 0.7 * max(len(one), len(other)))


def share(matched: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the matched share of the weight, 0 to 1."""
    return sum(weights[t] * m for t, m in matched.items())


SELECTING = (
    "overlap", "overlap_rare", "overlap_count", "exact", "names", "numbers", "pairs", "order", "density",
    "before", "after", "heading", "type", "focus", "novel", "length", "refers", "refers_before", "first",
    "question_mark", "relation", "passage", "code", "type_number", "type_name", "type_reason", "passage_share",
    "tail_pair", "similarity",
)  # fmt: skip


def selecting(asking: Asking, place: int) -> list[float]:
    """Return the figures named by `SELECTING` for the line at `place` of the page."""
    page, question = asking.page, asking.question
    line = page.lines[place]
    matched = asking.matched(line.terms)
    overlap = share(matched, asking.weights)
    here = page.by_passage[line.passage]
    before = page.lines[place - 1] if place - 1 in here else None
    after = page.lines[place + 1] if place + 1 in here else None
    count = max(1, len(question.terms))
    refers = _refers_back(line)
    lent = _lent(asking, matched, before)
    typed = type_evidence(question, line)
    return [
        overlap,
        share(matched, asking.rare),
        sum(matched.values()) / count,
        sum(1 for m in matched.values() if m == 1.0) / count,
        _part(matched, question.names),
        _part(matched, question.numbers),
        *_shape(question, line, matched),
        lent,
        _lent(asking, matched, after),
        share({t: m for t, m in asking.matched(line.heading).items() if t not in matched}, asking.weights),
        typed["any"],
        1.0 if question.focus and question.focus in line.terms else 0.0,
        math.log1p(sum(1 for t in line.terms if t not in matched and t not in STOP_WORDS)),
        math.log1p(len(line.words)),
        refers,
        refers * lent,
        1.0 if place == here.start else 0.0,
        1.0 if line.text.rstrip().endswith("?") else 0.0,
        _part(matched, frozenset(question.terms) - question.names - question.numbers),
        1.0 / line.rank,
        1.0 if line.unit.kind == "code" else 0.0,
        typed["number"],
        typed["name"],
        typed["reason"],
        share(asking.matched(page.passage_terms[line.passage]), asking.weights),
        _tail(question, line),
        asking.similarities.get(place, 0.0),
    ]


def _part(matched: Mapping[str, float], wanted: frozenset[str]) -> float:
    return sum(matched.get(t, 0.0) for t in wanted) / len(wanted) if wanted else 0.0


def _lent(asking: Asking, matched: Mapping[str, float], neighbour: Line | None) -> float:
    """Return the weight that a neighbour adds to what the line matches itself."""
    if neighbour is None:
        return 0.0
    return share(
        {t: m for t, m in asking.matched(neighbour.terms).items() if t not in matched}, asking.weights
    )


def _shape(question: Question, line: Line, matched: Mapping[str, float]) -> tuple[float, float, float]:
    """Return pairs, order and density: how far the matched words stand as they do in the question."""
    count = len(question.terms)
    if not matched:
        return 0.0, 0.0, 0.0
    places = line.places
    pairs = 0
    for one, two in zip(question.terms, question.terms[1:], strict=False):
        if one in places and two in places and any(0 < b - a <= 3 for a in places[one] for b in places[two]):
            pairs += 1
    sequence = [w.term for w in line.words if w.term in matched and matched[w.term] == 1.0]
    order = _longest_common(question.terms, sequence[:64]) / count
    firsts = [places[t][0] for t in matched if t in places]
    density = len(firsts) / (max(firsts) - min(firsts) + 1) if len(firsts) > 1 else 0.0
    return pairs / max(1, count - 1), order, density


def _longest_common(one: tuple[str, ...], other: list[str]) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        corner = 0
        for j, b in enumerate(other, 1):
            corner, row[j] = row[j], corner + 1 if a == b else max(row[j], row[j - 1])
    return row[-1]


def _tail(question: Question, line: Line) -> float:
    """Whether the last two content words of the question stand together in the line."""
    if len(question.terms) < 2:
        return 0.0
    one, two = question.terms[-2:]
    places = line.places
    return (
        1.0
        if one in places and two in places and any(abs(b - a) <= 3 for a in places[one] for b in places[two])
        else 0.0
    )


_REFERRING = wordset(
    "it its he his she her they their them this these that those such both him here there who which"
)


def _refers_back(line: Line) -> float:
    return 1.0 if any(fold(w.surface) in _REFERRING for w in line.words[:3]) else 0.0


_MONTHS = wordset(
    "january february march april may june july august september october november december monday tuesday"
    " wednesday thursday friday saturday sunday century centuries decade era spring summer autumn winter today yesterday"
    " now currently recently"
)
_YEAR = re.compile(r"1[0-9]{3}s?$|20[0-9]{2}s?$|[1-9][0-9]{2}$")
_REASONS = wordset(
    "because due since therefore thus hence so reason cause caused causes causing owing result resulted led allow allows"
    " prevent avoid ensure order purpose weil denn daher porque debido car потому поскольку 因为 由于 لان بسبب"
)
_MANNERS = wordset("by through using via with use uses used means method durch mit mediante por par 通过 用")
_LOCATING = wordset(
    "in at from near to of into across throughout around between within en a dans bei im nach 在"
)


def type_evidence(question: Question, line: Line) -> dict[str, float]:
    """Return whether the line holds something new of the type asked for, as figures `any`, `number`, `name`, `reason`."""
    asked = set(question.terms)
    number = name = located = dated = 0
    previous = ""
    folded = []
    for place, word in enumerate(line.words):
        form = fold(word.surface)
        folded.append(form)
        if word.term not in asked:
            if word.number:
                number += 1
                dated += _YEAR.match(word.surface) is not None
            if form in _MONTHS:
                dated += 1
            if word.name and place and word.term not in STOP_WORDS:
                name += 1
                located += previous in _LOCATING
        previous = form
    reason = any(f in _REASONS for f in folded)
    manner = any(f in _MANNERS for f in folded)
    evidence = {
        "time": dated + 0.3 * number, "count": number, "person": name, "place": located + 0.3 * name,
        "reason": reason, "manner": manner,
    }  # fmt: skip
    wanted = evidence.get(question.type)
    return {
        "any": 0.0 if wanted is None else min(1.0, float(wanted)) - 0.5,
        "number": min(1.0, float(number)) if question.type in ("count", "time") else 0.0,
        "name": min(1.0, float(name)) if question.type in ("person", "place") else 0.0,
        "reason": float(reason) if question.type in ("reason", "manner") else 0.0,
    }
