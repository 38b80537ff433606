"""From the lines of a PDF page to paragraphs: which lines belong together, and where a hyphen only broke a word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_BULLET = re.compile(r"^(?:[•◦▪‣●○■–—*·-]\s|\(?\d{1,3}[.)]\s|\(?[a-zA-Z][.)]\s|\[\d+\])")
_BROKEN_WORD = re.compile(r"([^\W\d_]{2,})(?:[-\u2010\u00ad]|\ufffe|\x02)\n([^\W\d_]+)")
_HARD_HYPHEN = re.compile(r"(?:\ufffe|\x02)\n?")


@dataclass(frozen=True)
class Line:
    """A line of text with its place in points from the page's lower left corner; all zero where it is not known."""

    text: str
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    size: float = 0.0


@dataclass
class Block:
    """Lines that stand together; `level` is a heading's, 0 for body text."""

    level: int
    lines: list[Line] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines, joined by a blank where the line was only full, else by a newline."""
        if self.level:
            return " ".join(line.text for line in self.lines)
        pieces = [self.lines[0].text]
        for join, line in zip(self.joins, self.lines[1:], strict=True):
            # A word broken at the line's end keeps its newline until `join_hyphens` has looked at it.
            pieces.append("\n" if pieces[-1].endswith(("-", "\u2010", "\u00ad", "\ufffe", "\x02")) else join)
            pieces.append(line.text)
        return "".join(pieces).translate(_LIGATURES)


def blocks(lines: Sequence[Line], level_of: Callable[[Line], int]) -> Iterator[Block]:
    """Yield the blocks of a page: headings, and paragraphs parted where the space between lines is wide."""
    pitch = _pitch(lines)
    current: Block | None = None
    for line in lines:
        level = level_of(line)
        if current is None or level != current.level or _is_apart(current.lines[-1], line, pitch):
            if current is not None:
                yield current
            current = Block(level, [line])
            continue
        current.joins.append(_join(current.lines, line))
        current.lines.append(line)
    if current is not None:
        yield current


def join_hyphens(text: str, words: Counter[str]) -> str:
    """Put words together that were broken at a line's end; `words` counts those of the document, hyphenated ones whole."""

    def joined(found: re.Match[str]) -> str:
        first, second = found[1], found[2]
        hard = words[f"{first}-{second}"] > words[first + second] or second[0].isupper()
        return f"{first}-{second}" if hard else first + second

    return _HARD_HYPHEN.sub("-", _BROKEN_WORD.sub(joined, text))


def _pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance of one line to the next, in points; 0 where it is not known."""
    known = [(a, b) for a, b in pairwise(lines) if a.size and b.size]
    steps = [a.top - b.top for a, b in known if 0 < a.top - b.top < 4 * a.size]
    return median(steps) if steps else 0.0


def _is_apart(before: Line, line: Line, pitch: float) -> bool:
    if not before.size or not line.size:
        return False
    step = before.top - line.top
    if step < -0.5 * line.size:  # it goes up: another column or box, in which a sentence may go on
        return not (line.text[:1].islower() or before.text.endswith((",", "-", "\ufffe", "\x02")))
    if abs(before.size - line.size) > 0.2 * max(before.size, line.size):
        return True
    return step > 1.4 * max(pitch, line.size * 0.9)


def _join(lines: Sequence[Line], line: Line) -> str:
    """Return what stands between a block's last line and the next: a blank when the last was full and the text goes on."""
    before = lines[-1]
    if _BULLET.match(line.text):
        return "\n"
    if not before.size or not line.size:
        return "\n"
    if before.top - line.top < 0.5 * line.size and before.top - line.top > -0.5 * line.size:
        return " "  # the same height: a cell or a word further right
    widest = max(n.right for n in (*lines[-8:], line))
    full = before.right >= widest - max(0.12 * (widest - before.left), 3 * line.size)
    return " " if full else "\n"
