"""The shape of the command line: its help, its cost, its errors, without a workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from groundwork.cli import root, run, table

HEAVY = (
    "pydantic",
    "rich.console",
    "sqlalchemy",
    "numpy",
    "lance",
    "pyarrow",
    "onnxruntime",
    "scipy",
    "fastapi",
    "jinja2",
    "dbos",
)


def groundwork(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundwork.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def commands() -> list[tuple[str, ...]]:
    group = get_command(root.app)
    context = group.make_context("groundwork", [], resilient_parsing=True)
    found: list[tuple[str, ...]] = []
    for name in table.ENTRIES:
        command = group.get_command(context, name)
        below = getattr(command, "commands", None)
        found += [(name, word) for word in below] if below else [(name,)]
    return found


def command(path: tuple[str, ...]):
    group = get_command(root.app)
    found = group.get_command(group.make_context("groundwork", [], resilient_parsing=True), path[0])
    return found.commands[path[1]] if len(path) == 2 else found


def test_help_lists_every_command_in_eighty_columns(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    for name, entry in table.ENTRIES.items():
        assert f"  {name} " in text
        assert entry.summary in text


@pytest.mark.parametrize("words", [[], ["-h"], ["help"]])
def test_help_is_one_page_however_it_is_asked_for(words, capsys):
    run(["--help"])
    page = capsys.readouterr().out
    assert run(words) == 0
    assert capsys.readouterr().out == page


def test_help_costs_no_heavy_import():
    program = (
        "import sys; from groundwork.cli import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {*HEAVY, "typer", "asyncio"}


def test_importing_every_command_costs_no_heavy_import():
    modules = {e.module for e in table.ENTRIES.values()}
    program = (
        "import sys, importlib; import groundwork.cli.root\n"
        f"for m in {sorted(modules)!r}: importlib.import_module('groundwork.cli.' + m)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(HEAVY)


def test_version_is_that_of_the_distribution(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"groundwork {table.version()}\n"


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_json_and_workspace_and_explains_itself(path):
    found = command(path)
    options = {o for p in found.params for o in p.opts}
    assert {"--json", "--workspace"} <= options
    assert found.help
    assert found.help.split("\n")[0].rstrip().endswith((".", ":"))
    assert all(getattr(p, "help", None) for p in found.params), [p.name for p in found.params]


@pytest.mark.parametrize("path", [(n,) for n in table.ENTRIES], ids=" ".join)
def test_the_table_says_what_the_command_says(path):
    entry = table.ENTRIES[path[0]]
    if not entry.group:
        assert command(path).help.startswith(entry.summary)
    else:
        assert command(path).help.strip() == entry.summary


def test_a_mistyped_command_offers_the_nearest(tmp_path):
    done = groundwork("serch", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr
        == "error: there is no command `groundwork serch`\nhint: did you mean `groundwork search`?\n"
    )


def test_wrong_use_with_json_is_one_document_on_stdout(tmp_path):
    done = groundwork("ask", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "usage"
    assert done.stderr.startswith("error: missing argument")


def test_a_group_without_a_word_shows_its_commands(tmp_path):
    done = groundwork("knowledge", cwd=tmp_path)
    assert done.returncode == 2
    assert "snapshots" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("words", [("ask", "why?"), ("ingest", "."), ("verify",), ("settings",), ("doctor",)])
def test_without_a_workspace_every_command_says_how_to_make_one(words, tmp_path):
    done = groundwork(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: there is no workspace in {tmp_path} or above it",
        "hint: make one with `groundwork init`",
    ]


def test_an_error_with_json_is_an_object_with_its_code(tmp_path):
    done = groundwork("ask", "why?", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "no_workspace"


def test_a_stack_trace_is_shown_only_when_asked_for(tmp_path):
    assert "Traceback" not in groundwork("ask", "why?", cwd=tmp_path).stderr
    assert "Traceback" in groundwork("ask", "why?", cwd=tmp_path, GROUNDWORK_DEBUG="1").stderr


def test_a_closed_pipe_ends_quietly(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m groundwork.cli schema | head -c 10",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


def test_the_schema_is_json_and_knows_every_setting(tmp_path):
    from groundwork.core.settings import Settings

    schema = json.loads(groundwork("schema", cwd=tmp_path).stdout)
    assert set(Settings.model_fields) <= set(schema["properties"])
    assert json.loads(groundwork("schema", "--json", cwd=tmp_path).stdout) == schema


def test_completion_offers_commands_and_words_below_them(tmp_path):
    def complete(line: str) -> list[str]:
        return groundwork(
            cwd=tmp_path,
            _GROUNDWORK_COMPLETE="complete_bash",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split(" ")) - 1),
        ).stdout.split()

    assert {"search", "serve", "settings", "schema"} == set(complete("groundwork s"))
    assert "snapshots" in complete("groundwork knowledge sn")
