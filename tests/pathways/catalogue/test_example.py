"""The example of a team: its README runs as it stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.documents import ROOT, perform, steps


def test_the_example_of_a_team_runs_as_its_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "examples" / "onboarding", tmp_path / "onboarding")
    monkeypatch.chdir(tmp_path / "onboarding")
    shown = {}
    for step in steps(Path("README.md")):
        code, out, err = perform(step.command)
        # A milestone that is not proven yet is a check that failed.
        assert code == (1 if "path check" in step.command else 0), f"{step.command}\n{out}\n{err}"
        shown[step.command] = out
    plan = next(out for command, out in shown.items() if "path plan" in command)
    assert "Help desk maintainer" in plan
    checked = next(out for command, out in shown.items() if "path check" in command)
    assert "the documents of the desk are in no index" not in checked
    assert "groundwork ask" in checked
