"""Hints: what a prompt says of the model and its parameters. They are part of the version; a caller may override them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from groundwork.core.errors import InvalidInputError

HINTS = ("model", "temperature", "top_p", "max_output_tokens", "stop", "seed", "response_format")
MAX_STOPS = 16
FORMATS = ("text", "json_object", "json_schema")


def check_hints(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hints as they are kept.

    `response_format` becomes `{"kind": …}` with `name` and `schema`; a bare `schema` means `json_schema`.

    Raises:
        InvalidInputError: names the hint and what it takes.
    """
    checked: dict[str, Any] = {}
    for name, value in found.items():
        if name not in HINTS:
            near = difflib.get_close_matches(name, [*HINTS, "max_tokens"], 1)
            guess = "max_output_tokens" if near == ["max_tokens"] else near[0] if near else ""
            raise InvalidInputError(
                f"there is no hint `{name[:60]}`",
                hint=f"did you mean `{guess}`?" if guess else f"hints are {', '.join(HINTS)}",
            )
        if value is None:
            continue
        if name == "response_format":
            checked[name] = _format(value)
            continue
        fits, wanted = _CHECKS[name]
        if not fits(value):
            raise InvalidInputError(f"the hint `{name}` takes {wanted}, not `{str(value)[:60]}`")
        checked[name] = [value] if name == "stop" and isinstance(value, str) else value
    return checked


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _is_stop(value: Any) -> bool:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_STOPS:
        return False
    return all(isinstance(t, str) and t for t in texts)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda v: isinstance(v, str) and 0 < len(v) <= 200, "the name of a model"),
    "temperature": (_number(0, 2), "a number from 0 to 2"),
    "top_p": (_number(0, 1), "a number from 0 to 1"),
    "max_output_tokens": (_whole(1, 10_000_000), "a whole number of at least 1"),
    "stop": (_is_stop, f"a text or a list of at most {MAX_STOPS} texts"),
    "seed": (_whole(-(2**63), 2**63 - 1), "a whole number"),
}


def _format(value: Any) -> dict[str, Any]:
    """Read a format in our own words or in those of the OpenAI interface."""
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, dict):
        raise _wrong_format()
    inner = value.get("json_schema")
    table = {**value, **inner} if isinstance(inner, dict) and "schema" in inner else dict(value)
    table.pop("json_schema", None)
    kind = table.pop("kind", table.pop("type", "json_schema" if "schema" in table else "text"))
    if set(table) - {"name", "schema", "strict", "type"} or kind not in FORMATS:
        raise _wrong_format()
    schema, name, strict = table.get("schema"), table.get("name", ""), table.get("strict", False)
    if (kind == "json_schema") != isinstance(schema, dict) or not isinstance(name, str):
        raise _wrong_format()
    made: dict[str, Any] = {"kind": kind}
    if name:
        made["name"] = name
    if isinstance(schema, dict):
        made["schema"] = schema
    if strict is True:
        made["strict"] = True
    return made


def _wrong_format() -> InvalidInputError:
    return InvalidInputError(
        "the hint `response_format` takes `text`, `json_object`, or a table with the `schema` of the JSON",
        hint="such as `response_format: {schema: {type: object, required: [answer]}}`",
    )
