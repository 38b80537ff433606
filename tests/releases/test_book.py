"""Releases: what they pin, how they are named, and that they are signed."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError, SettingsError
from groundwork.core.principal import LOCAL, Principal
from groundwork.releases import signing
from groundwork.releases.book import spec_of
from groundwork.releases.key import SigningKey
from tests.releases.conftest import QUESTION


def test_equal_pins_are_one_release_and_others_another(home: Workspace) -> None:
    newest = home.releases.book.get(LOCAL, "default@2")
    again, new = home.releases.create(note="said once more")
    assert (again.id, new) == (newest.id, False)
    assert again.note == "two days more"
    other, new = home.releases.create(snapshot="head~1")
    assert (other.id, new) == (home.releases.book.get(LOCAL, "default@1").id, False)
    spec = home.app_spec("default").model_copy(update={"passages": 3})
    third, new = home.releases.create(spec=spec)
    assert (third.ref, new) == ("default@3", True)


def test_a_release_pins_what_its_answers_depend_on(home: Workspace) -> None:
    release = home.releases.book.get(LOCAL, "default@2")
    answer = home.ask(QUESTION)
    manifest = release.manifest
    assert manifest.snapshot == answer.pins.snapshot
    assert manifest.settings == answer.pins.settings == digest_json({**manifest.recipe, "access": None})
    assert manifest.reader == answer.settings["reader"]
    assert (manifest.threshold, manifest.spec["threshold"]) == (0.2, 0.2)
    assert manifest.code["version"]
    assert spec_of(release).passages == home.app_spec("default").passages
    assert digest_json(manifest.pins()) == release.digest


@pytest.mark.parametrize("ref", ["default@1", "id", "digest", "digest[:6]", "id[:12]"])
def test_a_release_is_found_by_every_name_it_has(home: Workspace, ref: str) -> None:
    release = home.releases.book.get(LOCAL, "default@1")
    named = {
        "id": release.id,
        "digest": release.digest,
        "digest[:6]": release.digest[:6],
        "id[:12]": release.id[:12],
    }
    assert home.releases.book.get(LOCAL, named.get(ref, ref)).id == release.id
    assert home.releases.book.get(LOCAL, "default").number == 2
    assert home.releases.book.get(LOCAL, "default@latest").number == 2


@pytest.mark.parametrize(
    "ref", ["default@9", "defualt@2", "rel_", "rel_nothing", "abcdef0", "", "@", "%", "default@open"]
)
def test_an_unknown_release_is_an_error_that_offers_near_names(home: Workspace, ref: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        home.releases.book.get(LOCAL, ref)
    assert "default@" in caught.value.hint


def test_no_release_is_seen_from_another_tenant(home: Workspace) -> None:
    foreign = Principal(tenant="other", owner=True, role="admin")
    assert list(home.releases.book.list(foreign)) == []
    for ref in ("default@1", home.releases.book.get(LOCAL, "default@1").id):
        with pytest.raises(NotFoundError):
            home.releases.book.get(foreign, ref)


def test_a_list_goes_on_where_the_page_before_ended(home: Workspace) -> None:
    book = home.releases.book
    first = book.list(LOCAL, limit=1)
    assert [r.ref for r in first] == ["default@2"]
    assert [r.ref for r in book.list(LOCAL, limit=5, before=first[0].id)] == ["default@1"]
    assert book.list(LOCAL, app="nothing") == []


def test_an_evaluation_of_other_pins_does_not_speak_for_a_release(home: Workspace) -> None:
    with pytest.raises(InvalidInputError, match="other pins"):
        home.releases.create(evaluation="evl_00000000000000000000000000")


def test_nothing_is_pinned_of_an_empty_index_or_an_unknown_app(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "empty") as empty:
        with pytest.raises(NotFoundError, match="no snapshot yet"):
            empty.releases.create()
        with pytest.raises(NotFoundError, match="no app `handbok`"):
            empty.releases.create("handbok")


# -- signatures --------------------------------------------------------------------------------------------------------
def test_the_signature_is_that_of_dsse_worked_out_by_hand(home: Workspace) -> None:
    """The encoding that is signed is written out here from the protocol, byte by byte, and not asked of the code."""
    release = home.releases.book.get(LOCAL, "default@1")
    envelope = release.envelope
    body = base64.b64decode(envelope["payload"])
    signed = b" ".join(
        [b"DSSEv1", b"28", b"application/vnd.in-toto+json", str(len(body)).encode("ascii"), body]
    )
    public = home.releases.key.public()
    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    statement = json.loads(body)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "default@1", "digest": {"sha256": release.digest}}]
    assert statement["predicate"]["pins"]["snapshot"] == release.snapshot


def test_the_encoding_is_the_example_of_the_protocol() -> None:
    """From protocol.md of DSSE: PAE of `http://example.com/HelloWorld` and `hello world`."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert signing.pae("http://example.com/HelloWorld", b"hello world") == expected


