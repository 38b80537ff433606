"""Texts of models on a page: readable, and unable to run, load or hide anything; messages in every form are read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.server.console import trace_messages as reading
from groundwork.server.console.trace_text import MAX_MARKDOWN, MAX_SHOWN, cut, markdown, plain, pretty
from groundwork.telemetry.types import Span
from tests.console.sample_traces import HOSTILE, answer_trace

ALLOWED = {
    "p",
    "a",
    "span",
    "strong",
    "em",
    "s",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "hr",
    "br",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


def test_markdown_is_shown_as_such() -> None:
    found = str(
        markdown(
            "# Title\n\n**bold** `code`\n\n- one\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```py\nx < 1\n```"
        )
    )
    assert '<p class="heading">Title</p>' in found
    assert "<strong>bold</strong> <code>code</code>" in found
    assert '<th scope="col">a</th>' in found
    assert "x &lt; 1" in found
    assert "style=" not in found


@pytest.mark.parametrize(
    "attack",
    [
        HOSTILE,
        "<iframe src=//evil.example>",
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html,x)",
        "![x](http://evil.example/p.png)",
        "![x](/static/mark.svg)",
        "<svg onload=alert(1)>",
        "[a]: javascript:x\n\n[a]",
        "<a href='http://x' onclick=alert(1)>y</a>",
        '[x](http://a"onmouseover="alert(1))',
        "[r](/keys/1/revoke)",
    ],
)
def test_nothing_in_a_text_runs_or_loads(attack: str) -> None:
    _check(str(markdown(attack)))
    assert "<" not in str(plain(attack)).replace('<p class="as-is">', "").replace("</p>", "")


@given(st.text(alphabet=st.sampled_from("<>\"'&[]()!`*_#|-\n ahtp:/.javscrip\\\t"), max_size=200))
def test_no_text_at_all_makes_an_element_that_is_not_meant(text: str) -> None:
    _check(str(markdown(text)))


def test_very_long_texts_are_cut_and_said_to_be() -> None:
    assert "1,000 more characters" in cut("x" * (MAX_SHOWN + 1000))
    assert str(markdown("**" + "x" * MAX_MARKDOWN)).startswith('<p class="as-is">')
    assert len(pretty(["x" * 10**6])) < MAX_SHOWN + 200


def test_deep_nesting_is_survived() -> None:
    _check(str(markdown(">" * 3000 + " x")))
    _check(str(markdown("[" * 5000)))
    assert pretty("[" * 100_000).startswith("[")


def test_json_in_a_text_is_indented_and_other_text_left_alone() -> None:
    assert pretty('{"a": [1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert pretty("{not json") == "{not json"
    assert pretty(12) == "12"


def test_messages_parts_passages_and_tools_are_read() -> None:
    spans = {s.name: s for s in answer_trace(0)}
    call = spans["chat gpt-5-mini"]
    assert [m.role for m in reading.said_to(call)] == ["system", "user"]
    assert reading.said_by(call)[0].parts[0].text.startswith("**Up to five")
    found = reading.passages(spans["search default"])
    assert [(p.rank, p.document_id, p.cited) for p in found] == [
        (1, "doc_leave", True),
        (2, "doc_leave", False),
    ]
    assert reading.tool_call(call) is None


def test_a_tool_without_attributes_shows_its_texts() -> None:
    span = Span("t" * 32, "s" * 16, "book", 0, 1, kind="tool", input='{"a": 1}', output="done")
    assert reading.tool_call(span) == reading.ToolCall("book", '{"a": 1}', "done")
    assert reading.said_to(span) == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "[",
        5,
        {},
        [],
        [None],
        [[[]]],
        {"role": 3},
        [{"parts": 7}],
        "x" * 10,
        [{"parts": [None, 3, {"type": []}]}],
    ],
)
def test_no_attribute_breaks_the_panel(value: object) -> None:
    names = (
        *reading.INPUTS,
        *reading.OUTPUTS,
        *reading.PASSAGES,
        reading.TOOL_ARGUMENTS,
        "gen_ai.tool.definitions",
    )
    span = Span("t" * 32, "s" * 16, "x", 0, 1, attributes=dict.fromkeys(names, value))
    (
        reading.said_to(span),
        reading.said_by(span),
        reading.passages(span),
        reading.tool_call(span),
        reading.tools_offered(span),
    )


def _check(html: str) -> None:
    for tag, attributes in re.findall(r"<([a-zA-Z][\w-]*)([^>]*)>", html):
        assert tag in ALLOWED, tag
        names = re.findall(r'([\w-]+)="[^"]*"', attributes)
        assert set(names) <= {
            "class",
            "href",
            "title",
            "rel",
            "target",
            "tabindex",
            "role",
            "aria-label",
            "scope",
            "start",
        }, attributes
        for href in re.findall(r'href="([^"]*)"', attributes):
            assert href.lower().startswith(("http://", "https://", "mailto:"))
