"""Cut a JSON Schema down to what a provider's constrained decoding takes; the gateway checks the whole schema afterwards.

Source:
    Anthropic, "Structured outputs": objects are closed, references are local and not recursive, numbers and strings have no
    bounds. What is left out is told to the model in the description.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_SAID = ("title", "description")
_KNOWN = frozenset({
    "$defs", "definitions", "$ref", "type", "anyOf", "oneOf", "allOf", "enum", "const", "properties", "required", "items",
    "additionalProperties", "title", "description", "$schema", "$id", "default", "examples",
})  # fmt: skip
_DEEPEST = 32


def narrowed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a schema that allows nothing which the given one forbids in shape; None for open maps and recursion."""
    try:
        whole = _narrow(schema, schema, (), 0)
    except _CannotSay:
        return None
    return whole if whole.get("type") == "object" else None


class _CannotSay(Exception):
    pass


def _narrow(schema: Any, root: Mapping[str, Any], inside: tuple[str, ...], depth: int) -> dict[str, Any]:
    """Return the schema with references put in place of what they name, so that none is left."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        raise _CannotSay
    if "$ref" in schema:
        name = str(schema["$ref"])
        if name in inside:
            raise _CannotSay
        return _narrow(_named(name, root), root, (*inside, name), depth + 1)

    def within(part: Any) -> dict[str, Any]:
        return _narrow(part, root, inside, depth + 1)

    found: dict[str, Any] = {k: schema[k] for k in _SAID if isinstance(schema.get(k), str)}
    kind = schema.get("type")
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), list):
            if "properties" in schema:
                raise _CannotSay
            found["allOf" if word == "allOf" else "anyOf"] = [within(part) for part in schema[word]]
            return _with_rest(found, schema, set())
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if not isinstance(values, list) or not all(
            v is None or isinstance(v, str | int | float) for v in values
        ):
            raise _CannotSay
        return {**found, "enum": values}
    if isinstance(kind, list):
        plain = {k: v for k, v in schema.items() if k not in _SAID}
        return {**found, "anyOf": [within({**plain, "type": one}) for one in kind]}
    match kind:
        case "object":
            properties = schema.get("properties")
            if schema.get("additionalProperties") not in (None, False) or not isinstance(properties, Mapping):
                raise _CannotSay
            found |= {"type": "object", "properties": {k: within(v) for k, v in properties.items()}}
            found |= {"additionalProperties": False, "required": list(schema.get("required", ()))}
        case "array":
            found |= {"type": "array", "items": within(schema.get("items"))}
        case "string":
            found["type"] = "string"
            if schema.get("format") in _FORMATS:
                found["format"] = schema["format"]
                return _with_rest(found, schema, {"format"})
        case "integer" | "number" | "boolean" | "null":
            found["type"] = kind
        case _:
            raise _CannotSay
    return _with_rest(found, schema, set())


def _with_rest(found: dict[str, Any], schema: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    rest = {k: v for k, v in schema.items() if k not in _KNOWN and k not in taken}
    if rest:
        said = ", ".join(
            f"{k}: {json.dumps(v, ensure_ascii=False, default=str)}" for k, v in sorted(rest.items())
        )
        found["description"] = "\n\n".join(filter(None, [found.get("description"), f"{{{said}}}"]))
    return found


def _named(name: str, root: Mapping[str, Any]) -> Any:
    if name == "#" or not name.startswith("#/"):
        raise _CannotSay
    found: Any = root
    for part in name[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
