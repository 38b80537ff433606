"""Citations are checked, not trusted: what a reader quotes must stand in the stored text, or the sentence goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from groundwork.answers.types import Citation, Draft, Passage
from groundwork.knowledge.records import DocumentView
from groundwork.knowledge.types import Span

# A marker stands after a blank and before one: a footnote inside a quote ("It grew.[4] Then …") is part of the quote.
_MARKED = re.compile(r"(?P<body>.+?)(?P<markers>(?:\s+\[\d{1,3}\])+)(?=\s|$)", re.S)
_NUMBER = re.compile(r"\[(\d{1,3})\]")


def check_citations(
    draft: Draft, passages: Sequence[Passage], document: Callable[[str], DocumentView]
) -> tuple[str, tuple[Citation, ...]]:
    """Return the draft's text with only its supported sentences, and their citations, numbered from 1 in order of use.

    Args:
        draft: what a reader wrote; a sentence is followed by markers such as `[1]` that number its quotes.
        passages: what the reader was shown.
        document: returns the stored document of an id, for the text that quotes are compared with.

    Returns:
        The text and its citations; both empty when no sentence is supported.
    """
    numbers: dict[int, int] = {}
    citations: list[Citation] = []
    sentences: list[str] = []
    for match in _MARKED.finditer(draft.text):
        markers: list[str] = []
        for number in map(int, _NUMBER.findall(match["markers"])):
            if number not in numbers:
                citation = _check(draft, number, passages, document)
                if citation is None:
                    continue
                citations.append(citation)
                numbers[number] = len(citations)
            markers.append(f"[{numbers[number]}]")
        if markers:
            sentences.append(f"{match['body'].strip()} {' '.join(markers)}")
    return _joined(sentences, draft.text), tuple(citations)


def _joined(sentences: Sequence[str], text: str) -> str:
    return ("\n" if "\n" in text.strip() else " ").join(sentences)


def _check(
    draft: Draft, number: int, passages: Sequence[Passage], document: Callable[[str], DocumentView]
) -> Citation | None:
    if not 1 <= number <= len(draft.quotes):
        return None
    quote = draft.quotes[number - 1]
    if not 0 <= quote.passage < len(passages):
        return None
    passage = passages[quote.passage]
    if not 0 <= quote.start < quote.end <= len(passage.text):
        return None
    view = document(passage.document_id)
    span = Span(passage.start + quote.start, passage.start + quote.end)
    words = span.of(view.text)
    if words != passage.text[quote.start : quote.end] or not words.strip():
        return None
    place = view.place(span)
    return Citation(
        passage.document,
        passage.document_id,
        passage.chunk_id,
        span.start,
        span.end,
        words,
        place["page"],
        place["heading"],
    )
