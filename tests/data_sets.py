"""Find a data set beside the project; a test that needs an absent one skips, saying so."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("GROUNDWORK_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def data_set(name: str) -> Path:
    """Return the folder of a data set, or skip the test."""
    folder = ROOT / name
    if not folder.is_dir():
        pytest.skip(f"the data set `{name}` is not here (looked in the folder named by GROUNDWORK_TEST_DATA)")
    return folder


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON-lines file, gzipped or not; `path` may lack the `.gz`."""
    path = path if path.exists() else path.with_name(path.name + ".gz")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
