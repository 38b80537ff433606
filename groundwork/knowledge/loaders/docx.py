"""Word (.docx): paragraphs, headings by style and outline level, lists with their numbers, tables, text boxes, notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._chart import add_chart
from groundwork.knowledge.loaders._docx_numbering import Numbering
from groundwork.knowledge.loaders._embedded import add_attachment
from groundwork.knowledge.loaders._math import linear
from groundwork.knowledge.loaders._package import Package, attribute, child, core_facts, local
from groundwork.knowledge.loaders._text import TextBuilder, one_line, pipe_table
from groundwork.knowledge.types import Parsed

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml."
_SKIPPED = frozenset(
    [
        "del",
        "moveFrom",
        "Fallback",
        "instrText",
        "delText",
        "pPr",
        "rPr",
        "sdtPr",
        "sdtEndPr",
        "tblPr",
        "tblGrid",
        "trPr",
        "tcPr",
        "proofErr",
        "bookmarkStart",
        "bookmarkEnd",
        "commentRangeStart",
        "commentRangeEnd",
        "commentReference",
        "annotationRef",
        "footnoteRef",
        "endnoteRef",
        "object",
        "control",
    ]
)
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_HEADING_STYLE = re.compile(
    r"^(?:heading|überschrift|titre|título|titolo|заголовок|rubrik|kop|标题|見出し)\s*(\d)$", re.IGNORECASE
)
_CODE_STYLE = re.compile(r"code|preformatted|listing", re.IGNORECASE)


class Docx:
    """Read Word documents from their XML; macros, links and external parts are never touched."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (_WORD + "document", _WORD + "template")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the body in order; foot- and endnotes follow it, then embedded documents."""
        package = Package(data)
        return _Document(package).read()


def main_part(package: Package, usual: str) -> str:
    """Return the part that the package's own relations call its document, or the usual one.

    Raises:
        Unreadable: `broken`, there is neither.
    """
    for kind, target in package.relations("").values():
        if kind == "officeDocument" and target.lower() in package.names:
            return target
    if usual in package.names:
        return usual
    raise Unreadable("broken", f"the package has no `{usual}`")


