"""A second workspace puts its name to proofs: it checks their bundle and signs what it saw.

The co-signature is a file. Its signer gives it to the owner, who adds it; it travels in later bundles. It says what was
done: the bundle was checked (`co_signed`), or the checks were also run again over the records in it (`re_run`). Who stands
behind a key is not in the file: that is known by whoever was given the key by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.pathways.portfolio.did import did_of, public_key_of
from groundwork.pathways.proofs.statements import (
    CLAIM,
    names_key,
    opened,
    refuse_loose,
    signed_by,
    subject_digest,
)
from groundwork.pathways.proofs.types import Grade
from groundwork.releases import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from groundwork.pathways.portfolio.types import BundleReport

PREDICATE_TYPE = "urn:groundwork-ai:cosignature:v1"
MAX_NAME = 200
_ORDER: tuple[Grade, ...] = ("attested", "verified_here", "co_signed", "re_run")


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A co-signature whose signature holds.

    Attributes:
        signer: did:key of who signed. proofs: by digest of a proof, its grade: what was done with it.
        grade: the weakest of them.
    """

    keyid: str
    signer: str
    name: str
    at: str
    issuer: str
    proofs: Mapping[str, Grade]
    grade: Grade


def cosign(
    key: Ed25519PrivateKey, report: BundleReport, *, name: str, only: Sequence[str] = (), at: str = ""
) -> dict[str, Any]:
    """Return the co-signature of the proofs in a bundle that was checked.

    Args:
        report: what checking the bundle found. name: of who signs. only: ids of proofs; empty: all that hold.
        at: the time, ISO 8601 in UTC.

    Raises:
        InvalidInputError: the name is empty or too long, something in the bundle fails, no proof of it holds,
            or it is signed by the same key.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidInputError(
            f"the name of who co-signs has {len(name)} characters", hint=f"give 1 to {MAX_NAME}"
        )
    if not report.valid:
        failed = next((line.sentence for line in report.lines if line.state == "fails"), "")
        raise InvalidInputError(
            f"the bundle does not hold, so it is not co-signed: {failed}",
            hint="`groundwork path verify BUNDLE` says everything that fails",
        )
    signer = did_of(key.public_key())
    if signer == report.issuer:
        raise InvalidInputError(
            "the bundle was made with the key of this workspace", hint="somebody else has to co-sign it"
        )
    chosen = [
        {
            "id": proof,
            "digest": report.digests[proof],
            "grade": "re_run" if grade == "re_run" else "co_signed",
        }
        for proof, grade in sorted(report.grades.items())
        if grade in ("verified_here", "co_signed", "re_run") and (not only or proof in only)
    ]
    unknown = sorted(set(only) - {str(one["id"]) for one in chosen})
    if unknown or not chosen:
        raise InvalidInputError(
            f"the bundle holds no proof `{unknown[0]}` that could be co-signed"
            if unknown
            else "no proof in the bundle holds, so there is nothing to co-sign",
            hint="`groundwork path verify BUNDLE` lists its proofs",
        )
    about = {
        "name": name,
        "signer": signer,
        "issuer": report.issuer,
        "proofs": chosen,
        "at": at,
        "claim": CLAIM,
    }
    return signing.sign(
        key,
        {
            "_type": signing.STATEMENT_TYPE,
            "subject": [{"name": "proofs", "digest": {"sha256": digest_json(chosen)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": about,
        },
    )


def read(signed: Mapping[str, Any]) -> Cosignature:
    """Return what a co-signature says; its signature is checked with the key that it names.

    Raises:
        InvalidInputError: it is none, or its signature does not hold.
    """
    try:
        refuse_loose(signed)
        said = opened(signed, PREDICATE_TYPE)
        key = public_key_of(str(said["signer"]))
        proofs: dict[str, Grade] = {
            str(one["digest"]): "re_run" if one["grade"] == "re_run" else "co_signed"
            for one in said["proofs"]
        }
        whole = bool(proofs) and digest_json(said["proofs"]) == subject_digest(signed)
        name, at, issuer = (str(said[k]) for k in ("name", "at", "issuer"))
    except (KeyError, TypeError, ValueError):
        raise InvalidInputError(
            "this is no co-signature", hint="`groundwork path cosign BUNDLE` writes one"
        ) from None
    if not whole or not signed_by(signed, key) or not names_key(signed, key) or not 0 < len(name) <= MAX_NAME:
        raise InvalidInputError(
            "the signature of the co-signature does not hold", hint="ask whoever signed it for the file again"
        )
    weakest: Grade = "co_signed" if "co_signed" in proofs.values() else "re_run"
    return Cosignature(signing.keyid(key), str(said["signer"]), name, at, issuer, proofs, weakest)


def said_of(digest: str, envelopes: Sequence[Mapping[str, Any]]) -> tuple[Grade, tuple[str, ...]]:
    """Return the strongest grade that others gave to the proof of this digest, and who they are, each once.

    What is stored beside the envelopes is not believed. `verified_here` where nobody whose signature holds gave one.
    """
    grades: list[Grade] = ["verified_here"]
    names: dict[str, None] = {}
    for envelope in envelopes:
        try:
            found = read(envelope)
        except InvalidInputError:
            continue
        if digest in found.proofs:
            grades.append(found.proofs[digest])
            names[found.name] = None
    return max(grades, key=_ORDER.index), tuple(names)
