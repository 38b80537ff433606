"""What a proof signs: an in-toto Statement in a DSSE envelope, as releases have it.

The statement carries everything that the proof says: the subject, the check and its meaning, the records with their digests,
and its place in the chain. It holds no name of a person: whose it is stands there as a keyed digest (`holder`).

Source:
    DSSE v1.0, protocol.md and envelope.md; in-toto Attestation Framework, spec/v1/statement.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import canonical_json, digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.evidence.types import Found
from groundwork.releases import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREDICATE_TYPE = "urn:groundwork-ai:proof:v1"
CLAIM = "tamper-evident, not tamper-proof"
"""What a signed chain can promise. Whoever holds the machine and its key can write other records; what was signed and given
away cannot be changed unseen."""
LONGEST = 4 * 2**20
"""Bytes of a payload that is read."""
_PEOPLE = ("user:", "key:")
_ENVELOPE = {"payload", "payloadType", "signatures"}


def holder_of(key: Ed25519PrivateKey, tenant: str, owner: str) -> str:
    """Return what stands for a person in statements: the workspace can tell whose it is, nobody else can guess it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return hmac.new(secret, canonical_json(["holder", tenant, owner]), "sha256").hexdigest()


def statement(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the in-toto Statement of a proof.

    Args:
        about: `id, holder, kind, subject, title, catalogue, check, meaning, predicate, found, previous, position,
            created_at`.
    """
    name = f"{about['kind']}/{about['subject']}"
    return {
        "_type": signing.STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest_json(about["found"])}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {**about, "claim": CLAIM},
    }


def digest_of(envelope: Mapping[str, Any]) -> str:
    """Return by what a signed statement is named: the SHA-256 of its payload.

    Raises:
        InvalidInputError: the envelope has no payload.
    """
    return digest_bytes(_body(envelope))


def opened(envelope: Mapping[str, Any], kind: str = PREDICATE_TYPE) -> Mapping[str, Any]:
    """Return the predicate in an envelope, whether or not it is signed well.

    Args:
        kind: the predicate type that it must have.

    Raises:
        InvalidInputError: it holds no such statement.
    """
    try:
        payload = json.loads(_body(envelope))
        good = (
            envelope.get("payloadType") == signing.PAYLOAD_TYPE
            and payload["_type"] == signing.STATEMENT_TYPE
            and payload["predicateType"] == kind
            and isinstance(payload["predicate"], dict)
            and isinstance(payload["subject"][0]["digest"]["sha256"], str)
        )
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        good = False
    if not good:
        raise InvalidInputError(
            "the payload of the envelope is no such statement", hint="get the file again from whoever made it"
        )
    return dict(payload["predicate"])


def subject_digest(envelope: Mapping[str, Any]) -> str:
    """Return the digest that the statement names as its subject's."""
    return str(json.loads(_body(envelope))["subject"][0]["digest"]["sha256"])


def signed_by(envelope: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Say whether a signature in the envelope is by this key; the `keyid` in it is only a hint and not believed."""
    from cryptography.exceptions import InvalidSignature

    signed = signing.pae(str(envelope.get("payloadType", "")), _body(envelope))
    entries = envelope.get("signatures")
    for entry in entries if isinstance(entries, list) else []:
        try:
            key.verify(base64.b64decode(str(entry["sig"]), validate=True), signed)
        except (InvalidSignature, KeyError, TypeError, ValueError):
            continue
        return True
    return False


def refuse_loose(envelope: Any, data: bytes | None = None) -> None:
    """Refuse an envelope in which anything stands that the signature does not decide.

    Raises:
        InvalidInputError: there is such a thing.
    """
    try:
        entries = envelope["signatures"]
        good = (
            set(envelope) == _ENVELOPE
            and len(entries) == 1
            and set(entries[0]) == {"keyid", "sig"}
            and all(
                base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
                for text in (envelope["payload"], entries[0]["sig"])
            )
            and (data is None or canonical_json(envelope) + b"\n" == data)
        )
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise InvalidInputError("the envelope is not as it was written", hint="get the bundle again")


def names_key(envelope: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Say whether the hint in the envelope is the id of this key; others are refused where nothing may be loose."""
    return bool(envelope["signatures"][0]["keyid"] == signing.keyid(key))


def found_as_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return records as a statement names them; the name of a person stands there as one that leads to nobody."""
    return [{**asdict(one), "values": _nameless(one.values)} for one in found]


def shown_id(identifier: str) -> str:
    """Return the id of a record as people see it: a digest in it is cut to its beginning."""
    head, mark, rest = identifier.rpartition("@")
    if len(rest) < 40 or not rest.isalnum():
        return identifier
    return f"{head}{mark}{rest[:7]}…"


def found_from_json(entries: Sequence[Mapping[str, Any]]) -> tuple[Found, ...]:
    """Return the records that a statement names."""
    return tuple(
        Found(
            str(e["kind"]),
            str(e["id"]),
            str(e["digest"]),
            dict(e.get("values") or {}),
            str(e.get("at", "")),
            str(e.get("address", "")),
        )
        for e in entries
    )


def plainly(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are as they were found, without those that stand for people."""
    return {k: v for k, v in values.items() if not (isinstance(v, str) and v.startswith(_PEOPLE))}


def _nameless(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(canonical_json({k: _nobody(v) for k, v in values.items()})))


def _nobody(value: Any) -> Any:
    """Return a name that stands for the same person each time, so that a check can still tell two people apart."""
    if not (isinstance(value, str) and value.startswith(_PEOPLE)):
        return value
    head, _, name = value.partition(":")
    return value if name.startswith("~") else f"{head}:~{digest_bytes(name.encode())[:12]}"


def _body(envelope: Mapping[str, Any]) -> bytes:
    try:
        body = base64.b64decode(str(envelope["payload"]), validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        body = b""
    if not body or len(body) > LONGEST:
        raise InvalidInputError(
            "the envelope has no payload that can be read", hint="get the file again from whoever made it"
        )
    return body
