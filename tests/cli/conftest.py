"""A command line in this process, and a small workspace to use it on."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from groundwork.cli import run

PARKING = """# Parking

Visitors park on the north side of the building. The gate opens at seven in the morning and closes at ten at night.

## Bicycles

Bicycles stand in the cellar, and the key hangs beside the door.
"""
TRAVEL = """# Travel

A journey by train is paid in second class. Flights under 600 km are not paid.
"""
SALARIES = """# Salaries

The director earns one hundred thousand crowns a year.
"""


@dataclass(frozen=True)
class Done:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(*arguments: object) -> Done:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(a) for a in arguments])
    return Done(code, out.getvalue(), err.getvalue())


class House:
    """A workspace with three documents and one broken file, in an index of which `hr` is not for everybody."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = root / "files"
        (self.files / "hr").mkdir(parents=True)
        (self.files / "parking.md").write_text(PARKING)
        (self.files / "travel.md").write_text(TRAVEL)
        (self.files / "hr" / "salaries.md").write_text(SALARIES)
        (self.files / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
        assert call("init", root).code == 0
        # Words alone are enough here, and no weights need to be loaded.
        (root / "groundwork.toml").write_text(
            '[indexes.default]\nembedder = "none"\naccess = { "hr/*" = ["group:hr"] }\n\n'
            '[apps.default]\nstrategy = "lexical"\n'
        )

    def __call__(self, *arguments: object) -> Done:
        return call(*arguments, "--workspace", self.root)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace whose files are ingested; tests that use it must not change it, though they may ask."""
    made = House(tmp_path_factory.mktemp("cli") / "house")
    assert made("ingest", made.files).code == 0
    return made
