"""PowerPoint (.pptx): slide by slide, title first, then shapes in their order, tables, diagrams, and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._chart import add_chart
from groundwork.knowledge.loaders._embedded import add_attachment
from groundwork.knowledge.loaders._math import linear
from groundwork.knowledge.loaders._package import Package, attribute, child, core_facts, local
from groundwork.knowledge.loaders._text import TextBuilder, one_line, pipe_table
from groundwork.knowledge.loaders.docx import main_part
from groundwork.knowledge.types import Parsed

_POINT = "application/vnd.openxmlformats-officedocument.presentationml."
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})
_BODIES = frozenset({"", "body", "obj", "half", "tx"})
MAX_GROUPS = 50


class Pptx:
    """Read presentations from their XML; pictures and sounds are left out."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (
        _POINT + "presentation",
        _POINT + "slideshow",
        _POINT + "template",
    )

    def load(self, data: bytes, name: str) -> Parsed:
        """Read every slide in the order of the show, hidden ones too."""
        package = Package(data)
        out = TextBuilder()
        slides = list(_slides(package))
        for number, part in enumerate(slides, 1):
            try:
                _Slide(package, out, part).write(number)
            except Unreadable as error:
                if error.reason in ("hostile", "encrypted"):
                    raise
                out.warn(f"slide {number} was not read: {error}")
        if not slides:
            raise Unreadable("no_text", "the presentation has no slides")
        facts = core_facts(package)
        title = facts.pop("title", "")
        title = (
            ""
            if title.lower() in ("powerpoint presentation", "powerpoint-präsentation", "presentation")
            else title
        )
        return out.build(title=title, language=facts.pop("language", ""), meta=facts)


def _slides(package: Package) -> Iterator[str]:
    part = main_part(package, "ppt/presentation.xml")
    relations = package.relations(part)
    root = package.xml(part)
    order = child(root, "sldIdLst") if root is not None else None
    for entry in order if order is not None else ():
        identity = next((str(v) for k, v in entry.attrib.items() if k.endswith("}id")), "")
        target = relations.get(identity)
        if target is not None and target[1].lower() in package.names:
            yield target[1]


class _Slide:
    def __init__(self, package: Package, out: TextBuilder, part: str) -> None:
        self._package, self._out, self._part = package, out, part
        self._relations = package.relations(part)

    def write(self, number: int) -> None:
        """Append the slide under a mark `slide`."""
        root = self._package.xml(self._part)
        tree = child(root, "cSld", "spTree") if root is not None else None
        with self._out.mark("slide", str(number)):
            if tree is not None:
                shapes = list(_shapes(tree))
                shapes.sort(key=lambda s: _kind(s) not in _TITLES)
                for shape in shapes:
                    self._shape(shape)
            self._notes()
            for kind, target in self._relations.values():
                if kind == "package":
                    add_attachment(self._out, self._package.read(target) or b"", target.rsplit("/", 1)[-1])

    def _shape(self, shape: Any) -> None:
        if local(shape) == "graphicFrame":
            table = next(shape.iter("{*}tbl"), None)
            if table is not None:
                self._out.block("table", pipe_table(list(_rows(table))))
            chart = next(shape.iter("{*}chart"), None)
            if chart is not None:
                target = self._relations.get(attribute(chart, "id"))
                root = self._package.xml(target[1]) if target is not None else None
                if root is not None:
                    add_chart(self._out, root)
            diagram = next(shape.iter("{*}relIds"), None)
            if diagram is not None:
                self._diagram(attribute(diagram, "dm"))
            return
        body = child(shape, "txBody")
        kind = _kind(shape)
        if body is None or kind in _FURNITURE:
            return
        if kind in _TITLES:
            self._out.heading(" ".join(text for _, text, _ in _paragraphs(body)), 1)
        else:
            self._text(body, listed=kind is not None and kind in _BODIES)

    def _text(self, body: Any, *, listed: bool) -> None:
        paragraphs = [p for p in _paragraphs(body) if p[1].strip()]
        items: list[str] = []
        for depth, text, bullet in paragraphs:
            if bullet or (bullet is None and listed and len(paragraphs) > 1):
                items.append("  " * depth + "- " + text.replace("\n", "\n" + "  " * (depth + 1)))
                continue
            if items:
                self._out.block("list", "\n".join(items))
                items = []
            self._out.add(text, gap=2 if len(text) > 60 else 1)
        if items:
            self._out.block("list", "\n".join(items))

    def _diagram(self, identity: str) -> None:
        target = self._relations.get(identity)
        root = self._package.xml(target[1]) if target is not None else None
        if root is not None:
            points = [one_line("".join(t.text or "" for t in p.iter("{*}t"))) for p in root.iter("{*}pt")]
            self._out.block("list", "\n".join(f"- {p}" for p in points if p))

    def _notes(self) -> None:
        part = next((t for k, t in self._relations.values() if k == "notesSlide"), None)
        root = self._package.xml(part) if part else None
        tree = child(root, "cSld", "spTree") if root is not None else None
        for shape in _shapes(tree) if tree is not None else ():
            body = child(shape, "txBody")
            if body is not None and _kind(shape) == "body":
                self._out.block("note", "\n".join(text for _, text, _ in _paragraphs(body)), "speaker notes")


def _shapes(tree: Any, depth: int = 0) -> Iterator[Any]:
    """Yield shapes and frames in their order, those in groups included; of alternatives the first."""
    for element in tree:
        name = local(element)
        if name in ("sp", "graphicFrame"):
            yield element
        elif name in ("grpSp", "AlternateContent", "Choice") and depth < MAX_GROUPS:
            yield from _shapes(element, depth + 1)


def _kind(shape: Any) -> str | None:
    """Return the kind of a placeholder (empty for an unnamed one), None for a shape that is none."""
    for properties in ("nvSpPr", "nvGraphicFramePr"):
        place = child(shape, properties, "nvPr", "ph")
        if place is not None:
            return attribute(place, "type")
    return None


def _paragraphs(body: Any) -> Iterator[tuple[int, str, bool | None]]:
    """Yield depth, text and whether a bullet stands before it (None: the layout decides)."""
    for paragraph in body:
        if local(paragraph) != "p":
            continue
        properties = child(paragraph, "pPr")
        level = attribute(properties, "lvl") if properties is not None else ""
        signs = {local(e) for e in properties} if properties is not None else set()
        bullet = False if "buNone" in signs else True if signs & {"buChar", "buAutoNum", "buBlip"} else None
        yield (int(level) if level in tuple("12345678") else 0), _text(paragraph), bullet


def _text(paragraph: Any) -> str:
    parts: list[str] = []
    for item in paragraph.iter():
        name = local(item)
        if name == "t" and not _in_formula(item):
            parts.append(item.text or "")
        elif name == "br":
            parts.append("\n")
        elif name == "oMath":
            parts.append(linear(item))
    return "".join(parts)


def _in_formula(item: Any) -> bool:
    return "/math" in str(item.tag)


def _rows(table: Any) -> Iterator[list[str]]:
    above: list[str] = []
    for row in table:
        if local(row) != "tr":
            continue
        cells: list[str] = []
        for cell in row:
            if local(cell) != "tc":
                continue
            if cell.get("hMerge") in ("1", "true"):
                cells.append("")
            elif cell.get("vMerge") in ("1", "true"):
                cells.append(above[len(cells)] if len(cells) < len(above) else "")
            else:
                cells.append(one_line(" ".join(_text(p) for p in cell.iter("{*}p"))))
        above = cells
        yield cells


plugin = Pptx
