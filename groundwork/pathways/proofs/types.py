"""A proof, and how it stands today. All immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from groundwork.evidence.types import Found, Rechecked

SubjectKind = Literal["milestone", "action", "skill", "lab"]
Grade = Literal["attested", "verified_here", "co_signed", "re_run"]
"""Said by a person; checked over records in this workspace; a second workspace put its name to it; run again from
the bundle."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A finding that was proven once: signed (DSSE), and chained to the proof before it. Tamper-evident, not tamper-proof.

    Attributes:
        check: digest of the predicate with its parameters. found: the records it rested on, with their digests then.
        digest: of the signed statement. previous, position: of the chain of this workspace.
    """

    id: str
    owner: str
    subject_kind: SubjectKind
    subject: str
    title: str
    catalogue: str
    check: str
    found: tuple[Found, ...]
    digest: str
    previous: str
    position: int
    envelope: Mapping[str, Any]
    created_at: str
    grade: Grade = "verified_here"
    cosigners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofState:
    """A proof as it stands now.

    Attributes:
        state: `current`, or `stale`: a record was erased, rolled back or changed, or the check means something else now;
            or `forged`: its signature or its place in the chain does not hold. why: in sentences. records: each
            looked at again.
    """

    proof: Proof
    state: Literal["current", "stale", "forged"]
    why: tuple[str, ...] = ()
    records: tuple[Rechecked, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
