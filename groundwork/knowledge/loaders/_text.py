"""One way for text to become stored text: a normaliser, and a builder that keeps marks exact while it normalises.

Stored text has `\\n` line ends, no NUL, no control character but tab and newline, no lone surrogate, no invisible or
direction-changing character (joiners stay in the scripts that need them), is NFC, has no trailing blanks and at most two
blank lines in a row. Normalising twice changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from groundwork.knowledge.types import Mark, MarkKind, Parsed

MAX_CHARS = 8_000_000
"""Characters of stored text per document (some 4,000 pages); what is longer is cut there, with a warning."""
MAX_MARKS = 200_000
"""Marks per document; further ones are left out, with a warning."""
MAX_WARNINGS = 50

_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile("\r\n|[\r\f\v\x1c\x1d\x1e\x85\u2028\u2029]")
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0001]"
)
# Arabic and its kin, the scripts of India and South-East Asia, Mongolian, and emoji are written with joiners.
_LONE_JOINER = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe0f\ufe70-\ufefc"
    "\u200d\u2600-\u27bf\U00011000-\U00011fff\U0001f000-\U0001faff])[\u200c\u200d]+"
)
# More marks on one letter than any language has; composing them would take time quadratic in their number.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u0730-\u074a\u0816-\u082d\u08d3-\u08ff"
    "\u093c\u094d\u0e38-\u0e3a\u0e48-\u0e4b\u0f71-\u0f84\u135d-\u135f\u1a75-\u1a7c\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0"
    "\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua69f\ua8e0-\ua8f1\ufe20-\ufe2f\U0001d165-\U0001d1ad"
)
_PILED_MARKS = re.compile(f"([{_MARKS}]{{30}})[{_MARKS}]+")  # 30, as the stream-safe format of UAX 15 has it
_SPACES = re.compile("[\u00a0\u202f]")
_BLANK_LINES = re.compile(r"\n{4,}")


def normalise(text: str) -> str:
    """Return `text` as it may be stored; idempotent; leading and trailing newlines stay."""
    if not text.isascii():
        text = _clean_unicode(text)
    text = _BREAKS.sub("\n", text)
    text = _DROPPED.sub("", text)
    text = "\n".join(
        line.rstrip() for line in text.split("\n")
    )  # an expression would look at each blank again and again
    return _BLANK_LINES.sub("\n\n\n", text)


def _clean_unicode(text: str) -> str:
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _PILED_MARKS.sub(r"\1", _SPACES.sub(" ", _DROPPED.sub("", text)))
    text = _PILED_MARKS.sub(r"\1", unicodedata.normalize("NFC", text))  # again, for a mark may become two
    return _LONE_JOINER.sub("", text)


def one_line(text: str) -> str:
    """Return `text` normalised with every run of white space as one blank, without blanks at its ends."""
    return " ".join(normalise(text).split())


class TextBuilder:
    """Puts a document together block by block and knows where everything landed.

    A block stands on lines of its own; `gap` says how many newlines stand before it at least (2: a blank line between).
    Marks are opened around blocks and cover exactly what was appended inside them; a mark around nothing is left out.
    """

    def __init__(self, limit: int = MAX_CHARS) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._limit = limit
        self._marks: list[Mark] = []
        self._dropped_marks = False
        self._open: list[list[int]] = []
        self._warnings: dict[str, None] = {}
        self.full = False

    def __len__(self) -> int:
        return self._length

    def add(self, text: str, *, gap: int = 2) -> None:
        """Append `text` as a block; nothing happens where it is blank. Beyond the limit it is cut, with a warning."""
        if self.full:
            return
        room = self._limit - self._length
        if len(text) > room:
            text = text[:room]
            self.full = True
            self.warn(f"the text was cut after {self._limit:,} characters")
        text = normalise(text).strip("\n")
        if not text or text.isspace():
            return
        if self._length:
            self._append("\n" * gap)
        for mark in self._open:
            if mark[0] < 0:
                mark[0] = self._length
        self._append(text)

    @contextmanager
    def mark(self, kind: MarkKind, label: str = "", level: int = 0) -> Iterator[None]:
        """Mark everything that is appended inside the `with` block."""
        cell = [-1]
        self._open.append(cell)
        try:
            yield
        finally:
            self._open.pop()
            if cell[0] >= 0:
                self._remember(Mark(kind, cell[0], self._length, one_line(label), level))

    def heading(self, text: str, level: int, *, gap: int = 2) -> None:
        """Append a heading on one line, with its mark; `level` counts from 1."""
        line = one_line(text)
        with self.mark("heading", line, max(1, min(level, 9))):
            self.add(line, gap=gap)

    def block(self, kind: MarkKind, text: str, label: str = "", *, gap: int = 2) -> None:
        """Append a block with a mark around it."""
        with self.mark(kind, label):
            self.add(text, gap=gap)

    def embed(self, part: Parsed, *, gap: int = 2) -> None:
        """Append another document's text with its marks, moved to where it stands; its warnings come along."""
        if self.full or not part.text.strip():
            return
        before = self._length
        self.add(part.text, gap=gap)
        if self._length == before:
            return
        lead = len(part.text) - len(part.text.lstrip("\n"))
        shift = before + (gap if before else 0) - lead
        for mark in part.marks:
            end = min(mark.end + shift, self._length)
            if end > mark.start + shift:
                self._remember(Mark(mark.kind, mark.start + shift, end, mark.label, mark.level))
        for warning in part.warnings:
            self.warn(warning)

    def warn(self, warning: str) -> None:
        """Say once, in words, what could not be read."""
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings[one_line(warning)[:500]] = None

    def build(self, *, title: str = "", language: str = "", meta: Mapping[str, str] | None = None) -> Parsed:
        """Return the document."""
        if self._dropped_marks:
            self.warn(f"structure was kept for the first {MAX_MARKS:,} elements only")
        return parsed(
            "".join(self._parts),
            self._marks,
            title=title,
            language=language,
            meta=meta,
            warnings=tuple(self._warnings),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _remember(self, mark: Mark) -> None:
        if len(self._marks) < MAX_MARKS:
            self._marks.append(mark)
        else:
            self._dropped_marks = True


def parsed(
    text: str,
    marks: Sequence[Mark] = (),
    *,
    title: str = "",
    language: str = "",
    meta: Mapping[str, str] | None = None,
    warnings: Sequence[str] = (),
) -> Parsed:
    """Return a `Parsed` whose marks are ordered and whose title, language and meta are short clean strings."""
    facts = {k: one_line(v)[:500] for k, v in (meta or {}).items()}
    return Parsed(
        text=text,
        marks=tuple(sorted(marks, key=lambda m: (m.start, -m.end))),
        title=one_line(title)[:500],
        language=primary_subtag(language),
        meta={k: v for k, v in sorted(facts.items()) if v},
        warnings=tuple(warnings),
    )


def primary_subtag(language: str) -> str:
    """Return the lower-case primary subtag of a BCP 47 tag (`de` of `de-AT`), or an empty string where it is none."""
    subtag = re.split(r"[-_]", language.strip().lower(), maxsplit=1)[0]
    return subtag if re.fullmatch(r"[a-z]{2,3}", subtag) else ""


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown pipe table whose first row is the header; cells are one line each.

    Empty rows and columns that are empty everywhere are left out; a table of one cell is that cell's text.
    """
    cells = [[one_line(c).replace("|", "\\|") for c in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(len(row) for row in cells)
    used = [i for i in range(width) if any(i < len(row) and row[i] for row in cells)]
    grid = [[row[i] if i < len(row) else "" for i in used] for row in cells]
    if len(grid) == 1 and len(used) == 1:
        return grid[0][0].replace("\\|", "|")
    lines = ["| " + " | ".join(row) + " |" for row in grid]
    lines.insert(1, "| " + " | ".join(["---"] * len(used)) + " |")
    return "\n".join(lines)
