"""The owner's README as HTML: CommonMark without raw HTML and without pictures, so that a page never asks another host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

DEEPER = 2
"""Headings stand so many levels lower, under those of the page."""


def rendered(text: str) -> Markup:
    """Return Markdown as safe HTML; its headings begin at the third level, a picture is shown as its words."""
    parser = _parser()
    tokens = parser.parse(text)
    before = 2
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            # No level is left out on the way down, whatever the author wrote.
            level = min(int(token.tag[1]) + DEEPER, 6)
            level = min(level, before + 1) if token.type == "heading_open" else before
            before, token.tag = level, f"h{level}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704  # escaped by the parser


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _words_of_picture)
    parser.add_render_rule("link_open", _link)
    return parser


def _words_of_picture(renderer: Any, tokens: Sequence[Any], n: int, options: Any, env: Any) -> str:
    from html import escape

    return escape(tokens[n].content)


def _link(renderer: Any, tokens: Sequence[Any], n: int, options: Any, env: Any) -> str:
    tokens[n].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, n, options, env))
