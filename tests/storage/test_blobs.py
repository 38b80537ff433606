"""What goes into the blobs comes out unchanged or is named as damaged, in a folder and behind an fsspec URL."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import (
    DamagedError,
    InvalidInputError,
    MissingDependencyError,
    NotFoundError,
    SettingsError,
    StorageFullError,
    UnavailableError,
)
from groundwork.storage.blobs import Blobs

ABSENT = hashlib.sha256(b"absent").hexdigest()


@pytest.fixture(params=["folder", "memory", "local"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return Blobs(tmp_path / "blobs")
    if request.param == "memory":
        return Blobs(f"memory://{uuid.uuid4().hex}/blobs")
    # A file system of fsspec where writing a file is not atomic, so that blobs are moved to their place.
    return Blobs(f"local://{tmp_path}/blobs")


@pytest.fixture
def folder(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def files(place: str | Path) -> list[Path]:
    return sorted(path for path in Path(place).rglob("*") if path.is_file() and path.name != ".lock")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(contents=st.lists(st.binary(max_size=300), max_size=40))
def test_what_was_put_is_got_under_its_sha_256(blobs: Blobs, contents: list[bytes]) -> None:
    digests = blobs.put_many(contents)
    assert digests == [hashlib.sha256(content).hexdigest() for content in contents]
    assert blobs.get_many(digests) == dict(zip(digests, contents, strict=True))
    assert [blobs.size(digest) for digest in digests] == [len(content) for content in contents]


def test_every_digest_is_listed_in_order(blobs: Blobs) -> None:
    assert list(blobs.digests()) == []
    digests = blobs.put_many([f"{number}".encode() for number in range(60)])
    assert list(blobs.digests()) == sorted(digests)


def test_a_file_is_put_as_its_content(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(os.urandom(3_000_000))
    digest = blobs.put_file(source)
    assert blobs.put_file(source) == digest == blobs.put(source.read_bytes())
    assert blobs.get(digest) == source.read_bytes()
    assert list(blobs.digests()) == [digest]


def test_a_file_that_cannot_be_read_is_told_with_its_path(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="not there"):
        blobs.put_file(tmp_path / "not there")


def test_an_absent_blob_is_not_found(blobs: Blobs) -> None:
    assert not blobs.exists(ABSENT)
    for look in (blobs.get, blobs.size):
        with pytest.raises(NotFoundError, match=ABSENT):
            look(ABSENT)
    assert blobs.delete(ABSENT) == 0


@pytest.mark.parametrize(
    "wrong", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "/" * 64, "0" * 63 + "\n"]
)
def test_only_a_digest_becomes_a_path(blobs: Blobs, wrong: str) -> None:
    for look in (blobs.get, blobs.exists, blobs.size, blobs.delete):
        with pytest.raises(InvalidInputError):
            look(wrong)


def test_deleting_takes_away_what_is_named_and_nothing_else(blobs: Blobs) -> None:
    first, second, third = blobs.put_many([b"1", b"2", b"3"])
    assert blobs.delete(first, second, ABSENT) == 2
    assert list(blobs.digests()) == [third]


def test_a_sweep_keeps_what_is_referred_to_and_what_is_new(blobs: Blobs) -> None:
    kept, orphan = blobs.put_many([b"kept", b"orphan"])
    assert blobs.sweep({kept}, grace_seconds=60).blobs == 0
    assert blobs.exists(orphan)
    assert blobs.sweep({kept}, grace_seconds=0)[:2] == (1, 0)
    assert list(blobs.digests()) == [kept]


def test_sweeping_an_empty_place_does_nothing(blobs: Blobs) -> None:
    assert blobs.sweep(set(), 0) == (0, 0, 0)


def test_every_flipped_bit_is_found_and_named(folder: Blobs) -> None:
    digests = folder.put_many([os.urandom(50) for _ in range(20)])
    assert list(folder.verify()) == []
    for number, path in enumerate(files(folder.place)):
        content = bytearray(path.read_bytes())
        content[number] ^= 1 << number % 8
        path.chmod(0o644)
        path.write_bytes(content)
    assert [digest for digest, _ in folder.verify()] == sorted(digests)
    with pytest.raises(DamagedError, match=digests[0]):
        folder.get(digests[0])


def test_a_blob_cut_short_is_damaged_and_healed_by_putting_it_again(folder: Blobs) -> None:
    digest = folder.put(b"a content of some length")
    path = files(folder.place)[0]
    path.chmod(0o644)
    path.write_bytes(b"a content")
    assert [found for found, _ in folder.verify()] == [digest]
    folder.put(b"a content of some length")
    assert list(folder.verify()) == []


def test_blobs_lie_two_digits_apart_and_cannot_be_written(folder: Blobs) -> None:
    digest = folder.put(b"hello")
    path = Path(folder.place) / digest[:2] / digest[2:]
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("call", ["write", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_refuses_and_leaves_no_residue(
    folder: Blobs, monkeypatch: pytest.MonkeyPatch, count: int, call: str, number: int
) -> None:
    before = folder.put(b"before")

    def full(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StorageFullError) as caught:
        folder.put_many([f"{n}".encode() for n in range(count)])
    assert "space" in caught.value.hint
    monkeypatch.undo()
    assert [path.parent.name + path.name for path in files(folder.place)] == [before]
    assert folder.get(folder.put(b"after")) == b"after"


def test_a_really_full_disk_refuses_a_large_file_and_leaves_no_residue(folder: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"x" * 5_000_000)
    code = """
