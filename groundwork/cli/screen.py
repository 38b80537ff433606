"""What a terminal can show: its width, colours or none, and text laid out in columns and paragraphs."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

Align = Literal["<", ">"]
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return `text` without what could steer a terminal; documents may hold such characters."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Return `text` safe for a terminal and with every run of white space as one blank."""
    return " ".join(visible(text).split())


@dataclass(frozen=True)
class Screen:
    """A place that people read on; `width` in columns."""

    width: int = 80
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Return what `stream` can show: 60 to 100 columns, colours on a terminal without NO_COLOR."""
        terminal = stream.isatty()
        wanted = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size((80, 24)).columns if terminal else 80
        return cls(width=max(60, min(100, columns)), colour=bool(wanted or os.environ.get("FORCE_COLOR")))

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def soft(self, text: str) -> str:
        return self._paint("2", text)

    def red(self, text: str) -> str:
        return self._paint("1;31", text)

    def green(self, text: str) -> str:
        return self._paint("32", text)

    def amber(self, text: str) -> str:
        return self._paint("33", text)

    def teal(self, text: str) -> str:
        return self._paint("36", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def paragraph(self, text: str, indent: str = "", first: str | None = None) -> list[str]:
        """Wrap `text` at the screen's width; lines after the first begin with `indent`.

        A word wider than a line, as scripts without blanks have them, is cut where the line ends.
        """
        lines: list[str] = []
        line = indent if first is None else first
        empty = True
        for word in text.split():
            if (
                not empty
                and cells(line) + 1 + cells(word) > self.width
                and cells(word) <= self.width - cells(indent)
            ):
                lines.append(line)
                line, empty = indent, True
            line += word if empty else f" {word}"
            empty = False
            while cells(line) > self.width:
                part = _fitting(line, self.width)
                lines.append(part)
                line = indent + line[len(part) :]
        return [*(x.rstrip() for x in lines), line.rstrip()]

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], align: str = "", stretch: int | None = None
    ) -> list[str]:
        """Lay rows out in columns, two blanks apart.

        Args:
            head: titles of the columns.
            align: one of `<` and `>` per column; left where it is missing.
            stretch: the column that is cut (in its middle) when a line would be wider than the screen.
        """
        sides = align.ljust(len(head), "<")
        wide = [max([cells(h), *(cells(r[i]) for r in rows)]) for i, h in enumerate(head)]
        over = sum(wide) + 2 * (len(wide) - 1) - self.width
        if stretch is not None and over > 0:
            wide[stretch] = max(12, cells(head[stretch]), wide[stretch] - over)
        lines = [self.soft(_row(head, wide, sides, stretch))]
        lines += [_row(r, wide, sides, stretch) for r in rows]
        return lines


def cells(text: str) -> int:
    """Return how many columns `text` takes: two for wide characters, none for combining ones and colours."""
    plain = _ANSI.sub("", text)
    if plain.isascii():
        return len(plain)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in plain
    )


def middle_cut(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, with `…` in place of its middle."""
    if cells(text) <= width:
        return text
    head, tail = text, text
    while cells(head) > (width - 1) // 2:
        head = head[:-1]
    while cells(tail) > width - 1 - cells(head):
        tail = tail[1:]
    return f"{head}…{tail}"


def end_cut(text: str, width: int) -> str:
    """Return `text` in at most `width` columns, ending in `…` when something is left out."""
    if cells(text) <= width:
        return text
    while cells(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 chunk`, `2 chunks`, `12,345 chunks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return a duration as people say it: `0.3 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def moment(timestamp: str) -> str:
    """Return an ISO 8601 time as `2026-11-20 13:27`, in UTC as it is recorded."""
    return timestamp[:16].replace("T", " ")


def _fitting(text: str, width: int) -> str:
    """Return the longest beginning of `text` that fits, and at least one character."""
    used = 0
    for place, character in enumerate(text):
        used += cells(character)
        if used > width and place:
            return text[:place]
    return text


def _row(row: Sequence[str], wide: Sequence[int], sides: str, stretch: int | None) -> str:
    shown = [middle_cut(c, wide[i]) if i == stretch else c for i, c in enumerate(row)]
    padded = [
        " " * (w - cells(c)) + c if side == ">" else c + " " * (w - cells(c))
        for c, w, side in zip(shown, wide, sides, strict=False)
    ]
    return "  ".join(padded).rstrip()
