"""The verify bundle: proofs with their envelopes, the records they rest on, and what is needed to check them offline.

Every file is named with its digest in a manifest, which is signed with the key that signed the proofs. So a file that is
changed, added or left out is seen, and a proof of somebody else is told apart. It is tamper-evident, not tamper-proof.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import canonical_json, digest_bytes
from groundwork.pathways.portfolio.did import did_of, jwk_of
from groundwork.pathways.portfolio.reading import MANIFEST
from groundwork.pathways.proofs.statements import CLAIM, found_as_json
from groundwork.pathways.proofs.types import ProofState
from groundwork.releases import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREDICATE_TYPE = "urn:groundwork-ai:bundle:v1"
FORMAT = 1
_README = """\
What this is
============
Proofs of work on AI systems: each names the records of a running system that it rests on, is signed (DSSE envelope around an
in-toto statement, Ed25519), and is chained to the proof before it.

Check it, offline and without a workspace:

    groundwork path verify bundle.zip

That checks the signatures, the chain, every digest, and runs the checks again over the records in `records.json`.

What it claims
==============
It is tamper-evident, not tamper-proof. Whoever owned the machine could have written other records before they were signed;
what was signed cannot be changed unseen. Who stands behind a key is told by whoever gave you the key, not by this file.
The digest of a record is over the whole record as its workspace keeps it; the values here are those that were looked at.

Signed by   {issuer}
Catalogue   {catalogue}
{attributions}"""


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle.

    Attributes:
        owner: name of the person as they want it shown. holder: what stands for them in the statements.
        states: proofs as they stand now, in the order of the chain. chain: position and digest of every proof of the
            workspace. credentials: signed credentials by id of the proof. catalogue: digest of the one in force.
    """

    owner: str
    holder: str
    states: Sequence[ProofState]
    chain: Sequence[tuple[int, str]]
    catalogue: str
    created_at: str
    cosignatures: Sequence[Mapping[str, Any]] = ()
    credentials: Mapping[str, str] = field(default_factory=dict)
    attributions: Sequence[str] = ()


def build(key: Ed25519PrivateKey, contents: Contents) -> dict[str, bytes]:
    """Return the files of a bundle by name; equal contents under one key give equal bytes."""
    public = key.public_key()
    issuer = did_of(public)
    files = {
        "README.txt": _README.format(
            issuer=issuer,
            catalogue=contents.catalogue,
            attributions="".join(f"{line}\n" for line in contents.attributions),
        ).encode(),
        "proofs.json": _json([dict(s.proof.envelope) for s in contents.states]),
        "records.json": _json(records_of(contents.states)),
        "cosignatures.json": _json([dict(c) for c in contents.cosignatures]),
        "credentials.json": _json([{"proof": p, "jwt": c} for p, c in sorted(contents.credentials.items())]),
        "keys.json": _json({issuer: {**jwk_of(public), "keyid": signing.keyid(public)}}),
    }
    about = {
        "format": FORMAT,
        "issuer": issuer,
        "owner": contents.owner,
        "holder": contents.holder,
        "catalogue": contents.catalogue,
        "created_at": contents.created_at,
        "chain": [[position, digest] for position, digest in contents.chain],
        "proofs": [
            {"id": s.proof.id, "digest": s.proof.digest, "state": s.state, "why": list(s.why)}
            for s in contents.states
        ],
        "claim": CLAIM,
    }
    statement = {
        "_type": signing.STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": digest_bytes(data)}} for name, data in sorted(files.items())
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": about,
    }
    return {**files, MANIFEST: _json(signing.sign(key, statement))}


def records_of(states: Sequence[ProofState]) -> list[dict[str, Any]]:
    """Return the records that proofs name, each once, sorted; values are those that were looked at, joined."""
    made: dict[tuple[str, str, str], dict[str, Any]] = {}
    for state in states:
        for entry in found_as_json(state.proof.found):
            key = (entry["kind"], entry["id"], entry["digest"])
            there = made.setdefault(
                key, {k: entry[k] for k in ("kind", "id", "digest", "at")} | {"values": {}}
            )
            there["values"] = {**there["values"], **entry["values"]}
    return [made[key] for key in sorted(made)]


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the files as one archive; equal files give equal bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3
            archive.writestr(entry, files[name], compresslevel=9)
    return stream.getvalue()


def _json(value: Any) -> bytes:
    return canonical_json(value) + b"\n"
