"""A prompt as a file: YAML front matter, then messages, each below a line with its role.

    ---
    description: Says hello.
    inputs:
      name: text
    hints:
      temperature: 0
    tests:
    - inputs: {name: Ann}
      expect:
      - prompt_contains: Ann
    ---
    system:
    You are friendly.

    user:
    Say hello to {{ name }}.

A body without such lines is one message of the user. Blank lines around a message are no part of it. A line that is only
`user:` and is meant as text is written `{{ "user:" }}`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast, get_args

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.prompts import expectations, template
from groundwork.prompts.frontmatter import read_yaml, write_yaml
from groundwork.prompts.hints import HINTS, check_hints
from groundwork.prompts.inputs import WORDS, fits, plain_json
from groundwork.prompts.types import (
    InputType,
    MessageRole,
    PromptInput,
    PromptMessage,
    PromptTemplate,
    PromptTest,
)

MAX_BYTES = 256 * 1024
MAX_TESTS = 500
MAX_MESSAGES = 200
FORM = "prompt/1"
"""Part of every digest: another meaning of the same text would be another form."""

STARTER = """\
---
description: Says in one line what the prompt is for.
inputs:
  text:
    type: text
    description: What is to be summarised.
  sentences:
    type: number
    default: 2
hints:
  temperature: 0
  max_output_tokens: 300
tests:
- name: the text and the length stand in the prompt
  inputs:
    text: The gate opens at seven.
  reply: The gate opens at seven in the morning.
  expect:
  - prompt_contains:
    - The gate opens at seven.
    - 2 sentences
  - max_chars: 200
---
system:
You summarise texts. Keep to what they say.

user:
Summarise this text in at most {{ sentences }} sentences.

{{ text }}
"""
"""What a new prompt begins with."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_INPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\Z")
_ROLE = re.compile(r"(system|user|assistant):[ \t]*\Z")
_KEYS = ("description", "inputs", "hints", "tests")
_INPUT_KEYS = ("type", "required", "default", "description")
_TEST_KEYS = ("name", "inputs", "reply", "expect")


def parse_prompt(name: str, source: str) -> PromptTemplate:
    """Return the template that a file holds.

    Raises:
        InvalidInputError: names the prompt, the line where there is one, and what is wrong with it.
    """
    check_name(name)
    if len(source.encode("utf-8", "replace")) > MAX_BYTES:
        raise TooLargeError(
            f"the prompt `{name}` is larger than {MAX_BYTES // 1024} KiB", hint="give long texts as inputs"
        )
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    head, body, offset = _split(name, text)
    with _placed(name, 1):
        matter = _matter(head)
    with _placed(name):
        messages, lines = _messages(body)
    for message, line in zip(messages, lines, strict=True):
        with _placed(name, offset + line):
            template.nodes(message.text)
    with _placed(name):
        inputs = _inputs(matter.get("inputs"), messages)
    for message, line in zip(messages, lines, strict=True):
        with _placed(name, offset + line):
            template.check_names(message.text, inputs)
    with _placed(name):
        hints = check_hints(_mapping(matter.get("hints"), "hints"))
        tests = _tests(matter.get("tests"))
        description = _words(matter.get("description"), "description")
    return made(name, messages, inputs, hints, tests, description, source)


def made(
    name: str,
    messages: Iterable[PromptMessage],
    inputs: Iterable[PromptInput] = (),
    hints: Mapping[str, Any] | None = None,
    tests: Iterable[PromptTest] = (),
    description: str = "",
    source: str = "",
) -> PromptTemplate:
    """Return a template with its digest; without a source one is written."""
    messages, inputs, hints = tuple(messages), tuple(inputs), dict(hints or {})
    found = PromptTemplate(
        name, messages, digest_of(messages, inputs, hints), inputs, hints, tuple(tests), description, source
    )
    return found if source else replace(found, source=format_prompt(found))


def digest_of(
    messages: Iterable[PromptMessage], inputs: Iterable[PromptInput], hints: Mapping[str, Any]
) -> str:
    """Return the digest of everything that can change what a model is asked."""
    return digest_json(
        {
            "form": FORM,
            "messages": [[m.role, m.text] for m in messages],
            "inputs": sorted([i.name, i.type, i.required, i.default] for i in inputs),
            "hints": dict(hints),
        }
    )