class _Document:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._out = TextBuilder()
        self._part = main_part(package, "word/document.xml")
        self._relations = self._optional(lambda: package.relations(self._part)) or {}
        self._styles = self._read_styles()
        self._numbering = Numbering(self._related("numbering"))
        self._notes: list[tuple[str, str]] = []
        self._title = ""

    def read(self) -> Parsed:
        root = self._package.xml(self._part)
        body = child(root, "body") if root is not None else None
        if body is None:
            raise Unreadable("broken", f"`{self._part}` has no body")
        self._blocks(body)
        self._write_notes()
        for kind, target in self._relations.values():
            if kind == "package":
                self._embed(target)
            elif kind == "chart":
                chart = self._optional(lambda part=target: self._package.xml(part))
                if chart is not None:
                    add_chart(self._out, chart)
            elif kind in ("aFChunk", "oleObject"):
                self._out.warn(f"the embedded object `{target.rsplit('/', 1)[-1]}` was not read")
        facts = core_facts(self._package)
        title = _own_title(facts.pop("title", "")) or self._title
        return self._out.build(title=title, language=facts.pop("language", ""), meta=facts)

    def _blocks(self, parent: Any) -> None:
        items = _flat(parent)
        listed: list[tuple[str, str]] = []
        for element in items:
            item = self._list_item(element) if local(element) == "p" else None
            if item is None or (listed and not item[1]):
                self._write_list(listed)
                listed = []
            if item is not None:
                listed.append(item)
                for box in _text_boxes(element):
                    self._write_list(listed)
                    listed = []
                    self._blocks(box)
            elif local(element) == "p":
                self._paragraph(element)
            else:
                self._table(element)
        self._write_list(listed)

    def _write_list(self, items: Sequence[tuple[str, str]]) -> None:
        if items:
            self._out.block(
                "list", "\n".join(f"{prefix} {text}".rstrip() if text else "" for prefix, text in items)
            )

    def _list_item(self, paragraph: Any) -> tuple[str, str] | None:
        """Return a list item's prefix and text; None for other paragraphs, headings among them."""
        number, depth = self._number(paragraph)
        if not number or self._heading_level(paragraph):
            return None
        text = _text(paragraph, self._notes).strip()
        if not text:
            return None
        mark = self._numbering.next(number, depth)
        return ("  " * depth + mark) if mark else "  " * depth, text.replace("\n", "\n" + "  " * (depth + 1))

    def _paragraph(self, paragraph: Any) -> None:
        text = _text(paragraph, self._notes).strip("\n")
        level = self._heading_level(paragraph)
        style = self._style_of(paragraph)
        if level and text.strip():
            number, depth = self._number(paragraph)
            prefix = self._numbering.next(number, depth) if number else ""
            if prefix and prefix != "-":
                text = f"{prefix} {text}"
            if style.get("name", "").lower() in ("title", "titel", "titre") and not self._title:
                self._title = text
            self._out.heading(text, level)
        elif _CODE_STYLE.search(style.get("name", "")):
            self._out.block("code", text, gap=1)
        else:
            self._out.add(text)
        for box in _text_boxes(paragraph):
            self._blocks(box)

    def _table(self, table: Any) -> None:
        rows = list(self._rows(table))
        if max((len(row) for row in rows), default=0) <= 1:
            for cell in table.iter("{*}tc"):
                self._blocks(cell)
            return
        text = pipe_table(rows)
        if text:
            self._out.block("table", text)

    def _rows(self, table: Any) -> Iterator[list[str]]:
        above: list[str] = []
        for row in (r for r in _flat_rows(table)):
            cells: list[str] = []
            for cell in (c for c in _descend(row, "tc")):
                properties = child(cell, "tcPr")
                span, merge = child(properties, "gridSpan"), child(properties, "vMerge")
                text = one_line(_cell_text(cell, self._notes))
                if (
                    merge is not None
                    and attribute(merge, "val", "continue") == "continue"
                    and len(cells) < len(above)
                ):
                    text = above[len(cells)]
                wide = (
                    int(attribute(span, "val"))
                    if span is not None and attribute(span, "val").isdecimal()
                    else 1
                )
                cells += [text] + [""] * (min(wide, 64) - 1)
            above = cells
            yield cells

    def _write_notes(self) -> None:
        texts = {kind: self._note_texts(kind) for kind in ("footnotes", "endnotes")} if self._notes else {}
        for number, (kind, identity) in enumerate(self._notes, 1):
            text = texts[kind].get(identity, "")
            if text:
                self._out.block("note", f"[{number}] {text}", str(number), gap=2 if number == 1 else 1)

    def _note_texts(self, kind: str) -> dict[str, str]:
        root = self._related(kind)
        found: dict[str, str] = {}
        for note in root if root is not None else ():
            found[attribute(note, "id")] = one_line(_cell_text(note, []))
        return found

    def _embed(self, target: str) -> None:
        data = self._optional(lambda: self._package.read(target))
        if data:
            add_attachment(self._out, data, target.rsplit("/", 1)[-1])

    def _heading_level(self, paragraph: Any) -> int:
        own = child(paragraph, "pPr", "outlineLvl")
        level = attribute(own, "val") if own is not None else self._style_of(paragraph).get("outline", "")
        return int(level) + 1 if level.isdecimal() and int(level) < 9 else 0

    def _number(self, paragraph: Any) -> tuple[str, int]:
        """Return the list's id and the depth in it; an empty id for a paragraph in no list."""
        style = self._style_of(paragraph)
        own = child(paragraph, "pPr", "numPr")
        number, depth = style.get("number", ""), style.get("depth", "")
        if own is not None:
            identity, level = child(own, "numId"), child(own, "ilvl")
            number = attribute(identity, "val") if identity is not None else number
            depth = attribute(level, "val") if level is not None else depth
        return (number if self._numbering.knows(number) else ""), (
            int(depth) % 16 if depth.isdecimal() else 0
        )

    def _style_of(self, paragraph: Any) -> dict[str, str]:
        style = child(paragraph, "pPr", "pStyle")
        return self._styles.get(attribute(style, "val"), {}) if style is not None else {}

    def _read_styles(self) -> dict[str, dict[str, str]]:
        """Return for each style its name, outline level, list id and depth, those of its ancestors included."""
        root = self._related("styles")
        own: dict[str, dict[str, str]] = {}
        for style in root if root is not None else ():
            if local(style) == "style":
                own[attribute(style, "styleId")] = _style_facts(style)
        resolved: dict[str, dict[str, str]] = {}
        for identity in own:
            facts: dict[str, str] = {}
            at, steps = identity, 0
            while at in own and steps < 20:
                facts = {**{k: v for k, v in own[at].items() if k != "name" or not steps}, **facts}
                at, steps = own[at].get("base", ""), steps + 1
            resolved[identity] = facts
        return resolved

    def _related(self, kind: str) -> Any:
        part = next((t for k, t in self._relations.values() if k == kind), f"word/{kind}.xml")
        return self._optional(lambda: self._package.xml(part))

    def _optional(self, get: Any) -> Any:
        """Return what `get` gives, or None with a warning where that part is damaged; hostile parts stay fatal."""
        try:
            return get()
        except Unreadable as error:
            if error.reason in ("hostile", "encrypted"):
                raise
            self._out.warn(str(error))
            return None


