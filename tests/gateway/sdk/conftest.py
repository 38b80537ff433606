"""One server process for all tests of the official clients."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.gateway.upstreams import Served, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("sdk")) as running:
        yield running


@pytest.fixture(scope="session")
def key(server: Served) -> str:
    return server.key("sdk")


@pytest.fixture
def client(server: Served, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture
def claude(server: Served, key: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture(params=["lab", "claude"])
def at(request: pytest.FixtureRequest) -> str:
    """The provider behind: one that speaks OpenAI's format, and one that speaks Anthropic's."""
    return str(request.param)
