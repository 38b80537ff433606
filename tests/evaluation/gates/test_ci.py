"""Workflow files: well formed, pinned, with the least rights, and every command in them is one of ours."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from groundwork.app.ci_workflows import ACTIONS, SETTINGS, Workflow, write_workflow
from groundwork.app.workspace import Workspace
from groundwork.cli import report_files
from groundwork.cli.root import app as root
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL
from tests.evaluation.gates.house import GATE, house, sides

PROVIDER = """
[providers.openai]
kind = "openai"
key = "env:OPENAI_API_KEY"
"""
CONTEXTS = {"secrets", "github", "steps", "needs"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with house(tmp_path_factory.mktemp("ci"), GATE + PROVIDER, n=40) as made:
        yield made


@pytest.fixture(scope="module", params=["github", "gitlab"])
def workflow(request: pytest.FixtureRequest, workspace: Workspace) -> tuple[str, Workflow, Any]:
    made = write_workflow(workspace, request.param)
    return request.param, made, yaml.safe_load(made.text)


def _scripts(kind: str, read: Any) -> Iterator[str]:
    """Yield every line of shell in a workflow."""
    for name, job in (read["jobs"] if kind == "github" else read).items():
        if kind == "github":
            for step in job["steps"]:
                yield from str(step.get("run", "")).splitlines()
        elif isinstance(job, dict) and not name.startswith("."):
            yield from job.get("script", [])


def _ours(kind: str, read: Any) -> list[list[str]]:
    found = [shlex.split(line) for line in _scripts(kind, read) if line.strip().startswith("groundwork ")]
    return [c[1 : c.index(">")] if ">" in c else c[1:] for c in found]


def test_every_command_is_understood_by_the_command_line(workflow: tuple[str, Workflow, Any]) -> None:
    kind, _, read = workflow
    commands = _ours(kind, read)
    assert {c[0] if c[0] != "--json" else c[1] for c in commands} == {"ingest", "release", "gate"}
    for command in commands:
        _parse(command)


def _parse(arguments: list[str]) -> None:
    """Walk the groups down to the command and let it read its arguments; nothing is called."""
    command: Any = get_command(root)
    context = command.make_context("groundwork", list(arguments))
    while hasattr(command, "resolve_command"):
        rest = [
            *getattr(context, "protected_args", []),
            *getattr(context, "_protected_args", []),
            *context.args,
        ]
        rest = list(dict.fromkeys(rest)) if len(set(rest)) == len(rest) else rest
        name, command, left = command.resolve_command(context, rest)
        context = command.make_context(name, left, parent=context)


def test_secrets_come_from_the_environment_alone(workflow: tuple[str, Workflow, Any]) -> None:
    kind, made, _ = workflow
    assert made.secrets == (*SETTINGS, "OPENAI_API_KEY")
    for name in made.secrets:
        assert name in made.text
    for line in made.text.splitlines():
        for word in re.findall(r"\$\{\{\s*([^}]+?)\s*\}\}", line):
            assert word.split(".")[0] in CONTEXTS, word
        if "secrets." in line:
            assert re.fullmatch(r"\s+[A-Z_]+: \$\{\{ secrets\.[A-Z_]+ \}\}", line), line
    assert kind == "github" or "secrets." not in made.text


def test_github_runs_with_the_least_rights_and_pinned_actions(workspace: Workspace) -> None:
    made = write_workflow(workspace, "github", environment="staging")
    read = yaml.safe_load(made.text)
    assert made.path == ".github/workflows/groundwork.yml"
    assert read["permissions"] == {}
    assert read[True] == {"pull_request": None, "push": {"branches": ["main"]}}  # YAML 1.1 reads `on` as true
    rights = {name: job["permissions"] for name, job in read["jobs"].items()}
    assert rights == {
        "gate": {"contents": "read"}, "comment": {"pull-requests": "write"}, "promote": {"contents": "read"},
    }  # fmt: skip
    for name, job in read["jobs"].items():
        assert job["runs-on"] == "ubuntu-24.04"
        assert job["timeout-minutes"] <= 60
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(read["jobs"]), name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            # What a pull request says never stands in shell text.
            assert "${{" not in step.get("run", "")
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert ACTIONS[action][0] == commit
                assert re.fullmatch(r"[0-9a-f]{40}", commit)
    gate, promote = read["jobs"]["gate"], read["jobs"]["promote"]
    kept = next(s for s in gate["steps"] if s.get("name") == "Keep the reports")
    assert kept["if"] == "always()"
    assert promote["needs"] == "gate"
    assert "always" not in promote["if"]
    assert promote["environment"] == "staging"
    assert "--environment staging" in made.text
    assert "--to staging" in made.text


def test_gitlab_shows_the_reports_and_promotes_only_after_the_gate(workspace: Workspace) -> None:
    read = yaml.safe_load(write_workflow(workspace, "gitlab").text)
    gate, promote = read["groundwork-gate"], read["groundwork-promote"]
    assert read["stages"] == ["gate", "promote"]
    assert gate["artifacts"]["when"] == "always"
    assert gate["artifacts"]["reports"]["junit"] == f"groundwork-report/{report_files.FILES['junit']}"
    assert gate["artifacts"]["reports"]["codequality"] == f"groundwork-report/{report_files.FILES['gitlab']}"
    assert promote["needs"] == [{"job": "groundwork-gate", "artifacts": True}]
    assert "allow_failure" not in gate
    assert "latest" not in read[".groundwork"]["image"]
    assert all(len(r) == 1 for r in promote["rules"])


def test_words_that_could_be_more_than_words_are_refused(workspace: Workspace) -> None:
    for bad in ("x; rm -rf /", "$(id)", "-x", "", "a b", "${{ secrets.X }}"):
        with pytest.raises(InvalidInputError, match="cannot stand in a command line"):
            write_workflow(workspace, "github", environment=bad)
    with pytest.raises(InvalidInputError, match="no CI that is known"):
        write_workflow(workspace, "jenkins")
    with pytest.raises(NotFoundError):
        write_workflow(workspace, "github", gate="nothing")


def test_ci_is_told_from_the_environment_that_is_given() -> None:
    assert report_files.place_of({"GITHUB_ACTIONS": "true"}) == "github"
    assert report_files.place_of({"GITLAB_CI": "true"}) == "gitlab"
    assert report_files.place_of({}) == ""


def test_all_reports_are_written_and_the_summary_of_a_job_is_added_to(
    workspace: Workspace, tmp_path: Path
) -> None:
    old, new = sides(workspace.root, n=40)
    found = workspace.evaluation.gates.run(LOCAL, "quality", candidate=new, baseline=old)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    line = report_files.gate_line(workspace.root, "quality")
    lines = (workspace.root / "groundwork.toml").read_text().splitlines()
    assert lines[line - 1] == "[gates.quality]"
    given = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    files = report_files.write_all(found, None, str(tmp_path / "out"), base="", line=line, environment=given)
    assert sorted(Path(f).name for f in files) == [
        "verdict.html", "verdict.json", "verdict.md", "verdict.sarif", "verdict.xml",
    ]  # fmt: skip
    assert summary.read_text().startswith("before\n### ")
    more = report_files.write_all(
        found, None, str(tmp_path / "lab"), base="", line=line, environment={"GITLAB_CI": "1"}
    )
    assert any(f.endswith("gl-code-quality-report.json") for f in more)


def test_the_reading_of_commands_refuses_what_is_none() -> None:
    from typer.exceptions import TyperException

    for wrong in (["gate", "run", "--nope"], ["release", "promot", "x"], ["ingest", "docs", "--into", "x"]):
        with pytest.raises(TyperException):
            _parse(wrong)
