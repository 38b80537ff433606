"""A house with three proofs, made anew for each test; and the files of its bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pathways.portfolio.house import House, proven_house


@pytest.fixture
def here(tmp_path: Path) -> Iterator[House]:
    made = proven_house(tmp_path / "one")
    yield made
    made.workspace.close()
