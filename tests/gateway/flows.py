"""A gateway over a real ledger and scripted models, for tests of the flow; chance and pauses are handed in."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from sqlalchemy import select

from groundwork.core.clock import SystemClock
from groundwork.core.settings import Layer, Spec, resolve
from groundwork.gateway.catalog import Catalog
from groundwork.gateway.failures import Failure
from groundwork.gateway.gateway import Gateway, GatewayOptions
from groundwork.gateway.ledger import DatabaseLedger
from groundwork.gateway.providers import Attempt, Provider
from groundwork.gateway.types import (
    Caller,
    ChatRequest,
    Completion,
    DialectName,
    Embeddings,
    EmbedRequest,
    Event,
    Message,
    ModelInfo,
    TextPart,
    Usage,
)
from groundwork.storage import tables
from groundwork.storage.database import Database

T = TypeVar("T")
INSIDE = Caller()
PRICED = {"price": {"input": 1.0, "output": 2.0}}
"""A thousand nanousd a token read, two thousand a token written."""


def spec(**values: Any) -> Spec:
    """Return a spec from the nested values of `groundwork.toml`."""
    return resolve([Layer("groundwork.toml", values)]).spec


def scripted(**scripts: Any) -> dict[str, Any]:
    """Return a provider of the spec that plays scripts by model name, every model at the same price."""
    return {"kind": "scripted", "options": {"scripts": scripts}, "models": dict.fromkeys(scripts, PRICED)}


def chat(model: str, text: str = "hello", **more: Any) -> ChatRequest:
    """Return a request of one message."""
    return ChatRequest(model, (Message("user", (TextPart(text),)),), **more)


async def drain(stream: AsyncIterator[Event], into: list[str] | None = None) -> None:
    """Read a stream to its end, gathering the text of its events."""
    async for event in stream:
        if into is not None:
            into.append(event.text)


@dataclass
class Sleeper:
    """Notes how long it was asked to sleep, and gives other tasks a turn."""

    slept: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Puppet:
    """A provider whose attempts are functions of the test; `deterministic` and `dialect` as in most."""

    act: Callable[[ChatRequest, Attempt], Awaitable[Completion]] | None = None
    play: Callable[[ChatRequest, Attempt], AsyncGenerator[Event, None]] | None = None
    vectors: Callable[[EmbedRequest], Embeddings] | None = None
    seen: list[tuple[ChatRequest | EmbedRequest, Attempt]] = field(default_factory=list)
    listed: tuple[ModelInfo, ...] = ()

    dialect: ClassVar[DialectName | None] = None
    deterministic: ClassVar[bool] = False

    async def complete(self, request: ChatRequest, attempt: Attempt) -> Completion:
        self.seen.append((request, attempt))
        if self.act is None:
            return Completion(text="puppet", usage=Usage(10, 5))
        return await self.act(request, attempt)

    async def stream(self, request: ChatRequest, attempt: Attempt) -> AsyncIterator[Event]:
        self.seen.append((request, attempt))
        assert self.play is not None
        async with aclosing(self.play(request, attempt)) as playing:
            async for event in playing:
                yield event

    async def embed(self, request: EmbedRequest, attempt: Attempt) -> Embeddings:
        self.seen.append((request, attempt))
        if self.vectors is None:
            raise Failure("unsupported", "it does not embed")
        return self.vectors(request)

    async def models(self, attempt: Attempt) -> list[ModelInfo]:
        return list(self.listed)

    async def count_tokens(self, request: ChatRequest, attempt: Attempt) -> int | None:
        return None


class Lab:
    """A gateway and what is behind it."""

    def __init__(
        self,
        root: Path,
        values: Mapping[str, Any],
        extra: Mapping[str, Provider] | None = None,
        options: GatewayOptions | None = None,
        secrets: Callable[[str], str] = str,
        **more: Any,
    ) -> None:
        self.spec = spec(**values)
        self.database = Database(root / "groundwork.db")
        self.clock = more.pop("clock", SystemClock())
        self.sleeper = Sleeper()
        more.setdefault("sleep", self.sleeper)
        self.catalog = Catalog(self.spec, secrets, extra, root=root)
        self.ledger = DatabaseLedger(self.database, SystemClock(), "normal")
        options = options or GatewayOptions.of(self.spec)
        self.gateway = Gateway(self.catalog, self.ledger, None, self.clock, options, **more)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work to its end and make sure that it left no task behind."""

        async def whole() -> T:
            try:
                async with asyncio.timeout(20):
                    return await work
            finally:
                await self.gateway.aclose()
                left = asyncio.all_tasks() - {asyncio.current_task()}
                assert not left, f"tasks are left: {left}"

        return asyncio.run(whole())

    def complete(self, request: ChatRequest, caller: Caller = INSIDE) -> Completion:
        """Complete in a loop of its own."""
        return self.run(self.gateway.complete(request, caller))

    def stream(self, request: ChatRequest, caller: Caller = INSIDE) -> tuple[list[Event], Completion]:
        """Read a stream to its end."""

        async def read() -> tuple[list[Event], Completion]:
            async with await self.gateway.open_stream(request, caller) as stream:
                events = [event async for event in stream]
            assert stream.completion is not None
            return events, stream.completion

        return self.run(read())

    def calls(self) -> list[Mapping[str, Any]]:
        """Return the rows of calls, oldest first."""
        return self._rows(select(tables.calls).order_by(tables.calls.c.started_at, tables.calls.c.id))

    def attempts(self) -> list[Mapping[str, Any]]:
        """Return the rows of attempts, in order."""
        c = tables.attempts.c
        return self._rows(select(tables.attempts).order_by(c.started_at, c.call_id, c.n))

    def _rows(self, query: Any) -> list[Mapping[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Let go of the database."""
        self.ledger.close()
        self.database.close()


@contextmanager
def lab(**values: Any) -> Iterator[Lab]:
    """Give a gateway of a spec; `extra`, `options`, `secrets`, `clock`, `draw`, `sleep` are handed on."""
    handed = ("extra", "options", "secrets", "clock", "draw", "sleep")
    more = {name: values.pop(name) for name in handed if name in values}
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(_migrated(), Path(root) / "groundwork.db")
        made = Lab(Path(root), values, **more)
        try:
            yield made
        finally:
            made.close()


@cache
def _migrated() -> Path:
    """Return an empty database of the newest form; made once, because migrations take longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="groundwork-flow-"))
    database = Database(folder / "empty.db")
    database.migrate()
    database.close()
    return folder / "empty.db"
