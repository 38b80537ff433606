"""Signatures of releases: a DSSE envelope around an in-toto Statement, signed with Ed25519.

Whoever has the public key checks an envelope offline, with this module or with any other software for DSSE. The digest that
the statement is about can be computed again from the statement alone: it is the SHA-256 of the canonical JSON of the pins.

Source:
    DSSE, https://github.com/secure-systems-lab/dsse (protocol.md, envelope.md, v1.0);
    in-toto Attestation Framework, spec/v1/statement.md; RFC 8032 (Ed25519).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import canonical_json, digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from groundwork.releases.types import Manifest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:groundwork-ai:release:v1"
LONGEST = 4 * 2**20
"""Characters of an envelope that is read from outside."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking an envelope found; `problems` is empty when the signature holds and the digest is the pins' own."""

    digest: str
    app: str
    number: int
    keyid: str
    created_at: str
    created_by: str
    problems: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        return {"valid": self.valid, **asdict(self)}


def pae(payload_type: str, body: bytes) -> bytes:
    """Return the pre-authentication encoding that is signed: `DSSEv1 LEN TYPE LEN BODY`, lengths in bytes, decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def statement(manifest: Manifest, number: int, created_at: str, created_by: str) -> dict[str, Any]:
    """Return the in-toto Statement about a release."""
    pins = manifest.pins()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"{manifest.app}@{number}", "digest": {"sha256": digest_json(pins)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "app": manifest.app,
            "number": number,
            "pins": pins,
            "code": dict(manifest.code),
            "evidence": {
                "evaluation": manifest.evaluation,
                "verdict": manifest.verdict,
                "dataset": manifest.dataset,
            },
            "created_at": created_at,
            "created_by": created_by,
        },
    }


def sign(key: Ed25519PrivateKey, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the DSSE envelope of a statement; equal statements under one key get equal envelopes."""
    body = canonical_json(payload)
    signature = key.sign(pae(PAYLOAD_TYPE, body))
    return {
        "payload": base64.b64encode(body).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": keyid(key.public_key()), "sig": base64.b64encode(signature).decode()},
        ],
    }


def keyid(key: Ed25519PublicKey) -> str:
    """Return by what a public key is recognised: the SHA-256 of its SubjectPublicKeyInfo in DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return digest_bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def verify(envelope: Mapping[str, Any], key: Ed25519PublicKey) -> Verification:
    """Check an envelope with a public key; nothing else is looked up.

    Raises:
        InvalidInputError: it is no envelope of a release at all, so there is nothing to say about it.
    """
    body, payload = _opened(envelope)
    predicate = payload["predicate"]
    problems = []
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        problems.append(
            f"the payload is of type `{str(envelope.get('payloadType'))[:80]}`, not `{PAYLOAD_TYPE}`"
        )
    if payload.get("_type") != STATEMENT_TYPE or payload.get("predicateType") != PREDICATE_TYPE:
        problems.append("the statement is none about a release of Groundwork")
    signed_by = _signature(envelope, key, body)
    if not signed_by:
        problems.append(f"no signature in it is by the key {keyid(key)[:16]}…")
    named = _subject(payload)
    if named != digest_json(predicate.get("pins")):
        problems.append("the digest it names is not that of the pins it lists")
    return Verification(
        named,
        str(predicate.get("app", "")),
        int(predicate.get("number", 0)),
        signed_by,
        str(predicate.get("created_at", "")),
        str(predicate.get("created_by", "")),
        tuple(problems),
    )


def read_envelope(text: str) -> Mapping[str, Any]:
    """Return the envelope in a file; a whole release as JSON (`release show --json`) holds one under `envelope`.

    Raises:
        InvalidInputError: it holds none.
    """
    try:
        found = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("envelope"), dict):
        found = found["envelope"]
    if not isinstance(found, dict) or "payload" not in found:
        raise InvalidInputError(
            "this is no DSSE envelope", hint="write one with `groundwork release show REF --envelope`"
        )
    return found


def read_public_key(text: bytes) -> Ed25519PublicKey:
    """Return the public key in a PEM file.

    Raises:
        InvalidInputError: it holds no Ed25519 public key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInputError(
            "this is no Ed25519 public key in PEM", hint="`groundwork release key` prints the workspace's"
        )
    return key


def _opened(envelope: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
    try:
        body = base64.b64decode(str(envelope["payload"]), validate=True)
        payload = json.loads(body)
        if not isinstance(payload["predicate"], dict):
            raise TypeError
        int(payload["predicate"].get("number", 0))
    except (KeyError, TypeError, ValueError, binascii.Error, RecursionError):
        raise InvalidInputError(
            "the payload of the envelope is no statement", hint="get the release's envelope again"
        ) from None
    return body, payload


def _signature(envelope: Mapping[str, Any], key: Ed25519PublicKey, body: bytes) -> str:
    """Return the id of the key when one of the signatures is by it, else an empty string.

    The `keyid` of an envelope is a hint that anybody may have written: every signature is tried.
    """
    from cryptography.exceptions import InvalidSignature

    signed = pae(str(envelope.get("payloadType", "")), body)
    signatures = envelope.get("signatures")
    for entry in signatures if isinstance(signatures, list) else []:
        try:
            key.verify(base64.b64decode(str(entry["sig"]), validate=True), signed)
        except (InvalidSignature, KeyError, TypeError, ValueError):
            continue
        return keyid(key)
    return ""


def _subject(payload: Mapping[str, Any]) -> str:
    try:
        return str(payload["subject"][0]["digest"]["sha256"])
    except (KeyError, IndexError, TypeError):
        return ""
