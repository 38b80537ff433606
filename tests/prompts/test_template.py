"""Templates: what holes and sections do, what they refuse, and that a value never becomes anything but text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import GroundworkError, InvalidInputError, TooLargeError
from groundwork.prompts import template
from groundwork.prompts.files import made, parse_prompt
from groundwork.prompts.inputs import read_value
from groundwork.prompts.template import literal, render
from groundwork.prompts.types import PromptInput, PromptMessage

TYPES = {"q": "text", "n": "number", "yes": "boolean", "xs": "list", "o": "json"}
TRICKY = st.text(
    alphabet=st.one_of(st.sampled_from('{}#/^!."\\\n :usertmysian&>='), st.characters(codec="utf-8")),
    max_size=60,
)


def fill(text: str, **values: Any) -> str:
    inputs = [PromptInput(n, t, required=False) for n, t in TYPES.items()]
    prompt = made("t", [PromptMessage("user", text + "|")], inputs, source="given")
    template.check_names(text, inputs)
    (message,) = render(prompt, values)
    return message.text[:-1]


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Hello {{ q }}!", {"q": "Ann"}, "Hello Ann!"),
        ("{{q}}{{ q }}", {"q": "a"}, "aa"),
        ("{{ n }} {{ yes }} {{ o }} {{ xs }}", {"n": 2.5, "yes": True, "o": {"a": "é"}, "xs": []}, '2.5 true {"a": "é"} []'),
        ("{{ o.a.b }}", {"o": {"a": {"b": "deep"}}}, "deep"),
        ("{{# xs }}<{{ . }}>{{/ xs }}", {"xs": ["a", 1, True]}, "<a><1><true>"),
        ("{{# xs }}{{ a }}{{ q }};{{/ xs }}", {"xs": [{"a": 1}, {"a": 2}], "q": "!"}, "1!;2!;"),
        ("{{# xs }}x{{/ xs }}{{^ xs }}none{{/ xs }}", {"xs": []}, "none"),
        ("{{# yes }}on{{/ yes }}{{^ yes }}off{{/ yes }}", {"yes": False}, "off"),
        ("{{# q }}[{{ . }}]{{/ q }}", {"q": "a"}, "[a]"),
        ("{{# q }}[{{ . }}]{{/ q }}", {}, ""),
        ("{{# o }}{{ a }}{{/ o }}", {"o": {"a": "x"}}, "x"),
        ("{{# xs }}{{# t }}{{ t }}{{/ t }},{{/ xs }}", {"xs": [{"t": "a"}, {}]}, "a,,"),
        ("{{# xs }}{{# . }}{{ . }}{{/ . }};{{/ xs }}", {"xs": [[1, 2], [3]]}, "12;3;"),
        ("a\n{{# xs }}\n- {{ . }}\n{{/ xs }}\nb", {"xs": [1, 2]}, "a\n- 1\n- 2\nb"),
        ("a\n  {{! a remark }}  \nb", {}, "a\nb"),
        ("a {{! a remark }} b", {}, "a  b"),
        ('{{ "{{" }} q {{ "}}" }} {{ "\\u00e9" }}', {}, "{{ q }} é"),
        ('{ "a": {"b": {{ n }}}}', {"n": 1}, '{ "a": {"b": 1}}'),
        ("<b>{{ q }}</b>", {"q": "<&'\">"}, "<b><&'\"></b>"),
        ("{{ q }}", {}, ""),
    ],
)  # fmt: skip
def test_holes_and_sections_do_what_they_say(text: str, values: dict[str, Any], expected: str) -> None:
    assert fill(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ q", "never closed"),
        ("{{ }}", "no name"),
        ("{{ q.__class__.__init__ }}", "has no parts"),
        ("{{ q() }}", "no name"),
        ("{{ q | upper }}", "no name"),
        ("{{ 1 + 1 }}", "no name"),
        ("{{{ q }}}", "not allowed"),
        ("{{& q }}", "not allowed"),
        ("{{> /etc/passwd }}", "not allowed"),
        ("{{= <% %> =}}", "not allowed"),
        ("{{% if q %}}", "not allowed"),
        ("{{# xs }}", "never closed"),
        ("{{# xs }}{{# yes }}{{/ xs }}{{/ yes }}", "closes nothing"),
        ("{{/ xs }}", "closes nothing"),
        ("{{ nope }}", "not among the inputs"),
        ("{{# yes }}{{ nope }}{{/ yes }}", "not among the inputs"),
        ("{{ . }}", "outside of every section"),
        ("{{# n }}x{{/ n }}", "number"),
        ('{{ "x }}', "not closed"),
        ('{{ "\\ud800" }}', "not closed"),
        ('{{ "x" q }}', "must end"),
        ("{{# xs }}" * 17 + "{{/ xs }}" * 17, "deep"),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        fill(text)
    assert caught.value.details["line"] == 1
    assert caught.value.hint


def test_an_item_that_lacks_a_part_is_named_with_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"`xs\[1\]` has no `title`"):
        fill("{{# xs }}{{ title }}{{/ xs }}", xs=[{"title": "a"}, {"titel": "b"}])
    with pytest.raises(InvalidInputError, match=r"`o.a` has no `b`"):
        fill("{{ o.a.b }}", o={"a": {}})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, r"needs `q` \(a text\)"),
        ({"q": 1}, "`q` .* takes a text, not a number"),
        ({"q": None}, "not nothing"),
        ({"q": "a", "p": 1}, "has no input `p`"),
        ({"q": "a", "n": "2"}, "`n` .* takes a number, not a text"),
        ({"q": "a", "n": True}, "not a boolean"),
        ({"q": "a", "n": float("nan")}, "not finite"),
        ({"q": "a", "n": 10**400}, "too large"),
        ({"q": "a", "xs": {"a": 1}}, "takes a list, not an object"),
        ({"q": "a", "xs": [object()]}, "holds a object"),
        ({"q": "a", "xs": [{1: 2}]}, "key that is no text"),
        ({"q": b"a"}, "holds a bytes"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_what_is_expected(values: dict[str, Any], words: str) -> None:
    source = "---\ninputs: {q: text, n: {type: number, required: false}, xs: {type: list, required: false}}\n---\n{{ q }}"
    with pytest.raises(InvalidInputError, match=words):
        render(parse_prompt("t", source), values)


def test_a_list_that_refers_to_itself_is_refused() -> None:
    xs: list[Any] = []
    xs.append(xs)
    with pytest.raises(InvalidInputError, match="nested"):
        fill("{{ xs }}", xs=xs)


def test_defaults_stand_in_and_false_is_a_value() -> None:
    prompt = parse_prompt(
        "t", "---\ninputs: {n: {type: number, default: 2}, b: boolean}\n---\n{{ n }} {{ b }}"
    )
    assert render(prompt, {"b": False})[0].text == "2 false"
    assert render(prompt, {"n": 3, "b": True})[0].text == "3 true"


def test_output_and_work_are_bounded() -> None:
    with pytest.raises(TooLargeError, match="longer than"):
        fill("{{ q }}" * 5, q="x" * 1_000_000)
    nested = "{{# xs }}" * 3 + "{{! nothing }}" + "{{/ xs }}" * 3
    with pytest.raises(TooLargeError, match="steps"):
        fill(nested, xs=list(range(2000)))


def test_a_message_that_comes_out_blank_is_left_out_but_not_all_of_them() -> None:
    source = "---\ninputs: {tone: {type: text, required: false}, q: text}\n---\nsystem:\n{{ tone }}\n\nuser:\n{{ q }}"
    prompt = parse_prompt("t", source)
    assert [m.role for m in render(prompt, {"q": "a"})] == ["user"]
    with pytest.raises(InvalidInputError, match="empty with these values"):
        render(prompt, {"q": " "})


@settings(max_examples=300)
@given(TRICKY, TRICKY)
def test_a_value_is_inserted_once_and_stays_text(a: str, b: str) -> None:
    """No value can make a hole, a section or another message."""
    source = (
        "---\ninputs: {a: text, xs: list}\n---\nsystem:\nS\n\n"
        "user:\n<{{ a }}>{{# xs }}[{{ . }}|{{ a }}]{{/ xs }}.\n\nassistant:\nE"
    )
    rendered = render(parse_prompt("t", source), {"a": a, "xs": [b, a]})
    assert [m.role for m in rendered] == ["system", "user", "assistant"]
    assert rendered[1].text == f"<{a}>[{b}|{a}][{a}|{a}]."


@settings(max_examples=300)
@given(TRICKY)
def test_literal_text_renders_as_itself_and_begins_no_message(text: str) -> None:
    prompt = parse_prompt("t", "user:\nX" + literal("\n" + text.replace("\r", "") + "\n") + "Y")
    assert [m.text for m in render(prompt, {})] == ["X\n" + text.replace("\r", "") + "\nY"]


@settings(max_examples=500)
@given(TRICKY)
def test_whatever_is_written_is_a_template_or_an_error_of_ours(text: str) -> None:
    try:
        prompt = parse_prompt("t", text)
        render(prompt, {i.name: "v" for i in prompt.inputs})
    except GroundworkError:
        pass


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [("text", "[1]", "[1]"), ("number", "3", 3), ("boolean", "true", True), ("list", "[1]", [1]), ("json", "null", None)],
)  # fmt: skip
def test_what_is_written_on_a_command_line_is_read_by_type(kind: Any, written: str, value: Any) -> None:
    assert read_value("p", PromptInput("x", kind), written) == value


@pytest.mark.parametrize(
    ("kind", "written"), [("number", "three"), ("list", "a, b"), ("boolean", "yes"), ("json", "[" * 5000)]
)
def test_what_cannot_be_read_names_the_input(kind: Any, written: str) -> None:
    with pytest.raises(InvalidInputError, match="`x`"):
        read_value("p", PromptInput("x", kind), written)


def test_numbers_and_json_are_inserted_as_json_says_them() -> None:
    value = {"a": [1, 1.5, None, "é\n"]}
    assert json.loads(fill("{{ o }}", o=value)) == value
