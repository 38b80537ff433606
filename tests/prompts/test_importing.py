"""Prompts of other tools: what is taken, what is changed, what is left out, and that nothing is executed or fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL
from groundwork.prompts.files import parse_prompt
from groundwork.prompts.importing import IMPORTERS, ORDER, import_prompts, importer_of
from groundwork.prompts.importing._convert import assemble, from_f_string, slug
from groundwork.prompts.store import Prompts
from groundwork.prompts.template import render


def bring(prompts: Prompts, path: Path, **options: Any) -> dict[str, Any]:
    report = import_prompts(prompts, LOCAL, path, **options)
    return {i.name: i for i in report.items}


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_every_importer_is_in_the_order_in_which_they_are_asked() -> None:
    assert set(IMPORTERS.names()) == set(ORDER)


def test_a_folder_of_texts_is_taken_under_names_made_of_paths(prompts: Prompts, tmp_path: Path) -> None:
    source = write(
        tmp_path / "in",
        summary__txt="Summarise {{ text }}.",
        own__md="---\ndescription: x\n---\nuser:\nHi",
        README__md="no",
    )
    write(
        source / "Sales Team",
        First_Mail__md="Dear {{ name }}",
        odd__txt="Compute {{ 1 + 1 }} and {name}",
        empty__txt=" \n",
    )
    found = bring(prompts, source)
    assert {n: i.outcome for n, i in found.items()} == {
        "own": "written", "summary": "written", "sales-team-first_mail": "written", "sales-team-odd": "written",
        "sales-team-empty": "skipped",
    }  # fmt: skip
    assert prompts.render(LOCAL, "sales-team-odd", {})[0].text == "Compute {{ 1 + 1 }} and {name}"
    assert "plain text" in found["sales-team-odd"].notes[0]
    assert prompts.render(LOCAL, "summary", {"text": "this"})[0].text == "Summarise this."


def test_an_import_is_repeatable_and_keeps_what_is_there(prompts: Prompts, tmp_path: Path) -> None:
    source = write(tmp_path / "in", say__txt="Say {{ word }}.")
    assert bring(prompts, source, dry_run=True)["say"].outcome == "written"
    assert not prompts.folder.path.exists()
    assert bring(prompts, source)["say"].outcome == "written"
    assert bring(prompts, source)["say"].outcome == "unchanged"
    first = prompts.write(LOCAL, "say", "Mine {{ word }}")
    assert bring(prompts, source)["say"].outcome == "kept"
    assert prompts.get(LOCAL, "say").digest == first.digest
    assert bring(prompts, source, overwrite=True)["say"].outcome == "written"
    assert len(prompts.versions(LOCAL, "say")) == 2


def test_links_out_of_the_folder_are_left(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    source = write(tmp_path / "in", a__txt="a")
    (source / "evil.txt").symlink_to(tmp_path / "secret.txt")
    config = "prompts: ['file://../secret.txt', 'file:///etc/hostname']\ntests: []\n"
    write(source, promptfooconfig__yaml=config)
    found = bring(prompts, source)
    assert [i.outcome for i in found.values()] == ["written", "skipped", "skipped", "skipped"]
    assert all("secret" not in p.read_text() for p in prompts.folder.path.iterdir())


PROMPTFOO = """
prompts:
- "Translate to {{language}}: {{ input }}"
- id: file://chat.json
  label: Chat
- file://program.py
- "{% if x %}a{% endif %}"
- "{{ input | upper }}"
providers: [openai:gpt-5-mini]
defaultTest:
  vars: {extra: 1}
  assert:
  - {type: not-contains, value: sorry}
tests:
- description: a word
  vars: {language: [French, German], input: Hello}
  assert:
  - {type: icontains, value: BONJOUR}
  - {type: is-json, value: {type: object}}
  - {type: regex, value: "\\\\d+"}
  - {type: contains-any, value: [a, b]}
  - {type: llm-rubric, value: is polite}
  - {type: javascript, value: output.length > 3}
  - {type: contains, value: "{{ input }}"}
