"""A crash between any two steps of publish, maintain and erase is repaired by doing it again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import GoneError
from groundwork.knowledge.indexes import INDEXES, Index, _lance_writing, _sealed
from groundwork.testing.index_oracle import DIM, answers, worded

STEPS = [
    (_lance_writing, "_tag"),
    (_lance_writing, "_complete"),
    (_lance_writing, "_kept"),
    (_lance_writing, "_sync"),
    (_lance_writing, "delete"),
    (_lance_writing, "restore"),
    (_lance_writing, "forget_readers"),
    (_sealed, "write"),
    (_sealed, "remove_others"),
    (_sealed, "sync_directory"),
]


class Crash(BaseException):
    """The power went."""


def crash_at(patch: pytest.MonkeyPatch, number: int) -> None:
    """Let the process die before its n-th step, counted from 0, and after it for odd numbers."""
    left = [number // 2]

    def dying(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            chosen = left[0] == -1
            if chosen and number % 2 == 0:
                raise Crash
            result = step(*arguments, **named)
            if chosen:
                raise Crash
            return result

        return run

    for module, name in STEPS:
        patch.setattr(module, name, dying(getattr(module, name)))


def after_every_crash(
    location: Path, action: Callable[[Index], Any], *, stride: int
) -> Iterator[tuple[Index, Any]]:
    """Crash the action at every `stride`-th step, each time on a copy of its own, and yield the index it was repeated on."""
    for number in range(0, 1000, stride):
        copy = location.with_name(f"copy{number}")
        shutil.copytree(location, copy)
        patch = pytest.MonkeyPatch()
        crash_at(patch, number)
        try:
            action(INDEXES.get("lance")(str(copy), DIM))
        except Crash:
            patch.undo()
        else:
            assert number >= 2 * stride, "too few steps were seen"
            return
        finally:
            patch.undo()
        index = INDEXES.get("lance")(str(copy), DIM)
        yield index, action(index)
        shutil.rmtree(copy)
    raise AssertionError("it never came through")


@pytest.fixture
def grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lance_writing, "VECTORS_FROM", 1)


@pytest.fixture
def location(tmp_path: Path, grouped: None) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(location: Path) -> Index:
    made = INDEXES.get("lance")(str(location), DIM)
    made.append([*worded("v1", 6), *worded("v2", 6, document_id="doc_secret")])
    return made


EVERY = [pytest.param(5, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]


@pytest.mark.parametrize(
    "stride", [pytest.param(3, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]
)
def test_publishing_is_repaired_by_publishing_again(index: Index, location: Path, stride: int) -> None:
    old = index.publish({"v1": 6, "v2": 6})
    before = json.dumps(answers(index, old))
    index.append(worded("v3", 6))
    for again, ref in after_every_crash(location, lambda i: i.publish({"v1": 6, "v3": 6}), stride=stride):
        assert again.staged() == {"v1": 6, "v3": 6}
        assert sorted(row.version for row in again.scan(ref)) == ["v1"] * 6 + ["v3"] * 6
        assert again.stats().unindexed_rows == 0
        assert json.dumps(answers(again, old)) == before


@pytest.mark.parametrize("stride", EVERY)
def test_maintaining_never_changes_an_answer_wherever_it_crashes(
    index: Index, location: Path, stride: int
) -> None:
    refs = []
    for number in range(3, 10):
        index.append(worded(f"v{number}", 6))
        refs.append(index.publish({f"v{n}": 6 for n in range(max(1, number - 4), number + 1)}))
    before = [json.dumps(answers(index, ref)) for ref in refs]
    index.drop(refs[:3])
    for again, _ in after_every_crash(location, lambda i: i.maintain(), stride=stride):
        assert [json.dumps(answers(again, ref)) for ref in refs[3:]] == before[3:]
        with pytest.raises(GoneError):
            answers(again, refs[0])


@pytest.mark.parametrize("stride", EVERY)
def test_erasing_is_repaired_by_erasing_again(index: Index, location: Path, stride: int) -> None:
    refs = [index.publish({"v1": 6, "v2": 6})]
    index.append(worded("v3", 6))
    refs.append(index.publish({"v2": 6, "v3": 6}))
    index.append(worded("v4", 6))
    probes = [row.vector.tobytes() for row in worded("v2", 6) if row.vector is not None]
    for again, renamed in after_every_crash(location, lambda i: i.erase(["doc_secret"], refs), stride=stride):
        assert again.staged() == {"v3": 6, "v4": 6}
        assert [{r.version for r in again.scan(renamed[ref])} for ref in refs] == [{"v1"}, {"v3"}]
        files = [p.read_bytes() for p in Path(again.location).rglob("*") if p.is_file()]  # type: ignore[attr-defined]
        assert not [probe for probe in probes for data in files if probe in data]
        assert again.stats().versions == 2
