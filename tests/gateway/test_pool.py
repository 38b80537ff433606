"""The pool of connections: a reply that nobody asked for is never taken for the answer to somebody else's request."""

from __future__ import annotations

import asyncio

import pytest

from groundwork.gateway.providers import PROVIDERS, Attempt
from groundwork.gateway.transport import Transport
from groundwork.gateway.types import ChatRequest, Message, TextPart
from groundwork.testing.upstream import Upstream
from groundwork.testing.upstream_script import Script

REQUEST = ChatRequest("m", (Message("user", (TextPart("Hi"),)),))
SCRIPTS = {
    "late": Script(text="somebody else's", fault="unasked_reply"),
    "long": Script(text="somebody else's", fault="garbage_after"),
    "good": Script(text="mine"),
}


@pytest.mark.parametrize("bad", ["late", "long"])
def test_a_reply_that_nobody_asked_for_answers_nobody(bad: str) -> None:
    async def ask() -> tuple[set[str], int]:
        async with Upstream(SCRIPTS) as upstream:
            transport = Transport()
            make = PROVIDERS.get("openai_compatible")
            providers = {name: make(base_url=f"{upstream.url}/{name}/v1") for name in SCRIPTS}  # type: ignore[call-arg]
            got = set()
            for _ in range(10):
                await providers[bad].complete(REQUEST, Attempt("m", transport))
                await asyncio.sleep(0.05)
                for _ in range(2):
                    got.add((await providers["good"].complete(REQUEST, Attempt("m", transport))).text)
            await transport.aclose()
            return got, upstream.connections

    got, connections = asyncio.run(ask())
    assert got == {"mine"}
    assert connections >= 10


def test_a_connection_that_stayed_clean_is_used_again() -> None:
    async def ask() -> int:
        async with Upstream(SCRIPTS) as upstream:
            transport = Transport()
            good = PROVIDERS.get("openai_compatible")(base_url=f"{upstream.url}/good/v1")  # type: ignore[call-arg]
            for _ in range(10):
                await good.complete(REQUEST, Attempt("m", transport))
            await transport.aclose()
            return upstream.connections

    assert asyncio.run(ask()) == 1


def test_a_connection_that_the_provider_closed_costs_no_request() -> None:
    async def ask() -> int:
        async with Upstream(SCRIPTS) as upstream:
            transport = Transport()
            good = PROVIDERS.get("openai_compatible")(base_url=f"{upstream.url}/good/v1")  # type: ignore[call-arg]
            for _ in range(10):
                await good.complete(REQUEST, Attempt("m", transport))
                for connection in list(upstream.open_connections):
                    connection.hang_up()
            await transport.aclose()
            return len(upstream.seen)

    assert asyncio.run(ask()) == 10
