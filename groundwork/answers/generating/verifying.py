"""Hold each sentence of a model against the passages: find the quote that supports it, or say why there is none.

First the passages its markers name, then all others: a sentence that another passage supports keeps its place with the
marker put right. What stands between quotation marks must stand so in a passage, word for word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from groundwork.answers.generating.claims import Said
from groundwork.answers.generating.packing import Block
from groundwork.answers.generating.support import (
    MAX_WINDOW,
    Judge,
    Sentence,
    Stretch,
    View,
    joined,
    read_sentence,
    weight,
)
from groundwork.answers.reading.question import read_question
from groundwork.answers.reading.terms import tokens
from groundwork.answers.sentences import Unit, split

MAX_QUOTE_CHARS, MAX_QUESTION_CHARS = 1_200, 2_000
FRAGMENT = 2
"""Content words up to which a sentence is read as the answer to its question, not as a statement of its own."""
CLOSE_BY = 2
"""Units before and after a stretch in which a number may stand that the stretch only refers to."""
MAX_TOGETHER = 3
"""Passages that a sentence may be put together from."""
SHORTLIST, CLOSE = 6, 0.1
"""Stretches of a passage that are looked at closely: the best by covered words, and those that cover nearly as much."""


@dataclass(frozen=True)
class Place:
    """A stretch of a block: characters `start:end` of its text."""

    block: int
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Finding:
    """What came of one sentence; `places` are where it is supported, best first, none where it is not."""

    said: Said
    score: float
    places: tuple[Place, ...] = ()
    note: str = ""

    @property
    def supported(self) -> bool:
        return bool(self.places)


@dataclass(frozen=True)
class _Sheet:
    """A block, read: its units worth quoting with their words."""

    text: str
    units: tuple[Unit, ...]
    stretches: tuple[Stretch, ...]
    above: Stretch

    def holds(self, sentence: str) -> bool:
        """Whether a unit is this sentence, word for word."""
        return _folded(sentence)[0].strip() in self._said

    @cached_property
    def _said(self) -> frozenset[str]:
        return frozenset(_folded(u.of(self.text))[0].strip() for u in self.units)

    @cached_property
    def whole(self) -> Stretch:
        return joined((*self.stretches, self.above))

    def view(self, first: int, last: int) -> View:
        """Return units `first..last` with what stands around them."""
        close = joined(self.stretches[max(0, first - CLOSE_BY) : last + 1 + CLOSE_BY])
        return View(joined(self.stretches[first : last + 1]), close, self.whole)


@dataclass
class Verifier:
    """Checks the sentences of one answer.

    Args:
        question: what was asked; its words need no proof.
        blocks: what the model was shown, under their numbers.
        judge: weighs the figures.
        threshold: score from which a sentence counts as supported.
    """

    question: str
    blocks: Sequence[Block]
    judge: Judge
    threshold: float
    _sheets: dict[int, _Sheet] = field(default_factory=dict)

    def check(self, said: Said) -> Finding:
        """Return where a sentence is supported."""
        if _about_itself(said.text):
            return Finding(said, 0.0, note="it speaks of the passages, not from them")
        strange = self._smuggled(said)
        if strange:
            return Finding(said, 0.0, note=strange)
        sentence = read_sentence(_plain(said.text))
        if not sentence.terms:
            return Finding(said, 0.0, note="it says nothing that can be checked")
        named = [n for n in said.markers if 1 <= n <= len(self.blocks)]
        odd = [n for n in said.markers if n not in named]
        strange = f"the marker {_listed(odd)} names no passage" if odd else ""
        scored = [(self._best(sentence, said, n), n) for n in named]
        good = [p for p, _ in scored if p is not None and p.score >= self.threshold]
        if good:
            good.sort(key=lambda p: -p.score)
            dropped = [n for p, n in scored if p is None or p.score < self.threshold]
            note = (
                f"the marker {_listed(dropped)} was taken off: that passage does not say it"
                if dropped
                else ""
            )
            return Finding(said, good[0].score, tuple(good), note or strange)
        together = self._together(sentence, said, [p for p, _ in scored if p is not None])
        if together:
            return Finding(said, together[0].score, together, strange)
        others = [self._best(sentence, said, b.number) for b in self.blocks if b.number not in named]
        best = max((p for p in others if p is not None), key=lambda p: p.score, default=None)
        if best is not None and best.score >= self.threshold:
            if named:
                note = f"the marker {_listed(named)} was wrong: passage {best.block} says it"
            else:
                note = strange or f"it had no marker: passage {best.block} says it"
            return Finding(said, best.score, (best,), note)
        tried = [p for p in (*(p for p, _ in scored), best) if p is not None]
        score = max((p.score for p in tried), default=0.0)
        return Finding(said, score, note=self._why(sentence, said, tried))

    def _best(self, sentence: Sentence, said: Said, number: int) -> Place | None:
        """Return the stretch of a block that supports a sentence best; None when a quote in it does not stand there."""
        sheet = self._sheet(number)
        quoted = quotations(said.text, self.question)
        if quoted:
            folded, _ = _folded(sheet.text)
            if any(_folded(q)[0].strip() not in folded for q in quoted):
                return None
        if said.kind == "code":
            return self._verbatim(sheet, said.text, number)
        best: Place | None = None
        windows = self._windows(sentence, sheet)
        fragment = len(sentence.terms) <= FRAGMENT and not sheet.holds(said.text)
        if fragment:
            # `30 days` says nothing without its question: it is held against the place that is about the question.
            asked = f"{self.question[:MAX_QUESTION_CHARS]} {said.text}"
            windows = self._windows(read_sentence(asked), sheet)[:1]
        for first, last in windows:
            start, end = sheet.units[first].start, sheet.units[last].end
            view = sheet.view(first, last)
            if fragment:
                view = replace(view, close=view.stretch)
            score = self.judge.score(sentence, view)
            if best is None or score > best.score + 1e-9:
                best = Place(number, start, end, score)
        return best

    def _smuggled(self, said: Said) -> str:
        """Return what in a sentence could make a reader's program do something and stands in no passage.

        An address that is shown as a picture is fetched at once, and can carry away what else is in the prompt.
        """
        for pattern, what in ((_ADDRESS, "the address"), (_TAG, "the HTML")):
            for match in pattern.finditer(said.text):
                words = match[0].strip().rstrip(".,;:!?")
                if not any(words in block.text for block in self.blocks):
                    return f"{what} {_short(words)} stands in no passage"
        return ""

    def _together(self, sentence: Sentence, said: Said, places: Sequence[Place]) -> tuple[Place, ...]:
        """Return one stretch of each marked passage where only all of them together say a sentence; else nothing.

        Only what the model marks itself is put together: words that are gathered from anywhere support everything.
        """
        if not 2 <= len(places) <= MAX_TOGETHER or said.kind == "code":
            return ()
        parts = [(self._sheet(p.block), p) for p in places]
        stretch = joined(
            s for sheet, p in parts for s, u in zip(sheet.stretches, sheet.units, strict=True)
            if p.start <= u.start and u.end <= p.end
        )  # fmt: skip
        view = View(stretch, stretch, joined(sheet.whole for sheet, _ in parts))
        score = self.judge.score(sentence, view)
        return tuple(replace(p, score=score) for p in places) if score >= self.threshold else ()

    def _verbatim(self, sheet: _Sheet, text: str, number: int) -> Place | None:
        """Return the place of code, which counts only where it stands letter for letter but for white space."""
        lines = [line for line in text.strip().splitlines() if not line.lstrip().startswith(("```", "~~~"))]
        folded, places = _folded(sheet.text)
        wanted = _folded("\n".join(lines))[0].strip()
        at = folded.find(wanted) if wanted else -1
        if at < 0:
            return None
        return Place(number, places[at], places[at + len(wanted) - 1] + 1, 1.0)

    def views(self, text: str, number: int) -> list[View]:
        """Return the stretches of a block that a sentence is held against."""
        sheet = self._sheet(number)
        return [sheet.view(*window) for window in self._windows(read_sentence(_plain(text)), sheet)]

    def _windows(self, sentence: Sentence, sheet: _Sheet) -> list[tuple[int, int]]:
        """Return the stretches that cover most, those of fewer units first among equals."""
        weights = sentence.weights
        ranked: list[tuple[float, int, int, int]] = []
        for first in range(len(sheet.units)):
            covered: dict[str, float] = {}
            for last in range(first, min(first + MAX_WINDOW, len(sheet.units))):
                if last > first and sheet.units[last].end - sheet.units[first].start > MAX_QUOTE_CHARS:
                    break
                stretch = sheet.stretches[last]
                before = sum(weights[t] * m for t, m in covered.items())
                for term in weights:
                    covered[term] = max(covered.get(term, 0.0), stretch.match(term))
                share = sum(weights[t] * m for t, m in covered.items())
                if last > first and share <= before + 1e-9:
                    continue
                ranked.append((-round(share - 0.03 * (last - first), 6), last - first, first, last))
        ranked.sort()
        # What covers clearly less is not what the sentence is about, whatever its other figures are.
        return [(first, last) for key, _, first, last in ranked[:SHORTLIST] if key <= ranked[0][0] + CLOSE]

    def _why(self, sentence: Sentence, said: Said, tried: Sequence[Place]) -> str:
        """Return in words what no passage says."""
        folded = [_folded(self._sheet(b.number).text)[0] for b in self.blocks]
        for quoted in quotations(said.text, self.question):
            if not any(_folded(quoted)[0].strip() in text for text in folded):
                return f"the quotation “{_short(quoted)}” stands in no passage"
        if said.kind == "code":
            return "the code stands in no passage"
        place = max(tried, key=lambda p: p.score, default=None)
        if place is None:
            return "no passage says it"
        near = self._sheet(place.block).whole
        numbers = sorted(sentence.numbers - near.numbers)
        if numbers:
            return f"the number {_listed(numbers)} is not in the passage that comes nearest"
        gone = [t for t in sentence.content if near.match(t.term) == 0.0]
        gone.sort(key=lambda t: (not t.name, -weight(t.term)))
        words = list(dict.fromkeys(t.surface for t in gone))[:3]
        if words:
            return f"no passage says it: {_listed(words)} is not in the one that comes nearest"
        return "its words are in the passages, but not said like this"

    def _sheet(self, number: int) -> _Sheet:
        if number not in self._sheets:
            block = self.blocks[number - 1]
            units = tuple(u for u in split(block.text) if u.kind != "rule")
            read = tuple(Stretch(tuple(tokens(u.of(block.text), 2_000))) for u in units)
            above = Stretch(tuple(tokens(f"{block.context} {block.document}", 200)))
            self._sheets[number] = _Sheet(block.text, units, read, above)
        return self._sheets[number]


TELLING = 6.5
"""Weight from which a word says something of its own; `step`, `follow` and `include` are well under it."""


def leads_in(said: Said, question: str) -> bool:
    """Whether a line only announces what follows (`The steps are:`) in words of the question or of no weight."""
    if not said.text.rstrip().endswith((":", "：")):
        return False
    known = set(read_question(question).terms)
    said_here = read_sentence(_plain(said.text)).content
    return not any(
        t.term not in known and (t.number or (t.name and place > 0) or weight(t.term) > TELLING)
        for place, t in enumerate(said_here)
    )


# Quotations -------------------------------------------------------------------------------------------------------------

_QUOTED = re.compile(
    r"“([^”\n]{1,600})”|„([^“”\n]{1,600})[“”]|«([^»\n]{1,600})»|「([^」\n]{1,600})」|『([^』\n]{1,600})』|\"([^\"\n]{1,600})\""
)


def quotations(text: str, question: str) -> list[str]:
    """Return what stands between quotation marks, from three words (six characters without blanks) on.

    What the question says itself is no claim about a source.
    """
    asked = _folded(question[:MAX_QUESTION_CHARS])[0]
    found: list[str] = []
    for match in _QUOTED.finditer(text):
        words = next(g for g in match.groups() if g is not None).strip()
        for piece in re.split(r"\s*(?:\[…\]|\[\.\.\.\]|…|\.\.\.)\s*", words):
            piece = piece.strip(" .,;:!?。，")
            long = piece.count(" ") >= 2 or (" " not in piece and len(tokens(piece, 40)) >= 6)
            if long and _folded(piece)[0].strip() not in asked:
                found.append(piece)
    return found


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text as quotations are compared, and where each of its characters stands in the text.

    White space counts as one blank, quotation marks and dashes as one kind, letters without case; Markdown's emphasis
    and footnote numbers do not count.
    """
    out: list[str] = []
    places: list[int] = []
    blank = True
    at = 0
    while at < len(text):
        character = text[at]
        if character == "[":
            footnote = _FOOTNOTE.match(text, at)
            if footnote:
                at = footnote.end()
                continue
        if character.isspace():
            if not blank:
                out.append(" ")
                places.append(at)
            blank = True
        elif character not in "*_`":
            for one in unicodedata.normalize("NFKC", _ALIKE.get(character, character)).casefold():
                out.append(one)
                places.append(at)
            blank = False
        at += 1
    return "".join(out), places


