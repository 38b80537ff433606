"""Cut what a model wrote into sentences, each with the markers that belong to it.

Models write markers in many ways: before the full stop or after it, `[1][2]`, `[1, 2]`, `[1-3]`, `[^1]`, `【1†source】`.
They are taken out first and remembered by their place, so that the sentences are cut as if there had been none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from groundwork.answers.generating.prompting import NO_ANSWER
from groundwork.answers.sentences import UnitKind, split

MAX_OUTPUT_CHARS = 60_000
"""A longer output is read up to here."""
_ONE = r"\^?(?:passage\s*|source\s*|doc(?:ument)?\s*|p\.\s*)?#?\d{1,3}"
_MARKER = re.compile(
    rf"(?<![ \t\u00a0])(?P<before>[ \t\u00a0]*+)(?:[\[［](?P<plain>{_ONE}(?:\s*(?:[,;–-]|and|to)\s*{_ONE})*)[\]］]"
    rf"|【(?P<wide>\d{{1,3}})[^】\n]{{0,40}}】)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d{1,3})\s*(?:[–-]|to)\s*\D{0,9}(\d{1,3})", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.S)
_NONE = re.compile(rf"\W*{NO_ANSWER}\b|\W*(?i:{NO_ANSWER})\W*\Z")
_PAGE = re.compile(r"\s*(?:```html\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.S | re.IGNORECASE)

Verdict = Literal["sentences", "no answer", "empty", "page"]


@dataclass(frozen=True)
class Said:
    """One sentence as the model wrote it, without its markers.

    Attributes:
        gap: the white space between it and the sentence before.
        markers: the numbers it was marked with, in order, once each.
        end: where it ends in the text that was read; `closed` says whether more text follows.
    """

    text: str
    gap: str
    markers: tuple[int, ...]
    kind: UnitKind
    closed: bool


@dataclass(frozen=True)
class Output:
    """What a model wrote, read; `verdict` says what it is when it is not sentences."""

    verdict: Verdict
    sentences: tuple[Said, ...] = ()


def settled(text: str) -> list[Said]:
    """Return the sentences of an output that is still being written which will stay as they are.

    A line that may still become a table row or go on, code that is still open, and the last words are waited for. There are
    rare outputs that a later line changes (into a heading, by underlining it): `read_output` of the whole decides.
    """
    for fence in ("```", "~~~"):
        if text.count(fence) % 2:
            text = text[: text.rfind(fence)]
    line = text.rfind("\n")
    if line >= 0 and text[:line].strip() and not text[:line].rstrip(" \t").endswith("\n"):
        text = text[:line]
    output = read_output(text)
    return [s for s in output.sentences if s.closed] if output.verdict == "sentences" else []


def read_output(text: str) -> Output:
    """Return the sentences of a model's output, or what it is instead."""
    text = _THOUGHT.sub("", text[:MAX_OUTPUT_CHARS])
    if not text.strip():
        return Output("empty")
    if _NONE.match(text):
        return Output("no answer")
    if _PAGE.match(text):
        return Output("page")
    plain, marks = _without_markers(text)
    units = split(plain)
    found: list[Said] = []
    previous = 0
    for place, unit in enumerate(units):
        until = units[place + 1].start if place + 1 < len(units) else len(plain) + 1
        numbers = [n for at, n in marks if unit.start < at <= until or (place == 0 and at <= unit.start)]
        numbers = list(dict.fromkeys(numbers))
        gap = _gap(plain[previous : unit.start]) if found else ""
        previous = unit.end
        if unit.kind == "rule":
            continue
        closed = len(plain[unit.end :].strip()) >= AHEAD
        found.append(Said(unit.of(plain), gap, tuple(numbers), unit.kind, closed))
    return Output("sentences" if found else "empty", tuple(found))


AHEAD = 48
"""Characters that must follow a sentence before it counts as finished while the model is still writing."""


def _without_markers(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text without its markers, and `(place in that text, number)` for each."""
    code = [m.span() for m in _CODE.finditer(text)]
    parts: list[str] = []
    marks: list[tuple[int, int]] = []
    length = at = 0
    for match in _MARKER.finditer(text):
        if any(start <= match.start("before") + len(match["before"]) < end for start, end in code):
            continue
        kept = text[at : match.start()]
        parts.append(kept)
        length += len(kept)
        at = match.end()
        # `… days [1].`: the blank before the marker goes with it, one before a following word stays.
        if match["before"] and at < len(text) and text[at].isalnum():
            parts.append(" ")
            length += 1
        marks.extend((length, n) for n in _numbers(match["plain"] or match["wide"]))
    parts.append(text[at:])
    return "".join(parts), marks


def _numbers(inside: str) -> Iterator[int]:
    span = _RANGE.fullmatch(inside.strip())
    if span and 0 <= int(span[2]) - int(span[1]) <= 20:
        yield from range(int(span[1]), int(span[2]) + 1)
    else:
        yield from (int(n) for n in _NUMBER.findall(inside))


def _gap(between: str) -> str:
    """Return the white space before a sentence as it is kept: a blank, or one or two line ends with the indent."""
    lines = between.count("\n")
    if lines == 0:
        return " " if between else ""
    return "\n\n" if lines > 1 else "\n"
