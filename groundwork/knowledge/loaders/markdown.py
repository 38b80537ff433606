"""Markdown: the source stays the stored text (citations show what people wrote); front matter becomes meta."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from groundwork.knowledge.loaders._text import parsed
from groundwork.knowledge.loaders.text import stored_text
from groundwork.knowledge.types import Mark, Parsed

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"\A(-{3}|\+{3})[ \t]*\n(.*?)(?:^|\n)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FACT = re.compile(r"^([A-Za-z][\w -]*?)\s*[:=]\s*(\S.*)$", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\{:?\s*[#.][^{}\n]*\}$")
_LINK = re.compile(
    r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()]*)*(?:\s+[\"'][^\"']*[\"'])?\)|\[[^\]]*\])"
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_EMPHASIS = re.compile(r"(?<!\\)(\*{1,3}|~~|`+)")
_UNDERSCORES = re.compile(r"(?<![\w\\])_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)")
_KEPT_FACTS = frozenset(
    {"author", "authors", "date", "created", "updated", "description", "summary", "subject", "tags", "slug"}
)


class Markdown:
    """Read Markdown (CommonMark and tables; front matter in YAML or TOML; attribute lists as MkDocs writes them)."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/markdown",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Keep the text and mark its headings, tables, code and lists."""
        text, warnings = stored_text(data)
        facts, text = front_matter(text)
        marks = marks_of(text)
        title = facts.pop("title", "") or first_title(marks)
        language = facts.pop("language", "") or facts.pop("lang", "")
        meta = {k: v for k, v in facts.items() if k in _KEPT_FACTS}
        return parsed(text, marks, title=title, language=language, meta=meta, warnings=warnings)


def front_matter(text: str) -> tuple[dict[str, str], str]:
    """Split front matter off: its plain `key: value` facts with lower-case keys, and the text after it."""
    found = _FRONT.match(text)
    if not found or (found[2].strip() and not _FACT.search(found[2])):
        return {}, text
    facts = {k.lower().strip(): v.strip().strip("\"'") for k, v in _FACT.findall(found[2])}
    return facts, text[found.end() :].strip("\n")


def first_title(marks: Sequence[Mark]) -> str:
    """Return the label of the first heading if it is of the first level: what the document calls itself."""
    heading = next((m for m in marks if m.kind == "heading"), None)
    return heading.label if heading and heading.level == 1 else ""


def plain(source: str) -> str:
    """Return a line of Markdown without its marks: link texts, no emphasis, no attribute list."""
    source = _ATTRIBUTES.sub("", source.rstrip()).rstrip()
    source = _TAG.sub("", _LINK.sub(r"\1", source))
    source = _UNDERSCORES.sub("", _EMPHASIS.sub("", source))
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", source).strip()


def marks_of(text: str) -> list[Mark]:
    """Return the marks of normalised Markdown: headings of the document itself, and all tables, code and outer lists."""
    lines = _Lines(text)
    marks: list[Mark] = []
    tokens = _reader().parse(text)
    for place, token in enumerate(tokens):
        if token.map is not None:
            mark = _mark(token, tokens[place + 1] if place + 1 < len(tokens) else token, lines)
            if mark is not None and mark.end > mark.start:
                marks.append(mark)
    return marks


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable("table")
    reader.core.ruler.disable(["inline", "text_join"], ignoreInvalid=True)  # blocks are all that marks need
    return reader


def _mark(token: Token, following: Token, lines: _Lines) -> Mark | None:
    start, end = lines.range(*(token.map or (0, 0)))
    if token.type == "heading_open" and token.level == 0:
        return Mark("heading", start, end, plain(following.content), int(token.tag[1:]))
    if token.type in ("fence", "code_block"):
        words = token.info.split() if token.info else [""]
        return Mark("code", start, end, words[0].strip("{}.").lower())
    if token.type == "table_open":
        return Mark("table", start, end)
    if token.type in ("bullet_list_open", "ordered_list_open") and token.level == 0:
        return Mark("list", start, end)
    return None


class _Lines:
    """Where each line of a text starts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(m.end() for m in re.finditer("\n", text)), len(text) + 1]

    def range(self, first: int, behind: int) -> tuple[int, int]:
        """Return the characters of lines `[first, behind)` without blank lines at the end."""
        last = len(self._starts) - 1
        start = min(self._starts[min(first, last)], len(self._text))
        end = min(self._starts[min(behind, last)] - 1, len(self._text))
        return start, start + len(self._text[start:end].rstrip())


plugin = Markdown
