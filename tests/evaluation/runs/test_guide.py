"""The guide does what it says: from an empty folder to a first evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.documents import ROOT, blocks, perform, steps

GUIDE = ROOT / "docs" / "guides" / "evaluation.md"


def test_the_guide_leads_from_an_empty_folder_to_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDWORK_MODELS", str(tmp_path / "no weights"))
    said = ""
    for step in steps(GUIDE):
        code, said, err = perform(step.command)
        assert code == 0, f"{step.command}\n{err}"
    assert "report.html" in said
    assert "95 %" in Path("report.html").read_text(encoding="utf-8")
    for block in blocks(GUIDE, "python"):
        exec(compile(block, GUIDE.name, "exec"), {})