def _own_title(title: str) -> str:
    """Return the declared title unless a program put it there: the name of a template or of a file."""
    return "" if re.search(r"\.(dot[xm]?|docx?)$|^Microsoft Word", title, re.IGNORECASE) else title


def _style_facts(style: Any) -> dict[str, str]:
    facts: dict[str, str] = {}
    name = child(style, "name")
    facts["name"] = attribute(name, "val") if name is not None else ""
    base = child(style, "basedOn")
    if base is not None:
        facts["base"] = attribute(base, "val")
    heading = _HEADING_STYLE.match(facts["name"])
    outline = child(style, "pPr", "outlineLvl")
    if heading:
        facts["outline"] = str(int(heading[1]) - 1)
    elif facts["name"].lower() in ("title", "titel", "titre"):
        facts["outline"] = "0"
    elif outline is not None:
        facts["outline"] = attribute(outline, "val")
    number, depth = child(style, "pPr", "numPr", "numId"), child(style, "pPr", "numPr", "ilvl")
    if number is not None:
        facts["number"] = attribute(number, "val")
    if depth is not None:
        facts["depth"] = attribute(depth, "val")
    return facts


def _flat(parent: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables of a container, those in content controls and insertions included."""
    for element in parent:
        name = local(element)
        if name in ("p", "tbl"):
            yield element
        elif name not in _SKIPPED and name != "sectPr":
            yield from _flat(element)


def _flat_rows(table: Any) -> Iterator[Any]:
    return _descend(table, "tr")


def _descend(parent: Any, wanted: str) -> Iterator[Any]:
    """Yield the nearest descendants of a name, looking through wrappers but not into cells."""
    for element in parent:
        name = local(element)
        if name == wanted:
            yield element
        elif name in ("sdt", "sdtContent", "ins", "customXml", "smartTag"):
            yield from _descend(element, wanted)


def _cell_text(cell: Any, notes: list[tuple[str, str]]) -> str:
    parts = [_text(paragraph, notes) for paragraph in cell.iter("{*}p")]
    return " ".join(part for part in parts if part.strip())


def _text_boxes(paragraph: Any) -> Iterator[Any]:
    """Yield the contents of the text boxes anchored in a paragraph, each once (Word writes them twice, for old readers)."""
    for element in paragraph:
        name = local(element)
        if name == "txbxContent":
            yield element
        elif name != "Fallback" and name not in ("del", "moveFrom"):
            yield from _text_boxes(element)


def _text(element: Any, notes: list[tuple[str, str]]) -> str:
    parts: list[str] = []
    _gather(element, parts, notes)
    return "".join(parts)


def _gather(element: Any, parts: list[str], notes: list[tuple[str, str]]) -> None:
    for item in element:
        name = local(item)
        if name in ("t", "sym") and item.text:
            parts.append(item.text)
        elif name in _BREAKS:
            parts.append(_BREAKS[name])
        elif name in ("footnoteReference", "endnoteReference"):
            notes.append((name.replace("Reference", "s"), attribute(item, "id")))
            parts.append(f"[{len(notes)}]")
        elif name in ("oMath", "oMathPara"):
            parts.append(linear(item))
        elif name == "r" and child(item, "rPr", "vanish") is not None:
            continue
        elif name and name not in _SKIPPED and name != "txbxContent":
            _gather(item, parts, notes)


plugin = Docx