- vars: {input: file://big.txt}
- vars: {input: a}
  prompts: [Chat]
  assert: [{type: equals, value: b}]
"""


def test_a_promptfoo_configuration_comes_with_its_tests_and_a_list_of_what_does_not(
    prompts: Prompts, tmp_path: Path
) -> None:
    chat = [{"role": "system", "content": "You are {{who}}"}, {"role": "user", "content": "{{input}}"}]
    source = write(
        tmp_path / "Mails",
        promptfooconfig__yaml=PROMPTFOO,
        chat__json=json.dumps(chat),
        program__py="raise SystemExit",
    )
    found = bring(prompts, source / "promptfooconfig.yaml")
    assert {n: i.outcome for n, i in found.items()} == {
        "mails-1": "written", "chat": "written", "mails-3": "skipped", "mails-4": "skipped", "mails-5": "skipped",
    }  # fmt: skip
    notes = " ".join(found["mails-1"].notes)
    for words in (
        "`llm-rubric` is not taken",
        "`javascript` is not taken",
        "`contains` is not taken",
        "another file",
        "providers",
        "extra",
    ):
        assert words in notes
    first = prompts.get(LOCAL, "mails-1").template
    assert [t.name for t in first.tests] == ["a word (1)", "a word (2)"]
    assert [dict(t.inputs) for t in first.tests] == [
        {"language": "French", "input": "Hello"},
        {"language": "German", "input": "Hello"},
    ]
    assert first.tests[0].expect == (
        {"not_contains": "sorry"}, {"contains": "BONJOUR", "ignore_case": True}, {"json_schema": {"type": "object"}},
        {"matches": "\\d+"}, {"contains_any": ["a", "b"]},
    )  # fmt: skip
    second = prompts.get(LOCAL, "chat").template
    assert [m.role for m in second.messages] == ["system", "user"]
    assert [t.name for t in second.tests] == ["a word (1)", "test 3"]


def lc(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain_core", "prompts", "chat", kind],
        "kwargs": kwargs,
    }


def chat(*messages: Any, **more: Any) -> str:
    return json.dumps(lc("ChatPromptTemplate", messages=list(messages), **more))


def text(template: str, form: str = "f-string") -> dict[str, Any]:
    return lc("PromptTemplate", template=template, template_format=form)


def test_a_chat_prompt_of_the_hub_becomes_messages_with_holes(prompts: Prompts, tmp_path: Path) -> None:
    hub = chat(
        lc("SystemMessagePromptTemplate", prompt=text('Be {tone}. {{"a": {{{q}}}}}\nuser:\nno role')),
        lc("MessagesPlaceholder", variable_name="history", optional=True),
        lc("HumanMessagePromptTemplate", prompt=text("{{q}}{{#docs}} {{{text}}}{{/docs}}", "mustache")),
        lc("AIMessage", content="Sure {{"),
        partial_variables={"tone": "calm"},
    )
    found = bring(
        prompts, write(tmp_path / "in", my_hub__json=json.dumps({"manifest": {"first": json.loads(hub)}}))
    )
    assert found["my_hub"].outcome == "written"
    assert "conversation" in found["my_hub"].notes[0]
    values = {"q": "why", "docs": [{"text": "<a>"}], "history": [{"role": "user", "content": "hi"}]}
    rendered = prompts.render(LOCAL, "my_hub", values)
    assert [(m.role, m.text) for m in rendered] == [
        ("system", 'Be calm. {"a": {why}}\nuser:\nno role'),
        ("user", "user: hi\n"),
        ("user", "why <a>"),
        ("assistant", "Sure {{"),
    ]  # fmt: skip


def test_text_prompts_structured_prompts_and_old_files_are_taken(prompts: Prompts, tmp_path: Path) -> None:
    structured = lc(
        "StructuredPrompt",
        messages=[lc("HumanMessagePromptTemplate", prompt=text("{q}"))],
        schema_={"type": "object"},
    )
    source = write(
        tmp_path / "in",
        old__yaml="_type: prompt\ninput_variables: [name]\ntemplate: 'Hello {name}'\n",
        structured__json=json.dumps(structured),
        jinja__json=json.dumps(text("Hi {{ name }}", "jinja2")),
    )
    found = bring(prompts, source)
    assert {i.outcome for i in found.values()} == {"written"}
    assert prompts.get(LOCAL, "structured").template.hints["response_format"]["schema"] == {"type": "object"}
    assert prompts.render(LOCAL, "old", {"name": "Ann"})[0].text == "Hello Ann"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (chat(lc("HumanMessagePromptTemplate", prompt=text("{a.b}"))), "more than a name"),
        (chat(lc("HumanMessagePromptTemplate", prompt=text("{a!r}"))), "more than a name"),
        (chat(lc("HumanMessagePromptTemplate", prompt=text("{a"))), "do not match"),
        (chat(lc("HumanMessagePromptTemplate", prompt=text("{% for x in y %}", "jinja2"))), "logic"),
        (chat(lc("HumanMessagePromptTemplate", prompt=text("{{> file }}", "mustache"))), "not allowed"),
        (chat(lc("HumanMessagePromptTemplate", prompt=[lc("ImagePromptTemplate", template={})])), "no text"),
        (chat(lc("ChatMessagePromptTemplate", role="Jedi", prompt=text("x"))), "no counterpart"),
        (chat(lc("HumanMessagePromptTemplate", prompt=text("x", "format99"))), "not known"),
        (json.dumps(lc("FewShotPromptTemplate", examples=[])), "no counterpart"),
        (json.dumps({"_type": "prompt", "template_path": "/etc/passwd"}), "another file"),
        (chat(), "no text"),
    ],
)
def test_what_has_no_counterpart_is_left_with_the_reason(
    prompts: Prompts, tmp_path: Path, body: str, words: str
) -> None:
    found = bring(prompts, write(tmp_path / "in", a__json=body) / "a.json", kind="langchain")
    assert found["a"].outcome == "skipped"
    assert words in found["a"].notes[0]
    assert not prompts.folder.path.exists()


DOTPROMPT = """---
model: googleai/gemini
description: Extracts.
config: {temperature: 0.7, maxOutputTokens: 50, topK: 3}
input:
  schema:
    text: string, what to read
    loud?: boolean
    items(array, some): string
  default: {text: nothing}
output: {format: json, schema: {name: string}}
---
{{role "system"}}
You extract. {{! a remark }}
{{history}}
{{role "user"}}
{{#if loud}}LOUD{{else}}quiet{{/if}}
{{#each items}}
- {{this}}
{{/each}}
{{{text}}}
"""


def test_a_dotprompt_file_keeps_roles_sections_and_parameters(prompts: Prompts, tmp_path: Path) -> None:
    found = bring(prompts, write(tmp_path / "in", extract__prompt=DOTPROMPT))
    prompt = prompts.get(LOCAL, "extract").template
    assert prompt.hints == {
        "temperature": 0.7,
        "max_output_tokens": 50,
        "response_format": {"kind": "json_object"},
    }
    assert [(i.name, i.type, i.required, i.default) for i in prompt.inputs] == [
        ("text", "text", False, "nothing"), ("loud", "boolean", False, None), ("items", "list", True, None),
    ]  # fmt: skip
    rendered = render(prompt, {"items": ["a", "b"]})
    assert [(m.role, m.text) for m in rendered] == [
        ("system", "You extract. "),
        ("user", "quiet\n- a\n- b\nnothing"),
    ]
    notes = " ".join(found["extract"].notes)
    assert all(words in notes for words in ("googleai/gemini", "history", "Picoschema"))


@pytest.mark.parametrize(
    "body", ["{{media url=x}}", "{{#each xs as |x|}}{{x}}{{/each}}", "{{json x}}", "{{>partial}}", "{{#if}}"]
)
def test_helpers_of_handlebars_are_left(prompts: Prompts, tmp_path: Path, body: str) -> None:
    assert bring(prompts, write(tmp_path / "in", a__prompt=f"Hi {body}"))["a"].outcome == "skipped"


PROMPTY = """---
name: Basic
description: A basic prompt
model:
  api: chat
  parameters: {max_tokens: 128}
inputs:
  question: {type: string, sample: "Hi?"}
  firstName: {type: string, default: User}
---
System:
You talk to {{firstName}}.

# user:
{{question}}
"""


def test_a_prompty_file_keeps_inputs_and_parameters(prompts: Prompts, tmp_path: Path) -> None:
    bring(prompts, write(tmp_path / "in", basic__prompty=PROMPTY))
    rendered = prompts.render(LOCAL, "basic", {"question": "Why?"})
    assert [(m.role, m.text) for m in rendered] == [("system", "You talk to User."), ("user", "Why?")]
    assert prompts.get(LOCAL, "basic").template.hints == {"max_output_tokens": 128}


def test_what_is_nothing_is_said(prompts: Prompts, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        import_prompts(prompts, LOCAL, tmp_path / "nothing")
    with pytest.raises(InvalidInputError, match="known"):
        import_prompts(prompts, LOCAL, write(tmp_path / "in", a__bin="x") / "a.bin")
    with pytest.raises(NotFoundError, match="prompt-importer"):
        import_prompts(prompts, LOCAL, tmp_path, kind="excel")


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "kwargs",
                        "messages",
                        "prompt",
                        "template",
                        "_type",
                        "prompts",
                        "tests",
                        "assert",
                        "vars",
                        "role",
                        "content",
                    ]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_imported_or_refused_with_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    for name in ("langchain", "promptfoo"):
        importer = IMPORTERS.make(name)
        importer.reads(path)
        try:
            for found in importer.prompts(path):
                assert found.origin
        except GroundworkError:
            pass
    importer_of(path)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["{{", "}}", "{a}", "{b}", "x", "user:", "\n", '"', " ", "#", "{a}{b}"]), max_size=12
    ).map("".join)
)
def test_a_format_string_means_the_same_after_conversion(written: str) -> None:
    try:
        expected = written.format(a="<{{ b }}>", b="B")
        prompt = assemble("p", [("user", "X" + from_f_string(written) + "X")])
    except (ValueError, KeyError, IndexError):
        return
    values = {i.name: {"a": "<{{ b }}>", "b": "B"}[i.name] for i in prompt.inputs}
    assert render(prompt, values)[0].text == f"X{expected}X"


@given(st.text(max_size=80))
def test_any_text_makes_a_name_or_none(written: str) -> None:
    name = slug(written)
    if name:
        parse_prompt(name, "hello")
