"""`groundwork gate`, `compare` and `export ci` as people call them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Done, call
from tests.evaluation.gates.house import house, sides


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with house(tmp_path_factory.mktemp("commands")) as made:
        yield made.root


@pytest.fixture(scope="module")
def words(root: Path) -> tuple[str, str]:
    return sides(root)


def _gate(root: Path, *arguments: object) -> Done:
    return call("--workspace", root, "gate", *arguments)


def test_a_gate_exits_with_0_for_promote_and_1_for_anything_else(root: Path, words: tuple[str, str]) -> None:
    old, new = words
    good = _gate(root, "quality", "--candidate", new, "--baseline", old)
    assert good.code == 0, good.err
    assert "120 examples show `correct` better by 0.100" in " ".join(good.out.split())
    assert "Promote  gate quality" in good.out
    bad = _gate(root, "--candidate", old, "--baseline", new)
    assert bad.code == 1
    assert "Reject  gate quality" in bad.out
    document = _gate(root, "run", "quality", "-c", new, "-b", old, "--json")
    assert document.json["outcome"] == "promote"
    assert document.json["plan"] in _gate(root, "--plan", "-c", new, "-b", old, "--json").json["digest"]


def test_verdicts_are_listed_shown_reported_and_overridden(
    root: Path, words: tuple[str, str], tmp_path: Path
) -> None:
    old, new = words
    identifier = _gate(root, "-c", old, "-b", new, "--json").json["id"]
    assert identifier in _gate(root, "verdicts").out
    assert "quality" in _gate(root, "list").out
    shown = _gate(root, "show", identifier)
    assert shown.code == 0
    assert "Not checked" in " ".join(shown.out.split())
    assert _gate(root, "report", identifier).out.startswith("### ")
    file = tmp_path / "out" / "verdict.html"
    assert _gate(root, "report", identifier, "--output", file).code == 0
    assert file.read_text().startswith("<!doctype html>")
    short = _gate(root, "override", identifier, "--reason", "because")
    assert short.code != 0
    assert "10 to 2,000 characters" in short.err
    done = _gate(root, "override", identifier, "--reason", "the old index is unlawful to keep")
    assert "Overridden by local (admin)" in done.out


def test_ci_writes_every_report(
    root: Path, words: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = _gate(root, "-c", words[1], "-b", words[0], "--ci", "--output", tmp_path / "report")
    assert done.code == 0, done.err
    assert "::notice file=groundwork.toml,line=5,title=Promote%3A gate quality::" in done.out
    assert (tmp_path / "report" / "verdict.sarif").is_file()
    assert (tmp_path / "summary.md").read_text().startswith("### ")


def test_wrong_words_are_explained(root: Path) -> None:
    assert "no gate `qualify`" in _gate(root, "qualify").err
    assert "nothing stands in `production`" in _gate(root, "quality").err
    assert "no format" in _gate(root, "report", "last", "--format", "pdf").err


def test_two_evaluations_are_compared_in_sentences_and_files(
    root: Path, words: tuple[str, str], tmp_path: Path
) -> None:
    found = _gate(root, "-c", words[1], "-b", words[0], "--json").json
    a, b = found["baseline"], found["candidate"]
    done = call("--workspace", root, "compare", a, b, "--metric", "correct")
    assert "The second is better in `correct` by +0.250" in " ".join(done.out.split())
    assert call("--workspace", root, "compare", a, b, "--json").json["n"] == 120
    file = tmp_path / "compared.md"
    assert call("--workspace", root, "compare", a, b, "-o", file).code == 0
    assert file.read_text().startswith("### Comparison")
    assert "the same evaluation" in call("--workspace", root, "compare", a, a).err


def test_workflows_are_written_once(root: Path, tmp_path: Path) -> None:
    done = call("--workspace", root, "export", "ci", "github", "--output", tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / ".github" / "workflows" / "groundwork.yml").is_file()
    again = call("--workspace", root, "export", "ci", "github", "--output", tmp_path)
    assert "--overwrite" in again.err
    assert (
        call("--workspace", root, "export", "ci", "gitlab", "--output", tmp_path, "--json").json["gate"]
        == "quality"
    )
