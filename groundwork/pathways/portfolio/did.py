"""Names of keys that anyone can read a key back from: `did:key`, and `did:web` for who has a domain.

Source:
    W3C CCG, did:key method (Ed25519: multicodec 0xed, base58btc with prefix `z`) and did:web method;
    RFC 8037 (OKP keys as JWK).
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from groundwork.core.errors import InvalidInputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519 = b"\xed\x01"
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?::\d{2,5})?(?:/[\w.~-]+)*\Z"
)


def did_of(key: Ed25519PublicKey) -> str:
    """Return the `did:key` of a public key."""
    return f"did:key:z{_base58(_ED25519 + _raw(key))}"


def public_key_of(did: str) -> Ed25519PublicKey:
    """Return the public key that a `did:key` is the name of.

    Raises:
        InvalidInputError: it is none of an Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = b""
    if did.startswith("did:key:z") and len(did) < 80:
        raw = _unbase58(did.removeprefix("did:key:z"))
    if not (raw.startswith(_ED25519) and len(raw) == 34):
        raise InvalidInputError(
            f"`{did[:80]}` names no Ed25519 key", hint="such a name begins with did:key:z6Mk"
        )
    return Ed25519PublicKey.from_public_bytes(raw[2:])


def did_web(address: str) -> str:
    """Return the `did:web` of a domain, such as `example.org` or `example.org/people/ann`.

    Raises:
        InvalidInputError: it is no domain.
    """
    plain = address.strip().removeprefix("https://").rstrip("/").lower()
    if not _DOMAIN.match(plain):
        raise InvalidInputError(
            f"`{address[:80]}` is no domain", hint="write it as `example.org`, with a path if need be"
        )
    host, _, path = plain.partition("/")
    return ":".join(["did:web", quote(host, safe="."), *(path.split("/") if path else ())])


def did_document(did: str, key: Ed25519PublicKey) -> dict[str, object]:
    """Return the document that belongs at the domain of a `did:web`, so that others find the key there."""
    method = f"{did}#key-1"
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": did,
        "verificationMethod": [
            {"id": method, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk_of(key)}
        ],
        "assertionMethod": [method],
    }


def jwk_of(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(_raw(key)).rstrip(b"=").decode()}


def _raw(key: Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _unbase58(text: str) -> bytes:
    number = 0
    for letter in text:
        place = _DIGITS.find(letter)
        if place < 0:
            return b""
        number = number * 58 + place
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
