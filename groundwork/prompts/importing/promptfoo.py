"""A configuration of promptfoo (YAML or JSON): its prompts, and its tests with those assertions that can be checked here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.prompts import expectations
from groundwork.prompts.files import MAX_TESTS
from groundwork.prompts.importing import Left, Taken
from groundwork.prompts.importing._convert import (
    ROLES,
    CannotConvert,
    assemble,
    from_jinja,
    read_text,
    read_value,
    slug,
)
from groundwork.prompts.inputs import fits
from groundwork.prompts.types import MessageRole, PromptInput, PromptTest

MAX_COMBINATIONS = 100
_SIMPLE = {
    "contains": "contains",
    "contains-all": "contains",
    "contains-any": "contains_any",
    "not-contains": "not_contains",
    "not-contains-any": "not_contains",
    "equals": "equals",
    "starts-with": "starts_with",
    "regex": "matches",
    "not-regex": "not_matches",
}


@dataclass
class _Case:
    """A test of the configuration, its inputs and expectations ready."""

    name: str
    values: Mapping[str, Any]
    expect: list[Mapping[str, Any]]
    only: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Promptfoo:
    """Take prompts with their tests; an assertion without a counterpart is named in the report."""

    def reads(self, path: Path) -> bool:
        if path.suffix not in (".yaml", ".yml", ".json"):
            return False
        try:
            found = read_value(path)
        except GroundworkError:
            return path.stem.startswith("promptfoo")
        return isinstance(found, dict) and "prompts" in found and bool({"tests", "providers"} & set(found))

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        config = read_value(path)
        if not isinstance(config, dict) or "prompts" not in config:
            raise CannotConvert(
                f"`{path.name}` has no `prompts`", hint="it should be a configuration of promptfoo"
            )
        cases, notes = _cases(config)
        if config.get("providers"):
            notes.append("providers are not taken; name a model under `hints:`, or with --model")
        for number, found in enumerate(_list(config["prompts"]), 1):
            yield from self._prompt(path, number, found, cases, notes)

    def _prompt(
        self, path: Path, number: int, found: Any, cases: list[_Case], notes: list[str]
    ) -> Iterator[Taken | Left]:
        origin = f"{path.name}, prompt {number}"
        name = f"{slug(path.parent.name if path.stem.startswith('promptfoo') else path.stem) or 'prompt'}-{number}"
        label = ""
        try:
            if isinstance(found, dict):
                label = str(found.get("label") or found.get("id") or "")
                found = found.get("raw") or found.get("id")
            if not isinstance(found, str) or not found.strip():
                raise CannotConvert("it is no text and names no file")
            text = found
            if found.startswith("file://") or (label == "" and _is_path(found)):
                file = path.parent / found.removeprefix("file://")
                label = label or file.stem
                if file.suffix in (".js", ".ts", ".py", ".mjs", ".cjs"):
                    raise CannotConvert(f"`{file.name}` is a program")
                if any(c in found for c in "*?["):
                    raise CannotConvert(f"`{found}` is a pattern of files; import the folder they lie in")
                text = read_text(file, path.parent)
            name = slug(label) or name
            yield _taken(name, origin, text, cases, notes, {found, label, name})
        except GroundworkError as error:
            yield Left(name, origin, error.message)


def _taken(
    name: str, origin: str, text: str, cases: list[_Case], notes: list[str], called: set[str]
) -> Taken:
    messages = [(role, from_jinja(t)) for role, t in _messages(text)]
    bare = assemble(name, messages)
    mine = [c for c in cases if not c.only or called & set(c.only)]
    inputs = {i.name: i for i in bare.inputs}
    for case in mine:
        for key, value in case.values.items():
            if key in inputs and not fits(inputs[key].type, value):
                inputs[key] = PromptInput(key, "json")
    own = list(notes)
    unused = sorted({key for c in mine for key in c.values if key not in inputs})
    if unused:
        own.append(f"values that the prompt does not use are left out: {', '.join(unused)}")
    tests = [
        PromptTest(c.name, {k: v for k, v in c.values.items() if k in inputs}, tuple(c.expect)) for c in mine
    ]
    # Combinations of values that this prompt does not use are the same test over again.
    tests = list({json.dumps([t.inputs, t.expect], default=str): t for t in reversed(tests)}.values())[::-1]
    if len(tests) > MAX_TESTS:
        own.append(f"only the first {MAX_TESTS} of {len(tests)} tests are taken")
        tests = tests[:MAX_TESTS]
    if tests:
        own.append("the tests have no replies, so they say something with --online only")
    return Taken(assemble(name, messages, inputs=inputs.values(), tests=tests), origin, tuple(own))


def _messages(text: str) -> list[tuple[MessageRole, str]]:
    """Return the messages of a prompt, which may be a list of messages as JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [("user", text)]
    if not isinstance(found, list) or not all(isinstance(m, dict) and "role" in m for m in found):
        return [("user", text)]
    messages: list[tuple[MessageRole, str]] = []
    for message in found:
        role, content = ROLES.get(str(message["role"]).lower()), message.get("content")
        if role is None or not isinstance(content, str):
            raise CannotConvert(f"a message of the role `{message['role']}` holds more than a text")
        messages.append((role, content))
    return messages


