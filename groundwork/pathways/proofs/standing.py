"""How a proof stands today: its signature, its place in the chain, its check, and each of its records, looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.evidence.types import Rechecked
from groundwork.pathways.proofs.statements import (
    digest_of,
    found_as_json,
    holder_of,
    opened,
    shown_id,
    signed_by,
    subject_digest,
)
from groundwork.pathways.proofs.types import Proof, ProofState
from groundwork.releases import signing
from groundwork.storage import tables as t
from groundwork.storage.improvement_tables import deployments, releases
from groundwork.storage.pathway_tables import proofs

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from groundwork.pathways.catalogue.loaded import Loaded

_GONE_PERSON = "user:usr_"
"""How the name of a person begins whose account was erased."""


@dataclass(frozen=True)
class Look:
    """What is needed to look at proofs again.

    Attributes:
        before: by position the digest of the proof that stands there. withdrawn: by record id what happened to it since,
            with the time; see `withdrawn`.
    """

    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    tenant: str
    before: Mapping[int, str]
    withdrawn: Mapping[str, Sequence[tuple[str, str]]]
    catalogue: Loaded


def check_of(loaded: Loaded, kind: str, subject: str) -> dict[str, Any] | None:
    """Return the check of a milestone or action as the catalogue has it; None where it has none of that name."""
    if kind not in ("milestone", "action"):
        return None
    try:
        entry = loaded.milestone(subject) if kind == "milestone" else loaded.action(subject)
    except GroundworkError:
        return None
    return dict(entry.check)


def meaning(check: Mapping[str, Any] | None) -> str:
    """Return the digest of what a check means, whatever it was filled in with; empty where there is none."""
    if check is None:
        return ""
    from groundwork.evidence.parse import predicate_digest, read_predicate

    return str(predicate_digest(read_predicate(check)))


def state_of(proof: Proof, again: Mapping[tuple[str, str, str], Rechecked], look: Look) -> ProofState:
    """Return how a proof stands.

    Args:
        again: its records as they were found again, by kind, id and digest.
    """
    forged = forgeries(proof, look)
    records = tuple(
        again.get((f.kind, f.id, f.digest)) or Rechecked(f, "gone", "no room keeps it any more")
        for f in proof.found
    )
    if forged:
        return ProofState(proof, "forged", tuple(forged), records)
    why = [_changed(r) for r in records if r.state != "same"]
    if proof.subject_kind != "lab":  # what a lab laid out may be taken back when it is over
        for record in proof.found:
            told = look.withdrawn.get(record.id, ())
            why += [text for at, text in told if at > proof.created_at or not at]
    why += _meaning_now(proof, look)
    if proof.owner.startswith(_GONE_PERSON):
        why.append("The person it belonged to was erased.")
    return ProofState(proof, "stale" if why else "current", tuple(dict.fromkeys(why)), records)


def forgeries(proof: Proof, look: Look) -> list[str]:
    """Return in sentences why a proof is not what the workspace signed; empty where it is."""
    try:
        said, named = opened(proof.envelope), subject_digest(proof.envelope)
    except InvalidInputError:
        return ["Its envelope holds no statement of a proof."]
    if not signed_by(proof.envelope, look.public):
        return [f"No signature in it is by the key of this workspace, {signing.keyid(look.public)[:16]}…."]
    problems = []
    if digest_of(proof.envelope) != proof.digest:
        problems.append("Its digest is not that of what was signed.")
    written = {
        "id": proof.id,
        "kind": proof.subject_kind,
        "subject": proof.subject,
        "catalogue": proof.catalogue,
        "check": proof.check,
        "previous": proof.previous,
        "position": proof.position,
        "created_at": proof.created_at,
    }
    problems += [
        f"What is stored as its {name} is not what was signed."
        for name, value in written.items()
        if said.get(name) != value
    ]
    if named != _digest_of_found(proof):
        problems.append("The records it lists are not those that were signed.")
    mine = said.get("holder") == holder_of(look.private, look.tenant, proof.owner)
    if not mine and not proof.owner.startswith(_GONE_PERSON):
        problems.append("It was signed for somebody else.")
    before = look.before.get(proof.position - 1)
    if before is not None and before != proof.previous:
        problems.append("The proof before it in the chain is another one than it was chained to.")
    if proof.position == 1 and proof.previous:
        problems.append("It stands first in the chain and names a proof before it.")
    return problems


def neighbours(connection: Connection, tenant: str, found: Sequence[Proof]) -> dict[int, str]:
    """Return by position the digests of the proofs that these ones were chained to, as far as they are there."""
    wanted = sorted({proof.position - 1 for proof in found})
    query = select(proofs.c.position, proofs.c.digest).where(
        proofs.c.tenant == tenant, proofs.c.position.in_(wanted)
    )
    return {int(row.position): str(row.digest) for row in connection.execute(query)}


def withdrawn(
    connection: Connection, tenant: str, found: Sequence[Proof]
) -> dict[str, list[tuple[str, str]]]:
    """Return by record what was taken back, as time (empty: not known) and sentence.

    A release that was rolled back, a release or snapshot that lost a document to an erasure.
    """
    ids = {record.id for proof in found for record in proof.found}
    made: dict[str, list[tuple[str, str]]] = {}
    _rollbacks(connection, tenant, sorted(i for i in ids if i.startswith("rel_")), made)
    by_digest: dict[str, list[str]] = {}
    for proof in found:
        for record in proof.found:
            if record.kind == "snapshot":
                by_digest.setdefault(record.id.rpartition("@")[2], []).append(record.id)
    if by_digest:
        s = t.snapshots.c
        query = select(s.id).where(s.tenant == tenant, s.id.in_(list(by_digest)), s.redacted.is_(True))
        for digest in sorted(set(connection.execute(query).scalars())):
            text = f"The snapshot {digest[:7]}… has lost a document to an erasure."
            for identifier in sorted(set(by_digest[digest])):
                made.setdefault(identifier, []).append(("", text))
    return made


def chain_problems(rows: Sequence[Any], private: Ed25519PrivateKey, tenant: str) -> list[str]:
    """Return in sentences what is wrong with a chain; `rows` are all proofs of a tenant in their order."""
    public = private.public_key()
    problems, expected, previous = [], 1, ""
    for row in rows:
        name = f"{row.id} (number {row.position})"
        problems += [
            f"Number {missing} of the chain is not there: it was erased, or somebody removed it."
            for missing in range(expected, int(row.position))
        ]
        whole = expected == int(row.position)
        try:
            signed = signed_by(row.envelope, public) and digest_of(row.envelope) == row.digest
            said = opened(row.envelope)
        except InvalidInputError:
            signed, said = False, {}
        if not signed:
            problems.append(f"The signature of {name} does not hold.")
        elif said.get("position") != row.position or said.get("previous") != row.previous:
            problems.append(f"{name} stands at another place than it was signed for.")
        elif whole and said.get("previous") != previous:
            problems.append(f"{name} is not chained to the proof before it.")
        expected, previous = int(row.position) + 1, str(row.digest)
    return problems


def _changed(record: Rechecked) -> str:
    found, why = record.found, record.why.strip().rstrip(".")
    if found.id in why:
        return f"{why[:1].upper()}{why[1:]}."
    if record.state == "gone":
        return f"The {_words(found.kind)} {shown_id(found.id)} is gone{_because(record)}."
    return f"The {_words(found.kind)} {shown_id(found.id)} has changed since{_because(record)}."


def _because(record: Rechecked) -> str:
    return f": {record.why.strip().rstrip('.')}" if record.why.strip() else ""


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _meaning_now(proof: Proof, look: Look) -> list[str]:
    if proof.subject_kind not in ("milestone", "action"):
        return []
    check = check_of(look.catalogue, proof.subject_kind, proof.subject)
    if check is None:
        return [f"The catalogue in force has no {proof.subject_kind} `{proof.subject}` any more."]
    if meaning(check) != str(opened(proof.envelope).get("meaning", "")):
        return [
            f"The check of `{proof.subject}` means something else now than when it was proven; check it again."
        ]
    return []


def _digest_of_found(proof: Proof) -> str:
    from groundwork.core.digest import digest_json

    return digest_json(found_as_json(proof.found))


def _rollbacks(
    connection: Connection, tenant: str, ids: Sequence[str], made: dict[str, list[tuple[str, str]]]
) -> None:
    if not ids:
        return
    r, d = releases.c, deployments.c
    refs: dict[str, str] = {}
    for row in connection.execute(
        select(r.id, r.app, r.number, r.redacted).where(r.tenant == tenant, r.id.in_(ids))
    ):
        refs[row.id] = f"{row.app}@{row.number}"
        if row.redacted:
            text = f"The release {refs[row.id]} has lost a document to an erasure."
            made.setdefault(row.id, []).append(("", text))
    back = select(d.release, d.previous, d.kind, d.state, d.environment, d.created_at, d.ended_at).where(
        d.tenant == tenant,
        ((d.kind == "rollback") & d.previous.in_(ids)) | ((d.state == "rolled_back") & d.release.in_(ids)),
    )
    for move in connection.execute(back.order_by(d.id)).all():
        one, at = (
            (move.previous, move.created_at)
            if move.kind == "rollback"
            else (move.release, move.ended_at or "")
        )
        text = f"The release {refs.get(one, one)} was rolled back in {move.environment} on {at[:10]}."
        if at:
            made.setdefault(one, []).append((at, text))
