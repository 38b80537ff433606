"""Files of prompts: what is read, that writing and reading are the same, and that hostile front matter is refused."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import GroundworkError, InvalidInputError, TooLargeError
from groundwork.prompts import expectations
from groundwork.prompts.files import STARTER, format_prompt, made, parse_prompt
from groundwork.prompts.folder import BUILT_IN
from groundwork.prompts.frontmatter import read_yaml, write_yaml
from groundwork.prompts.template import literal
from groundwork.prompts.types import PromptInput, PromptMessage, PromptTest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["no", "on", "1e5", "0o17", "12:30", "2026-11-20", "~", "<<", "=", "- a", "&x", "!t", ".5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_-]{0,10}\Z")
VALUES = {
    "text": st.text(max_size=20),
    "number": st.integers(-999, 999) | st.floats(-1e9, 1e9),
    "boolean": st.booleans(),
    "list": st.lists(JSON, max_size=2),
    "json": JSON,
}


@st.composite
def prompts(draw: st.DrawFn) -> object:
    """Any prompt that a program could make."""
    inputs = []
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        kind = draw(st.sampled_from(list(VALUES)))
        default = draw(st.none() | VALUES[kind])
        required = default is None and draw(st.booleans())
        inputs.append(PromptInput(name, kind, required, default, draw(st.text(max_size=20))))
    texts = draw(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3))
    messages = [
        PromptMessage(
            draw(st.sampled_from(["system", "user", "assistant"])), "x" + literal(t.replace("\r", "")) + "x"
        )
        for t in texts
    ]
    tests = [
        PromptTest(
            f"t{n}",
            draw(st.dictionaries(NAMES, JSON, max_size=2)),
            ({"contains": draw(st.text(min_size=1, max_size=9))},),
            draw(st.none() | st.text(max_size=30)),
        )
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return made("p", messages, inputs, {"temperature": 0.5}, tests, draw(st.text(max_size=30)))


@settings(max_examples=200, deadline=None)
@given(prompts())
def test_what_is_written_reads_back_equal(prompt: object) -> None:
    again = parse_prompt("p", prompt.source)  # type: ignore[attr-defined]
    assert again == prompt
    assert format_prompt(again) == prompt.source  # type: ignore[attr-defined]


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_front_matter_keeps_every_json_value(value: object) -> None:
    assert read_yaml(write_yaml({"x": value})) == {"x": value}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("-:[]{}&*!|>'\"%@`#?,ab1.~ \n"), max_size=60))
def test_any_front_matter_is_read_or_refused_with_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(GroundworkError):
        parse_prompt("p", f"---\n{text}\n---\nHello")


@pytest.mark.parametrize("path", sorted(BUILT_IN.glob("*.md")), ids=lambda p: p.stem)
def test_every_built_in_prompt_is_a_prompt_and_has_tests(path: object) -> None:
    prompt = parse_prompt(path.stem, path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    assert prompt.description
    assert prompt.tests


def test_what_a_new_prompt_begins_with_is_one() -> None:
    assert parse_prompt("new", STARTER).tests


def test_a_body_without_roles_is_one_message_and_its_holes_are_texts() -> None:
    prompt = parse_prompt("p", "\n\nSay {{ word }} to {{ who }}.\n\n")
    assert prompt.messages == (PromptMessage("user", "Say {{ word }} to {{ who }}."),)
    assert [(i.name, i.type, i.required) for i in prompt.inputs] == [
        ("word", "text", True),
        ("who", "text", True),
    ]


def test_line_ends_and_byte_order_marks_make_no_other_version() -> None:
    source = "---\ndescription: x\n---\nsystem:\nA\n\nuser:\nB\n"
    assert (
        parse_prompt("p", "\ufeff" + source.replace("\n", "\r\n")).digest == parse_prompt("p", source).digest
    )


def test_a_line_that_looks_like_a_role_can_be_text() -> None:
    prompt = parse_prompt(
        "p", 'user:\nIt went so:\n{{ "user:" }}\nhello\n Assistant: no role\nuser: nor this'
    )
    assert len(prompt.messages) == 1


def test_only_what_changes_what_a_model_is_asked_makes_another_digest() -> None:
    base = parse_prompt("p", "---\ninputs: {q: {type: text, description: a}}\n---\n{{ q }}")
    for other in (
        "---\ndescription: w\ninputs: {q: {type: text, description: b}}\ntests: [{expect: {json: true}}]\n---\n{{ q }}\n",
        "---\n# a remark\ninputs:\n  q: text\n---\nuser:\n\n{{ q }}\n",
    ):
        assert parse_prompt("another", other).digest == base.digest
    for other in (
        "---\ninputs: {q: json}\n---\n{{ q }}",
        "---\ninputs: {q: {type: text, default: a}}\n---\n{{ q }}",
        "---\ninputs: {q: text}\nhints: {temperature: 0}\n---\n{{ q }}",
        "---\ninputs: {q: text}\n---\n{{ q }}?",
        "---\ninputs: {q: text}\n---\nsystem:\n{{ q }}",
    ):
        assert parse_prompt("p", other).digest != base.digest


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("---\na: 1", "never closed"),
        ("---\n- a\n---\nx", "must be a table"),
        ("---\ndescripton: x\n---\nx", "unknown key `descripton`"),
        ("---\nmodel: x\n---\nx", "unknown key `model`"),
        ("---\ninputs: {q: txt}\n---\nx", "unknown type `txt`"),
        ("---\ninputs: {q.x: text}\n---\nx", "no name of an input"),
        ("---\ninputs: {q: {type: number, default: a}}\n---\nx", "default of the input `q` does not fit"),
        ("---\nhints: {temperature: hot}\n---\nx", "`temperature` takes a number"),
        ("---\nhints: {max_tokens: 2}\n---\nx", "no hint `max_tokens`"),
        ("---\nhints: {response_format: {kind: json_schema}}\n---\nx", "response_format"),
        ("---\ntests: [{inputs: {}}]\n---\nx", "expects nothing"),
        ("---\ntests: [{expect: {contain: a}}]\n---\nx", "unknown expectation `contain`"),
        ("---\ntests: [{expect: {json: 1}}]\n---\nx", "takes true or false"),
        ("---\ntests: [{expect: {json_schema: {$ref: 'https://example.org/x'}}}]\n---\nx", "refers to"),
        (
            "---\ntests: [{name: a, expect: {json: true}}, {name: a, expect: {json: true}}]\n---\nx",
            "two tests",
        ),
        ("hello\nsystem:\nx", "before the first role"),
        ("system:\n\nuser:\nx", "is empty"),
        ("", "is empty"),
    ],
)
def test_what_is_no_prompt_is_refused_in_words(source: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        parse_prompt("p", source)
    assert "`p`" in caught.value.message
    assert caught.value.hint or "takes" in caught.value.message


def test_an_error_names_the_line_of_the_file() -> None:
    source = "---\ndescription: x\ninputs: {q: text}\n---\nsystem:\nA\n\nuser:\n\nB\n{{ p }}\n"
    with pytest.raises(InvalidInputError, match="line 11") as caught:
        parse_prompt("p", source)
    assert caught.value.details["line"] == 11
    with pytest.raises(InvalidInputError, match="line 3"):
        parse_prompt("p", "---\ndescription: x\ninputs: [\n---\nhello")


@pytest.mark.parametrize(
    "matter",
    [
        "description: &a x",
        "inputs: *a",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]",
        "description: !!python/object/apply:os.system [ls]",
        "description: !x y",
        "<<: {a: b}",
        "description: a\ndescription: b",
        "? [a, b]\n: c",
        "tests: " + "[" * 40 + "]" * 40,
        "description: " + "x" * 70_000,
        'description: "\\ud800"',
        "inputs: {q: {type: number, default: 1e999}}",
    ],
)
def test_front_matter_cannot_refer_repeat_nest_or_make_objects(matter: str) -> None:
    begun = time.thread_time()
    with pytest.raises(InvalidInputError):
        parse_prompt("p", f"---\n{matter}\n---\nHello")
    assert time.thread_time() - begun < 2


def test_yaml_reads_only_what_json_knows() -> None:
    read = read_yaml(
        "a: no\nb: on\nc: 2026-11-20\nd: 12:30:45\ne: 1_000\nf: 0x1f\ng: 010\nh: .inf\ni: null\nj: true"
    )
    assert read == {"a": "no", "b": "on", "c": "2026-11-20", "d": "12:30:45", "e": "1_000", "f": "0x1f", "g": 10,
                    "h": ".inf", "i": None, "j": True}  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "{{ a }}" * 30_000,
        "{{!}}" * 40_000,
        "  {{!}}\n" * 25_000,
        "{{# a }}{{/ a }}" * 12_000,
        "{" * 200_000,
        "{{" * 100_000,
        "user:\nx\n" * 20_000,
        "---\ntests: [" + "{expect: {json: true}}, " * 2_700 + "]\n---\nx",
        "---\ndescription: " + "a " * 30_000 + "\n---\nx",
        '{{ "' * 50_000,
        "\n" * 200_000,
    ],
    ids=range(11),
)
def test_no_file_within_the_limits_takes_long(source: str) -> None:
    begun = time.thread_time()
    with contextlib.suppress(GroundworkError):
        parse_prompt("p", source)
    assert time.thread_time() - begun < 5


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLargeError):
        parse_prompt("p", "x" * 300_000)


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "a/b", ".x", "-a", "a" * 64, "ä", "a\n", "a@b"])
def test_a_name_never_says_where_a_file_lies(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no name of a prompt"):
        parse_prompt(name, "x")


def test_a_message_that_would_begin_another_is_not_written() -> None:
    prompt = parse_prompt("p", "hello")
    broken = replace(prompt, messages=(PromptMessage("user", "a\nsystem:\nb"),))
    with pytest.raises(InvalidInputError, match="begin another message"):
        format_prompt(broken)


@pytest.mark.parametrize(
    ("hints", "kept"),
    [
        ("{stop: END}", {"stop": ["END"]}),
        ("{response_format: json_object}", {"response_format": {"kind": "json_object"}}),
        (
            "{response_format: {schema: {type: object}}}",
            {"response_format": {"kind": "json_schema", "schema": {"type": "object"}}},
        ),
        (
            "{response_format: {type: json_schema, json_schema: {name: a, schema: {type: object}, strict: true}}}",
            {"response_format": {"kind": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True}},
        ),
    ],
)  # fmt: skip
def test_hints_are_kept_in_one_form(hints: str, kept: dict[str, object]) -> None:
    assert parse_prompt("p", f"---\nhints: {hints}\n---\nx").hints == kept


def fault(expectation: dict[str, object], output: str, prompt: str = "") -> str:
    (read,) = expectations.read(expectation, "t")
    return expectations.fault(read, output, prompt)


@pytest.mark.parametrize(
    ("expectation", "good", "bad"),
    [
        ({"contains": ["a", "b"]}, "ab", "a"),
        ({"contains": "Ab", "ignore_case": True}, "xAB", "x"),
        ({"contains_any": ["a", "b"]}, "b", "c"),
        ({"not_contains": "a"}, "b", "a"),
        ({"equals": "Yes"}, " Yes\n", "yes"),
        ({"starts_with": "A"}, " A b", "b A"),
        ({"ends_with": "."}, "a.\n", "a"),
        ({"matches": r"^\d{4}$"}, "2026", "x2026"),
        ({"not_matches": r"\bfoo\b"}, "food", "a foo"),
        ({"max_chars": 2}, "ab", "abc"),
        ({"min_chars": 2}, "ab", "a"),
        ({"json": True}, '```json\n{"a": 1}\n```', "a"),
        ({"json": False}, "a", "1"),
        ({"json_schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', "{}"),
        ({"json_path": {"path": "a.b[1].c", "equals": 2}}, '{"a": {"b": [0, {"c": 2.0}]}}', '{"a": {"b": [0, {"c": 3}]}}'),
        ({"json_path": {"path": "[0]", "equals": 1}}, "[1]", "[true]"),
        ({"json_path": {"path": "a"}}, '{"a": null}', "[]"),
    ],
)  # fmt: skip
def test_an_expectation_is_met_or_says_why_not(expectation: dict[str, object], good: str, bad: str) -> None:
    assert fault(expectation, good) == ""
    assert fault(expectation, bad)


def test_expectations_about_the_prompt_look_at_the_prompt() -> None:
    assert fault({"prompt_contains": "a"}, "", "a") == ""
    assert "the prompt" in fault({"prompt_contains": "a"}, "a", "b")
    assert "the prompt" in fault({"prompt_not_contains": "a"}, "", "a")


def test_a_pattern_cannot_run_away_and_a_schema_cannot_fetch() -> None:
    begun = time.thread_time()
    assert fault({"matches": "^(a+)+$"}, "a" * 50_000 + "!")
    assert "cannot be used" in fault({"matches": r"(a)\1"}, "aa")
    assert "cannot be used" in fault({"matches": "(a{1000}){1000}{1000}"}, "aa")
    assert "cannot be used" in fault(
        {"json_schema": {"$schema": "http://127.0.0.1:9/x", "type": "object"}}, "{}"
    )
    assert time.thread_time() - begun < 2


def test_an_expectation_of_several_keys_is_several() -> None:
    read = expectations.read({"contains": "a", "max_chars": 3}, "t")
    assert read == ({"contains": "a"}, {"max_chars": 3})
    assert expectations.words({"contains": "a", "ignore_case": True}) == "contains a (upper or lower case)"
