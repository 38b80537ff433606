"""What parsing may cost and what comes of it: `Limits`, `Quarantine`, `Measured`."""

from __future__ import annotations

from dataclasses import dataclass

from groundwork.knowledge.types import Parsed

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one document may cost.

    Attributes:
        memory_mib: address space of the child; its resident memory stays below that. What OCR takes is subtracted.
        wall_s: seconds until the child is killed.
        cpu_s: seconds of processor time.
        max_bytes: a larger document is not read at all.
        max_reply_bytes: a larger reply of the child is taken as hostile.
        max_open_files: file descriptors of the child.
        documents: after so many documents a child is replaced by a fresh one.
        grown_mib: a child whose resident memory stays above this after a document is replaced.
    """

    memory_mib: int = 512
    wall_s: float = 20.0
    cpu_s: int = 20
    max_bytes: int = 64 * MIB
    max_reply_bytes: int = 96 * MIB
    max_open_files: int = 48
    documents: int = 2000
    grown_mib: int = 256


@dataclass(frozen=True)
class Quarantine:
    """A document that was not read: `reason` is a stable slug (see `loaders.Unreadable`), the message is for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class Measured:
    """An outcome with what it took: wall-clock seconds, and the child's peak resident memory in MiB (0 when unknown)."""

    outcome: Parsed | Quarantine
    media_type: str
    seconds: float
    rss_mib: float
