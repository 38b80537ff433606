"""JSON as it travels to and from providers: strict, without NaN, and of text that can be stored and sent on."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from groundwork.core.json_writer import json_writer


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
_write = json_writer()
_write_ascii = json_writer(ensure_ascii=True)


def read(data: bytes | str) -> Any:
    """Return the value that `data` holds; halves of surrogate pairs in its strings become U+FFFD.

    Raises:
        ValueError: it is no JSON, no UTF-8, nested too deep, or holds NaN or Infinity.
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    text = text.removeprefix("\ufeff")
    try:
        value = _decoder.decode(text)
        # Only an escape can bring half of a pair in: UTF-8 was decoded strictly.
        return _mended(value) if "\\ud" in text or "\\uD" in text else value
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def write(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8.

    Raises:
        ValueError: NaN, a circle, or nesting too deep. TypeError: what JSON cannot hold.
    """
    try:
        try:
            return _write(value).encode()
        except UnicodeEncodeError:
            return _write_ascii(value).encode()
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def clean(text: str) -> str:
    """Return `text` with whole surrogate pairs joined and halves of them as U+FFFD, so that it can be encoded."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_mended(v) for v in value]
    if isinstance(value, dict):
        return {clean(k): _mended(v) for k, v in value.items()}
    return value
