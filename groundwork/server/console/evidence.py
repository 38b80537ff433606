"""How an answer stands beside its evidence: sentences with their sources, passages with the quoted spans. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from groundwork.answers.types import Answer, Citation
from groundwork.server.console.spans import Piece, pieces

CONTEXT_CHARS = 360
MAX_COMPARED_WORDS = 1500
_MARKED = re.compile(r"(?P<body>.*?)(?P<markers>(?:\s*\[\d{1,3}\])+)", re.S)
_NUMBER = re.compile(r"\[(\d{1,3})\]")
_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")


@dataclass(frozen=True)
class Sentence:
    """A part of an answer and the numbers of its sources; none: it is unsupported.

    Attributes:
        breaks: line ends before it, at most two.
        anchors: the sources that no sentence before it has; links from a source lead to the first sentence that has it.
        note: what was found odd about it when it was checked.
    """

    text: str
    sources: tuple[int, ...]
    breaks: int = 0
    anchors: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Source:
    """One cited passage: the citations that stand in it, by number, and its text in pieces.

    `before` and `after` say that the passage goes on beyond what is shown.
    """

    citations: tuple[tuple[int, Citation], ...]
    hit: Mapping[str, Any]
    parts: tuple[Piece, ...]
    before: bool
    after: bool

    @property
    def first(self) -> Citation:
        return self.citations[0][1]


@dataclass(frozen=True)
class Word:
    """A run of text in a comparison; `differs` when the other side does not have it."""

    text: str
    differs: bool


def sentences(answer: Answer) -> list[Sentence]:
    """Return the sentences of an answer as they were recorded; older records are split at their markers."""
    found = _recorded(answer) or _split(answer)
    seen: set[int] = set()
    anchored: list[Sentence] = []
    for sentence in found:
        anchored.append(replace(sentence, anchors=tuple(n for n in sentence.sources if n not in seen)))
        seen.update(sentence.sources)
    return anchored


def sources(answer: Answer) -> list[Source]:
    """Return the cited passages in the order of their first number, each once."""
    hits = {str(h["chunk_id"]): h for h in answer.retrieved}
    grouped: dict[str, list[tuple[int, Citation]]] = {}
    for number, citation in enumerate(answer.citations, 1):
        grouped.setdefault(citation.chunk_id, []).append((number, citation))
    return [_source(tuple(cited), hits.get(chunk_id, {})) for chunk_id, cited in grouped.items()]


def others(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the retrieved passages that are not cited, best first."""
    cited = {c.chunk_id for c in answer.citations}
    return [h for h in answer.retrieved if h["chunk_id"] not in cited]


def outcome(answer: Answer) -> tuple[str, str]:
    """Say in words how the answer came out: a slug for its colour, and a sentence."""
    if answer.redacted:
        return "warn", "Redacted: a document it was made from has been erased"
    if answer.abstained:
        return "warn", "Declined to answer"
    found = sentences(answer)
    bare = sum(not s.sources for s in found)
    if bare:
        return "bad", f"{bare} of {_count(len(found), 'sentence')} {'has' if bare == 1 else 'have'} no source"
    if answer.incomplete:
        return "warn", "Incomplete: the model was cut off"
    return "good", f"Answered from {_count(len(sources(answer)), 'passage')}"


def compared(left: str, right: str) -> tuple[list[Word], list[Word]]:
    """Mark the words that only one side has; very long texts are returned unmarked. White space makes no difference."""
    a, b = _WORD.findall(left), _WORD.findall(right)
    if max(len(a), len(b)) > MAX_COMPARED_WORDS:
        return [Word(left, False)], [Word(right, False)]
    out_a: list[Word] = []
    out_b: list[Word] = []
    for kind, a0, a1, b0, b1 in difflib.SequenceMatcher(
        None, [w.strip() for w in a], [w.strip() for w in b], autojunk=False
    ).get_opcodes():
        for out, words in ((out_a, a[a0:a1]), (out_b, b[b0:b1])):
            if words:
                out.append(Word("".join(words), kind != "equal"))
    return out_a, out_b


def _recorded(answer: Answer) -> list[Sentence]:
    known, end = len(answer.citations), 0
    found: list[Sentence] = []
    for s in answer.sentences:
        fits = s.start >= end and answer.text[s.start : s.end] == s.text
        if not fits or not all(1 <= n <= known for n in s.citations):
            return []
        breaks = min(2, answer.text[end : s.start].count("\n")) if found else 0
        found.append(Sentence(s.text, tuple(dict.fromkeys(s.citations)), breaks, note=s.note))
        end = s.end
    return found


def _split(answer: Answer) -> list[Sentence]:
    """Split an answer at its markers; numbers beyond the citations are taken for text, and so for no support."""
    known = len(answer.citations)
    found: list[Sentence] = []
    end = 0
    for match in _MARKED.finditer(answer.text):
        numbers = tuple(dict.fromkeys(int(n) for n in _NUMBER.findall(match["markers"])))
        if all(1 <= n <= known for n in numbers):
            body = answer.text[end : match.start("markers")]
            found.append(Sentence(body.strip(), numbers, int("\n" in body.lstrip(" ")[:1])))
            end = match.end()
    rest = answer.text[end:]
    return [*found, Sentence(rest.strip(), (), int(rest.startswith("\n")))] if rest.strip() else found


def _source(cited: tuple[tuple[int, Citation], ...], hit: Mapping[str, Any]) -> Source:
    text, start = str(hit.get("text", "")), int(hit.get("start", 0))
    spans = [(c.start - start, c.end - start, n) for n, c in cited]
    if any(text[a:b] != c.quote for (a, b, _), (_, c) in zip(spans, cited, strict=True)):
        # The record lacks the passage, or it is not the text that was quoted: show what the citation itself holds.
        parts: list[Piece] = []
        for n, c in cited:
            parts += [Piece(c.quote, (str(n),)), Piece(" ", ())]
        return Source(cited, hit, tuple(parts), before=True, after=True)
    low = max(0, min(a for a, _, _ in spans) - CONTEXT_CHARS)
    high = min(len(text), max(b for _, b, _ in spans) + CONTEXT_CHARS)
    low, high = _at_word(text, low, -1), _at_word(text, high, 1)
    layers = [(max(a, low), min(b, high), str(n)) for a, b, n in spans]
    return Source(cited, hit, tuple(pieces(text, low, high, layers)), before=low > 0, after=high < len(text))


def _at_word(text: str, place: int, step: int) -> int:
    """Move a cut outward to the nearest white space, at most 24 characters."""
    for _ in range(24):
        if place <= 0 or place >= len(text) or text[place - 1].isspace():
            break
        place += step
    return place


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
