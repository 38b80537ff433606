"""A bundle may be made to hurt: bombs, paths, links, huge JSON. Each gets a clear error, and nothing is unpacked."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError, TooLargeError
from groundwork.pathways.portfolio import reading
from groundwork.pathways.portfolio.verify import verify_bundle

Entry = tuple[str | zipfile.ZipInfo, bytes]


def _zip(path: Path, *entries: Entry) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def _link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    entry.create_system = 3
    return entry


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/cron.d/x", "belongs to no bundle"),
        ("/etc/passwd", "belongs to no bundle"),
        ("C:\\x", "belongs to no bundle"),
        ("sub/manifest.json", "belongs to no bundle"),
        ("notes.txt", "belongs to no bundle"),
        ("manifest.json\n", "belongs to no bundle"),
    ],
)
def test_a_name_that_belongs_to_no_bundle_is_refused(tmp_path: Path, name: str, said: str) -> None:
    path = _zip(tmp_path / "b.zip", (name, b"{}"))
    with pytest.raises(InvalidInputError, match=said):
        verify_bundle(path)
    assert [p.name for p in tmp_path.iterdir()] == ["b.zip"], "nothing is unpacked"


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_holds(tmp_path: Path) -> None:
    path = _zip(tmp_path / "b.zip", ("manifest.json", b"0" * (reading.LARGEST + 1)))
    with pytest.raises(TooLargeError, match="larger than 8 MB"):
        verify_bundle(path)
    # The same, saying that it is small: both places of the size in the archive are changed.
    raw = path.read_bytes().replace((reading.LARGEST + 1).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(raw)
    with pytest.raises(GroundworkError):
        verify_bundle(path)
    many = [(name, b"0" * (reading.LARGEST - 1)) for name in reading.NAMES[:3]]
    with pytest.raises(TooLargeError):
        verify_bundle(_zip(tmp_path / "c.zip", *many))


def test_links_devices_doubles_and_secrets_within_the_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is a link"):
        verify_bundle(_zip(tmp_path / "a.zip", (_link("manifest.json"), b"/etc/passwd")))
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = _zip(tmp_path / "b.zip", ("manifest.json", b"{}"), ("manifest.json", b"{}"))
    with pytest.raises(InvalidInputError, match="twice"):
        verify_bundle(twice)
    locked = _zip(tmp_path / "c.zip", ("manifest.json", b"{}"))
    raw = bytearray(locked.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(bytes(raw))
    with pytest.raises(InvalidInputError, match="encrypted"):
        verify_bundle(locked)
    many = _zip(tmp_path / "d.zip", *((str(n), b"") for n in range(65)))
    with pytest.raises(InvalidInputError, match="65 files"):
        verify_bundle(many)


@pytest.mark.parametrize(
    "text",
    [
        "", "nothing", "[" * 100_000, '{"a":' * 5_000, '{"a":1,"a":2}', '{"a":NaN}', "1" * 10_000, "[]", "{}", "null", '"x"',
        '{"payload":"e30=","payloadType":"x","signatures":[]}', '{"payload":1,"payloadType":2,"signatures":3}',
        '{"payload":"%%","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"x","sig":"y"}]}',
    ],
)  # fmt: skip
def test_json_that_is_made_to_hurt_is_no_manifest(tmp_path: Path, text: str) -> None:
    path = _zip(tmp_path / "b.zip", ("manifest.json", text.encode()))
    try:
        report = verify_bundle(path)
    except InvalidInputError:
        return
    assert not report.valid
    assert report.lines[0].state == "fails"


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + b"\0" * 100, os.urandom(1000)])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(data)
    with pytest.raises(InvalidInputError, match="no archive"):
        verify_bundle(path)


def test_a_damaged_archive_is_said_to_be_damaged(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "b.zip", ("manifest.json", os.urandom(3000))).read_bytes()
    for cut in range(0, len(whole), 97):
        (tmp_path / "c.zip").write_bytes(whole[:cut])
        with pytest.raises(GroundworkError):
            verify_bundle(tmp_path / "c.zip")
        (tmp_path / "d.zip").write_bytes(whole[:cut] + bytes([whole[cut] ^ 0xFF]) + whole[cut + 1 :])
        with pytest.raises(GroundworkError):
            verify_bundle(tmp_path / "d.zip")


def test_a_folder_with_links_or_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        verify_bundle(tmp_path / "nothing")
    with pytest.raises(InvalidInputError, match=r"has no `manifest\.json`"):
        verify_bundle(tmp_path)
    (tmp_path / "manifest.json").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInputError, match="is a link"):
        verify_bundle(tmp_path)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(InvalidInputError, match="a folder, no file"):
        verify_bundle(tmp_path)
