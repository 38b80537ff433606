"""HTML: headings, paragraphs, lists, tables and code of the page's own content, without its furniture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._text import TextBuilder, one_line, pipe_table
from groundwork.knowledge.types import Parsed

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_DEPTH = 200
"""Elements nested deeper are read as plain text of their ancestor."""
MAX_OPEN = 5000
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSED_BY_THE_NEXT = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "dd",
        "dt",
        "embed",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "param",
        "source",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "track",
        "wbr",
    ]
)
_CHARSET = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE
)
_DROPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "head",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "audio",
        "video",
        "button",
        "select",
        "option",
        "datalist",
        "input",
        "textarea",
        "dialog",
        "map",
        "area",
        "track",
        "source",
        "col",
        "colgroup",
        "meta",
        "link",
        "base",
        "annotation",
    ]
)
_FURNITURE = frozenset({"nav", "footer", "aside", "menu"})
_FURNITURE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar"}
)
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "math",
        "mfrac",
        "mi",
        "mn",
        "mo",
        "mrow",
        "msqrt",
        "msub",
        "msup",
        "mtext",
        "nobr",
        "output",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "semantics",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)
_BREAK = "\v"  # stands for <br> while a paragraph is gathered; white space in the source is never that
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_FACTS = {
    "author": "author", "description": "description", "date": "date", "dc.creator": "author", "dc.date": "date",
    "article:published_time": "date", "og:description": "description", "keywords": "tags",
}  # fmt: skip


class Html:
    """Read HTML and XHTML; `main` or `article` is taken as the content where the page has one."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/html", "application/xhtml+xml")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the page; nothing it refers to is fetched."""
        found = _CHARSET.search(data[:4096])
        decoded = decode(data, (found[1] or found[2]).decode("ascii", "ignore") if found else "")
        return read_html(decoded.text, decoded.warnings)


def read_html(source: str, warnings: Sequence[str] = (), *, whole: bool = False) -> Parsed:
    """Return the document in `source`; `whole` keeps everything (an e-mail or a book has no furniture).

    Raises:
        Unreadable: `hostile`, it is nested so deeply that parsing would take time quadratic in the depth.
    """
    from selectolax.lexbor import LexborHTMLParser

    if _nesting(source) > MAX_OPEN:
        raise Unreadable("hostile", f"the HTML is nested deeper than {MAX_OPEN:,} elements")
    tree = LexborHTMLParser(source.replace("\x00", ""))
    builder = TextBuilder()
    for warning in warnings:
        builder.warn(warning)
    root = tree.body
    if root is not None:
        _Page(builder, keep_furniture=whole).read(root if whole else _content(root))
    head = tree.head
    title, meta = "", {}
    if head is not None:
        node = head.css_first("title")
        title = node.text() if node is not None else ""
        meta = dict(_facts(head))
    html = tree.css_first("html")
    language = (
        (html.attributes.get("lang") or html.attributes.get("xml:lang") or "") if html is not None else ""
    )
    return builder.build(title=title, language=language, meta=meta)


def _nesting(source: str) -> int:
    """Return about how deep elements are nested, tags that people leave open not counted."""
    if source.count("<") <= MAX_OPEN:
        return 0
    depth = deepest = 0
    for closing, name in _TAG.findall(source):
        if name.lower() not in _CLOSED_BY_THE_NEXT:
            depth = max(depth - 1, 0) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _facts(head: LexborNode) -> Iterator[tuple[str, str]]:
    for node in reversed(head.css("meta")):
        name = (node.attributes.get("name") or node.attributes.get("property") or "").lower()
        content = node.attributes.get("content")
        if name in _FACTS and content:
            yield _FACTS[name], content


def _content(body: LexborNode) -> LexborNode:
    """Return the only `main` or `article` if it holds a good part of the page's text, else the body."""
    whole = len(body.text(separator=" ", strip=True)) or 1
    for selector in ("main", "[role=main]", "article"):
        nodes = body.css(selector)
        if len(nodes) == 1 and len(nodes[0].text(separator=" ", strip=True)) * 4 > whole:
            return nodes[0]
    return body


