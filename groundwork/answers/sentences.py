"""Cut a text into the units a reader quotes: sentences, headings, list items, table rows and code.

The units stand in order, do not overlap, begin and end with a character that is not white space, and together hold every
such character of the text. Structure is told from the lines (Markdown, reStructuredText and plain or PDF text); inside a
paragraph, sentences end at the punctuation of their script, not at abbreviations, initials, decimals or dotted names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

UnitKind = Literal["sentence", "heading", "item", "row", "code", "rule"]

MAX_UNIT_CHARS = 1200
"""A longer unit is cut at the last white space or clause mark before the limit: nobody reads a longer quote."""


@dataclass(frozen=True)
class Unit:
    """One unit: characters `start:end` of the text. A `rule` (line of dashes, table border) is never worth quoting."""

    start: int
    end: int
    kind: UnitKind = "sentence"

    def of(self, text: str) -> str:
        """Return the slice of `text`."""
        return text[self.start : self.end]


def split(text: str) -> list[Unit]:
    """Return the units of a text; an empty or blank text has none."""
    return [
        piece for block in _blocks(text) for unit in _inside(text, block) for piece in _shortened(text, unit)
    ]


# Blocks ----------------------------------------------------------------------------------------------------------------

_FENCE = re.compile(r"\s{0,12}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}(\s|$)")
_RULED = frozenset("-=~^*_+#.\"'`:| \t")
_ITEM = re.compile(
    r"\s*(?:[-*+•‣◦▪●·–—]\s+|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{2,5})\)\s+|\d{1,3}[.、．]\s+|[①-⑳]\s*)(?=\S)"
)
_ROW = re.compile(r"\s*\||[^|]*\|[^|]*\||[^\t]*\S\t+[^\t]*\S\t|[^|\n]+ \| [^|\n]+$")
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines that are not blank, without the white space around them, and where lines are missing, an empty one."""
    previous = 0
    for match in _LINE.finditer(text):
        line = match[0]
        start = match.start() + len(line) - len(line.lstrip())
        end = match.end() - (len(line) - len(line.rstrip()))
        if start >= end or text.count("\n", previous, match.start()) > 1:
            yield match.start(), match.start()
        if start < end:
            yield start, end
        previous = match.end()


def _blocks(text: str) -> Iterator[Unit]:
    """Yield blocks; a paragraph comes as one `sentence` block and is cut further by `_inside`."""
    lines = list(_lines(text))
    at = 0
    while at < len(lines):
        start, end = lines[at]
        if start == end:
            at += 1
            continue
        line = text[start:end]
        fence = _FENCE.match(line)
        last = _fence_end(text, lines, at, fence[1]) if fence else None
        if last is not None:
            yield Unit(start, lines[last][1], "code")
            at = last + 1
        elif fence or _is_rule(line):
            yield Unit(start, end, "rule")
            at += 1
        elif _HEADING.match(line) or _underlined(text, lines, at):
            yield Unit(start, end, "heading")
            at += 1
        elif _ROW.match(line):
            yield Unit(start, end, "row")
            at += 1
        else:
            last = _flow_end(text, lines, at)
            yield Unit(start, lines[last][1], "item" if _ITEM.match(line) else "sentence")
            at = last + 1


def _is_rule(line: str) -> bool:
    """Whether a line is only drawn: `-----`, `* * *`, `|---|:--:|`, `+====+`."""
    if line[0] not in _RULED or not _RULED.issuperset(line):
        return False
    marks = set(line) - set(" \t:|+")
    return len(line) >= 3 and len(marks) == 1 and ("|" not in line or marks <= {"-", "="})


def _fence_end(text: str, lines: list[tuple[int, int]], at: int, fence: str) -> int | None:
    """Return the last line of the code that begins at line `at`, or None when that line closes code cut off before."""
    last = at
    named = text[lines[at][0] : lines[at][1]].strip(fence[0]) != ""
    for ahead in range(at + 1, len(lines)):
        start, end = lines[ahead]
        if start == end:
            continue
        if text.startswith(fence, start):
            rest = text[start:end].strip(fence[0])
            if not rest:
                return ahead
            if not named:
                return None
        last = ahead
    return last if named else None


