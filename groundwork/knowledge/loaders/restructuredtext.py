"""reStructuredText: the source stays the stored text; section titles, code, tables and lists are marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from groundwork.knowledge.loaders._text import parsed
from groundwork.knowledge.loaders.markdown import first_title
from groundwork.knowledge.loaders.text import stored_text
from groundwork.knowledge.types import Mark, Parsed

_ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}$")
_CODE = re.compile(r"^(\s*)\.\. (?:code|code-block|sourcecode|parsed-literal|literalinclude)::[ \t]*(\S*)")
_GRID = re.compile(r"^\s*\+[-=+]{3,}\+$")
_SIMPLE = re.compile(r"^\s*={2,}(?:[ \t]+={2,})+$")
_ITEM = re.compile(r"^(?:[-*+•]|\(?(?:\d{1,3}|#|[a-zA-Z])[.)])\s+\S")
_FIELD = re.compile(
    r"^:(author|date|language|subject|copyright|version):[ \t]*(.+)$", re.IGNORECASE | re.MULTILINE
)
_ROLE = re.compile(
    r":[\w:.-]+:`([^`<]*)(?:<[^`>]*>)?`|`([^`<]*?)\s*(?:<[^`>]*>)?`_{0,2}|\*{1,2}([^*]+)\*{1,2}"
)


class RestructuredText:
    """Read reStructuredText; directives stay as they are written and nothing is included."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/x-rst",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Keep the text and mark its structure."""
        text, warnings = stored_text(data)
        marks = list(_marks(text))
        meta = {k.lower(): v for k, v in _FIELD.findall(text[:4000])}
        return parsed(
            text,
            marks,
            title=first_title(marks),
            language=meta.pop("language", ""),
            meta=meta,
            warnings=warnings,
        )


def _marks(text: str) -> Iterator[Mark]:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    styles: list[str] = []

    def mark(kind: str, first: int, behind: int, label: str = "", level: int = 0) -> Mark:
        while behind > first + 1 and not lines[behind - 1].strip():
            behind -= 1
        return Mark(kind, starts[first], starts[behind] - 1, label, level)  # type: ignore[arg-type]

    at = 0
    while at < len(lines):
        title = _title(lines, at)
        if title is not None:
            where, size, style = title
            if style not in styles:
                styles.append(style)
            yield mark("heading", at, at + size, _plain(lines[where]), min(styles.index(style) + 1, 9))
            at += size
            continue
        end, kind, label = _block(lines, at)
        if kind:
            yield mark(kind, at, end, label)
        at = end


def _title(lines: Sequence[str], at: int) -> tuple[int, int, str] | None:
    """Return the title's line, how many lines it takes and its style, when a section title starts here."""

    def line(offset: int) -> str:
        return lines[at + offset] if at + offset < len(lines) else ""

    def fits(text: str, adornment: str) -> bool:
        return len(text.strip()) <= len(adornment) + 1 or len(adornment) >= 4

    over = _ADORNMENT.match(line(0))
    if over and line(1).strip() and line(2) == line(0) and fits(line(1), line(0)):
        return at + 1, 3, over[1] * 2
    under = _ADORNMENT.match(line(1))
    free = at == 0 or not lines[at - 1].strip() or bool(_ADORNMENT.match(lines[at - 1]))
    if (
        under
        and free
        and line(0).strip()
        and not line(0)[0].isspace()
        and not over
        and fits(line(0), line(1))
    ):
        return at, 2, under[1]
    return None


def _block(lines: Sequence[str], at: int) -> tuple[int, str, str]:
    """Return where the block that starts here ends, and its kind and label; an empty kind for plain lines."""
    line = lines[at]
    code = _CODE.match(line)
    if code:
        return _indented(lines, at + 1, len(code[1])), "code", code[2].lower()
    if line.rstrip().endswith("::") and not line.lstrip().startswith(".."):
        end = _indented(lines, at + 1, len(line) - len(line.lstrip()))
        return end, "code" if end > at + 1 and any(lines[n].strip() for n in range(at + 1, end)) else "", ""
    if _GRID.match(line):
        end = at + 1
        while end < len(lines) and lines[end].strip()[:1] in ("+", "|"):
            end += 1
        return end, "table", ""
    if _SIMPLE.match(line):
        rules, end = 1, at + 1
        while end < len(lines) and rules < 3:
            rules += bool(_SIMPLE.match(lines[end]))
            end += 1
            if rules == 2 and (end == len(lines) or not lines[end].strip()):
                break
        return (end, "table", "") if rules > 1 else (at + 1, "", "")
    if _ITEM.match(line):
        end = at + 1
        while end < len(lines) and (
            not lines[end].strip() or lines[end][0].isspace() or _ITEM.match(lines[end])
        ):
            end += 1
        return end, "list", ""
    return at + 1, "", ""


def _indented(lines: Sequence[str], at: int, indent: int) -> int:
    """Return the line behind those that are blank or indented deeper than `indent`."""
    while at < len(lines) and (not lines[at].strip() or len(lines[at]) - len(lines[at].lstrip()) > indent):
        at += 1
    return at


def _plain(title: str) -> str:
    return _ROLE.sub(lambda m: (m[1] or m[2] or m[3] or "").strip(), title).replace("``", "").strip()


plugin = RestructuredText