def format_prompt(prompt: PromptTemplate) -> str:
    """Return the file of a template; `parse_prompt` reads it back equal.

    Raises:
        InvalidInputError: a message holds a line that would begin another one.
    """
    matter: dict[str, Any] = {}
    if prompt.description:
        matter["description"] = prompt.description
    if prompt.inputs:
        matter["inputs"] = {i.name: _input_as_written(i) for i in prompt.inputs}
    if prompt.hints:
        matter["hints"] = dict(prompt.hints)
    if prompt.tests:
        matter["tests"] = [_test_as_written(t) for t in prompt.tests]
    for message in prompt.messages:
        if any(_ROLE.match(line) for line in message.text.split("\n")):
            raise InvalidInputError(
                f"a message of the prompt `{prompt.name}` holds a line that would begin another message",
                hint='write it `{{ "user:" }}`',
            )
    parts = [f"{m.role}:\n{m.text}\n" for m in prompt.messages]
    head = f"---\n{write_yaml(matter)}---\n" if matter else ""
    return head + "\n".join(parts)


def check_name(name: str) -> None:
    """Refuse what is no name of a prompt; a name never says where a file lies.

    Raises:
        InvalidInputError: it has other characters, or is too long.
    """
    if not NAME.match(name):
        raise InvalidInputError(
            f"`{name[:80]}` is no name of a prompt",
            hint="use lower-case letters, digits, `-` and `_`; at most 63 characters, the first a letter or digit",
        )


# -- reading -----------------------------------------------------------------------------------------------------------
def _split(name: str, text: str) -> tuple[str, str, int]:
    """Return front matter, body, and how many lines stand before the body."""
    first, mark, rest = text.partition("\n")
    if first.rstrip() != "---":
        return "", text, 0
    lines = rest.split("\n") if mark else []
    for place, line in enumerate(lines):
        if line.rstrip() == "---":
            return "\n".join(lines[:place]), "\n".join(lines[place + 1 :]), place + 2
    raise InvalidInputError(
        f"the front matter of the prompt `{name}` is never closed", hint="end it with a line `---`", line=1
    )


def _matter(head: str) -> dict[str, Any]:
    found = read_yaml(head) if head.strip() else {}
    matter = _mapping(found, "front matter")
    _known(matter, _KEYS, "the front matter")
    return matter


def _messages(body: str) -> tuple[list[PromptMessage], list[int]]:
    """Return the messages and, for each, how many lines of the body stand before its text."""
    lines = body.split("\n")
    marks = [(n, match[1]) for n, line in enumerate(lines) if (match := _ROLE.match(line))]
    if not marks:
        marks = [(-1, "user")]
    elif any(line.strip() for line in lines[: marks[0][0]]):
        raise InvalidInputError(
            "text stands before the first role", hint="put it below a line `system:` or `user:`"
        )
    if len(marks) > MAX_MESSAGES:
        raise InvalidInputError(
            f"there are more than {MAX_MESSAGES} messages", hint="give a conversation as an input"
        )
    messages, places = [], []
    for (begin, role), (end, _) in zip(marks, [*marks[1:], (len(lines), "")], strict=True):
        first, last = begin + 1, end
        while first < last and not lines[first].strip():
            first += 1
        while last > first and not lines[last - 1].strip():
            last -= 1
        if first == last:
            raise InvalidInputError(
                f"the message `{role}` is empty", hint="give it a text, or take its line out"
            )
        text = "\n".join(lines[first:last])
        messages.append(PromptMessage(cast(MessageRole, role), text))
        places.append(first)
    return messages, places


def _inputs(found: Any, messages: Iterable[PromptMessage]) -> tuple[PromptInput, ...]:
    if found is None:
        # Nothing is declared: every hole takes a text.
        names = dict.fromkeys(name for m in messages for name in template.holes(m.text))
        return tuple(PromptInput(name) for name in names)
    return tuple(_input(name, value) for name, value in _mapping(found, "inputs").items())


