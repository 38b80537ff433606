"""Templates of other tools in our own words, names, and reading files within bounds."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.prompts import template
from groundwork.prompts.files import check_name, made, parse_prompt
from groundwork.prompts.frontmatter import read_yaml
from groundwork.prompts.importing import MAX_FILE_BYTES
from groundwork.prompts.template import Hole, Node, Section
from groundwork.prompts.types import (
    InputType,
    MessageRole,
    PromptInput,
    PromptMessage,
    PromptTemplate,
    PromptTest,
)

ROLES: dict[str, MessageRole] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*\Z")
_LOGIC = re.compile(r"\{%|\{#")
_TAG = re.compile(r"\{\{(.*?)\}\}", re.S)


class CannotConvert(InvalidInputError):
    """Something of another tool has no counterpart here; the message says what."""


def read_text(path: Path, root: Path | None = None) -> str:
    """Return the text of a file.

    Raises:
        CannotConvert: it is too large, no text, or leads out of `root`.
    """
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise CannotConvert(f"`{path.name}` leads out of the folder that is imported")
    try:
        if not path.is_file():
            raise CannotConvert(f"there is no file `{path.name}`")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CannotConvert(f"`{path.name}` cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise CannotConvert(f"`{path.name}` is larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotConvert(f"`{path.name}` is not UTF-8") from None


def read_value(path: Path, root: Path | None = None) -> Any:
    """Return what a JSON or YAML file holds, made of plain values."""
    text = read_text(path, root)
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CannotConvert(f"`{path.name}` is no JSON: {error}") from None
    return read_yaml(text, f"`{path.name}`", MAX_FILE_BYTES)


def slug(text: str) -> str:
    """Return a name of a prompt that is made of any text; empty when there is nothing to make it of."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:63].strip("-_")


def from_f_string(text: str) -> str:
    """Return a template for Python's format syntax: `{name}`, with doubled braces for single ones."""
    out: list[str] = []
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise CannotConvert(f"its braces do not match: {error}") from None
    for chunk, name, form, conversion in parts:
        out.append(chunk)
        if name is None:
            continue
        if form or conversion or not _NAME.match(name) or "." in name:
            raise CannotConvert(f"`{{{name}}}` in it is more than a name")
        out.append(f"\0{name}\0")
    # Holes are put in after the text is made literal, so that a brace before one stays a brace.
    pieces = "".join(out).split("\0")
    return "".join(_hole(p) if n % 2 else _before_hole(p, n < len(pieces) - 1) for n, p in enumerate(pieces))


def from_mustache(text: str) -> str:
    """Return a template for Mustache; triple braces and `&` are plain holes here."""
    text = re.sub(r"\{\{\{\s*([^{}]+?)\s*\}\}\}", r"{{ \1 }}", text)
    text = re.sub(r"\{\{\s*&\s*([^{}]+?)\s*\}\}", r"{{ \1 }}", text)
    return text


def from_jinja(text: str) -> str:
    """Return a template for Jinja, Nunjucks and the like, of which only plain holes can be taken."""
    logic = _LOGIC.search(text)
    if logic:
        shown = text[logic.start() : logic.start() + 40].split("\n")[0]
        raise CannotConvert(f"it has logic, `{shown}…`, which has no place in a template here")
    for tag in _TAG.finditer(text):
        if not _NAME.match(tag[1].strip(" \t\n-")):
            raise CannotConvert(f"`{tag[0][:40]}` in it is more than a name")
    return re.sub(r"\{\{-?\s*([^{}]+?)\s*-?\}\}", r"{{ \1 }}", text)


def assemble(
    name: str,
    messages: Iterable[tuple[MessageRole, str]],
    *,
    inputs: Iterable[PromptInput] = (),
    hints: Mapping[str, Any] | None = None,
    tests: Iterable[PromptTest] = (),
    description: str = "",
) -> PromptTemplate:
    """Return a prompt of converted messages; inputs that are not declared are found in the text.

    A hole takes a text, what a section is opened with any JSON.

    Raises:
        InvalidInputError: it does not make a prompt.
    """
    check_name(name)
    tidied = [PromptMessage(role, _tidy(text)) for role, text in messages]
    kept = [m for m in tidied if m.text]
    if not kept:
        raise CannotConvert("it has no text")
    declared = {i.name: i for i in inputs}
    used: dict[str, InputType] = {}
    for message in kept:
        _uses(template.nodes(message.text), used, inside=False)
    for found, kind in used.items():
        declared.setdefault(found, PromptInput(found, kind, required=kind == "text"))
    prompt = made(name, kept, declared.values(), hints, tests, description)
    # What is written is read again: an import never leaves a file that cannot be read.
    return parse_prompt(name, prompt.source)


def _uses(nodes: Iterable[Node], used: dict[str, InputType], *, inside: bool) -> None:
    for node in nodes:
        if isinstance(node, Hole) and not inside and node.path[0] != template.HERE:
            if len(node.path) > 1:
                used[node.path[0]] = "json"
            else:
                used.setdefault(node.path[0], "text")
        elif isinstance(node, Section):
            if not inside and node.path[0] != template.HERE:
                used[node.path[0]] = "json"
            _uses(node.body, used, inside=inside or not node.inverted)


def _tidy(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    marker = re.compile(r"\A((?:system|user|assistant):)[ \t]*\Z")
    return "\n".join(marker.sub(r'{{ "\1" }}', line) for line in lines)


def _hole(name: str) -> str:
    return f"{{{{ {name} }}}}"


def _before_hole(text: str, followed: bool) -> str:
    plain = template.literal(text)
    return f'{plain[:-1]}{{{{ "{{" }}}}' if followed and plain.endswith("{") else plain
