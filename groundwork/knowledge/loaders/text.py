"""Plain text in any encoding, and everything that is read as plain text: logs, source code, configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._text import MAX_CHARS, normalise, parsed
from groundwork.knowledge.types import Parsed


class Text:
    """Keep the text as it was written, normalised."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/plain",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Read characters in whatever encoding they are in."""
        text, warnings = stored_text(data)
        return parsed(text, warnings=warnings)


def stored_text(data: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """Return the normalised text of `data` without newlines at its ends, and warnings."""
    decoded = decode(data, declared)
    text, warnings = decoded.text, decoded.warnings
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS]
        warnings = (*warnings, f"the text was cut after {MAX_CHARS:,} characters")
    return normalise(text).strip("\n"), warnings


plugin = Text
