"""Citations are checked, not trusted: what a reader quotes must stand in the stored text, or the sentence goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from groundwork.answers.types import (
    UNSUPPORTED_MARK,
    Citation,
    Claim,
    Draft,
    Passage,
    Quote,
    Sentence,
    Unsupported,
)
from groundwork.knowledge.records import DocumentView
from groundwork.knowledge.types import Span

Documents = Callable[[str], DocumentView]
"""Returns the stored document of an id."""

# A marker stands after a blank and before one: a footnote inside a quote ("It grew.[4] Then …") is part of the quote.
_MARKED = re.compile(r"(?P<body>.+?)(?P<markers>(?:\s+\[\d{1,3}\])+)(?=\s|$)", re.S)
_NUMBER = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True)
class Checked:
    """What is left of a draft: its text with markers, the citations they number from 1, and the sentences.

    Attributes:
        removed: what was left out; `start` and `end` are -1.
    """

    text: str = ""
    citations: tuple[Citation, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    removed: tuple[Sentence, ...] = ()


def check(draft: Draft, passages: Sequence[Passage], document: Documents) -> Checked:
    """Return what of a draft stands after every quote was compared with the stored text.

    Args:
        passages: what the reader was given; see `Draft.passages`.
    """
    if draft.claims is None:
        text, citations = check_citations(draft, passages, document)
        return Checked(text, citations, tuple(_sentences(text)))
    assembly = Assembly(passages, document, draft.unsupported)
    for claim in draft.claims:
        assembly.add(claim, draft.quotes, passages if draft.passages is None else draft.passages)
    return assembly.checked()


@dataclass
class Assembly:
    """Puts an answer together claim by claim, so that what is streamed is what the whole will be.

    Args:
        passages: what retrieval brought: the chunk of a citation is the one that holds most of its quote.
    """

    passages: Sequence[Passage]
    document: Documents
    unsupported: Unsupported = "remove"
    _text: str = ""
    _gap: str = ""
    _sentences: list[Sentence] = field(default_factory=list)
    _removed: list[Sentence] = field(default_factory=list)
    _citations: list[Citation] = field(default_factory=list)

    def add(
        self, claim: Claim, quotes: Sequence[Quote], shown: Sequence[Passage]
    ) -> tuple[str, str, Sentence, list[tuple[int, Citation]]] | None:
        """Add a claim.

        Returns:
            The gap and text that come next, the sentence, and the citations that are new, each with its number; None when
            the claim was left out.
        """
        numbers: list[int] = []
        fresh: list[tuple[int, Citation]] = []
        for number in claim.quotes:
            found = _cite(number, quotes, shown, self.document)
            if found is None:
                continue
            cited = replace(found, chunk_id=self._chunk(found))
            if cited not in self._citations:
                self._citations.append(cited)
                fresh.append((len(self._citations), cited))
            numbers.append(self._citations.index(cited) + 1)
        self._gap = max(self._gap, claim.gap, key=_breadth)
        if not numbers and (self.unsupported == "remove" or not claim.text.strip()):
            note = claim.note or "its quote does not stand in the stored text"
            self._removed.append(Sentence(claim.text, -1, -1, False, claim.score, (), note))
            return None
        gap = self._gap if self._text else ""
        self._gap = ""
        markers = "".join(f" [{n}]" for n in numbers) if numbers else f" {UNSUPPORTED_MARK}"
        if "```" in claim.text or "~~~" in claim.text:
            markers = "\n" + markers.strip()
        start = len(self._text) + len(gap)
        words = claim.text.strip()
        self._text += gap + words + markers
        sentence = Sentence(
            words, start, start + len(words), bool(numbers), claim.score, tuple(numbers), claim.note
        )
        self._sentences.append(sentence)
        return gap, words + markers, sentence, fresh

    def checked(self) -> Checked:
        """Return what has been put together; nothing when no sentence has a citation."""
        if not self._citations:
            return Checked(removed=(*self._removed, *self._sentences))
        return Checked(self._text, tuple(self._citations), tuple(self._sentences), tuple(self._removed))

    def _chunk(self, cited: Citation) -> str:
        def shared(passage: Passage) -> int:
            if passage.document_id != cited.document_id:
                return 0
            return min(passage.end, cited.end) - max(passage.start, cited.start)

        best = max(self.passages, key=shared, default=None)
        return best.chunk_id if best is not None and shared(best) > 0 else cited.chunk_id


def _breadth(gap: str) -> int:
    return 2 * gap.count("\n") + bool(gap)


def _sentences(text: str) -> list[Sentence]:
    found: list[Sentence] = []
    for match in _MARKED.finditer(text):
        body = match["body"]
        start = match.start("body") + len(body) - len(body.lstrip())
        words = body.strip()
        numbers = tuple(dict.fromkeys(int(n) for n in _NUMBER.findall(match["markers"])))
        found.append(Sentence(words, start, start + len(words), True, 1.0, numbers))
    return found


def check_citations(
    draft: Draft, passages: Sequence[Passage], document: Documents
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
                citation = _cite(number, draft.quotes, passages, document)
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


def _cite(
    number: int, quotes: Sequence[Quote], passages: Sequence[Passage], document: Documents
) -> Citation | None:
    """Return the citation of a quote, or None when it does not stand in the stored text."""
    if not 1 <= number <= len(quotes):
        return None
    quote = quotes[number - 1]
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
