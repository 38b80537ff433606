"""LangChain's `ChatOpenAI` and `OpenAIEmbeddings`, from an environment of their own, pointed at the gateway."""

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
from tests.gateway.upstreams import Served

pytestmark = pytest.mark.slow
PROGRAM = """
import json, os
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

class River(BaseModel):
    name: str
    length_km: int

@tool
def get_weather(city: str) -> str:
    "The weather of a city."
    return "sunny"

def chat(model):
    return ChatOpenAI(model=model, base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0)

asked = [HumanMessage("What is the weather in Paris?")]
first = chat("lab/tool").bind_tools([get_weather]).invoke(asked)
answered = [*asked, first, *(ToolMessage("sunny", tool_call_id=c["id"]) for c in first.tool_calls)]
vectors = OpenAIEmbeddings(
    model="lab/embed", base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], check_embedding_ctx_length=False
)
print(json.dumps({
    "chat": chat("claude/hello").invoke("How long is the Loire?").content,
    "stream": [chunk.content for chunk in chat("lab/hello").stream("How long is it?")],
    "calls": [call["args"] for call in first.tool_calls],
    "answered": chat("lab/tool").bind_tools([get_weather]).invoke(answered).content,
    "structured": chat("lab/river").with_structured_output(River).invoke("The Loire?").model_dump(),
    "embedded": [len(v) for v in vectors.embed_documents(["a", "b"])],
}))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with LangChain, kept between runs; skips where it cannot be made."""
    if not shutil.which("uv"):
        pytest.skip("uv is not installed")
    folder = Path(tempfile.gettempdir()) / f"groundwork-langchain-{os.getuid()}"
    if not (folder / "done").exists():
        for command in (
            ["uv", "venv", "--quiet", "--clear", str(folder)],
            [
                "uv",
                "pip",
                "install",
                "--quiet",
                "--python",
                str(folder / "bin" / "python"),
                "langchain-openai>=1,<2",
            ],
        ):
            made = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if made.returncode:
                pytest.skip(f"LangChain cannot be installed: {made.stderr[-200:]}")
        (folder / "done").touch()
    return folder / "bin" / "python"


def test_langchain_chats_streams_calls_tools_keeps_schemas_and_embeds(
    server: Served, key: str, python: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "BASE_URL": f"{server.url}/v1", "KEY": key}
    done = subprocess.run(
        [str(python), "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    got: dict[str, Any] = json.loads(done.stdout)
    assert got["chat"] == SIMPLE_TEXT
    assert "".join(got["stream"]) == SIMPLE_TEXT
    assert got["calls"] == [{"city": "Paris"}]
    assert got["answered"] == "It is sunny in Paris."
    assert got["structured"] == {"name": "Loire", "length_km": 1006}
    assert got["embedded"] == [8, 8]
