"""OpenDocument text, spreadsheets and presentations (.odt, .ods, .odp)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._package import Package, attribute, child, local
from groundwork.knowledge.loaders._tables import MAX_CELLS, regions, write_table
from groundwork.knowledge.loaders._text import TextBuilder, one_line, pipe_table
from groundwork.knowledge.types import Parsed

_OPEN = "application/vnd.oasis.opendocument."
_FACTS = {
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "subject": "subject",
    "creation-date": "created",
    "language": "language",
}
_SKIPPED = frozenset(
    [
        "annotation",
        "annotation-end",
        "tracked-changes",
        "sequence-decls",
        "forms",
        "variable-decls",
        "user-field-decls",
        "note-citation",
        "bookmark-start",
        "bookmark-end",
        "change",
        "change-start",
        "change-end",
        "scripts",
        "settings",
    ]
)
MAX_REPEAT = 1000
MAX_NESTING = 60


class Odf:
    """Read OpenDocument from its XML."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (_OPEN + "text", _OPEN + "spreadsheet", _OPEN + "presentation")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read text, sheets or slides in order."""
        package = Package(data)
        manifest = package.read("META-INF/manifest.xml") or b""
        if b"encryption-data" in manifest:
            raise Unreadable("encrypted", "the OpenDocument file is encrypted; only its password opens it")
        root = package.xml("content.xml")
        body = child(root, "body") if root is not None else None
        if body is None:
            raise Unreadable("broken", "the package has no `content.xml` with a body")
        reader = _Reader()
        for part in body:
            reader.read(part)
        facts = _facts(package)
        return reader.out.build(title=facts.pop("title", ""), language=facts.pop("language", ""), meta=facts)


def _facts(package: Package) -> dict[str, str]:
    root = package.xml("meta.xml")
    facts: dict[str, str] = {}
    for entry in root.iter() if root is not None else ():
        key = _FACTS.get(local(entry))
        if key and entry.text:
            facts.setdefault(key, entry.text)
    return facts


class _Reader:
    def __init__(self) -> None:
        self.out = TextBuilder()
        self._cells = 0
        self._notes: list[str] = []

    def read(self, part: Any) -> None:
        """Append a body: `text`, `spreadsheet` or `presentation`."""
        kind = local(part)
        if kind == "spreadsheet":
            for table in (t for t in part if local(t) == "table"):
                self._sheet(table)
        elif kind == "presentation":
            for number, page in enumerate((p for p in part if local(p) == "page"), 1):
                with self.out.mark("slide", str(number)):
                    self._blocks(page, 0)
        else:
            self._blocks(part, 0)
        for number, note in enumerate(self._notes, 1):
            self.out.block("note", f"[{number}] {note}", str(number), gap=2 if number == 1 else 1)

    def _blocks(self, parent: Any, depth: int) -> None:
        if depth > MAX_NESTING:
            self.out.warn(f"what is nested deeper than {MAX_NESTING} was left out")
            return
        for element in parent:
            name = local(element)
            if name == "h":
                level = attribute(element, "outline-level", "1")
                self.out.heading(
                    self._text(element), int(level) if level.isdecimal() and len(level) < 3 else 1
                )
            elif name == "p":
                self._paragraph(element, depth)
            elif name == "list":
                self.out.block("list", "\n".join(self._items(element, 0)))
            elif name == "table":
                self._table(element, depth)
            elif name == "notes":
                with self.out.mark("note", "speaker notes"):
                    self._blocks(element, depth + 1)
            elif name == "frame" and attribute(element, "class") == "title":
                self.out.heading(" ".join(self._text(p) for p in element.iter("{*}p")), 1)
            elif name == "frame" and attribute(element, "class") in (
                "header",
                "footer",
                "date-time",
                "page-number",
            ):
                continue
            elif name and name not in _SKIPPED:
                self._blocks(element, depth + 1)

    def _paragraph(self, element: Any, depth: int) -> None:
        self.out.add(self._text(element))
        for frame in element:
            if local(frame) in ("frame", "custom-shape", "g", "a"):
                self._blocks(frame, depth + 1)

    def _items(self, element: Any, depth: int) -> Iterator[str]:
        if depth > 20:
            return
        for item in element:
            if local(item) not in ("list-item", "list-header"):
                continue
            lead = "  " * depth + "- "
            for part in item:
                if local(part) in ("p", "h"):
                    text = one_line(self._text(part))
                    if text:
                        yield lead + text
                        lead = "  " * (depth + 1)
                elif local(part) == "list":
                    yield from self._items(part, depth + 1)

    def _table(self, table: Any, depth: int) -> None:
        rows = [[text for text, _ in cells] for _, cells in self._rows(table)]
        if max((sum(1 for c in row if c) for row in rows), default=0) <= 1 and len(rows) <= 1:
            for cell in table.iter("{*}table-cell"):
                self._blocks(cell, depth + 1)
            return
        text = pipe_table(rows)
        if text:
            self.out.block("table", text)

    def _sheet(self, table: Any) -> None:
        filled: list[tuple[int, dict[int, str]]] = []
        for number, cells in self._rows(table):
            row: dict[int, str] = {}
            at = 0
            for text, times in cells:
                if text:
                    row.update(dict.fromkeys(range(at, at + min(times, MAX_REPEAT)), text))
                at += times
            if row:
                filled.append((number, row))
        if not filled:
            return
        name = one_line(attribute(table, "name"))
        with self.out.mark("sheet", name):
            self.out.heading(name, 1)
            for region in regions(filled):
                write_table(self.out, region)

    def _rows(self, table: Any) -> Iterator[tuple[int, list[tuple[str, int]]]]:
        """Yield row number and `(text, how often it is repeated)` for its cells; repeated rows once for each, to a bound."""
        number = 0
        for row in _descend(table, "table-row"):
            cells = []
            for cell in row:
                if local(cell) in ("table-cell", "covered-table-cell"):
                    times = _count(attribute(cell, "number-columns-repeated", "1"))
                    cells.append((one_line(" ".join(self._text(p) for p in cell.iter("{*}p"))), times))
            times = _count(attribute(row, "number-rows-repeated", "1"))
            if any(text for text, _ in cells):
                for place in range(min(times, MAX_REPEAT)):
                    self._cells += len(cells)
                    if self._cells > MAX_CELLS:
                        self.out.warn(f"only the first {MAX_CELLS:,} cells were read")
                        return
                    yield number + place, cells
            number += times

    def _text(self, element: Any) -> str:
        parts: list[str] = [element.text or ""]
        for item in element:
            name = local(item)
            if name == "s":
                parts.append(" " * min(_count(attribute(item, "c", "1")), 200))
            elif name == "tab":
                parts.append("\t")
            elif name == "line-break":
                parts.append("\n")
            elif name == "note":
                body = child(item, "note-body")
                self._notes.append(
                    one_line(" ".join(self._text(p) for p in body.iter("{*}p"))) if body is not None else ""
                )
                parts.append(f"[{len(self._notes)}]")
            elif name and name not in _SKIPPED and name not in ("frame", "custom-shape", "g"):
                parts.append(self._text(item))
            parts.append(item.tail or "")
        return "".join(parts)


def _descend(parent: Any, wanted: str) -> Iterator[Any]:
    for element in parent:
        name = local(element)
        if name == wanted:
            yield element
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _descend(element, wanted)


def _count(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 9 else 1


plugin = Odf
