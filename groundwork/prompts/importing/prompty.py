"""A `.prompty` file: front matter, roles on lines of their own as here, and plain holes."""

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
    from_jinja,
    from_mustache,
    read_text,
    slug,
)
from groundwork.prompts.types import InputType, MessageRole, PromptInput

_ROLE = re.compile(r"^[ \t]*#?[ \t]*(system|user|assistant|developer)[ \t]*:[ \t]*$", re.M | re.I)
_TYPES: dict[str, InputType] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "float": "number",
    "boolean": "boolean",
    "array": "list",
    "list": "list",
    "object": "json",
}
PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "max_tokens": "max_output_tokens",
    "maxOutputTokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "maxTokens": "max_output_tokens",
    "stop": "stop",
    "stopSequences": "stop",
    "seed": "seed",
}


@dataclass(frozen=True)
class Prompty:
    """Take messages, inputs with their types and samples, and the parameters of the model."""

    def reads(self, path: Path) -> bool:
        return path.suffix == ".prompty"

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        name, notes = slug(path.stem), []
        try:
            head, body = split(read_text(path))
            matter = read_yaml(head) or {}
            if not isinstance(matter, dict):
                raise CannotConvert("its front matter is no table")
            template = matter.get("template")
            form = str(
                template.get("format", "jinja2") if isinstance(template, dict) else template or "jinja2"
            )
            convert = from_mustache if "mustache" in form else from_jinja
            messages = [(role, convert(text)) for role, text in roles(body)]
            model = matter.get("model")
            hints = (
                parameters(model.get("parameters") or model.get("options")) if isinstance(model, dict) else {}
            )
            if model:
                notes.append("the model is not taken; name one under `hints:`")
            inputs = _inputs(matter.get("inputs"), matter.get("sample"))
            used = {i.name for i in assemble(name, messages).inputs}
            prompt = assemble(
                name,
                messages,
                inputs=[i for i in inputs if i.name in used],
                hints=hints,
                description=str(matter.get("description") or ""),
            )
            yield Taken(prompt, path.name, tuple(notes))
        except GroundworkError as error:
            yield Left(name, path.name, error.message)


def split(text: str) -> tuple[str, str]:
    """Return front matter and body."""
    text = text.replace("\r\n", "\n")
    found = re.match(r"---[ \t]*\n(.*?)^---[ \t]*$\n?", text, re.S | re.M)
    return (found[1], text[found.end() :]) if found else ("", text)


def roles(body: str) -> list[tuple[MessageRole, str]]:
    """Return the messages of a body whose roles stand on lines of their own."""
    marks = list(_ROLE.finditer(body))
    if not marks:
        return [("user", body)]
    ends = [m.start() for m in marks[1:]] + [len(body)]
    if body[: marks[0].start()].strip():
        raise CannotConvert("text stands before its first role")
    return [(ROLES[m[1].lower()], body[m.end() : end]) for m, end in zip(marks, ends, strict=True)]


def parameters(found: Any) -> dict[str, Any]:
    """Return the hints that parameters of a model make; unknown ones are left out."""
    given = found if isinstance(found, Mapping) else {}
    return {PARAMETERS[k]: v for k, v in given.items() if k in PARAMETERS}


def _inputs(found: Any, sample: Any) -> list[PromptInput]:
    if isinstance(found, list):
        found = {str(i.get("name", "")): i for i in found if isinstance(i, dict)}
    inputs = []
    for name, value in (found if isinstance(found, dict) else {}).items():
        table = value if isinstance(value, dict) else {"default": value}
        kind = _TYPES.get(str(table.get("type") or table.get("kind") or ""))
        default = table.get("default")
        guessed: InputType = kind or _guess(default if default is not None else _of(sample, name))
        fitting = default if default is not None and _guess(default) == guessed else None
        inputs.append(
            PromptInput(name, guessed, fitting is None, fitting, str(table.get("description") or ""))
        )
    return inputs


def _of(sample: Any, name: str) -> Any:
    return sample.get(name) if isinstance(sample, dict) else None


def _guess(value: Any) -> InputType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list) else "json" if isinstance(value, dict) else "text"


plugin = Prompty
