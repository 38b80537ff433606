"""Turn a judgement into an answer: which stretches are quoted, and in which order they are read.

The first quote is the line that was chosen. It is widened where it makes no sense alone: a line that ends with a colon
takes what it announces, a list question takes the list, a table row its header. Further lines are quoted when they
cover parts of the question that no quote before them covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.answers.reading.judging import Judgement
from groundwork.answers.reading.page import Line, Page
from groundwork.answers.types import Passage, Quote

MAX_QUOTE_CHARS = 1_500
"""A widened quote stops growing here."""
NEW_SHARE, OWN_SHARE, MAX_GAP = 0.25, 0.4, 2.5
"""A further line must add this share of the question's weight, hold this share itself, and score at most so much less."""
_LOOKED_AT = 12
_LISTED = frozenset({"item", "row", "code"})


@dataclass(frozen=True)
class _Piece:
    """Lines `first..last` of the page, quoted as one stretch."""

    first: int
    last: int
    score: float


def compose(
    judgements: Sequence[Judgement], passages: Sequence[Passage], max_quotes: int
) -> tuple[str, tuple[Quote, ...]]:
    """Return the text with markers and the quotes; the first quote holds the line chosen for the first part.

    Args:
        judgements: one for each part of the question, on the same passages; usually one.
    """
    page = judgements[0].asking.page
    pieces: list[_Piece] = []
    for judgement in judgements[:max_quotes]:
        if not _repeats(page, passages, pieces, judgement.ranking[0]):
            pieces.append(_widened(judgement, judgement.ranking[0], judgement.confidence))
    if len(judgements) == 1:
        _add_further(judgements[0], passages, pieces, max_quotes)
    quotes = tuple(_quote(page, piece) for piece in pieces)
    return _text(page, passages, pieces, quotes), quotes


def _add_further(
    judgement: Judgement, passages: Sequence[Passage], pieces: list[_Piece], max_quotes: int
) -> None:
    page = judgement.asking.page
    for place, score in list(zip(judgement.ranking, judgement.scores, strict=True))[1:_LOOKED_AT]:
        if len(pieces) >= max_quotes or score < judgement.scores[0] - MAX_GAP:
            break
        if _adds(judgement, pieces, place) and not _repeats(page, passages, pieces, place):
            pieces.append(_widened(judgement, place, judgement.confidence))


def _widened(judgement: Judgement, place: int, score: float) -> _Piece:
    page, question = judgement.asking.page, judgement.asking.question
    line, here = page.lines[place], page.by_passage[page.lines[place].passage]
    first = last = place
    if line.unit.kind == "item" and question.asks_list:
        while first - 1 in here and page.lines[first - 1].unit.kind == "item":
            first -= 1
        if first - 1 in here and _announces(page.lines[first - 1]):
            first -= 1
        last = _run_end(page, here, place, "item")
    elif _announces(line) and place + 1 in here and page.lines[place + 1].unit.kind in _LISTED:
        last = _run_end(page, here, place + 1, page.lines[place + 1].unit.kind)
    elif line.unit.kind in ("code", "item") and place - 1 in here and _announces(page.lines[place - 1]):
        first = place - 1
    elif line.unit.kind == "row":
        first = _header(page, here, place)
    return _short(page, _Piece(first, last, score), place)


def _announces(line: Line) -> bool:
    return line.text.rstrip().endswith((":", "："))


def _run_end(page: Page, here: range, place: int, kind: str) -> int:
    last = place
    while last + 1 in here and page.lines[last + 1].unit.kind == kind:
        last += 1
    return last


def _header(page: Page, here: range, place: int) -> int:
    first = place
    while first - 1 in here and page.lines[first - 1].unit.kind == "row":
        first -= 1
    return (
        first if page.lines[place].unit.end - page.lines[first].unit.start <= MAX_QUOTE_CHARS // 2 else place
    )


def _short(page: Page, piece: _Piece, place: int) -> _Piece:
    """Give up lines from the far end, then from the near one, until the stretch is short enough."""
    first, last = piece.first, piece.last
    while last > place and page.lines[last].unit.end - page.lines[first].unit.start > MAX_QUOTE_CHARS:
        last -= 1
    while first < place and page.lines[last].unit.end - page.lines[first].unit.start > MAX_QUOTE_CHARS:
        first += 1
    return _Piece(first, last, piece.score)


def _adds(judgement: Judgement, pieces: Sequence[_Piece], place: int) -> bool:
    asking = judgement.asking
    lines, weights = asking.page.lines, asking.rare
    covered = {t for p in pieces for i in range(p.first, p.last + 1) for t in asking.matched(lines[i].terms)}
    own = asking.matched(lines[place].terms)
    share = sum(weights[t] * m for t, m in own.items())
    new = sum(weights[t] * m for t, m in own.items() if t not in covered)
    return share >= OWN_SHARE and new >= NEW_SHARE


def _repeats(page: Page, passages: Sequence[Passage], pieces: Sequence[_Piece], place: int) -> bool:
    """Whether a line is among the pieces already, or stands in the same stretch of a document in another chunk."""
    line = page.lines[place]
    home = passages[line.passage]
    start, end = home.start + line.unit.start, home.start + line.unit.end
    for piece in pieces:
        there = passages[page.lines[piece.first].passage]
        begins = there.start + page.lines[piece.first].unit.start
        stops = there.start + page.lines[piece.last].unit.end
        if there.document_id == home.document_id and start < stops and begins < end:
            return True
        if any(page.lines[i].text == line.text for i in range(piece.first, piece.last + 1)):
            return True
    return False


def _quote(page: Page, piece: _Piece) -> Quote:
    first, last = page.lines[piece.first], page.lines[piece.last]
    return Quote(first.passage, first.unit.start, last.unit.end, round(piece.score, 6))


def _text(page: Page, passages: Sequence[Passage], pieces: Sequence[_Piece], quotes: Sequence[Quote]) -> str:
    parts = []
    for number, (piece, quote) in enumerate(zip(pieces, quotes, strict=True), 1):
        words = passages[quote.passage].text[quote.start : quote.end]
        gap = "\n" if page.lines[piece.last].unit.kind == "code" else " "
        parts.append(f"{words}{gap}[{number}]")
    return ("\n\n" if any("\n" in part for part in parts) else " ").join(parts)
