"""Read fields of a client's body: each of the right kind and within its limits, or an error that names the field.

A field that is null counts as absent, as the official clients and servers have it. `param` in the details of an error is the
field as the dialect's error bodies name it.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from groundwork.core.errors import InvalidInputError
from groundwork.gateway import schemas
from groundwork.gateway.types import ImagePart, Tool

MAX_MESSAGES = 10_000
MAX_PARTS = 20_000
MAX_TOOLS = 512
MAX_CALLS = 512
MAX_STOPS = 64
MAX_STOP_CHARS = 1_000
MAX_NAME_CHARS = 256
MAX_ID_CHARS = 512
MAX_URL_CHARS = 8_192
MAX_INTEGER = 2**63 - 1
MAX_TOKENS = 100_000_000

_KINDS: dict[type, str] = {
    bool: "a boolean",
    str: "a string",
    int: "a number",
    float: "a number",
    list: "an array",
}


def refuse(param: str, said: str, hint: str = "") -> NoReturn:
    raise InvalidInputError(f"`{param}` {said}", hint=hint, param=param)


def kind_of(value: object) -> str:
    """Return how JSON calls what `value` is, with its article."""
    return "null" if value is None else _KINDS.get(type(value), "an object")


def text_of(body: Mapping[str, Any], key: str, at: str = "", *, longest: int = 0, empty: bool = True) -> str:
    """Return a string, "" where it is absent; `longest` 0 is no limit."""
    value = body.get(key)
    if value is None and empty:
        return ""
    if not isinstance(value, str):
        refuse(at + key, f"must be a string, and is {kind_of(value)}")
    if longest and len(value) > longest:
        refuse(at + key, f"has {len(value):,} characters, at most {longest:,} are accepted")
    if not value and not empty:
        refuse(at + key, "must not be empty")
    return value


def flag_of(body: Mapping[str, Any], key: str, at: str = "") -> bool | None:
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return value
    refuse(at + key, f"must be true or false, and is {kind_of(value)}")


def number_of(body: Mapping[str, Any], key: str, low: float, high: float) -> float | None:
    """Return a finite number within both bounds."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(key, f"must be a number, and is {kind_of(value)}")
    if not low <= value <= high or not math.isfinite(value):
        refuse(key, f"is {value}, it must be from {low:g} to {high:g}")
    return float(value)


def whole_of(body: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    """Return a whole number within both bounds; 8.0 is one."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(
            key, f"must be a whole number, and is {kind_of(value) if value.__class__ is not float else value}"
        )
    if not low <= value <= high:
        refuse(key, f"is {value if abs(value) < 10**20 else 'too large'}, it must be from {low} to {high}")
    return value


def object_of(body: Mapping[str, Any], key: str, at: str = "") -> dict[str, Any] | None:
    value = body.get(key)
    if value is None or isinstance(value, dict):
        return value
    refuse(at + key, f"must be an object, and is {kind_of(value)}")


def list_of(body: Mapping[str, Any], key: str, most: int, at: str = "") -> list[Any]:
    """Return an array, an empty one where it is absent."""
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        refuse(at + key, f"must be an array, and is {kind_of(value)}")
    if len(value) > most:
        refuse(at + key, f"has {len(value):,} entries, at most {most:,} are accepted")
    return value


def model_of(body: Mapping[str, Any]) -> str:
    if body.get("model") is None:
        refuse("model", "is missing", "name a model; `GET /v1/models` lists them")
    return text_of(body, "model", longest=MAX_NAME_CHARS, empty=False)


def stops_of(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return stop sequences, given as one string or an array of strings; empty ones are left out."""
    value = body.get(key)
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else list_of(body, key, MAX_STOPS)
    for n, stop in enumerate(found):
        if not isinstance(stop, str):
            refuse(f"{key}[{n}]", f"must be a string, and is {kind_of(stop)}")
        if len(stop) > MAX_STOP_CHARS:
            refuse(f"{key}[{n}]", f"has {len(stop):,} characters, at most {MAX_STOP_CHARS:,} are accepted")
    return tuple(stop for stop in found if stop)


def extra_of(body: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the fields that have no canonical place, by their own names."""
    return {key: body[key] for key in body.keys() - known if body[key] is not None}


def image_of(url: object, detail: object, at: str) -> ImagePart:
    """Return the image that a data URL holds or an http(s) URL points at."""
    if not isinstance(url, str) or not url:
        refuse(at, f"must be a URL, and is {kind_of(url) if not isinstance(url, str) else 'empty'}")
    if detail is not None and not isinstance(detail, str):
        refuse(f"{at}.detail", f"must be a string, and is {kind_of(detail)}")
    if url[:5].lower() == "data:":
        head, comma, data = url[5:].partition(",")
        media_type, _, encoding = head.partition(";")
        if not comma or encoding.rpartition(";")[2].strip().lower() != "base64":
            refuse(at, "is a data URL without `;base64,`")
        return image_data(media_type.strip().lower(), data, at, detail or "")
    if url[:8].lower().startswith(("http://", "https://")):
        if len(url) > MAX_URL_CHARS or any(c <= " " for c in url):
            refuse(at, f"is no URL, or longer than {MAX_URL_CHARS:,} characters")
        return ImagePart(url=url, detail=detail or "")
    refuse(
        at,
        "must begin with `data:`, `https://` or `http://`",
        "send the image itself as a data URL in base64",
    )


def image_data(media_type: object, data: object, at: str, detail: str = "") -> ImagePart:
    """Return an image of base64 text; the text is checked, the image is not looked into."""
    if not isinstance(media_type, str) or not media_type.startswith("image/"):
        refuse(at, f"is of the media type {media_type!r:.60}, an image such as `image/png` is needed")
    if not isinstance(data, str) or not data:
        refuse(at, "holds no data")
    try:
        binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        refuse(
            at,
            f"is not base64: {error if isinstance(error, binascii.Error) else 'a character does not belong'}",
        )
    return ImagePart(media_type=media_type, data=data, detail=detail)


def tool_of(value: Mapping[str, Any], at: str, parameters: str) -> Tool:
    """Return a function given as name, description and schema, the last under the key `parameters`."""
    name = text_of(value, "name", at, longest=MAX_NAME_CHARS, empty=False)
    if any(c <= " " for c in name):
        refuse(f"{at}name", f"is {name!r}, it must hold no blank")
    schema = object_of(value, parameters, at)
    if schema:
        schemas.check(schema, at + parameters)
    else:
        schema = {"type": "object", "properties": {}}
    return Tool(name, text_of(value, "description", at), schema, flag_of(value, "strict", at) or False)


def distinct(tools: list[Tool], at: str = "tools") -> tuple[Tool, ...]:
    seen: set[str] = set()
    for tool in tools:
        if tool.name in seen:
            refuse(at, f"names `{tool.name}` twice")
        seen.add(tool.name)
    return tuple(tools)
