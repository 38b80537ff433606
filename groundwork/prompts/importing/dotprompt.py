"""A `.prompt` file of Dotprompt: Handlebars with roles; sections over lists and conditions can be taken, helpers cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.errors import GroundworkError
from groundwork.prompts.frontmatter import read_yaml
from groundwork.prompts.importing import Left, Taken
from groundwork.prompts.importing._convert import (
    ROLES,
    CannotConvert,
    assemble,
    from_mustache,
    read_text,
    slug,
)
from groundwork.prompts.importing.prompty import parameters, split
from groundwork.prompts.inputs import fits
from groundwork.prompts.types import InputType, MessageRole, PromptInput

_TAG = re.compile(r"\{\{\{?\s*([#/^!]?)\s*(.*?)\s*\}?\}\}", re.S)
_ROLE = re.compile(r"role\s+[\"'](\w+)[\"']\Z")
_PICO = re.compile(r"([A-Za-z_]\w*)(\??)(?:\((\w+)[^)]*\))?\Z")
_SCALARS: dict[str, InputType] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "any": "json",
    "null": "json",
}


@dataclass(frozen=True)
class Dotprompt:
    """Take messages, inputs of a Picoschema or JSON Schema, parameters and the format of the output."""

    def reads(self, path: Path) -> bool:
        return path.suffix == ".prompt"

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        name, notes = slug(path.stem.replace(".", "-")), list[str]()
        try:
            head, body = split(read_text(path))
            matter = read_yaml(head) or {}
            if not isinstance(matter, dict):
                raise CannotConvert("its front matter is no table")
            messages = _messages(body, notes)
            hints = parameters(matter.get("config"))
            if matter.get("model"):
                notes.append(f"the model `{matter['model']}` is not taken; name one under `hints:`")
            if matter.get("tools"):
                notes.append("its tools are not taken")
            format_ = _format(matter.get("output"), notes)
            used = {i.name: i for i in assemble(name, messages).inputs}
            inputs = [i for i in _inputs(matter.get("input")) if i.name in used]
            prompt = assemble(
                name,
                messages,
                inputs=inputs,
                hints={**hints, **format_},
                description=str(matter.get("description") or ""),
            )
            yield Taken(prompt, path.name, tuple(notes))
        except GroundworkError as error:
            yield Left(name, path.name, error.message)


def _messages(body: str, notes: list[str]) -> list[tuple[MessageRole, str]]:
    messages: list[tuple[MessageRole, list[str]]] = [("user", [])]
    open_: list[str] = []
    place = 0
    for tag in _TAG.finditer(body):
        messages[-1][1].append(body[place : tag.start()])
        place = tag.end()
        sign, words = tag[1], tag[2]
        role = _ROLE.match(words)
        if role and not sign:
            if role[1].lower() not in ROLES:
                raise CannotConvert(f"the role `{role[1]}` has no counterpart")
            messages.append((ROLES[role[1].lower()], []))
        elif words == "history" and not sign:
            notes.append("the place of the conversation, `{{history}}`, is left out")
        else:
            messages[-1][1].append(_tag(sign, words, open_))
    messages[-1][1].append(body[place:])
    return [(role, from_mustache("".join(parts))) for role, parts in messages]


def _tag(sign: str, words: str, open_: list[str]) -> str:
    """Return one tag of Handlebars as one of ours."""
    first, _, rest = words.partition(" ")
    if sign == "!":
        return ""
    if sign == "#" and first in ("each", "if", "unless", "with") and rest and " " not in rest.strip():
        open_.append(f"{'^' if first == 'unless' else '#'}{_name(rest.strip())}")
        return f"{{{{{open_[-1][0]} {open_[-1][1:]} }}}}"
    if sign == "/" and first in ("each", "if", "unless", "with") and open_:
        return f"{{{{/ {open_.pop()[1:]} }}}}"
    if not sign and words == "else" and open_:
        turned = ("#" if open_[-1][0] == "^" else "^") + open_[-1][1:]
        closing = f"{{{{/ {open_[-1][1:]} }}}}"
        open_[-1] = turned
        return f"{closing}{{{{{turned[0]} {turned[1:]} }}}}"
    if not sign and " " not in words:
        return f"{{{{ {_name(words)} }}}}"
    raise CannotConvert(f"`{{{{{sign}{words[:40]}}}}}` has no counterpart")


def _name(found: str) -> str:
    return "." if found in ("this", ".") else found.removeprefix("this.").removeprefix("@root.")


def _inputs(found: Any) -> list[PromptInput]:
    table = found if isinstance(found, Mapping) else {}
    defaults = table.get("default")
    defaults = defaults if isinstance(defaults, Mapping) else {}
    schema = table.get("schema")
    schema = schema if isinstance(schema, Mapping) else {}
    if "properties" in schema and isinstance(schema["properties"], Mapping):
        needed = schema.get("required") or []
        named = {k: (v, k in needed) for k, v in schema["properties"].items()}
    else:
        # Picoschema: `name?(array, what it is): string`.
        found = [(_PICO.match(k), v) for k, v in schema.items()]
        named = {m[1]: ({"type": m[3]} if m[3] else v, not m[2]) for m, v in found if m}
    inputs = []
    for name, (value, required) in named.items():
        kind, description = _type(value)
        default = defaults.get(name)
        fitting = default if default is not None and fits(kind, default) else None
        inputs.append(PromptInput(name, kind, required and fitting is None, fitting, description))
    return inputs


def _type(value: Any) -> tuple[InputType, str]:
    if isinstance(value, str):
        kind, _, description = value.partition(",")
        return _SCALARS.get(kind.strip(), "json"), description.strip()
    if isinstance(value, Mapping) and "type" in value:
        kind = str(value["type"])
        found: InputType = _SCALARS.get(kind) or ("list" if kind == "array" else "json")
        return found, str(value.get("description") or "")
    return "json", ""


def _format(found: Any, notes: list[str]) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        return {}
    schema = found.get("schema")
    if isinstance(schema, Mapping) and "type" in schema and isinstance(schema.get("properties"), Mapping):
        return {"response_format": {"kind": "json_schema", "schema": dict(schema)}}
    if isinstance(schema, Mapping):
        notes.append(
            "the schema of the output is a Picoschema and is taken as `json_object`; write a JSON Schema"
        )
    if found.get("format") == "json" or isinstance(schema, Mapping):
        return {"response_format": {"kind": "json_object"}}
    return {}


plugin = Dotprompt
