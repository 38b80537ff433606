"""The context that travels with a chunk: the document's title and the headings above it, `Title > Section`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from groundwork.knowledge.types import Mark, Span

MAX_CONTEXT_CHARS = 160
"""A quarter of what the encoder sees of a short chunk; longer paths lose their middle."""

_NAMED = {"attachment": -3, "chapter": -2, "sheet": -1}
_JOINT = " > "


class Headings:
    """The headings of one document, ready to answer for every chunk in logarithmic time.

    Sheets, chapters and attachments with a name stand above the headings inside them.
    """

    def __init__(self, marks: Sequence[Mark]) -> None:
        named = [m for m in marks if _label(m) and (m.kind == "heading" or m.kind in _NAMED)]
        self._marks = sorted(named, key=lambda m: (m.start, _level(m)))
        self._starts = [m.start for m in self._marks]
        self._parents = _parents(self._marks)

    def path(self, span: Span) -> list[str]:
        """Return the headings that the chunk's start stands under, outermost first.

        A heading that begins the chunk counts, even where blanks or the marks of its markup come first.
        """
        at = bisect_right(self._starts, span.start) - 1
        while at + 1 < len(self._marks) and self._opens(at + 1, span):
            at += 1
        labels: list[str] = []
        while at >= 0:
            mark = self._marks[at]
            if mark.kind == "heading" or mark.end > span.start:
                labels.append(_label(mark))
            at = self._parents[at]
        return labels[::-1]

    def context(self, span: Span, title: str = "") -> str:
        """Return title and path joined by ` > `, no neighbours that say the same, at most 160 characters."""
        parts: list[str] = []
        for part in [" ".join(title.split()), *self.path(span)]:
            if part and (not parts or part.casefold() != parts[-1].casefold()):
                parts.append(part)
        return _fitted(parts)

    def _opens(self, at: int, span: Span) -> bool:
        # Markup such as `## ` is a few characters; a heading directly under another begins the chunk with it.
        mark = self._marks[at]
        previous = self._marks[at - 1] if at else None
        begun = previous is not None and span.start <= previous.start and mark.start - previous.end <= 8
        return mark.start < span.end and (
            mark.start - span.start <= 8 or (begun and _level(mark) > _level(previous))
        )


def context_of(marks: Sequence[Mark], span: Span, title: str) -> str:
    """Return the context of one chunk; for many chunks of one document make `Headings` once.

    Args:
        marks: the document's marks.
        span: the chunk's place.
        title: the document's title, or an empty string; it is not repeated when the first heading equals it.
    """
    return Headings(marks).context(span, title)


def _level(mark: Mark | None) -> int:
    if mark is None:
        return 0
    return _NAMED.get(mark.kind, max(mark.level, 1))


def _label(mark: Mark) -> str:
    label = " ".join(mark.label.split())
    return "" if mark.kind != "heading" and label.isdigit() else label


def _parents(marks: Sequence[Mark]) -> list[int]:
    parents: list[int] = []
    for number, mark in enumerate(marks):
        above = number - 1
        while above >= 0 and _level(marks[above]) >= _level(mark):
            above = parents[above]
        parents.append(above)
    return parents


def _fitted(parts: list[str]) -> str:
    """Drop middle parts, then shorten the longest, until the whole fits."""
    parts = list(parts)
    while len(_JOINT.join(parts)) > MAX_CONTEXT_CHARS and len(parts) > 2:
        del parts[1]
    room = MAX_CONTEXT_CHARS - len(_JOINT) * max(0, len(parts) - 1)
    if len(parts) == 2 and sum(map(len, parts)) > room:
        second = max(room // 2, room - len(parts[0]))
        parts[1] = _shortened(parts[1], second)
        parts[0] = _shortened(parts[0], room - len(parts[1]))
    elif len(parts) == 1:
        parts[0] = _shortened(parts[0], room)
    return _JOINT.join(parts)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"
