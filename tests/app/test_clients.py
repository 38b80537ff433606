"""The lines that point other programs here: they are valid, and they are those of the guide."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from groundwork.app.clients import NO_KEY, address, base_url, snippets
from tests.workspaces import light_workspace

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "gateway.md"
ORIGIN = "http://127.0.0.1:8700"


def test_the_guide_shows_the_lines_that_the_console_shows() -> None:
    text = GUIDE.read_text("utf-8")
    for snippet in snippets(ORIGIN, "app/default"):
        assert snippet.text in text, snippet.title


@pytest.mark.parametrize("key", ["", "gw_secret"])
def test_every_example_holds_address_model_and_key(key: str) -> None:
    found = snippets(ORIGIN + "/", "play/mini", key)
    assert len({s.slug for s in found}) == len(found) == 7
    for s in found:
        assert ORIGIN in s.text
        assert "//v1" not in s.text
        if s.slug not in ("environment", "open-webui"):
            assert "play/mini" in s.text
        assert (key or NO_KEY) in s.text or s.slug == "curl"
    assert base_url(ORIGIN + "/") == "http://127.0.0.1:8700/v1"


def test_python_examples_parse_and_shell_examples_too() -> None:
    for s in snippets(ORIGIN, "app/default", "gw_secret"):
        if s.language == "python":
            ast.parse(s.text)
        if s.language == "bash":
            done = subprocess.run(["bash", "-n"], input=s.text, text=True, capture_output=True)
            assert done.returncode == 0, done.stderr
    curl = snippets(ORIGIN, "app/default")[0].text
    assert json.loads(curl.split("-d '")[1].rstrip("'"))["model"] == "app/default"


def test_the_address_is_where_a_server_says_it_is_else_where_the_settings_say(tmp_path: Path) -> None:
    with light_workspace(tmp_path / "w") as workspace:
        assert address(workspace) == ORIGIN
        lock = workspace.root / ".groundwork" / "server.lock"
        lock.write_text('{"pid": 1, "url": "http://127.0.0.1:43210"}')
        assert address(workspace) == "http://127.0.0.1:43210"
        lock.write_text("")
        assert address(workspace) == ORIGIN