class _Page:
    """Walks the elements in order and writes blocks."""

    def __init__(self, builder: TextBuilder, *, keep_furniture: bool) -> None:
        self._out = builder
        self._keep = keep_furniture
        self._line: list[str] = []
        self._prefix = ""
        self._indent = 0
        self._gap = 2

    def read(self, root: LexborNode) -> None:
        """Write everything under `root`."""
        self._children(root, 0)
        self._flush()

    def _children(self, node: LexborNode, depth: int) -> None:
        for child in node.iter(include_text=True):
            self._node(child, depth + 1)

    def _node(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._line.append(node.text(deep=False))
        elif tag.startswith(("-", "_")) or self._is_dropped(node, tag):
            return
        elif depth > MAX_DEPTH:
            self._line.append(node.text(separator=" "))
        elif tag == "br":
            self._line.append(_BREAK)
        elif tag in _INLINE:
            self._children(node, depth)
        else:
            self._flush()
            self._block(node, tag, depth)
            self._flush()

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        if tag in _HEADINGS and self._is_plain_heading(node):
            self._out.heading(node.text(separator=""), _HEADINGS[tag])
        elif tag in ("pre", "listing", "xmp", "plaintext"):
            self._out.block("code", node.text(), _code_language(node))
        elif tag in ("ul", "ol", "dir"):
            self._list(node, tag, depth)
        elif tag == "table" and not _is_layout(node):
            self._table(node)
        elif tag in ("dt", "summary", "legend", "figcaption", "caption", "tr"):
            self._children(node, depth)
        elif tag == "dd":
            gap, self._gap = self._gap, 1
            self._children(node, depth)
            self._flush()
            self._gap = gap
        else:
            self._children(node, depth)

    def _is_plain_heading(self, node: LexborNode) -> bool:
        return bool(one_line(node.text())) and node.css_first("table, ul, ol, p + p") is None

    def _list(self, node: LexborNode, tag: str, depth: int) -> None:
        if self._indent:
            self._items(node, tag, depth)
            return
        with self._out.mark("list"):
            self._items(node, tag, depth)
            self._flush()

    def _items(self, node: LexborNode, tag: str, depth: int) -> None:
        number = _integer(node.attributes.get("start"), 1)
        outer_gap, first = self._gap, not self._indent
        self._indent += 1
        for item in node.iter(include_text=False):
            if item.tag != "li":
                self._node(item, depth + 1)
                continue
            self._flush()
            mark = f"{number}. " if tag == "ol" else "- "
            number += 1
            self._prefix = "  " * (self._indent - 1) + mark
            self._gap = 2 if first else 1
            first = False
            self._children(item, depth + 1)
            self._flush()
            self._prefix = ""
        self._indent -= 1
        self._gap = outer_gap

    def _table(self, node: LexborNode) -> None:
        caption = node.css_first("caption")
        if caption is not None:
            self._out.add(one_line(caption.text(separator=" ")))
        text = pipe_table(list(_rows(node)))
        if text:
            self._out.block("table", text)

    def _flush(self) -> None:
        if not self._line:
            return
        lines = [" ".join(line.split()) for line in "".join(self._line).split(_BREAK)]
        self._line = []
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        pad = "  " * (self._indent - 1) + "  " if self._indent and not self._prefix else ""
        self._out.add(pad + self._prefix + text, gap=self._gap)
        self._prefix = ""
        if self._indent:
            self._gap = 1

    def _is_dropped(self, node: LexborNode, tag: str) -> bool:
        if tag in _DROPPED:
            return True
        facts = node.attributes
        if "hidden" in facts or facts.get("aria-hidden") == "true":
            return True
        style = facts.get("style")
        if style and "display:none" in style.replace(" ", "").lower():
            return True
        if self._keep:
            return False
        return tag in _FURNITURE or (facts.get("role") or "") in _FURNITURE_ROLES


def _rows(table: LexborNode) -> Iterator[list[str]]:
    """Yield the rows of a table as texts; a cell that spans columns stands in the first, one that spans rows in each."""
    hanging: dict[int, tuple[int, str]] = {}
    for row in table.css("tr"):
        if _nearest_table(row) != table.mem_id:
            continue
        cells: list[str] = []
        for cell in row.iter(include_text=False):
            if cell.tag not in ("td", "th"):
                continue
            _hang(cells, hanging)
            text = one_line(cell.text(separator=" "))
            deep, wide = (
                _integer(cell.attributes.get("rowspan"), 1),
                _integer(cell.attributes.get("colspan"), 1),
            )
            for column in range(max(1, min(wide, 64))):
                if 1 < deep <= 1000:
                    hanging[len(cells)] = (deep - 1, text if column == 0 else "")
                cells.append(text if column == 0 else "")
        _hang(cells, hanging)
        yield cells


def _hang(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Fill the next places that are taken by cells of rows above."""
    while len(cells) in hanging:
        left, text = hanging.pop(len(cells))
        if left > 1:
            hanging[len(cells)] = (left - 1, text)
        cells.append(text)


def _nearest_table(node: LexborNode) -> int | None:
    parent = node.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent.mem_id if parent is not None else None


def _is_layout(table: LexborNode) -> bool:
    """Return whether a table only places things: it holds tables or headings, or is one cell, or says so."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    if len(table.css("td, th")) <= 1:
        return True
    return table.css_first("th") is None and table.css_first("td table, td h1, td h2, td pre") is not None


def _code_language(node: LexborNode) -> str:
    inner = node.css_first("code")
    classes = (
        (node.attributes.get("class") or "") + " " + ((inner.attributes.get("class") or "") if inner else "")
    )
    found = re.search(r"(?:language|lang|highlight-source|highlight)-([\w+#]+)", classes)
    return found[1].lower() if found else ""


def _integer(value: str | None, default: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 6 else default


plugin = Html
