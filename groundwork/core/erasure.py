"""What a room that keeps personal text promises: it can take it away for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from groundwork.core.principal import Principal


@dataclass(frozen=True)
class ErasureReceipt:
    """What one room removed: its name, how many things, and how it made sure."""

    room: str
    removed: int
    method: str
    residual: str = ""


class Erasable(Protocol):
    """A room that holds personal text."""

    def erase_documents(self, principal: Principal, document_ids: list[str]) -> ErasureReceipt:
        """Remove every trace of these documents; afterwards no query at any snapshot returns their text."""
        ...
