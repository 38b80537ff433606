"""What an export made, and what checking a bundle found. All immutable and JSON-compatible."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Stopped:
    """Something that must not leave: where it stands, what kind of secret or personal datum it is, never the thing
    itself."""

    place: str
    kind: str
    advice: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, or why nothing was. `stopped` is empty when it was written.

    `proofs` hold, `stale` ones are shown as history, `forged` ones are left out.
    """

    folder: str
    files: tuple[str, ...]
    bundle: str
    proofs: int
    stale: int
    systems: tuple[str, ...]
    stopped: tuple[Stopped, ...] = ()
    forged: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BundleLine:
    """One thing that was checked in a bundle."""

    what: str
    state: Literal["holds", "fails", "history", "cannot_be_checked"]
    sentence: str


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What checking a bundle found, offline. `valid` when nothing fails; `issuer` is the key that signed it (did:key).

    `grades` and `digests` are by id of a proof; a proof that does not hold is in neither.
    """

    valid: bool
    issuer: str
    owner: str
    created_at: str
    grades: dict[str, str]
    lines: tuple[BundleLine, ...]
    digests: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
