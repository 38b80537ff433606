"""Stored bytes that change are found by `verify`, and search refuses rather than answering wrongly."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import DamagedError, GroundworkError, WorkspaceVersionError
from tests.durability.corpus import QUESTIONS
from tests.durability.stages import Stages, ingest

DATA = ".groundwork"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with something in it; tests damage copies."""
    stages = Stages(tmp_path_factory.mktemp("damage"))
    ingest(stages.first().template, stages.corpus)
    return stages.first().template


@pytest.fixture
def copy(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "copy"))


def answers(root: Path) -> str:
    """Return everything that searching says, as one text."""
    with Workspace.open(root) as workspace:
        found = [
            workspace.search(q, strategy=s, k=5) for q in QUESTIONS for s in ("lexical", "dense", "hybrid")
        ]
        return json.dumps([[h.as_dict() for h in result.hits] for result in found])


def damaged(root: Path) -> list[str]:
    """Return what `verify` names; damage that prevents even opening counts as named by the error."""
    try:
        with Workspace.open(root) as workspace:
            return [f"{d.kind} {d.id}: {d.problem}" for d in workspace.verify().damaged]
    except GroundworkError as error:
        return [f"{error.code}: {error.message}"]


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Change one bit."""
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << bit
    path.write_bytes(bytes(data))


def files(root: Path, pattern: str) -> list[Path]:
    return sorted(p for p in (root / DATA).glob(pattern) if p.is_file() and p.stat().st_size)


def check_flips(filled: Path, folder: Path, patterns: list[str], flips: int, seed: int) -> None:
    """Flip bits one at a time; whatever then reads differently must be refused or named, never answered."""
    draw = random.Random(seed)
    right = answers(filled)
    noticed = 0
    for number in range(flips):
        root = Path(shutil.copytree(filled, folder / f"flip{number}"))
        path = draw.choice([p for pattern in patterns for p in files(root, pattern)])
        at, bit = draw.randrange(path.stat().st_size), draw.randrange(8)
        flip(path, at, bit)
        place = f"bit {bit} of byte {at} of {path.relative_to(root)}"
        try:
            said, clear = answers(root), True
        except GroundworkError as error:
            said, clear = right, bool(error.hint) and error.code != "internal"
        named = damaged(root)
        assert clear, f"an unclear refusal after {place}"
        assert said == right, f"a wrong answer after {place}; verify says {named}"
        noticed += bool(named)
        shutil.rmtree(root)
    assert noticed > 0, "no flip was noticed"


def test_a_flipped_bit_in_a_blob_is_named(copy: Path) -> None:
    for path in files(copy, "blobs/??/*")[:4]:
        flip(path, 5)
        assert any(path.parent.name + path.name in line for line in damaged(copy)), path
        flip(path, 5)
    assert damaged(copy) == []


def test_a_missing_blob_is_named(copy: Path) -> None:
    path = max(files(copy, "blobs/??/*"), key=lambda p: p.stat().st_size)
    path.unlink()
    assert damaged(copy)


def test_no_flip_in_the_index_gives_a_wrong_answer(filled: Path, tmp_path: Path) -> None:
    check_flips(filled, tmp_path, ["knowledge/**/data/*", "knowledge/**/sealed/*"], 12, seed=1)


@pytest.mark.slow
def test_no_flip_anywhere_gives_a_wrong_answer(filled: Path, tmp_path: Path) -> None:
    check_flips(filled, tmp_path, ["knowledge/**/*", "blobs/??/*"], 300, seed=2)


@pytest.mark.parametrize(
    "pattern", ["knowledge/**/data/*.lance", "knowledge/**/_versions/*.manifest", "knowledge/**/sealed/*"]
)
@pytest.mark.parametrize("size", [0, 40])
def test_a_file_of_the_index_cut_short_is_refused_with_a_hint_and_named(
    copy: Path, pattern: str, size: int
) -> None:
    for path in files(copy, pattern):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedError) as caught:
        answers(copy)
    assert caught.value.hint
    assert damaged(copy)


def test_a_database_of_noise_is_refused_and_left_alone(copy: Path) -> None:
    path = copy / DATA / "groundwork.db"
    noise = random.Random(3).randbytes(path.stat().st_size)
    path.write_bytes(noise)
    with pytest.raises(GroundworkError) as caught:
        answers(copy)
    assert caught.value.code == "damaged"
    assert caught.value.hint
    assert path.read_bytes() == noise


def test_a_workspace_of_a_newer_version_is_refused_and_left_alone(copy: Path) -> None:
    path = copy / DATA / "groundwork.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    connection.close()
    before = {p: p.read_bytes() for p in files(copy, "**/*") if not p.name.endswith(("-shm", "-wal"))}
    with pytest.raises(WorkspaceVersionError) as caught:
        Workspace.open(copy)
    assert caught.value.hint
    assert {p: p.read_bytes() for p in before} == before
