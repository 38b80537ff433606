"""Open Badges 3.0 credentials of proofs: JWTs signed with Ed25519, a baked SVG of each, and a list of those revoked.

A credential says what was proven, by which records (their digests and the values looked at), and what it corresponds to in
ESCO. The one of a proof that went stale stays as history; the status list marks it as revoked.

Source:
    1EdTech, Open Badges 3.0 (VC-JWT: section 8.2, baking: 5.3); W3C, Verifiable Credentials Data Model 2.0 and Bitstring
    Status List 1.0; RFC 7515 (JWS), RFC 8037 (EdDSA).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import canonical_json
from groundwork.core.errors import InvalidInputError
from groundwork.pathways.portfolio.did import jwk_of
from groundwork.pathways.proofs.statements import CLAIM, shown_id
from groundwork.pathways.proofs.types import Proof

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from groundwork.pathways.types import Alignment

_VC = "https://www.w3.org/ns/credentials/v2"
CONTEXT = [_VC, "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]
STATUS_BITS = 131_072
"""Entries of a status list: the least that the recommendation allows."""
NUMBERS = 20
"""Results of one credential."""
_LONGEST = 2**20


@dataclass(frozen=True)
class Issuing:
    """Who issues, to whom, and where the files will lie.

    Attributes:
        issuer: DID. issuer_name, name: of the workspace and of the person, as shown. holder: stands for the person.
        address: where the portfolio is published, `https://…` without a slash at the end; empty: nowhere yet, then a
            credential cannot name its status list.
    """

    key: Ed25519PrivateKey
    issuer: str
    issuer_name: str
    holder: str
    name: str = ""
    address: str = ""

    @property
    def subject(self) -> str:
        return f"urn:groundwork-ai:holder:{self.holder}"

    @property
    def status_list(self) -> str:
        return f"{self.address}/credentials/status.jwt"


def credential(
    proof: Proof, summary: str, alignments: Sequence[Alignment], issuing: Issuing
) -> dict[str, Any]:
    """Return the credential of a proof, not yet signed; equal arguments give an equal one.

    Args:
        summary: what was proven, in a sentence. alignments: what it corresponds to elsewhere.
    """
    identifier = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:groundwork-ai:proof:{proof.digest}')}"
    made = _instant(proof.created_at)
    about = f"urn:groundwork-ai:{proof.subject_kind}:{proof.subject}:{proof.check}"
    results, descriptions = _results(proof, about)
    achievement: dict[str, Any] = {
        "id": about,
        "type": ["Achievement"],
        "name": proof.title,
        "description": summary,
        "criteria": {
            "narrative": f"The check {proof.check} of the catalogue {proof.catalogue}, over records of a running system. "
            f"The credential is {CLAIM}."
        },
    }
    if alignments:
        achievement["alignment"] = [_aligned(a) for a in alignments]
    if descriptions:
        achievement["resultDescription"] = descriptions
    subject: dict[str, Any] = {
        "id": issuing.subject,
        "type": ["AchievementSubject"],
        "achievement": achievement,
    }
    if issuing.name:
        subject["identifier"] = [
            {"type": "IdentityObject", "hashed": False, "identityHash": issuing.name, "identityType": "name"}
        ]
    if results:
        subject["result"] = results
    body: dict[str, Any] = {
        "@context": CONTEXT,
        "id": identifier,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": proof.title,
        "issuer": {"id": issuing.issuer, "type": ["Profile"], "name": issuing.issuer_name},
        "validFrom": _iso(made),
        "credentialSubject": subject,
        "evidence": _evidence(proof),
    }
    if issuing.address:
        body["credentialStatus"] = {
            "id": f"{issuing.status_list}#{proof.position}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(proof.position),
            "statusListCredential": issuing.status_list,
        }
    claims = {"iss": issuing.issuer, "nbf": int(made.timestamp()), "sub": issuing.subject, "jti": identifier}
    return {**body, **claims}


def status_list(revoked: Iterable[int], at: str, issuing: Issuing) -> dict[str, Any]:
    """Return the status list, not yet signed.

    Args:
        revoked: places in the chain of the proofs that do not hold any more. at: the time of the export.
    """
    bits = bytearray(STATUS_BITS // 8)
    for index in revoked:
        if 0 <= index < STATUS_BITS:
            bits[index // 8] |= 0x80 >> (index % 8)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=9) as stream:
        stream.write(bytes(bits))
    made = _instant(at)
    url = issuing.status_list if issuing.address else f"urn:groundwork-ai:status:{issuing.issuer}"
    return {
        "@context": [_VC],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuing.issuer,
        "validFrom": _iso(made),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": "u" + _b64(packed.getvalue()),
        },
        "iss": issuing.issuer,
        "nbf": int(made.timestamp()),
        "jti": url,
    }


def sign(payload: Mapping[str, Any], issuing: Issuing) -> str:
    """Return the credential as a compact JWT; equal payloads under one key give equal tokens."""
    public = issuing.key.public_key()
    method = f"{issuing.issuer}#{issuing.issuer.removeprefix('did:key:')}"
    kid = method if issuing.issuer.startswith("did:key:") else f"{issuing.issuer}#key-1"
    header = {"alg": "EdDSA", "jwk": jwk_of(public), "kid": kid, "typ": "JWT"}
    signed = f"{_b64(canonical_json(header))}.{_b64(canonical_json(payload))}"
    return f"{signed}.{_b64(issuing.key.sign(signed.encode()))}"


def read_credential(token: str, key: Ed25519PublicKey) -> Mapping[str, Any]:
    """Return what a credential says, after checking that this key signed it.

    Raises:
        InvalidInputError: it is none, it is signed by another key, or its claims contradict each other.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        if len(token) > _LONGEST:
            raise ValueError("too long")
        head, body, signature = token.split(".")
        header, payload = (json.loads(_unb64(part)) for part in (head, body))
        key.verify(_unb64(signature), f"{head}.{body}".encode())
        good = (
            header["alg"] == "EdDSA"
            and header["jwk"] == jwk_of(key)
            and payload["iss"] == payload["issuer"]["id"]
            and payload["sub"] == payload["credentialSubject"]["id"]
            and payload["jti"] == payload["id"]
            and payload["nbf"] == int(_instant(payload["validFrom"]).timestamp())
        )
    except (InvalidSignature, KeyError, TypeError, ValueError, RecursionError):
        good = False
    if not good:
        raise InvalidInputError(
            "the credential is not one that this key signed", hint="get it again from whoever issued it"
        )
    return dict(payload)


