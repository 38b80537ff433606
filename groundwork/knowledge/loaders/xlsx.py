"""Excel (.xlsx): sheet by sheet, the values as a person sees them, each block of cells as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._chart import add_chart
from groundwork.knowledge.loaders._package import Package, attribute, child, core_facts, local
from groundwork.knowledge.loaders._tables import MAX_CELLS, MAX_COLUMNS, fill_down, regions, write_table
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.loaders.docx import main_part
from groundwork.knowledge.types import Parsed

_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_BUILT_IN_PERCENT = frozenset({9, 10})
_DATE_FORMAT = re.compile(r"[dmyhs]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]|_.|\*.', re.IGNORECASE)
MAX_STRINGS_CHARS = 48_000_000
MAX_MERGED = 5000


class Xlsx:
    """Read workbooks from their XML; formulas show their last value, macros and links are never touched."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (_SHEET + "sheet", _SHEET + "template")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read every sheet in order, hidden ones too."""
        package = Package(data)
        return _Workbook(package).read()


class _Workbook:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._out = TextBuilder()
        self._part = main_part(package, "xl/workbook.xml")
        self._relations = package.relations(self._part)
        root = package.xml(self._part)
        properties = child(root, "workbookPr") if root is not None else None
        self._epoch = (
            1904 if properties is not None and attribute(properties, "date1904") in ("1", "true") else 1900
        )
        sheets = child(root, "sheets") if root is not None else None
        self._sheets = list(sheets) if sheets is not None else []
        self._strings = self._read_strings()
        self._formats = self._read_formats()
        self._cells = 0

    def read(self) -> Parsed:
        for sheet in self._sheets:
            identity = next((str(v) for k, v in sheet.attrib.items() if k.endswith("}id")), "")
            kind, part = self._relations.get(identity, ("", ""))
            name = one_line(sheet.get("name") or "")
            if kind == "chartsheet":
                with self._out.mark("sheet", name):
                    self._out.heading(name, 1)
                    self._charts(part)
            elif kind not in ("worksheet", ""):
                self._out.warn(f"sheet `{name}` is a {kind} and holds no cells")
            elif part.lower() in self._package.names:
                self._sheet(name, part)
            else:
                self._out.warn(f"sheet `{name}` is missing from the file")
        facts = core_facts(self._package)
        return self._out.build(title=facts.pop("title", ""), language=facts.pop("language", ""), meta=facts)

    def _sheet(self, name: str, part: str) -> None:
        try:
            rows = list(self._rows(part))
        except Unreadable as error:
            if error.reason in ("hostile", "encrypted", "too_large"):
                raise
            self._out.warn(f"sheet `{name}` was not read: {error}")
            return
        with self._out.mark("sheet", name):
            if rows:
                self._out.heading(name, 1)
            for region in regions(fill_down(rows, self._merged(part))):
                write_table(self._out, region)
            self._charts(part)

    def _merged(self, part: str) -> list[tuple[int, int, int]]:
        """Return `(column, first row, last row)` of the cells of a sheet that reach over several rows."""
        found: list[tuple[int, int, int]] = []
        for entry in self._package.stream(part, "mergeCell"):
            first, _, last = (entry.get("ref") or "").partition(":")
            start, end = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last)
            if start and end and int(start[2]) < int(end[2]) <= int(start[2]) + MAX_MERGED:
                found.append((_column(start[1]), int(start[2]), int(end[2])))
        return found[:MAX_MERGED]

    def _charts(self, part: str) -> None:
        """Append the charts that lie on a sheet."""
        try:
            drawings = [t for k, t in self._package.relations(part).values() if k == "drawing"]
            charts = [t for d in drawings for k, t in self._package.relations(d).values() if k == "chart"]
            for chart in charts:
                root = self._package.xml(chart)
                if root is not None:
                    add_chart(self._out, root)
        except Unreadable as error:
            if error.reason == "hostile":
                raise
            self._out.warn(f"a chart was not read: {error}")

    def _rows(self, part: str) -> Iterator[tuple[int, dict[int, str]]]:
        """Yield row number and filled cells by column; rows that stand in no order are put in the order they come."""
        at = 0
        for row in self._package.stream(part, "row"):
            number = row.get("r") or ""
            at = max(at + 1, int(number) if number.isdecimal() and len(number) < 8 else 0)
            cells: dict[int, str] = {}
            column = -1
            for cell in row:
                if local(cell) != "c":
                    continue
                found = _REFERENCE.fullmatch(cell.get("r") or "")
                column = _column(found[1]) if found else column + 1
                if column >= MAX_COLUMNS:
                    self._out.warn(f"cells beyond column {MAX_COLUMNS:,} were left out")
                    break
                text = self._value(cell)
                if text:
                    cells[column] = text
                    self._cells += 1
            if cells:
                yield at, cells
            if self._cells > MAX_CELLS:
                self._out.warn(f"only the first {MAX_CELLS:,} cells were read")
                return

    def _value(self, cell: Any) -> str:
        kind = cell.get("t") or "n"
        if kind == "inlineStr":
            inline = child(cell, "is")
            return one_line(_string(inline)) if inline is not None else ""
        value = child(cell, "v")
        text = (value.text or "").strip() if value is not None else ""
        if kind == "s":
            return (
                self._strings[int(text)]
                if text.isdecimal() and len(text) < 9 and int(text) < len(self._strings)
                else ""
            )
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(text, text)
        if kind in ("str", "e", "d") or not text:
            return one_line(text)
        return self._number(text, cell.get("s") or "")

    def _number(self, text: str, style: str) -> str:
        shape = self._formats.get(int(style), "") if style.isdecimal() and len(style) < 7 else ""
        try:
            number = float(text)
        except ValueError:
            return one_line(text)
        if shape == "date":
            return _date(number, self._epoch) or text
        if shape == "percent":
            return f"{number * 100:.10g}%"
        return f"{number:.15g}" if abs(number) < 1e15 else text

    def _read_strings(self) -> list[str]:
        part = next((t for k, t in self._relations.values() if k == "sharedStrings"), "xl/sharedstrings.xml")
        strings: list[str] = []
        size = 0
        for item in self._package.stream(part, "si"):
            strings.append(one_line(_string(item)))
            size += len(strings[-1])
            if size > MAX_STRINGS_CHARS or len(strings) > MAX_CELLS:
                raise Unreadable(
                    "too_large", f"the shared strings hold more than {MAX_STRINGS_CHARS:,} characters"
                )
        return strings

    def _read_formats(self) -> dict[int, str]:
        """Return `date` or `percent` for the cell styles that show numbers so."""
        part = next((t for k, t in self._relations.values() if k == "styles"), "xl/styles.xml")
        try:
            root = self._package.xml(part)
        except Unreadable as error:
            if error.reason == "hostile":
                raise
            self._out.warn(str(error))
            return {}
        if root is None:
            return {}
        own: dict[str, str] = {}
        formats = child(root, "numFmts")
        for entry in formats if formats is not None else ():
            own[attribute(entry, "numFmtId")] = attribute(entry, "formatCode")
        styles = child(root, "cellXfs")
        found: dict[int, str] = {}
        for place, style in enumerate(styles if styles is not None else ()):
            shape = _shape(attribute(style, "numFmtId"), own)
            if shape:
                found[place] = shape
        return found


