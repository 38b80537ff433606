"""Names of uploaded files do no harm, and files are stored whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.server.uploads import MAX_NAME_BYTES, Upload, safe_name, store
from tests.server.fake_workspace import FakeWorkspace

HOSTILE = [
    "../../etc/passwd", "/etc/passwd", "..", ".", "", " ", "a\0b.txt", "C:\\Windows\\win.ini", "con", "CON.txt",
    "nul.tar.gz",
    "com1", "LPT¹.md", ".bashrc", "-rf", "x" * 5000, "日" * 400 + ".txt", "a/b/../c.md", "evil\u202egpj.exe", "tab\there",
    "line\nbreak", "\ud800.txt", "name.", "name ", "a" * 300 + "." + "b" * 300, "%2e%2e%2fetc", "file:///etc/passwd",
    "~root",
    "$(reboot)", "`id`", "a;b|c", "*?.md", "e\u0301.md", "\u200b.md",
]  # fmt: skip


def _is_harmless(name: str) -> None:
    assert name not in ("", ".", "..")
    assert "/" not in name
    assert "\\" not in name
    assert name.isprintable()
    assert not name.startswith((".", "~"))
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert Path(name).name == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_harmless_part(name: str, tmp_path: Path) -> None:
    _is_harmless(safe_name(name))
    path = store(tmp_path, "default", [Upload(name, io.BytesIO(b"x"))], max_bytes=10)[0].path
    assert path.parent == tmp_path / "uploads" / "default"
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert path.read_bytes() == b"x"


@given(st.text(max_size=400))
def test_every_name_is_made_harmless_and_stays_so(name: str) -> None:
    made = safe_name(name)
    _is_harmless(made)
    assert safe_name(name) == made


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_names_meet_in_one_file_only_when_they_read_the_same(a: str, b: str) -> None:
    import unicodedata

    if unicodedata.normalize("NFC", a) != unicodedata.normalize("NFC", b):
        assert safe_name(a) != safe_name(b)


@pytest.mark.parametrize(
    "name", ["leave policy (2026).md", "Übersicht & Plan.pdf", "報告書.docx", "a.tar.gz", "R&D_notes-1.txt"]
)
def test_a_harmless_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


def test_an_ending_survives_so_that_the_right_loader_is_found() -> None:
    assert safe_name("../x.pdf").endswith(".pdf")
    assert safe_name("y" * 900 + ".docx").endswith(".docx")


def test_a_file_of_the_same_name_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        path = store(tmp_path, "default", [Upload("a.md", io.BytesIO(content))], max_bytes=10)[0].path
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["a.md"]


def test_when_one_file_is_too_large_none_is_kept(tmp_path: Path) -> None:
    files = [Upload("a.md", io.BytesIO(b"x")), Upload("b.md", io.BytesIO(b"x" * 11))]
    with pytest.raises(TooLargeError):
        store(tmp_path, "default", files, max_bytes=10)
    assert os.listdir(tmp_path / "uploads" / "default") == []


@pytest.mark.parametrize("index", ["..", "a/b", "", "A", "x" * 64, ".hidden"])
def test_the_name_of_an_index_cannot_lead_elsewhere(index: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        store(tmp_path, index, [Upload("a.md", io.BytesIO(b"x"))], max_bytes=10)


def test_a_link_in_the_folder_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_bytes(b"keep")
    folder = tmp_path / "uploads" / "default"
    folder.mkdir(parents=True)
    (folder / "a.md").symlink_to(outside)
    store(tmp_path, "default", [Upload("a.md", io.BytesIO(b"x"))], max_bytes=10)
    assert outside.read_bytes() == b"keep"


def test_an_upload_starts_a_job_and_its_key_holds_for_these_files_only(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    files = [("files", ("../leave.md", b"# Leave")), ("files", ("b.txt", b"b"))]
    other = [("files", ("../leave.md", b"# Other")), files[1]]
    for sent, key in ((files, "k1"), (other, "k1"), (files, "k1"), (files, None)):
        headers = {"Idempotency-Key": key} if key else {}
        response = fake_client.post("/api/indexes/default/uploads", files=sent, headers=headers)
        assert response.status_code == 202
        assert response.json()["id"] == "job_1"
    given = [c[1] for c in fake.calls if c[0] == "start_ingest"]
    keys = [key for _, _, key in given]
    assert keys[0] == keys[2] != keys[1]
    assert keys[3] is None
    paths, index, _ = given[-1]
    assert index == "default"
    assert [p.parent for p in paths] == [fake.root / "uploads" / "default"] * 2
    assert sorted(p.read_bytes() for p in paths) == [b"# Leave", b"b"]


def test_an_upload_to_an_index_that_is_not_there_stores_nothing(
    fake_client: TestClient, fake: FakeWorkspace
) -> None:
    assert fake_client.post("/api/indexes/nope/uploads", files={"files": ("a.md", b"x")}).status_code == 404
    assert not (fake.root / "uploads").exists()
