"""Every provider on the shelf keeps the contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from groundwork.gateway.providers import PROVIDERS, Attempt, Provider
from groundwork.gateway.transport import Limits, Transport
from groundwork.testing.provider import SECRET, ProviderContract, Serve, Served
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script
from tests.gateway.providers.tiny import needs_transformers, tiny

REMOTE = {"openai_compatible": "/v1", "anthropic": ""}
PLAYS = {"tool_arguments_invalid", "tool_unknown", "tool_calls_10000", "schema_broken", "finish_length", "content_filter",
         "missing_usage", "endless", "embedding_dimension", "embedding_nan", "embedding_rows"}  # fmt: skip
FAILS = {
    "silence": "timeout", "rate_limited_seconds": "rate_limited", "status_500": "server_error", "status_503": "overloaded",
    "key_rotated": "auth", "html": "protocol", "reset_after_headers": "reset",
}  # fmt: skip


@asynccontextmanager
async def remote(name: str, script: Script) -> AsyncIterator[Served]:
    """Serve a script over HTTP."""
    transport = Transport(Limits(body_bytes=4_000_000, stream_bytes=4_000_000))
    async with Upstream({"": script}) as upstream:
        provider = PROVIDERS.make({"name": name, "base_url": upstream.url + REMOTE[name]})

        async def left() -> int:
            busy = 0
            for _ in range(50):
                await asyncio.sleep(0.01)
                pool = transport._sessions.get(asyncio.get_running_loop())
                idle = 0 if pool is None else pool.idle
                busy = len(upstream.open_connections) - idle
                if busy <= 0:
                    break
            return max(0, busy)

        yield Served(provider, Attempt("small", transport, SECRET, timeout_s=5), left)
        assert upstream.inside == 0
        assert all(SECRET in str(seen.headers) for seen in upstream.seen)
        await transport.aclose()


@asynccontextmanager
async def local(provider: Provider, model: str, *, speaks: bool) -> AsyncIterator[Served]:
    """Serve from this process."""

    async def left() -> int:
        return 0

    yield Served(provider, Attempt(model, timeout_s=20), left, speaks)


def scripted(script: Script) -> tuple[Provider, str]:
    """Return a scripted provider and the model that plays what the script says."""
    step: dict[str, Any] = {"delay_ms": script.delay_s * 1000, "chunk_delay_ms": script.chunk_delay_s * 1000}
    if script.fault and script.fault not in PLAYS:
        if script.fault not in FAILS:
            pytest.skip("a fault of the wire, which there is none of here")
        step |= {"fail": FAILS[script.fault]}
    if script.calls:
        step["calls"] = [{"name": c.name, "arguments": c.arguments} for c in script.calls]
    else:
        step["text"] = script.text
    provider = PROVIDERS.make({"name": "scripted", "scripts": {"m": step}})
    return provider, script.fault if script.fault in PLAYS else "m"


@pytest.fixture(params=PROVIDERS.names())
def serve(request: pytest.FixtureRequest) -> Serve:
    name = request.param
    if name == "transformers":
        needs_transformers()

    def make(script: Script) -> Any:
        if name in REMOTE:
            return remote(name, script)
        if name == "scripted":
            return local(*scripted(script), speaks=True)
        if script.fault:
            pytest.skip("no fault can be played here")
        if name == "extractive":

            def answer(question: str, texts: Sequence[str]) -> str:
                time.sleep(script.delay_s)
                return script.text

            return local(PROVIDERS.make({"name": name, "answer": answer}), name, speaks=False)
        assert name == "transformers", f"`{name}` is on the shelf and not in this test"
        return local(tiny(1500 if script.delay_s else 24), "tiny", speaks=False)

    return make


class TestEveryProvider(ProviderContract):
    """The contract itself."""
