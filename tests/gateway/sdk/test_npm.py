"""The official npm client of OpenAI, driven by node, pointed at the gateway by its base URL alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from groundwork.testing.upstream_script import SIMPLE_TEXT
from tests.gateway.sdk.values import OPENAI_TOOL, RIVER, png
from tests.gateway.upstreams import PROVIDER_KEY, Served, eventually

VERSION = "6.49.0"
PROGRAM = Path(__file__).with_name("openai_client.mjs")


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with the package in it, kept between runs; skips where node, npm or the registry are absent."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    folder = Path(tempfile.gettempdir()) / f"groundwork-npm-{os.getuid()}-openai-{VERSION}"
    if not (folder / "node_modules" / "openai").is_dir():
        folder.mkdir(exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"openai@{VERSION}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot install openai: {done.stderr[-200:]}")
    return folder


@pytest.fixture(scope="session")
def results(server: Served, packages: Path) -> dict[str, Any]:
    """What the program got, by name; it runs once for all tests here."""
    environment = {
        "PATH": os.environ["PATH"],
        "PACKAGES": str(packages),
        "BASE_URL": f"{server.url}/v1",
        "KEY": server.key("npm"),
        "POOR": server.key("npm poor", budget_usd={"day": 0.000001}),
        "TOOL": json.dumps({**OPENAI_TOOL, "function": {**OPENAI_TOOL["function"], "strict": True}}),
        "SCHEMA": json.dumps(RIVER),
        "PICTURE": json.dumps(f"data:image/png;base64,{png()}"),
    }
    done = subprocess.run(
        ["node", str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert PROVIDER_KEY not in done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_models_are_listed(results: dict[str, Any]) -> None:
    assert {"lab/hello", "claude/hello", "fallen"} <= set(results["models"])


def test_chats_and_streams_answer(results: dict[str, Any], at: str) -> None:
    chat, stream = results[f"{at} chat"], results[f"{at} stream"]
    assert (chat["text"], chat["finish"], chat["usage"]["completion_tokens"]) == (SIMPLE_TEXT, "stop", 7)
    assert (stream["text"], stream["usage"]["completion_tokens"], stream["several"]) == (SIMPLE_TEXT, 7, True)
    assert results[f"{at} responses"] == [SIMPLE_TEXT, SIMPLE_TEXT]


def test_tools_are_called_whole_and_streamed(results: dict[str, Any], at: str) -> None:
    expected = [{"city": "Paris"}, {"city": "Nantes"}]
    assert results[f"{at} tools"] == expected
    assert results[f"{at} streamed tools"] == expected


def test_schemas_are_kept_or_refused(results: dict[str, Any], at: str) -> None:
    assert results[f"{at} schema"] == {"name": "Loire", "length_km": 1006}
    assert results[f"{at} refused schema"]["status"] == 502


def test_images_are_taken(results: dict[str, Any], at: str) -> None:
    assert results[f"{at} image"] == SIMPLE_TEXT


def test_a_stream_that_breaks_is_an_error(results: dict[str, Any], at: str) -> None:
    assert results[f"{at} cut"] != "ended"
    assert "Error" in results[f"{at} cut"]["error"]


def test_embeddings_are_equal_as_floats_and_as_base64(results: dict[str, Any]) -> None:
    assert results["embeddings"] is True


@pytest.mark.parametrize(
    ("name", "error", "status"),
    [
        ("wrong key", "AuthenticationError", 401),
        ("unknown model", "NotFoundError", 404),
        ("budget", "RateLimitError", 429),
        ("long prompt", "BadRequestError", 400),
        ("no schema", "BadRequestError", 400),
        ("large body", "APIError", 413),
        ("failing", "InternalServerError", 502),
    ],
)
def test_errors_are_the_clients_own(results: dict[str, Any], name: str, error: str, status: int) -> None:
    assert (results[name]["error"], results[name]["status"]) == (error, status)


def test_the_gateway_retries_by_itself(results: dict[str, Any]) -> None:
    assert results["retried by the gateway"] == SIMPLE_TEXT


def test_a_stream_that_is_left_ends_upstream(results: dict[str, Any], server: Served) -> None:
    assert results["left"] == 6
    assert eventually(lambda: server.upstream.of("slow-npm")[-1].gone)
    assert eventually(lambda: server.last_call(model="lab/slow-npm")["state"] == "cancelled")