def _underlined(text: str, lines: list[tuple[int, int]], at: int) -> bool:
    """Whether the next line underlines this one, as headings of reStructuredText and old Markdown do."""
    if at + 1 >= len(lines):
        return False
    (start, end), (under, stop) = lines[at], lines[at + 1]
    line, mark = text[start:end], text[under : under + 1]
    return (
        mark != ""
        and mark in "=-~^*+#\"'"
        and stop - under >= max(3, (end - start) // 2)
        and end - start <= 120
        and text[under:stop] == mark * (stop - under)
        and not _ITEM.match(line)
    )


def _flow_end(text: str, lines: list[tuple[int, int]], at: int) -> int:
    """Return the last line of the paragraph or item that begins at line `at`."""
    item = _ITEM.match(text[lines[at][0] : lines[at][1]]) is not None
    width = lines[at][1] - lines[at][0]
    last = at
    for ahead in range(at + 1, len(lines)):
        start, end = lines[ahead]
        line = text[start:end]
        if start == end or _begins_block(line) or _underlined(text, lines, ahead):
            break
        before = text[lines[last][0] : lines[last][1]]
        indented = text[start - 1 : start] in (" ", "\t") if start else False
        if not (_runs_on(before, line, width) or (item and indented)):
            break
        width = max(width, end - start)
        last = ahead
    return last


def _begins_block(line: str) -> bool:
    return any(pattern.match(line) is not None for pattern in (_ITEM, _ROW, _HEADING, _FENCE)) or _is_rule(
        line
    )


def _runs_on(before: str, line: str, width: int) -> bool:
    """Whether a line break is only a wrap: the line before is as long as its neighbours, or the next begins small."""
    if len(before) >= 40 and len(before) >= 0.65 * width:
        return True
    return line[0].islower() and before[-1] not in ".!?:;。！？：；"


# Sentences -------------------------------------------------------------------------------------------------------------

# Possessive throughout, so that long runs of marks cost linear time.
_CLOSERS = r"[\"'”’»）)\]」』】〉》*_]*+(?:\[\d{1,3}\])*+"
_END = re.compile(
    rf"(?P<wide>[。！？｡]++{_CLOSERS})"
    rf"|(?P<mark>(?<![.!?…])[.!?…‼⁇⁈⁉؟۔।॥։።៕។]++{_CLOSERS})(?=\s|$)"
    r"|(?P<thai>(?<=[\u0e00-\u0eff])[ \u00a0]+(?=[\u0e00-\u0eff\"“(]))"
)
_THAI_CLAUSE_CHARS = 60


def _wordset(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ABBREVIATIONS = _wordset(
    """mr mrs ms mx dr prof rev fr sr jr st mt ft gen col maj capt cpt lt sgt cmdr adm gov sen rep pres hon vs v cf ca c
    e.g i.e eg ie viz approx est etc al ed eds vol vols no nos nr art arts para paras sec ch chap fig figs eq eqs ref
    refs p pp jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun inc ltd co corp llc plc bros
    dept univ assn ave blvd rd u.s u.k u.n e.u d.c a.m p.m b.c a.d ph.d m.d b.a m.a z.b d.h u.a bzw usw ggf evtl bspw
    vgl inkl str nr abs hr fr dr. sra sres ud uds ej pág núm av м г гг т.е т.д т.п им ул см руб млн тыс др"""
)
_CAN_END = _wordset(
    "etc al inc ltd co corp llc plc u.s u.k u.n e.u d.c a.m p.m b.c a.d ph.d m.d jr sr usw т.д т.п г др"
)
_STARTERS = _wordset(
    """the a an this that these those it its he she they we you i in on at by for from with as after before when while if
    although however but and or so there here his her their our some many most all each another other such since during
    der die das ein eine es er sie wir in im am bei el la los las un una en il le les une dans в на он она это"""
)


def _inside(text: str, block: Unit) -> list[Unit]:
    if block.kind == "item" and block.end - block.start > 320:
        return [Unit(s, e, "item") for s, e in _sentences(text, block.start, block.end)]
    if block.kind == "sentence":
        spans = _sentences(text, block.start, block.end)
        if len(spans) == 1 and _reads_as_heading(text[block.start : block.end]):
            return [Unit(block.start, block.end, "heading")]
        return [Unit(s, e) for s, e in spans]
    return [block]


def _reads_as_heading(line: str) -> bool:
    """Whether a paragraph is a short line with no end mark and no comma: a title in plain, PDF or HTML text."""
    return (
        len(line) <= 60
        and "\n" not in line
        and line[-1].isalnum()
        and line.count(" ") < 9
        and "," not in line
        and (line[0].isupper() or line[0].isdigit())
    )


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    begin = start
    marker = _ITEM.match(text, start, end)
    for match in _END.finditer(text, marker.end() if marker else start, end):
        stop = match.start() if match["thai"] else match.end()
        if match["thai"] and stop - begin < _THAI_CLAUSE_CHARS:
            continue
        if match["mark"] and not _ends_sentence(text, begin, match, end):
            continue
        spans.append((begin, stop))
        begin = _skip_blank(text, match.end(), end)
        if begin >= end:
            break
    if begin < end:
        spans.append((begin, end))
    return spans


def _skip_blank(text: str, at: int, end: int) -> int:
    while at < end and text[at].isspace():
        at += 1
    return at


_BEFORE = re.compile(r"[^\s(\[“\"'‘«]+$")


def _ends_sentence(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    after = _skip_blank(text, match.end(), end)
    if after >= end:
        return True
    ahead = text[after : after + 24].lstrip("\"'“‘«([*_¿¡")
    if ahead[:1].islower():
        return False
    if not match["mark"].startswith(".") or match["mark"].startswith(".."):
        return True
    before = _BEFORE.search(text, max(begin, match.start() - 40), match.start())
    word = before[0] if before else ""
    following = re.match(r"\w+", ahead)
    starts = following is not None and following[0].casefold() in _STARTERS
    if len(word) == 1 and word.isalpha():
        return starts and text[max(begin, match.start() - 3) : match.start() - 1].strip().islower()
    folded = word.casefold()
    if folded in _ABBREVIATIONS:
        return folded in _CAN_END and starts
    if re.fullmatch(r"(?:\w\.)+\w", word):
        return starts
    return not (word.isdigit() and len(word) <= 3 and after < end and begin + len(word) == match.start())


_CLAUSE = re.compile(r"[;；，,、:]\s*|\s+")


def _shortened(text: str, unit: Unit) -> Iterator[Unit]:
    """Yield a unit in pieces of at most MAX_UNIT_CHARS, cut where a clause or word ends when there is such a place."""
    start = unit.start
    while unit.end - start > MAX_UNIT_CHARS:
        window = text[start : start + MAX_UNIT_CHARS]
        cut = window.rfind("\n", MAX_UNIT_CHARS // 2)
        if cut < 0:
            cuts = [m.end() for m in _CLAUSE.finditer(window, MAX_UNIT_CHARS // 2)]
            cut = cuts[-1] if cuts else MAX_UNIT_CHARS
        piece = text[start : start + cut]
        yield Unit(start, start + len(piece.rstrip()), unit.kind)
        start = _skip_blank(text, start + cut, unit.end)
    if start < unit.end:
        yield Unit(start, unit.end, unit.kind)
