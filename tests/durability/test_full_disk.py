"""A full disk or a failing one is told clearly, loses nothing, and is over when space is back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundwork.bench.dump import differences, logical_dump
from groundwork.bench.durability import Stage, groundwork_command
from tests.durability.stages import Stages


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stages(tmp_path_factory.mktemp("full")).second()


@pytest.fixture(scope="module")
def expected(stage: Stage) -> dict[str, object]:
    root = stage.template.parent / "undisturbed"
    shutil.copytree(stage.template, root)
    stage.again(root)
    return logical_dump(root, stage.questions)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give a function that mounts a disk of so many KiB, or makes the mounted one that large."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kib: int) -> Path:
        again = ["-o", f"remount,size={kib}k"] if os.path.ismount(place) else ["-o", f"size={kib}k"]
        done = subprocess.run(["mount", "-t", "tmpfs", *again, "tmpfs", str(place)], capture_output=True)
        if done.returncode:
            pytest.skip("a small file system cannot be mounted here")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)


def run(stage: Stage, root: Path, *before: str) -> tuple[int, dict[str, str]]:
    """Run the stage's command and return its status and the error it told as JSON."""
    done = subprocess.run([*before, *stage.command], cwd=root, capture_output=True, text=True, timeout=200)
    said = json.loads(done.stdout) if done.stdout.strip() else {}
    return done.returncode, said.get("error", {})


def check_kept_and_go_on(
    stage: Stage, root: Path, expected: dict[str, object], before: dict[str, object]
) -> None:
    """Readers see what they saw before; the same command then ends where an undisturbed one ends."""
    kept = logical_dump(root, stage.questions)
    assert kept["search"] in (before["search"], expected["search"])
    stage.again(root)
    assert differences(expected, logical_dump(root, stage.questions)) == []


@pytest.mark.parametrize("room_kib", [24, 200])
def test_a_full_disk_is_told_and_is_over_when_there_is_space(
    stage: Stage, expected: dict[str, object], small_disk: Callable[[int], Path], room_kib: int
) -> None:
    place = small_disk(200_000)
    root = Path(shutil.copytree(stage.template, place / "workspace"))
    before = logical_dump(root, stage.questions)
    used = shutil.disk_usage(place).used // 1024
    small_disk(used + room_kib)
    status, error = run(stage, root)
    assert status != 0
    assert error["code"] == "storage_full", error
    assert error["hint"]
    small_disk(200_000)
    check_kept_and_go_on(stage, root, expected, before)


def test_a_limit_on_file_size_is_told_and_loses_nothing(
    stage: Stage, expected: dict[str, object], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(stage.template, tmp_path / "workspace"))
    before = logical_dump(root, stage.questions)
    status, error = run(stage, root, sys.executable, "-c", LIMITED, "30000")
    assert status != 0
    assert error["code"] in ("storage_full", "unavailable"), error
    check_kept_and_go_on(stage, root, expected, before)


FAULTS = [
    ("pwrite64", "ENOSPC", 9),
    ("fsync", "EIO", 2),
    pytest.param("rename", "EIO", 3, marks=pytest.mark.slow),
]
KINDS = [
    *(
        ("pwrite64", "ENOSPC"),
        ("write", "ENOSPC"),
        ("mkdir", "ENOSPC"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
    ),
    *(("rename", "EIO"), ("linkat", "EIO")),
]


def check_fault(
    stage: Stage, expected: dict[str, object], folder: Path, call: str, error: str, number: int
) -> bool:
    root = Path(shutil.copytree(stage.template, folder / f"{call}-{number}"))
    before = logical_dump(root, stage.questions)
    log = folder / f"{call}-{number}.log"
    inject = f"inject={call}:error={error}:when={number}"
    fault = ("strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={call}", "-e", inject)
    status, told = run(stage, root, *fault)
    # Calls on pipes and events and of the parsing processes are counted too; a fault there says nothing about disks.
    injected = [line for line in log.read_text().splitlines() if "INJECTED" in line]
    ours = [line for line in injected if str(root) in line]
    if status != 0 and ours == injected:
        assert told.get("code") in ("storage_full", "unavailable", "damaged"), (call, number, told)
        assert told["hint"]
    check_kept_and_go_on(stage, root, expected, before)
    return bool(ours)


@pytest.mark.parametrize(("call", "error", "number"), FAULTS)
def test_a_refused_write_is_told_and_loses_nothing(
    strace: None,
    stage: Stage,
    expected: dict[str, object],
    tmp_path: Path,
    call: str,
    error: str,
    number: int,
) -> None:
    assert check_fault(stage, expected, tmp_path, call, error, number), "the fault was never injected"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_refused_calls_of_every_kind_are_told_and_lose_nothing(
    strace: None, stage: Stage, expected: dict[str, object], tmp_path: Path, kind: tuple[str, str]
) -> None:
    fired = [check_fault(stage, expected, tmp_path, *kind, number) for number in (1, 2, 3, 5, 8, 13, 21, 34)]
    assert any(fired), "the fault was never injected"


def test_the_command_that_is_disturbed_works_undisturbed(stage: Stage, tmp_path: Path) -> None:
    root = Path(shutil.copytree(stage.template, tmp_path / "workspace"))
    assert stage.command[:2] == groundwork_command()[:2]
    assert run(stage, root) == (0, {})
