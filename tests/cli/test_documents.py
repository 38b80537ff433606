"""The documentation does what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from groundwork.core.settings import AppSpec, IndexSpec, Settings
from groundwork.models.weights import MINILM, is_present
from tests.cli.conftest import call
from tests.cli.documents import ROOT, blocks, perform, settled, steps

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "ARCHITECTURE.md"]
EXAMPLE = ROOT / "examples" / "visitors"


def test_the_quickstart_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for step in steps(DOCS / "quickstart.md"):
        code, _, err = perform(step.command)
        assert code == 0, f"{step.command}\n{err}"
    monkeypatch.chdir(tmp_path)
    for block in blocks(DOCS / "quickstart.md", "python"):
        exec(compile(block, "quickstart.md", "exec"), {})


@pytest.mark.skipif(not is_present(MINILM), reason="the README was written with the weights of minilm")
def test_the_readme_shows_what_comes_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["cp", "-r", str(EXAMPLE / "documents"), "."], check=True)
    ran = 0
    for step in steps(ROOT / "README.md"):
        if step.command.startswith("make"):
            continue
        code, out, err = perform(step.command)
        assert code == 0, f"{step.command}\n{err}"
        assert settled(out) == settled(step.shown), step.command
        ran += 1
    assert ran == 7


def test_the_example_answers_its_golden_set(tmp_path, monkeypatch):
    subprocess.run(["cp", "-r", str(EXAMPLE), "visitors"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path / "visitors")
    for step in steps(Path("README.md")):
        code, _, err = perform(step.command)
        assert code == 0, f"{step.command}\n{err}"
    for line in Path("golden.jsonl").read_text().splitlines():
        golden = json.loads(line)
        answer = call("ask", golden["question"], "--json").json
        assert answer["abstained"] is not bool(golden["answers"]), golden
        assert all(text in answer["text"] for text in golden["answers"]), golden
    hidden = call(
        "ask", "Where is the spare key of the server room?", "--as", "group:visitors", "--json"
    ).json
    assert all("internal/" not in h["document"] for h in hidden["retrieved"])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text("utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}, target


def test_every_page_is_reached_from_the_index():
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        waiting += [(page.parent / t).resolve() for t in targets if not t.startswith("http")]
    missing = {p for p in DOCS.rglob("*.md") if "decisions" not in p.parts} - reached
    assert not missing


def test_the_generated_reference_is_not_stale():
    done = subprocess.run(
        [sys.executable, "scripts/generate_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_has_an_entry():
    text = (DOCS / "reference" / "settings.md").read_text("utf-8")
    for model in (Settings, IndexSpec, AppSpec):
        for name, field in model.model_fields.items():
            assert f"| `{name}` |" in text
            assert field.description


def test_every_command_in_the_guides_exists():
    from tests.cli.test_shape import commands

    known = {" ".join(path) for path in commands()}
    for page in PAGES:
        for line in re.findall(
            r"`groundwork ([a-z][^`\n]*)`|^\$ groundwork (.+)$", page.read_text("utf-8"), flags=re.M
        ):
            words = [w for w in (line[0] or line[1]).split() if re.fullmatch(r"[a-z]+", w)]
            assert words, line
            assert (
                words[0] in known or " ".join(words[:2]) in known or words[0] in {k.split()[0] for k in known}
            ), line


def test_every_option_in_the_guides_exists():
    from tests.cli.test_shape import command, commands

    known = {o for path in commands() for p in command(path).params for o in p.opts} | {
        "--version",
        "--check",
        "--help",
    }
    for page in PAGES:
        if page.name == "ARCHITECTURE.md" or "decisions" in page.parts:
            continue
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8")):
            assert option in known, (page, option)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 150


def test_the_schema_is_the_one_that_is_checked_in():
    stored = json.loads((ROOT / "groundwork.schema.json").read_text("utf-8"))
    assert call("schema", "--json").json == stored
