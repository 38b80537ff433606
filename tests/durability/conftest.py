"""Skip what needs a program that is not here, saying so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundwork.bench.durability import Stage
from tests.durability.stages import Stages


@pytest.fixture(scope="session")
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("the program `strace` is not here, so nothing can be killed at a system call")


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    return Stages(tmp_path_factory.mktemp("crash"))


@pytest.fixture(scope="module")
def first_stage(stages: Stages) -> Stage:
    return stages.first()


def folder_of(stage: Stage) -> Path:
    """Return where a stage's copies may lie."""
    return stage.template.parent
