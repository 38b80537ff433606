"""Credentials are accepted by software that is not ours, refused once a field was changed, marked once they are history."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier
from sqlalchemy import delete

from groundwork.core.digest import canonical_json
from groundwork.core.errors import InvalidInputError
from groundwork.pathways.portfolio.badges import read_credential
from groundwork.pathways.portfolio.did import did_document, did_of, did_web, jwk_of, public_key_of
from groundwork.storage.tables import answers
from tests.pathways.portfolio.house import ESCO, House, exported
from tests.pathways.portfolio.test_bundle import _leaves, _with

ADDRESS = "https://example.org/ann"


def _tokens(folder: Path) -> list[str]:
    return [p.read_text() for p in sorted((folder / "credentials").glob("prf_*.jwt"))]


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]
    return read[0], read[1], signature


def _token(header: Any, payload: Any, signature: str) -> str:
    encoded = [
        base64.urlsafe_b64encode(canonical_json(part)).rstrip(b"=").decode() for part in (header, payload)
    ]
    return ".".join([*encoded, signature])


def test_an_independent_verifier_accepts_every_credential(here: House) -> None:
    tokens = _tokens(exported())
    assert len(tokens) == 3
    issuer = did_of(here.workspace.releases.key.public())
    for token in tokens:
        found = OB3Verifier.for_issuer_did(issuer).verify(token)
        assert found.issuer.id == issuer
        header, payload, _ = _parts(token)
        assert (header["alg"], header["jwk"]["crv"]) == ("EdDSA", "Ed25519")
        assert "vc" not in payload
        assert payload["credentialSubject"]["achievement"]["alignment"][0]["targetUrl"] == ESCO.uri
        assert payload["evidence"][0]["id"].startswith("urn:groundwork-ai:proof:")
        assert all(e["id"].startswith("urn:sha256:") for e in payload["evidence"][1:])
    first = next(p for _, p, _ in map(_parts, tokens) if p["name"] == "First release")
    described = {d["id"]: d["name"] for d in first["credentialSubject"]["achievement"]["resultDescription"]}
    assert {described[r["resultDescription"]]: r["value"] for r in first["credentialSubject"]["result"]} == {
        "release: number": "2"
    }


def test_every_field_of_a_credential_is_refused_by_both_when_it_was_changed(here: House) -> None:
    key = here.workspace.releases.key.public()
    verifier = OB3Verifier.for_issuer_did(did_of(key))
    header, payload, signature = _parts(_tokens(exported())[0])
    read_credential(_token(header, payload, signature), key)
    changed = 0
    for path, other in _leaves(payload):
        token = _token(header, _with(payload, path, other), signature)
        with pytest.raises(OB3VerificationError):
            verifier.verify(token)
        with pytest.raises(InvalidInputError):
            read_credential(token, key)
        changed += 1
    for path, other in _leaves(header):
        with pytest.raises(InvalidInputError):
            read_credential(_token(_with(header, path, other), payload, signature), key)
    assert changed > 20
    for token in (
        "",
        "a.b",
        "a.b.c",
        "x" * 10,
        _token(header, payload, signature) + "A",
        _token({"alg": "none"}, payload, ""),
    ):
        with pytest.raises(InvalidInputError):
            read_credential(token, key)


def test_the_baked_picture_carries_the_credential(here: House) -> None:
    for badge in (exported() / "credentials").glob("*.svg"):
        assert OB3Verifier.extract_token_from_svg(badge.read_bytes()) == badge.with_suffix(".jwt").read_text()
        assert b"<script" not in badge.read_bytes()


def test_a_proof_that_went_stale_is_revoked_in_the_status_list_and_its_credential_stays(
    here: House, tmp_path: Path
) -> None:
    here.portfolio.export(here.who, tmp_path / "out", address=ADDRESS)
    issuer = did_of(here.workspace.releases.key.public())

    def check(folder: Path) -> list[str]:
        def download(url: str, *args: Any, **more: Any) -> bytes:
            assert url == f"{ADDRESS}/credentials/status.jwt"
            return (folder / "credentials/status.jwt").read_bytes()

        held = []
        for token in _tokens(folder):
            OB3Verifier.for_issuer_did(issuer).verify(token)
            try:
                OB3Verifier.for_issuer_did(issuer).verify(token, check_status=True, download=download)
                held.append("holds")
            except OB3VerificationError as error:
                held.append("revoked" if "'revocation' is set" in str(error) else str(error))
        return held

    assert check(tmp_path / "out") == ["holds"] * 3
    before = _tokens(tmp_path / "out")
    gone = here.answer_ids()[-1]
    with here.workspace.rooms.database.write() as connection:
        connection.execute(delete(answers).where(answers.c.id == gone))
    here.portfolio.export(here.who, tmp_path / "out", address=ADDRESS)
    assert check(tmp_path / "out") == ["holds", "revoked", "revoked"]
    assert _tokens(tmp_path / "out") == before, "history does not change"


def test_without_an_address_no_status_list_is_named_that_nobody_could_fetch(here: House) -> None:
    assert all("credentialStatus" not in _parts(token)[1] for token in _tokens(exported()))


def test_who_has_a_domain_issues_under_it(here: House, tmp_path: Path) -> None:
    here.portfolio.export(here.who, tmp_path / "out", domain="example.org")
    document = (tmp_path / "out/.well-known/did.json").read_bytes()
    token = _tokens(tmp_path / "out")[0]
    found = OB3Verifier.for_issuer_did("did:web:example.org", download=lambda url, *a, **k: document).verify(
        token
    )
    assert found.issuer.id == "did:web:example.org"
    here.portfolio.export(here.who, tmp_path / "deep", domain="https://example.org/ann/")
    assert json.loads((tmp_path / "deep/did.json").read_text())["id"] == "did:web:example.org:ann"


def test_the_name_of_a_key_leads_back_to_the_key() -> None:
    """The example of the did:key method, and keys drawn at random."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    known = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    assert did_of(public_key_of(known)) == known
    for _ in range(20):
        key = Ed25519PrivateKey.generate().public_key()
        assert jwk_of(public_key_of(did_of(key))) == jwk_of(key)
        assert did_document("did:web:x.org", key)["id"] == "did:web:x.org"
    for wrong in ("did:key:z", "did:key:z6Mk", "did:web:x", "did:key:z" + "1" * 60, "did:key:zQ0Ol", ""):
        with pytest.raises(InvalidInputError):
            public_key_of(wrong)


@pytest.mark.parametrize(
    "domain", ["", "nodot", "a b.org", "ex.org/../x?", "http://x.org", "ex.org/a b", "-x.org"]
)
def test_what_is_no_domain_names_nobody(domain: str) -> None:
    with pytest.raises(InvalidInputError):
        did_web(domain)
