"""JSON and JSON lines as an outline people can read: `key: value`, indented; each record of a list stands by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._text import TextBuilder, one_line
from groundwork.knowledge.types import Parsed

MAX_DEPTH = 100
_TITLES = ("title", "name", "headline", "subject", "question", "id")


class Json:
    """Read JSON and JSON lines; numbers stay as they are written."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/json", "application/x-ndjson")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the value; what is no JSON is kept as the text it is, with a warning."""
        decoded = decode(data)
        out = TextBuilder()
        for warning in decoded.warnings:
            out.warn(warning)
        if decoded.text.isspace():
            return out.build()
        try:
            records, is_list = _records(decoded.text)
        except RecursionError:
            raise Unreadable("hostile", "the JSON is nested too deeply") from None
        except ValueError as error:
            out.warn(f"it is not valid JSON and stands as plain text: {error}")
            out.add(decoded.text)
            return out.build()
        for number, record in enumerate(records, 1):
            if out.full:
                break
            text = "\n".join(outline(record))
            if is_list:
                out.block("row", text, _label(record) or str(number))
            else:
                out.add(text)
        first = records[0] if records and not is_list else None
        title = first.get("title") if isinstance(first, dict) else None
        return out.build(title=title if isinstance(title, str) else "")


def outline(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the lines of an outline of a JSON value.

    Raises:
        Unreadable: `hostile`, it is nested deeper than 100.
    """
    if depth > MAX_DEPTH:
        raise Unreadable("hostile", f"the JSON is nested deeper than {MAX_DEPTH}")
    pad = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                yield f"{pad}{one_line(str(key))}:"
                yield from outline(item, depth + 1)
            else:
                yield f"{pad}{one_line(str(key))}: {_scalar(item, pad)}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)) and item:
                lines = list(outline(item, depth + 1))
                yield pad + "- " + lines[0].lstrip()
                yield from lines[1:]
            else:
                yield f"{pad}- {_scalar(item, pad)}"
    else:
        yield pad + _scalar(value, pad)


def _scalar(value: Any, pad: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\n", "\n" + pad + "  ") if not isinstance(value, (dict, list)) else ""


def _records(text: str) -> tuple[list[Any], bool]:
    """Return the records and whether they are several; one value that is no list is one record."""
    try:
        value = _parse(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [_parse(line) for line in lines], True
    many = isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
    return (value, True) if many else ([value], False)


def _parse(text: str) -> Any:
    # Numbers stay strings: nothing is rounded, and a million digits cost nothing.
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _label(record: Any) -> str:
    if isinstance(record, dict):
        for key in _TITLES:
            if isinstance(record.get(key), str):
                return one_line(record[key])[:200]
    return ""


plugin = Json
