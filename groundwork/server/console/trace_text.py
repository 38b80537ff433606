"""Texts of models as a page may show them: plain, or as Markdown that can neither run, nor load, nor hide anything.

Raw HTML in it stays text. Images are not loaded, wherever they lie: an address in an output could carry what was said to
somebody else. A link is kept where it is `http`, `https` or `mailto`, and what it really points to stands in its title.
Headings become bold lines, so that a model cannot write headings of the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_MARKDOWN = 40_000
MAX_SHOWN = 60_000
SCHEMES = ("http://", "https://", "mailto:")


def markdown(text: str) -> Markup:
    """Return Markdown as safe HTML; a text that is too long to be parsed at once stays plain."""
    if len(text) > MAX_MARKDOWN:
        return plain(text)
    return Markup(_parser().render(text))  # noqa: S704 - the parser escapes all text and knows no raw HTML


def plain(text: str) -> Markup:
    """Return a text as it stands, escaped, in an element that keeps its line ends."""
    return Markup('<p class="as-is">{}</p>').format(cut(text))


def cut(text: str) -> str:
    """Return the beginning of a very long text, and say how much of it is not shown."""
    if len(text) <= MAX_SHOWN:
        return text
    return f"{text[:MAX_SHOWN]}\n… and {len(text) - MAX_SHOWN:,} more characters, which the JSON of the span holds"


def pretty(value: Any) -> str:
    """Return a value as indented JSON, or a text as it is; a text that holds JSON is indented too."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped[:1] not in ("{", "["):
            return cut(value)
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            return cut(value)
    try:
        return cut(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    except (ValueError, RecursionError):
        return cut(str(value))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML

    class Renderer(RendererHTML):
        def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            token = tokens[idx]
            said = token.content.strip() or "without a name"
            return str(
                Markup('<span class="no-image">image “{}”, not loaded: {}</span>').format(
                    said, token.attrGet("src") or ""
                )
            )

        def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            href = str(tokens[idx].attrGet("href") or "")
            if not href.lower().startswith(SCHEMES):
                return str(Markup('<span title="{}">').format(href))
            return str(
                Markup(
                    '<a href="{0}" title="{0}" rel="noopener noreferrer nofollow" target="_blank">'
                ).format(href)
            )

        def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            opened = next(t for t in reversed(tokens[:idx]) if t.type == "link_open")
            kept = str(opened.attrGet("href") or "").lower().startswith(SCHEMES)
            return "</a>" if kept else "</span>"

        def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return '<p class="heading">'

        def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return "</p>\n"

        def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'

        def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return "</table></div>\n"

        def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return '<th scope="col">'

        def td_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            # Alignment would come as an inline style, which no page has.
            return "<td>"

        def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
            return str(
                Markup('<pre class="text" tabindex="0"><code>{}</code></pre>\n').format(tokens[idx].content)
            )

        code_block = fence

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}, renderer_cls=Renderer)
    return parser.enable(["table", "strikethrough"])
