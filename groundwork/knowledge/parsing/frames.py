"""What parent and child say to each other: one JSON object and some bytes, each with its length in front."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from groundwork.core.errors import InternalError
from groundwork.knowledge.types import Mark, MarkKind, Parsed

PREFIX = struct.Struct(">II")
"""Lengths in bytes of the JSON object and of what follows it."""
_KINDS: frozenset[str] = frozenset(MarkKind.__args__)  # type: ignore[attr-defined]


def pack(facts: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return a frame."""
    head = json.dumps(facts, separators=(",", ":")).encode("ascii")
    return PREFIX.pack(len(head), len(body)) + head + body


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Return the next frame, or None at the end of the stream."""
    prefix = stream.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    head, body = PREFIX.unpack(prefix)
    facts = json.loads(stream.read(head))
    return facts, stream.read(body)


def pack_parsed(document: Parsed, facts: Mapping[str, Any]) -> bytes:
    """Return a frame that holds a document and some facts about its making."""
    head = {
        **facts,
        "marks": [[m.kind, m.start, m.end, m.label, m.level] for m in document.marks],
        "title": document.title,
        "language": document.language,
        "meta": dict(document.meta),
        "warnings": list(document.warnings),
    }
    return pack(head, document.text.encode("utf-8", "replace"))


def unpack_parsed(facts: Mapping[str, Any], body: bytes) -> Parsed:
    """Return the document of a frame; what the child says is checked, for it has read hostile bytes.

    Raises:
        InternalError: the frame is no document, or a mark lies outside the text.
    """
    try:
        text = body.decode("utf-8")
        marks = tuple(_mark(m, len(text)) for m in facts["marks"])
        return Parsed(
            text=text,
            marks=marks,
            title=str(facts["title"]),
            language=str(facts["language"]),
            meta={str(k): str(v) for k, v in facts["meta"].items()},
            warnings=tuple(str(w) for w in facts["warnings"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InternalError(f"the parsing process sent no proper document: {error}") from error


def _mark(values: Any, length: int) -> Mark:
    kind, start, end, label, level = values
    if kind not in _KINDS or not 0 <= int(start) < int(end) <= length:
        raise ValueError(f"mark {kind} at {start}:{end} of {length} characters")
    return Mark(kind, int(start), int(end), str(label), int(level))