import resource, signal, sys
from groundwork.core.errors import StorageFullError
from groundwork.storage.blobs import Blobs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    Blobs(sys.argv[1]).put_file(sys.argv[2])
except StorageFullError:
    sys.exit(3)
"""
    assert (
        subprocess.run([sys.executable, "-c", code, folder.place, str(source)], check=False).returncode == 3
    )
    assert files(folder.place) == []


@pytest.mark.parametrize("place", ["blobs.before_rename", "blobs.after_rename"])
@pytest.mark.parametrize("count", [1, 40])
def test_a_crash_while_putting_leaves_whole_blobs_and_what_a_sweep_removes(
    folder: Blobs, place: str, count: int
) -> None:
    kept = folder.put(b"kept")
    code = """
import sys
from groundwork.storage.blobs import Blobs
Blobs(sys.argv[1]).put_many([b"%d" % n for n in range(int(sys.argv[2]))])
"""
    environment = {**os.environ, "GW_FAILPOINT": place}
    run = subprocess.run([sys.executable, "-c", code, folder.place, str(count)], env=environment, check=False)
    assert run.returncode == 137
    assert list(folder.verify()) == []
    swept = folder.sweep({kept}, 0)
    assert (swept.blobs, swept.unfinished) == ((0, count) if place == "blobs.before_rename" else (count, 0))
    assert [path.parent.name + path.name for path in files(folder.place)] == [kept]


def test_putting_again_begins_the_grace_time_anew(folder: Blobs) -> None:
    digest = folder.put(b"old")
    path = files(folder.place)[0]
    os.utime(path, (time.time() - 7200,) * 2)
    folder.put(b"old")
    assert folder.sweep(set(), grace_seconds=3600).blobs == 0
    os.utime(path, (time.time() - 7200,) * 2)
    assert folder.sweep(set(), grace_seconds=3600).blobs == 1
    assert not folder.exists(digest)


def test_a_blob_from_a_clock_that_ran_ahead_is_swept_all_the_same(folder: Blobs) -> None:
    folder.put(b"from the future")
    os.utime(files(folder.place)[0], (time.time() + 10**8,) * 2)
    assert folder.sweep(set(), grace_seconds=3600).blobs == 1


def test_sweeps_and_writers_at_once_never_lose_a_blob_just_put(folder: Blobs) -> None:
    contents = [f"{number % 7}".encode() for number in range(300)]

    def put(content: bytes) -> bool:
        digest = folder.put(content)
        return folder.exists(digest)

    def sweep(_: int) -> bool:
        folder.sweep(set(), grace_seconds=30)
        return True

    with ThreadPoolExecutor(8) as pool:
        sweeps = [pool.submit(sweep, number) for number in range(40)]
        assert all(pool.map(put, contents))
        assert all(done.result() for done in sweeps)


def test_a_folder_that_was_removed_meanwhile_is_made_again(folder: Blobs) -> None:
    import shutil

    folder.put(b"hello")
    shutil.rmtree(folder.place)
    with pytest.raises(UnavailableError):
        folder.put(b"hello")
    assert folder.get(folder.put(b"hello")) == b"hello"


def test_a_place_that_nothing_knows_is_refused_with_a_hint() -> None:
    with pytest.raises(SettingsError):
        Blobs("nonsense://bucket").put(b"x")
    if find_spec("s3fs") is None:
        with pytest.raises(MissingDependencyError) as caught:
            Blobs("s3://key:secret@bucket/prefix").put(b"x")
        assert "secret" not in caught.value.message


def test_memory_stays_bounded_while_a_large_file_is_put(folder: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(300 << 20)
    code = """
import resource, sys
from groundwork.storage.blobs import Blobs
blobs = Blobs(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
blobs.put_file(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, folder.place, str(source)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 32 << 10  # KiB