def _shape(identity: str, own: dict[str, str]) -> str:
    if identity in own:
        code = _LITERAL.sub("", own[identity]).split(";")[0]
        if "%" in code:
            return "percent"
        return "date" if _DATE_FORMAT.search(code) and "General" not in code else ""
    number = int(identity) if identity.isdecimal() and len(identity) < 6 else -1
    return "date" if number in _BUILT_IN_DATES else "percent" if number in _BUILT_IN_PERCENT else ""


def _date(days: float, epoch: int) -> str:
    """Return a serial date in ISO form; days before 1900 and after 9999 are none.

    Source: ECMA-376-1, 18.17.4 (the 1900 system counts a 29 February 1900 that never was).
    """
    if not 0 <= days < 2_958_466:
        return ""
    start = (
        datetime(1904, 1, 1)
        if epoch == 1904
        else datetime(1899, 12, 30)
        if days >= 60
        else datetime(1899, 12, 31)
    )
    moment = start + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat(" ")


def _string(item: Any) -> str:
    """Return the text of a rich or plain string without its reading aids (phonetic runs)."""
    parts: list[str] = []
    for element in item:
        name = local(element)
        if name == "t":
            parts.append(element.text or "")
        elif name == "r":
            parts += [e.text or "" for e in element if local(e) == "t"]
    return "".join(parts)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


plugin = Xlsx
