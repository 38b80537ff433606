"""What is Lance's own: damage is told in our words, memory is bounded, the library is loaded late."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import DamagedError, GoneError, GroundworkError, InternalError, StorageFullError
from groundwork.knowledge.indexes import INDEXES, Index, _lance_reader
from groundwork.knowledge.indexes._lance_border import border
from groundwork.testing.index_oracle import DIM, EVERYTHING, document, worded

READS: list[Callable[[Index, str], object]] = [
    lambda index, ref: index.dense(ref, np.ones(DIM, np.float32), 5, EVERYTHING),
    lambda index, ref: index.dense(ref, np.ones(DIM, np.float32), 5, EVERYTHING, "exact"),
    lambda index, ref: index.lexical(ref, {"w1": 1.0, "w2": 2.0}, 5, EVERYTHING),
    lambda index, ref: index.fetch(ref, [worded("v1", 9)[0].chunk_id], EVERYTHING, vectors=True),
    lambda index, ref: index.neighbours(ref, "v1", 0, 3, EVERYTHING),
    lambda index, ref: list(index.scan(ref)),
    lambda index, ref: index.staged(),
    lambda index, ref: index.stats(),
]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    from groundwork.knowledge.indexes import _lance_writing

    monkeypatch.setattr(_lance_writing, "VECTORS_FROM", 1)
    location = tmp_path / "index"
    index = INDEXES.get("lance")(str(location), DIM)
    index.append(worded("v1", 9))
    index.append(worded("v2", 9))
    return location, index.publish({"v1": 9, "v2": 9})


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "short":
        path.write_bytes(data[: len(data) // 2])
    else:
        # A page of another file where this one's was.
        path.write_bytes(bytes(np.random.default_rng(len(data)).integers(0, 256, len(data), dtype=np.uint8)))


@pytest.mark.parametrize("how", ["missing", "empty", "short", "other"])
def test_damaged_files_are_told_as_damage_and_never_crash(
    published: tuple[Path, str], tmp_path: Path, how: str
) -> None:
    location, ref = published
    files = sorted(p.relative_to(location) for p in location.rglob("*") if p.is_file())
    told: list[GroundworkError] = []
    for number, file in enumerate(files):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(location, copy)
        spoil(copy / file, how)
        for read in READS:
            try:
                read(INDEXES.get("lance")(str(copy), DIM), ref)
            except (DamagedError, GoneError) as error:
                told.append(error)
        _lance_reader.forget_readers(str(copy / "rows.lance"))
    assert len(told) > len(READS)
    assert all(error.hint for error in told)
    assert not [e.message for e in told if "panick" in e.message or ".rs:" in e.message]


def test_verification_reads_the_digest_of_sealed_files(published: tuple[Path, str]) -> None:
    location, ref = published
    for path in (location / "sealed").iterdir():
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    with pytest.raises(DamagedError, match="other bytes"):
        list(INDEXES.get("lance")(str(location), DIM).scan(ref))


def test_a_fault_of_our_own_is_not_called_damage() -> None:
    with pytest.raises(NameError), border("somewhere", "testing"):
        raise NameError("x")
    with pytest.raises(InternalError), border("somewhere", "testing"):
        raise InternalError("x")


def test_a_full_disk_is_told() -> None:
    with pytest.raises(StorageFullError), border("somewhere", "testing"):
        raise OSError("LanceError(IO): No space left on device (os error 28), rust/x.rs:1:2")


def test_open_states_are_bounded(tmp_path: Path) -> None:
    index = INDEXES.get("lance")(str(tmp_path / "index"), DIM)
    refs = []
    for number in range(_lance_reader.READERS + 4):
        index.append(document(f"v{number}", 1))
        refs.append(index.publish({f"v{n}": 1 for n in range(number + 1)}))
    for number, ref in enumerate(refs):
        assert len(index.dense(ref, np.ones(DIM, np.float32), 99, EVERYTHING)) == number + 1
    assert len(_lance_reader._readers) <= _lance_reader.READERS


def test_many_appends_are_compacted_when_published(tmp_path: Path) -> None:
    index = INDEXES.get("lance")(str(tmp_path / "index"), DIM)
    kept = {}
    for number in range(40):
        index.append(document(f"v{number}", 2))
        kept[f"v{number}"] = 2
    ref = index.publish(kept)
    reader = _lance_reader.reader_of(str(tmp_path / "index" / "rows.lance"), ref)
    assert len(reader.data.get_fragments()) == 1
    assert len(index.lexical(ref, {f"v{n}": 1.0 for n in range(40)}, 999, EVERYTHING)) == 80


def test_a_writer_that_lost_its_lease_does_not_lose_its_files_to_maintenance(tmp_path: Path) -> None:
    index = INDEXES.get("lance")(str(tmp_path / "index"), DIM)
    index.append(document("v1"))
    index.publish({"v1": 3})
    stray = tmp_path / "index" / "rows.lance" / "data" / "0123456789abcdef.lance"
    stray.write_bytes(b"not committed yet")
    index.maintain()
    assert stray.exists()


def test_the_library_is_loaded_only_when_an_index_is_opened() -> None:
    code = (
        "import sys; from groundwork.knowledge.indexes import INDEXES; INDEXES.names(); "
        "assert not {'lance', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