def test_equal_statements_get_equal_envelopes(home: Workspace) -> None:
    release = home.releases.book.get(LOCAL, "default@1")
    told = signing.statement(release.manifest, release.number, release.created_at, release.created_by)
    assert signing.sign(home.releases.key.private(), told) == release.envelope


def _broken(envelope: dict[str, object], how: str) -> dict[str, object]:
    body = json.loads(base64.b64decode(str(envelope["payload"])))
    match how:
        case "another snapshot":
            body["predicate"]["pins"]["snapshot"] = "0" * 64
        case "another digest":
            body["subject"][0]["digest"]["sha256"] = "0" * 64
        case "another type":
            return {**envelope, "payloadType": "application/json"}
        case "no signature":
            return {**envelope, "signatures": []}
        case "odd signatures":
            return {**envelope, "signatures": [{"sig": "!"}, {}, 7, {"sig": "AAAA"}]}
    return {**envelope, "payload": base64.b64encode(json.dumps(body).encode()).decode()}


@pytest.mark.parametrize(
    "how", ["another snapshot", "another digest", "another type", "no signature", "odd signatures"]
)
def test_an_envelope_that_was_changed_does_not_hold(home: Workspace, how: str) -> None:
    release = home.releases.book.get(LOCAL, "default@1")
    found = signing.verify(_broken(dict(release.envelope), how), home.releases.key.public())
    assert not found.valid
    assert found.problems


def test_another_key_does_not_verify(home: Workspace, tmp_path: Path) -> None:
    other = SigningKey(tmp_path / "other.key", {})
    found = signing.verify(home.releases.book.get(LOCAL, "default@1").envelope, other.public())
    assert not found.valid
    assert "no signature in it is by the key" in found.problems[0]


def test_a_stored_manifest_that_was_changed_is_noticed(home: Workspace) -> None:
    release = home.releases.book.get(LOCAL, "default@1")
    assert home.releases.book.verify(release).valid
    changed = replace(release, manifest=replace(release.manifest, threshold=0.0))
    assert "not the one that was signed" in home.releases.book.verify(changed).problems[-1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"payload": "!"}', '{"payload": "e30="}', '{"payload": 3}', "[" * 100_000]
)
def test_what_is_no_envelope_is_said_to_be_none(home: Workspace, text: str) -> None:
    with pytest.raises(InvalidInputError):
        signing.verify(signing.read_envelope(text), home.releases.key.public())


def test_the_private_key_is_the_owners_alone_and_stays(home: Workspace, copy: Path) -> None:
    file = copy / ".groundwork" / "release.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signing.keyid(home.releases.key.public()) == signing.keyid(SigningKey(file, {}).public())
    assert signing.read_public_key(home.releases.key.public_pem().encode()) is not None
    os.chmod(file, 0o644)
    with pytest.raises(SettingsError, match="may be read by others"):
        home.releases.key.private()


def test_the_key_may_come_from_the_environment(tmp_path: Path) -> None:
    said = base64.b64encode(bytes(range(32))).decode()
    key = SigningKey(tmp_path / "no.key", {"GROUNDWORK_RELEASE_KEY": said})
    assert signing.keyid(key.public())
    assert not (tmp_path / "no.key").exists()
    with pytest.raises(SettingsError, match="not the base64 of 32 bytes"):
        SigningKey(tmp_path / "no.key", {"GROUNDWORK_RELEASE_KEY": "short"}).private()


# -- differences -------------------------------------------------------------------------------------------------------
def test_two_releases_side_by_side_show_documents_and_settings(home: Workspace) -> None:
    home.releases.create(
        spec=home.app_spec("default").model_copy(update={"passages": 3, "strategy": "lexical"})
    )
    found = home.releases.diff(LOCAL, "default@1", "default@3")
    assert {"spec.passages", "spec.strategy", "snapshot"} <= {c.name for c in found.settings}
    assert found.documents is not None
    assert [(c.kind, c.document.rpartition("/")[2]) for c in found.documents.changes] == [
        ("changed", "leave.md")
    ]
    assert home.releases.diff(LOCAL, "default@1", "default@1").same


def test_two_releases_answer_the_same_question(home: Workspace) -> None:
    one, other = home.releases.ask_both(LOCAL, "default@1", "default@2", QUESTION)
    assert "28 days" in one.text
    assert "30 days" in other.text
    assert one.pins.release == home.releases.book.get(LOCAL, "default@1").id


def test_a_release_of_another_app_is_refused(home: Workspace, says: Callable[..., str]) -> None:
    with pytest.raises(NotFoundError):
        says(release="other@1")
    with pytest.raises(InvalidInputError, match="a snapshot of its own"):
        home.ask(QUESTION, release="default@1", snapshot="head")
    with pytest.raises(ConflictError):
        home.releases.promotions.rollback(LOCAL, "default", "open")
