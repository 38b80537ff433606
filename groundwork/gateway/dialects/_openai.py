"""Fields that OpenAI's dialects have in common: which tools may be called, and the schema of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwork.gateway import schemas
from groundwork.gateway.dialects._fields import (
    MAX_NAME_CHARS,
    MAX_TOOLS,
    flag_of,
    list_of,
    object_of,
    refuse,
    text_of,
)
from groundwork.gateway.types import ResponseFormat, Tool, ToolChoice


def allowed(
    value: Mapping[str, Any], tools: tuple[Tool, ...], at: str
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """Read `allowed_tools`: those that may be called are the only ones that stay."""
    mode = value.get("mode")
    if mode not in ("auto", "required"):
        refuse(f"{at}mode", f"is {mode!r:.60}, it must be auto or required")
    names = set()
    for tool in list_of(value, "tools", MAX_TOOLS, at):
        function = tool.get("function") if isinstance(tool, dict) else None
        name = (
            function.get("name")
            if isinstance(function, dict)
            else tool.get("name")
            if isinstance(tool, dict)
            else 0
        )
        names.add(named(str(name), tools, f"{at}tools").name)
    return tuple(t for t in tools if t.name in names), ToolChoice(mode)


def named(name: str, tools: tuple[Tool, ...], at: str) -> ToolChoice:
    """Return the choice of one tool, which must be there."""
    if not any(t.name == name for t in tools):
        refuse(at, f"is `{name:.80}`, which is not among the tools")
    return ToolChoice("named", name)


def json_schema(value: Mapping[str, Any], at: str) -> ResponseFormat:
    """Return the format that `name`, `schema` and `strict` describe; without a schema any JSON object fits."""
    name = text_of(value, "name", at, longest=MAX_NAME_CHARS, empty=False)
    schema = object_of(value, "schema", at)
    if schema is None:
        return ResponseFormat("json_object", name)
    schemas.check(schema, f"{at}schema")
    return ResponseFormat("json_schema", name, schema, flag_of(value, "strict", at) or False)
