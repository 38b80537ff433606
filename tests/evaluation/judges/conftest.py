"""A workspace with judges for each test, copied from one that is made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evaluation.judges.house import JudgeHouse, judge_house


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("judges") / "ws"
    judge_house(root).workspace.close()
    return root


@pytest.fixture
def house(tmp_path: Path, template: Path) -> Iterator[JudgeHouse]:
    root = tmp_path / "ws"
    shutil.copytree(template, root)
    made = judge_house(root)
    yield made
    made.workspace.close()
