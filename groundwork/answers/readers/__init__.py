"""Readers turn a question and retrieved passages into a draft; a generating model is one, the extractive reader another.

A reader may be wrong and need not be honest: what it quotes is checked against the stored text afterwards, and a sentence
without a checked quote is dropped. A reader that is deterministic says so; only its answers can be replayed by running it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from groundwork.answers.types import Draft, Passage
from groundwork.core.shelf import Shelf


class Reader(Protocol):
    """Constructors only remember parameters."""

    deterministic: ClassVar[bool]

    @property
    def fingerprint(self) -> str:
        """Digest of everything the draft depends on besides question and passages."""
        ...

    def pinned(self) -> dict[str, object]:
        """Return the spec this reader can be made from again, with every automatic choice made: `{name, …}`.

        What differs from machine to machine without changing a draft, such as folders, is left out.
        """
        ...

    def read(self, question: str, passages: Sequence[Passage]) -> Draft: ...


READERS: Shelf[Reader] = Shelf("reader", home="groundwork.answers.readers")