def _input(name: str, found: Any) -> PromptInput:
    if not _INPUT_NAME.match(name):
        raise InvalidInputError(
            f"`{name[:60]}` is no name of an input", hint="use letters, digits, `_` and `-`, without a dot"
        )
    declared = {"type": found} if isinstance(found, str) else _mapping(found, f"inputs.{name}")
    _known(declared, _INPUT_KEYS, f"the input `{name}`")
    given = declared.get("type", "text")
    if given not in get_args(InputType):
        raise InvalidInputError(
            f"the input `{name}` has the unknown type `{str(given)[:40]}`",
            hint=f"types are {', '.join(get_args(InputType))}",
        )
    kind = cast(InputType, given)
    required = declared.get("required", "default" not in declared)
    if not isinstance(required, bool):
        raise InvalidInputError(f"`required` of the input `{name}` must be true or false")
    default = declared.get("default")
    if default is not None and not fits(kind, default):
        raise InvalidInputError(
            f"the default of the input `{name}` does not fit its type", hint=f"it takes {WORDS[kind]}"
        )
    description = _words(declared.get("description"), f"inputs.{name}.description")
    return PromptInput(name, kind, required and default is None, default, description)


def _tests(found: Any) -> tuple[PromptTest, ...]:
    if found is None:
        return ()
    if not isinstance(found, list):
        raise InvalidInputError("`tests` must be a list", hint="each with `inputs` and `expect`")
    if len(found) > MAX_TESTS:
        raise InvalidInputError(f"there are more than {MAX_TESTS} tests", hint="divide them over files")
    tests = [_test(n, t) for n, t in enumerate(found, 1)]
    names = [t.name for t in tests]
    double = next((n for n in names if names.count(n) > 1), None)
    if double is not None:
        raise InvalidInputError(f"two tests are called `{double}`", hint="give each a name of its own")
    return tuple(tests)


def _test(number: int, found: Any) -> PromptTest:
    test = _mapping(found, f"test {number}")
    _known(test, _TEST_KEYS, f"test {number}")
    name = _words(test.get("name"), f"the name of test {number}") or f"test {number}"
    reply = test.get("reply")
    if reply is not None and not isinstance(reply, str):
        raise InvalidInputError(f"the `reply` of the test `{name}` must be a text", hint="put it in quotes")
    expect = expectations.read(test.get("expect"), name)
    return PromptTest(name, _mapping(test.get("inputs"), f"inputs of the test `{name}`"), expect, reply)


def _mapping(found: Any, what: str) -> dict[str, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInputError(f"`{what}` must be a table of keys and values", hint="such as `key: value`")
    return cast(dict[str, Any], plain_json(found))


def _words(found: Any, what: str) -> str:
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InvalidInputError(f"`{what}` must be a text", hint="put it in quotes")
    return found


def _known(found: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(keys)}"
            if where == "the front matter" and not near and key in HINTS:
                hint = f"write it below `hints:`, such as `hints: {{{key}: …}}`"
            raise InvalidInputError(f"{where} has the unknown key `{key[:60]}`", hint=hint)


@contextmanager
def _placed(name: str, lines_before: int = 0) -> Iterator[None]:
    """Say in an error which prompt it is in, and which line of the file."""
    try:
        yield
    except InvalidInputError as error:
        details, where = dict(error.details), ""
        if "line" in details:
            details["line"] += lines_before
            where = f", line {details['line']}"
        raise type(error)(f"prompt `{name}`{where}: {error.message}", hint=error.hint, **details) from None


# -- writing -----------------------------------------------------------------------------------------------------------
def _input_as_written(found: PromptInput) -> Any:
    if not found.description and found.required and found.default is None:
        return found.type
    written: dict[str, Any] = {"type": found.type}
    if found.default is not None:
        written["default"] = found.default
    elif not found.required:
        written["required"] = False
    if found.description:
        written["description"] = found.description
    return written


def _test_as_written(test: PromptTest) -> dict[str, Any]:
    written: dict[str, Any] = {"name": test.name}
    if test.inputs:
        written["inputs"] = dict(test.inputs)
    if test.reply is not None:
        written["reply"] = test.reply
    written["expect"] = [dict(e) for e in test.expect]
    return written