def bake(token: str, title: str, detail: str) -> bytes:
    """Return a badge as SVG that carries its credential, and is a picture without it."""
    lines = _lines(title)
    text = "".join(
        f'<text x="128" y="{136 + 24 * n - 12 * (len(lines) - 1)}" font-size="18" font-weight="600">{escape(line)}</text>'
        for n, line in enumerate(lines)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" '
        'viewBox="0 0 256 256" width="256" height="256" role="img" aria-labelledby="t d">'
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(detail)}</desc>'
        f'<openbadges:credential verify="{escape(token)}"/>'
        '<rect x="8" y="8" width="240" height="240" rx="24" fill="#f6faf9" stroke="#0b6e6e" stroke-width="6"/>'
        '<g font-family="system-ui, sans-serif" text-anchor="middle" fill="#12302f">'
        f'<text x="128" y="52" font-size="13" fill="#0b6e6e">Groundwork</text>{text}'
        f'<text x="128" y="220" font-size="12" fill="#3b5655">{escape(detail)}</text></g></svg>\n'
    ).encode()


# ---- parts of a credential ----


def _evidence(proof: Proof) -> list[dict[str, Any]]:
    whole = {
        "id": f"urn:groundwork-ai:proof:{proof.digest}",
        "type": ["Evidence"],
        "name": f"Proof {proof.id}",
        "description": f"Signed, number {proof.position} of a chain.",
        "genre": "proof",
    }
    records = [
        {
            "id": f"urn:sha256:{f.digest}",
            "type": ["Evidence"],
            "name": f"{f.kind.replace('_', ' ')} {shown_id(f.id)}",
            "narrative": _values(f.values) or "The record is there.",
            "genre": "record",
        }
        for f in proof.found
    ]
    return [whole, *records]


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k.replace('_', ' ')}: {_shown(v)}" for k, v in values.items() if v is not None)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _results(proof: Proof, about: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    numbers = [
        (f"{record.kind.replace('_', ' ')}: {name.replace('_', ' ')}", value)
        for record in proof.found
        for name, value in record.values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ][:NUMBERS]
    results, descriptions = [], []
    for n, (name, value) in enumerate(numbers, 1):
        described = f"{about}#result-{n}"
        descriptions.append(
            {"id": described, "type": ["ResultDescription"], "name": name, "resultType": "RawScore"}
        )
        results.append({"type": ["Result"], "resultDescription": described, "value": _shown(value)})
    return results, descriptions


def _aligned(alignment: Alignment) -> dict[str, Any]:
    made = {
        "type": ["Alignment"],
        "targetName": alignment.label,
        "targetUrl": alignment.uri,
        "targetFramework": alignment.framework,
    }
    return {**made, "targetCode": alignment.code} if alignment.code else made


def _lines(title: str, width: int = 22, most: int = 4) -> list[str]:
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _b64(data) != text:
        raise ValueError("not canonical")
    return data
