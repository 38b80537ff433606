"""Values that the tests of several clients share."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
RIVER: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "length_km": {"type": "integer"}},
    "required": ["name", "length_km"],
    "additionalProperties": False,
}
OPENAI_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": CITY},
}
ANTHROPIC_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": CITY,
}


def ask(text: str = "How long is the Loire?") -> list[Any]:
    """Return one user message."""
    return [{"role": "user", "content": text}]


def png() -> str:
    """Return a red pixel as a PNG in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")).decode()
