"""Numbers that other software made; each file says which, in `made_by`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "vectors"
CLOSE = 1e-6


def cases(name: str) -> list[Any]:
    """Return the cases of one file as parameters of a test."""
    found = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    return [pytest.param(case, id=f"{name}-{i}") for i, case in enumerate(found)]


def near(value: float) -> Any:
    """Return what is equal to `value` up to 1e-6."""
    return pytest.approx(value, abs=CLOSE, rel=0)
