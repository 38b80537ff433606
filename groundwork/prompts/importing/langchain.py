"""Prompts as LangChain and its hub write them, JSON or YAML: read as data, never made into objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.prompts.importing import Left, Taken
from groundwork.prompts.importing._convert import (
    ROLES,
    CannotConvert,
    assemble,
    from_f_string,
    from_jinja,
    from_mustache,
    read_value,
    slug,
)
from groundwork.prompts.template import literal
from groundwork.prompts.types import MessageRole, PromptInput

MAX_DEPTH = 12
_CLASSES: dict[str, MessageRole] = {
    "SystemMessagePromptTemplate": "system",
    "HumanMessagePromptTemplate": "user",
    "AIMessagePromptTemplate": "assistant",
    "SystemMessage": "system",
    "HumanMessage": "user",
    "AIMessage": "assistant",
}
_FORMS: dict[str, Callable[[str], str]] = {
    "f-string": from_f_string,
    "mustache": from_mustache,
    "jinja2": from_jinja,
}
_WRAPPERS = ("manifest", "committed_prompt", "prompt", "first")


@dataclass(frozen=True)
class LangChain:
    """Take chat and text prompts; conversations become a list that is written out, and the report says so."""

    def reads(self, path: Path) -> bool:
        if path.suffix not in (".json", ".yaml", ".yml"):
            return False
        try:
            return _unwrapped(read_value(path)) is not None
        except GroundworkError:
            return False

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        found = _unwrapped(read_value(path))
        if found is None:
            raise CannotConvert(
                f"`{path.name}` holds no prompt of LangChain", hint="a chat or text prompt, serialised"
            )
        name = slug(path.stem)
        notes: list[str] = []
        inputs: dict[str, PromptInput] = {}
        try:
            kind, given = _kind(found), _given(found)
            messages: list[tuple[MessageRole, str]] = (
                _chat(given, inputs, notes) if "messages" in given else [("user", _template(kind, given))]
            )
            hints = _hints(kind, given)
            for key, value in _mapping(given.get("partial_variables")).items():
                if isinstance(value, str):
                    inputs[key] = PromptInput(key, "text", required=False, default=value)
                else:
                    notes.append(f"the value of `{key}` is no text and is not taken")
            if given.get("output_parser"):
                notes.append("its output parser is not taken")
            used = {i.name for i in assemble(name, messages).inputs}
            kept = [i for i in inputs.values() if i.name in used]
            prompt = assemble(name, messages, inputs=kept, hints=hints)
            yield Taken(prompt, path.name, tuple(notes))
        except GroundworkError as error:
            yield Left(name, path.name, error.message)


def _unwrapped(found: Any, depth: int = 0) -> Mapping[str, Any] | None:
    """Return the prompt in a commit of the hub, a sequence or the like."""
    if not isinstance(found, Mapping) or depth > MAX_DEPTH:
        return None
    if _kind(found) in ("ChatPromptTemplate", "StructuredPrompt", "PromptTemplate", "FewShotPromptTemplate"):
        return found
    for key in _WRAPPERS:
        inner = found.get(key)
        if isinstance(inner, Mapping) and (prompt := _unwrapped(inner, depth + 1)) is not None:
            return prompt
    kwargs = found.get("kwargs")
    return _unwrapped(kwargs, depth + 1) if isinstance(kwargs, Mapping) else None


def _kind(found: Mapping[str, Any]) -> str:
    """Return the class that was serialised, by its last name."""
    identifier = found.get("id")
    if isinstance(identifier, list) and identifier and "kwargs" in found:
        return str(identifier[-1])
    old = {"prompt": "PromptTemplate", "chat": "ChatPromptTemplate", "few_shot": "FewShotPromptTemplate"}
    return old.get(str(found.get("_type", "")), "")


def _given(found: Mapping[str, Any]) -> Mapping[str, Any]:
    kwargs = found.get("kwargs")
    return kwargs if isinstance(kwargs, Mapping) else found


def _chat(
    given: Mapping[str, Any], inputs: dict[str, PromptInput], notes: list[str]
) -> list[tuple[MessageRole, str]]:
    messages = given["messages"]
    if not isinstance(messages, list):
        raise CannotConvert("its messages are no list")
    return [_message(m, inputs, notes) for m in messages]


def _message(found: Any, inputs: dict[str, PromptInput], notes: list[str]) -> tuple[MessageRole, str]:
    if not isinstance(found, Mapping):
        raise CannotConvert("one of its messages cannot be read")
    kind, given = _kind(found), _given(found)
    if kind == "MessagesPlaceholder" or "variable_name" in given:
        name = str(given.get("variable_name", "messages"))
        inputs[name] = PromptInput(name, "list", required=not given.get("optional", False))
        notes.append(
            f"the conversation `{name}` is a list of `role` and `content` that is written out as text"
        )
        return "user", f"{{{{# {name} }}}}\n{{{{ role }}}}: {{{{ content }}}}\n{{{{/ {name} }}}}"
    role = _CLASSES.get(kind) or ROLES.get(str(given.get("role", found.get("role", ""))).lower())
    if role is None:
        raise CannotConvert(f"a message of the kind `{kind or 'unknown'}` has no counterpart")
    if "prompt" in given:
        return role, _parts(given["prompt"])
    content = given.get("content")
    if not isinstance(content, str):
        raise CannotConvert("a message holds more than a text")
    return role, literal(content)


def _parts(found: Any) -> str:
    """Return the text of a message's prompt, which may be a list of texts and images."""
    parts = found if isinstance(found, list) else [found]
    texts = []
    for part in parts:
        kind = _kind(part) if isinstance(part, Mapping) else ""
        if not isinstance(part, Mapping) or kind not in ("", "PromptTemplate"):
            raise CannotConvert(f"a message holds a `{kind or type(part).__name__}`, which is no text")
        texts.append(_template("PromptTemplate", _given(part)))
    return "\n".join(texts)


def _template(kind: str, given: Mapping[str, Any]) -> str:
    if kind != "PromptTemplate" and "messages" not in given:
        raise CannotConvert(f"a `{kind}` has no counterpart")
    text = given.get("template")
    if not isinstance(text, str):
        raise CannotConvert(
            "its template lies in another file" if "template_path" in given else "it has no template"
        )
    form = str(given.get("template_format", "f-string"))
    if form not in _FORMS:
        raise CannotConvert(f"templates of the form `{form}` are not known")
    return _FORMS[form](text)


def _hints(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    schema = given.get("schema_", given.get("schema"))
    if kind == "StructuredPrompt" and isinstance(schema, Mapping):
        return {"response_format": {"kind": "json_schema", "schema": dict(schema)}}
    return {}


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


plugin = LangChain
