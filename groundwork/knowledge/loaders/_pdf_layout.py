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
# Where the direction of writing changes PDFium may lose the blank between two words.
_LATIN_ARABIC = re.compile("(?<=[A-Za-z])(?=[\u0620-\u064a])|(?<=[\u0620-\u064a])(?=[A-Za-z])")
_LOOSE_VOWEL = re.compile(" ([\u064b-\u0652])")
# PDFium writes U+FFFE (older ones U+0002) for a hyphen at a line's end, and puts the next line right behind it.
_BROKEN_WORD = re.compile("([^\\W\\d_]{2,})(?:[-\u2010\u00ad]\n|[\ufffe\x02]\n?)([^\\W\\d_]+)")
_HARD_HYPHEN = re.compile("[\ufffe\x02]\n?")
_TEX_FF = re.compile("(?<=[A-Za-z])\u21b5(?=[a-z])")  # the arrow stands where TeX's old encoding has its ff
MAX_HEADING_CHARS = 200
LONG_LINE_CHARS = 40
"""A line shorter than this is taken as wrapped only when the next goes on in lower case."""


@dataclass(frozen=True)
class Line:
    """A line of text with its place in points from the page's lower left corner; all zero where it is not known.

    `left` and `top` are those of its first character, `right` and `bottom` of its last: PDFium sometimes gives two lines as
    one, where a hyphen stands between them.
    """

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
        pieces = [self.lines[0].text]
        for join, line in zip(self.joins, self.lines[1:], strict=True):
            # A word broken at the line's end keeps its newline until `join_hyphens` has looked at it.
            pieces.append(
                "\n"
                if pieces[-1].endswith(("-", "\u2010", "\u00ad", "\ufffe", "\x02"))
                else " "
                if self.level
                else join
            )
            pieces.append(line.text)
        text = _TEX_FF.sub("ff", "".join(pieces).translate(_LIGATURES))
        return _LATIN_ARABIC.sub(" ", _LOOSE_VOWEL.sub(r"\1", text)) if _LATIN_ARABIC.search(text) else text


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
    if _overlap(before, line):
        return False
    step = before.bottom - (line.top - line.size)
    if step < -0.5 * line.size:  # it goes up: another column or box, in which a sentence may go on
        return not (line.text[:1].islower() or before.text.endswith((",", "-", "\ufffe", "\x02")))
    if abs(before.size - line.size) > 0.2 * max(before.size, line.size):
        return True
    return step > 1.4 * max(pitch, line.size * 1.1)


def _join(lines: Sequence[Line], line: Line) -> str:
    """Return what stands between a block's last line and the next: a blank when the last was full and the text goes on."""
    before = lines[-1]
    if _BULLET.match(line.text):
        return "\n"
    if not before.size or not line.size:
        return "\n"
    if _overlap(before, line):
        return " "  # the same height: a cell, an index, or a word further right
    if _is_row(before) or _is_row(line):
        return "\n"
    if len(before.text) < LONG_LINE_CHARS and not line.text[:1].islower():
        return "\n"
    widest = max(n.right for n in (*lines[-8:], line))
    full = before.right >= widest - max(0.12 * (widest - before.left), 3 * line.size)
    return " " if full else "\n"


def _is_row(line: Line) -> bool:
    """Return whether a line is so wide for its letters that it must be a row of cells."""
    wide = sum(1 for c in line.text if c >= "\u2e80")
    return line.right - line.left > line.size * (0.6 * (len(line.text) - wide) + 1.3 * wide)


def _overlap(before: Line, line: Line) -> bool:
    """Return whether two pieces stand on one line of the page: their heights overlap by more than half of the smaller."""
    shared = min(before.bottom + before.size, line.top) - max(before.bottom, line.top - line.size)
    return shared > 0.5 * min(before.size, line.size)