def _cases(config: Mapping[str, Any]) -> tuple[list[_Case], list[str]]:
    notes: list[str] = []
    tests = config.get("tests") or []
    if not isinstance(tests, list):
        return [], [f"tests in other files are not taken: {tests}"]
    shared = config.get("defaultTest")
    if isinstance(shared, str):
        notes.append(f"`defaultTest` in another file is not taken: {shared}")
    shared = shared if isinstance(shared, dict) else {}
    cases: list[_Case] = []
    for number, test in enumerate(tests, 1):
        if not isinstance(test, dict):
            notes.append(f"test {number} is not taken: {str(test)[:80]}")
            continue
        name = str(test.get("description") or f"test {number}")
        asserts = [*_list(shared.get("assert")), *_list(test.get("assert"))]
        expect = [e for a in asserts if (e := _expectation(a, name, notes)) is not None]
        values = {**_dict(shared.get("vars")), **_dict(test.get("vars"))}
        foreign = [k for k, v in values.items() if isinstance(v, str) and v.startswith("file://")]
        if foreign:
            notes.append(f"`{name}` is not taken: {', '.join(foreign)} lies in another file")
        elif not expect:
            notes.append(f"`{name}` is not taken: it asserts nothing that has a counterpart")
        else:
            cases += _expanded(name, values, expect, [str(p) for p in _list(test.get("prompts"))], notes)
    return _renamed(cases), notes


def _expanded(
    name: str, values: dict[str, Any], expect: list[Mapping[str, Any]], only: list[str], notes: list[str]
) -> list[_Case]:
    """A list of values stands for a test with each of them."""
    many = {k: v for k, v in values.items() if isinstance(v, list) and v}
    if not many:
        return [_Case(name, values, expect, only)]
    combined = itertools.product(*many.values())
    cases = [
        _Case(f"{name} ({n})", {**values, **dict(zip(many, chosen, strict=True))}, expect, only)
        for n, chosen in enumerate(itertools.islice(combined, MAX_COMBINATIONS + 1), 1)
    ]
    if len(cases) > MAX_COMBINATIONS:
        notes.append(f"of `{name}` only the first {MAX_COMBINATIONS} combinations of values are taken")
    return cases[:MAX_COMBINATIONS]


def _renamed(cases: list[_Case]) -> list[_Case]:
    seen: set[str] = set()
    for case in cases:
        name, n = case.name, 1
        while case.name in seen:
            n += 1
            case.name = f"{name} [{n}]"
        seen.add(case.name)
    return cases


def _expectation(found: Any, test: str, notes: list[str]) -> Mapping[str, Any] | None:
    kind = str(found.get("type", "")) if isinstance(found, dict) else str(found)
    value = found.get("value") if isinstance(found, dict) else None
    made = None if _has_holes(value) else _made(kind, value)
    if made is not None:
        try:
            expectations.read([made], test)
        except GroundworkError:
            made = None
    if made is None:
        notes.append(f"`{test}`: the assertion `{kind}` is not taken")
    return made


def _made(kind: str, value: Any) -> dict[str, Any] | None:
    if kind == "is-json":
        return {"json_schema": value} if isinstance(value, dict) else {"json": True}
    if kind == "not-is-json":
        return {"json": False}
    bare = kind.replace("icontains", "contains")
    key = _SIMPLE.get(bare)
    if key is None or (key == "not_contains" and isinstance(value, list) and bare == "not-contains"):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return {key: value, **({"ignore_case": True} if bare != kind else {})}


def _has_holes(value: Any) -> bool:
    return "{{" in json.dumps(value, default=str)


def _is_path(text: str) -> bool:
    return "\n" not in text and text.endswith((".txt", ".md", ".json", ".j2")) and " " not in text


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [] if found is None else [found]


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


plugin = Promptfoo
