"""Loaders turn the bytes of one format into text with marks; they run inside a limited child process only.

A loader never opens a path or an address that stands in the document. It raises `Unreadable` with a true reason in words
when nothing can be read; partial trouble becomes a warning. Equal bytes give equal results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from groundwork.core.shelf import Shelf
from groundwork.knowledge.types import Parsed


class Unreadable(Exception):
    """Nothing can be read from these bytes; `reason` is a stable slug, the message is for people.

    Reasons: `empty`, `encrypted`, `broken`, `too_large`, `timeout`, `memory`, `hostile`, `unsupported`, `no_text`,
    `missing_program`, `crashed`, `unreadable`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Loader(Protocol):
    """Reads one family of formats."""

    version: ClassVar[int]
    """Raised whenever the same bytes may give another text."""
    media_types: ClassVar[Sequence[str]]
    """What it reads, as media types; the sniffer decides which one bytes are, by content first and name second."""

    def load(self, data: bytes, name: str) -> Parsed:
        """Read `data`; `name` is the file's base name, for hints only."""
        ...


LOADERS: Shelf[Loader] = Shelf("loader", home="groundwork.knowledge.loaders")