_FOOTNOTE = re.compile(r"\[\^?\d{1,3}\]")
_ALIKE = {
    "’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‐": "-", "‑": "-",
    "−": "-", "\u00ad": "",
}  # fmt: skip


# Words ------------------------------------------------------------------------------------------------------------------

_ITSELF = re.compile(
    r"\b(?:passages?|context|documents?|sources?|text|information)\b[^.]{0,60}\b(?:do(?:es)?\s+not|don['’]t|doesn['’]t|no)\s+"
    r"(?:\w+\s+){0,2}(?:contain|mention|provide|say|state|specify|include|answer|address|give|information|describe|explain)"
    r"|\b(?:I|we)\s+(?:can(?:no|['’])t|cannot|am unable|do not have|don['’]t have|could not|couldn['’]t)\b"
    r"|\bas an AI\b|\bI(?:['’]m| am) (?:sorry|unable|an? (?:AI|language))\b"
    r"|\bno (?:information|mention|details?) (?:\w+ ){0,4}(?:in|found|provided|available|given)\b",
    re.IGNORECASE,
)


def _about_itself(text: str) -> bool:
    """Whether a sentence is about the passages or the model: a refusal, or that something is not there."""
    return _ITSELF.search(text) is not None


_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,20}:)?//[^\s<>()\[\]\"'“”]+|(?<=\]\()[^()\s]+|\b(?:javascript|data|mailto):\S+",
    re.I,
)
_TAG = re.compile(r"<(?!/?(?:b|i|em|strong|p|br|ul|ol|li|code|sup|sub)\s*/?>)[a-zA-Z/!][^<>]*>")
_EMPHASIS = re.compile(
    r"(\*\*|__|\*|`)(?=\S)|(?<=\S)(\*\*|__|\*|`)|^\s*(?:[-*+•]|\d{1,3}[.)])\s+|<[^<>\n]{1,200}>"
)


def _plain(text: str) -> str:
    """Return a sentence without the marks of Markdown and HTML."""
    return _EMPHASIS.sub("", text)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _listed(items: Sequence[object]) -> str:
    return ", ".join(str(i) for i in items)
