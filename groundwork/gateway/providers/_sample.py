"""Make a small value that fits a JSON Schema, always the same one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 12
_FORMATS = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z", "email": "a@example.com",
            "uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000000"}  # fmt: skip


def sample(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """Return a value for the usual schemas: types, enum, const, required and further properties, bounds, local references.

    Patterns and `not` are not looked at; the value may not fit those.
    """
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    root = schema if root is None else root
    if isinstance(schema.get("$ref"), str):
        return sample(_referred(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if "default" in schema:
        return schema["default"]
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return sample(schema[name][0], root, depth + 1)
    if isinstance(schema.get("allOf"), list):
        merged: dict[str, Any] = {"properties": {}, "required": []}
        for part in [schema, *schema["allOf"]]:
            part = _referred(part["$ref"], root) if isinstance(part, Mapping) and "$ref" in part else part
            if isinstance(part, Mapping):
                merged["properties"] |= part.get("properties", {})
                merged["required"] += part.get("required", [])
                merged |= {k: v for k, v in part.items() if k not in ("properties", "required", "allOf")}
        return sample(merged, root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: Mapping[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    match kind:
        case "object":
            properties = schema.get("properties")
            properties = properties if isinstance(properties, Mapping) else {}
            wanted = schema.get("required") or list(properties)
            return {name: sample(properties.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            count = min(max(int(schema.get("minItems", 1)), 0), 20)
            return [sample(schema.get("items", {}), root, depth + 1) for _ in range(count)]
        case "integer" | "number":
            low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum")
            number = low + (1 if "exclusiveMinimum" in schema else 0) if low is not None else 1
            number = number if high is None or number <= high else high
            step = schema.get("multipleOf")
            return number if not step else step * -(-number // step)
        case "boolean":
            return True
        case "null":
            return None
    text = _FORMATS.get(str(schema.get("format")), "text")
    return text.ljust(int(schema.get("minLength", 0)), "x")[: schema.get("maxLength")]


def _referred(name: str, root: Any) -> Any:
    found = root
    for part in name.removeprefix("#").strip("/").split("/"):
        if part:
            part = part.replace("~1", "/").replace("~0", "~")
            found = found.get(part) if isinstance(found, Mapping) else None
    return found
