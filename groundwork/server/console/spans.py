"""Cut text at the borders of spans that may overlap, and draw a document with its chunks. Pure; templates escape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundwork.knowledge.records import ChunkInfo, DocumentView
    from groundwork.knowledge.types import Mark, Span

PART_CHARS = 60_000
LINE_REACH = 4_000
DRAWN_MARKS = frozenset({"heading", "code", "table"})
PLACES = frozenset({"page", "slide", "sheet", "chapter", "attachment"})
Layer = tuple[int, int, str]


@dataclass(frozen=True)
class Piece:
    """A run of text and the names of the spans that cover it, in the order given."""

    text: str
    names: tuple[str, ...]
    start: int = 0


@dataclass(frozen=True)
class Stop:
    """A line between two blocks that tells where one is: `page 2`; `anchor` is its address on the page."""

    label: str
    anchor: str


@dataclass(frozen=True)
class Block:
    """A chunk, or text between chunks (`chunk` is None then), as it is drawn.

    Attributes:
        stops: pages, slides and sheets that begin in it, each before the piece of the same place.
        overlap: characters at its beginning that the chunk before has too.
        continued: it begins in an earlier part of the document.
    """

    chunk: ChunkInfo | None
    start: int
    pieces: tuple[Piece, ...]
    stops: dict[int, Stop] = field(default_factory=dict)
    overlap: int = 0
    continued: bool = False


@dataclass(frozen=True)
class Heading:
    """An entry of a document's outline: what it is, where, how deep, and on which part it stands."""

    label: str
    kind: str
    level: int
    start: int
    part: int

    @property
    def anchor(self) -> str:
        """Its address on the page; a heading and the page it opens may begin at the same character."""
        return f"at{self.start}" if self.kind == "heading" else f"place{self.start}"


def pieces(text: str, start: int, end: int, layers: Iterable[Layer]) -> list[Piece]:
    """Return `text[start:end]` cut at every border of the layers; the pieces joined are that text again."""
    inside = [(max(a, start), min(b, end), name) for a, b, name in layers if a < end and b > start and a < b]
    cuts = sorted({start, end, *(a for a, _, _ in inside), *(b for _, b, _ in inside)})
    return [
        Piece(text[a:b], tuple(name for low, high, name in inside if low <= a and b <= high), a)
        for a, b in pairwise(cuts)
    ]


def part_borders(text: str) -> list[int]:
    """Return where the parts of a long document begin and end: about 60,000 characters each, cut at line ends if near."""
    borders = [0]
    while len(text) - borders[-1] > PART_CHARS + LINE_REACH:
        place = borders[-1] + PART_CHARS
        line_end = text.find("\n", place, place + LINE_REACH)
        borders.append(line_end + 1 if line_end >= 0 else place)
    return [*borders, len(text)] if text else [0, 0]


def part_of(borders: Sequence[int], place: int) -> int:
    """Return the part, from 1, that holds a character."""
    return max(1, min(len(borders) - 1, sum(b <= place for b in borders[:-1])))


def draw(view: DocumentView, part: int, quoted: Span | None = None) -> list[Block]:
    """Draw one part of a document: its chunks in order and what lies between them; no character is lost or doubled.

    A chunk is drawn up to where the next one begins; `overlap` of the next says how much they share.
    """
    borders = part_borders(view.text)
    low, high = borders[part - 1], borders[part]
    layers: list[Layer] = [(m.start, m.end, m.kind) for m in view.marks if m.kind in DRAWN_MARKS]
    if quoted is not None:
        layers.append((quoted.start, quoted.end, "quoted"))
    places = [m for m in view.marks if m.kind in PLACES and low <= m.start < high]
    layers += [(m.start, m.start + 1, "place") for m in places]
    chunks = sorted(view.chunks, key=lambda c: (c.start, c.end))
    drawn = []
    for chunk, start, end, overlap in _territories(chunks, len(view.text)):
        a, b = max(start, low), min(end, high)
        if a < b:
            stops = {
                m.start: Stop(f"{m.kind} {m.label}".strip(), f"place{m.start}")
                for m in places
                if a <= m.start < b
            }
            tail = a + len(view.text[a:b].rstrip())
            shown = pieces(view.text, a, b, [*layers, (tail, b, "tail")])
            drawn.append(Block(chunk, a, tuple(shown), stops, overlap, start < low))
    return drawn


def outline(view: DocumentView) -> list[Heading]:
    """Return headings and pages in the order of the text."""
    borders = part_borders(view.text)
    found = [m for m in view.marks if m.kind == "heading" or m.kind in PLACES]
    return [_entry(m, part_of(borders, m.start)) for m in sorted(found, key=lambda m: (m.start, -m.end))]


def _entry(mark: Mark, part: int) -> Heading:
    label = mark.label if mark.kind == "heading" else f"{mark.kind} {mark.label}".strip()
    return Heading(label or mark.kind, mark.kind, min(mark.level, 4), mark.start, part)


def _territories(
    chunks: Sequence[ChunkInfo], length: int
) -> Iterable[tuple[ChunkInfo | None, int, int, int]]:
    """Yield `(chunk, start, end, overlap)` that cover the text without gap and without overlap."""
    place = 0
    for i, chunk in enumerate(chunks):
        following = chunks[i + 1].start if i + 1 < len(chunks) else length
        if chunk.start > place:
            yield None, place, chunk.start, 0
            place = chunk.start
        shared = max(0, min(chunks[i - 1].end, chunk.end) - chunk.start) if i else 0
        end = min(chunk.end, max(following, place))
        if end > place:
            yield chunk, place, end, shared
            place = end
    if place < length:
        yield None, place, length, 0
