"""The paths of the public dialects: which handler serves each, in whose words it refuses, and what it takes to come in."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from groundwork.core.errors import (
    BusyError,
    DamagedError,
    ForbiddenError,
    GroundworkError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    StorageFullError,
    UnauthenticatedError,
    UnavailableError,
)
from groundwork.core.ids import new_id
from groundwork.gateway.dialects import DIALECTS, Dialect
from groundwork.server.gateway import listing
from groundwork.server.gateway.exchange import STALL_SECONDS, ClientLeft, Exchange, model_of
from groundwork.server.gateway.routes import MODEL, ROUTES, find
from groundwork.telemetry.current import Current, begin

if TYPE_CHECKING:
    from groundwork.gateway.gateway import Gateway, OpenStream
    from groundwork.gateway.keys import Keys
    from groundwork.gateway.records import Operation
    from groundwork.gateway.types import Caller, CallMeta, ChatRequest, Completion
    from groundwork.server.gateway.exchange import Receive, Send

T = TypeVar("T")
_PLACE = re.compile(r" ?`(?:[/~.]|[A-Za-z]:|\w+://)[^`]*`")
log = logging.getLogger("groundwork.server.gateway")
_JSON_WORDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
}
OURS = "gw_"
"""What every key of the gateway begins with."""


@dataclass(frozen=True)
class Door:
    """Serves `/v1/…`.

    Args:
        gateway: called on the server's own event loop.
        keys: looks a key up where no call is admitted, as for the list of models.
        hosts: names that may stand in `Host`, without port. origins: pages of others that may call without a key.
        limit: largest body in bytes.
        keyless: whether callers of this machine may come without a key while none exists.
    """

    gateway: Gateway
    keys: Keys
    hosts: frozenset[str]
    origins: frozenset[str]
    limit: int
    keyless: bool = True

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, new_id("call"))
        begin(Current(request_id=exchange.call_id))  # what is logged on the way names the call
        route = find(exchange.method, exchange.path)
        dialect = _dialect(route.dialect if route else _spoken(exchange))
        try:
            self._refuse(exchange)
            if route is None:
                raise _no_such_path(exchange)
            await _HANDLERS[route.handler](self, exchange, dialect)
        except ClientLeft:
            return
        except GroundworkError as error:
            await _say(exchange, dialect, error)
        except Exception as error:
            if exchange.started:
                raise
            log.error("call %s failed", exchange.call_id, exc_info=error)
            await _say(exchange, dialect, _unforeseen())

    async def chat(self, exchange: Exchange, dialect: Dialect) -> None:
        """Answer a chat in whichever dialect, whole or as a stream."""
        caller = self._caller(exchange)
        request = await self._read(exchange, caller, dialect, dialect.parse)
        if request.stream:
            stream = await _unless_left(exchange, self.gateway.open_stream(request, caller))
            await _unless_left(exchange, _relay(exchange, dialect, request, stream))
            return
        completion = await _unless_left(exchange, self.gateway.complete(request, caller))
        body = dialect.render(completion, request, int(time.time()))
        await exchange.answer(200, body, _headers(_with_answer(completion)))

    async def embed(self, exchange: Exchange, dialect: Any) -> None:
        """Embed texts."""
        caller = self._caller(exchange)
        request = await self._read(exchange, caller, dialect, dialect.parse, operation="embed")
        found = await _unless_left(exchange, self.gateway.embed(request, caller))
        await exchange.answer(200, dialect.render(found, request), _headers(found.meta))

    async def count(self, exchange: Exchange, dialect: Any) -> None:
        """Count the tokens of a request that is not made."""
        request = dialect.parse_count_tokens(await self._json(exchange))
        caller = await self._known(exchange, "chat", request.model)
        await exchange.answer(
            200, dialect.render_count_tokens(await self.gateway.count_tokens(request, caller))
        )

    async def models(self, exchange: Exchange, dialect: Dialect) -> None:
        """List what the caller may ask for."""
        caller = await self._known(exchange, "models")
        found = await self.gateway.models(caller)
        await exchange.answer(200, listing.page(found, anthropic=bool(exchange.header(b"anthropic-version"))))

    async def model(self, exchange: Exchange, dialect: Dialect) -> None:
        """Tell of one model."""
        name = model_of(exchange.path, MODEL.path)
        caller = await self._known(exchange, "models")
        found = next((m for m in await self.gateway.models(caller) if m.id == name), None)
        if found is None:
            raise listing.unknown(name)
        await exchange.answer(
            200, listing.entry(found, anthropic=bool(exchange.header(b"anthropic-version")))
        )

    async def _read(
        self,
        exchange: Exchange,
        caller: Caller,
        dialect: Any,
        parse: Callable[[dict[str, Any]], T],
        operation: Operation = "chat",
    ) -> T:
        """Return the request in canonical form; one that cannot be read is recorded, and refused."""
        model = ""
        try:
            body = await self._json(exchange)
            if isinstance(body.get("model"), str):
                model = body["model"]
            return parse(body)
        except GroundworkError as error:
            raise await self.gateway.refused(
                error, caller, operation=operation, dialect=dialect.name, model=model
            ) from None

    async def _json(self, exchange: Exchange) -> dict[str, Any]:
        from groundwork.gateway.schemas import strict_json

        value = strict_json(await exchange.body(self.limit))
        if not isinstance(value, dict):
            raise InvalidInputError(
                f"the body is {_JSON_WORDS[type(value)]}, not an object", hint="send a JSON object"
            )
        return value

    def _caller(self, exchange: Exchange) -> Caller:
        key = exchange.key()
        free = self.keyless and exchange.is_local
        if free and key is not None and not key.startswith(OURS):
            # Clients insist on a key also where none is needed; what does not begin as one of ours stands for none.
            key = None
        if key is None and not free:
            raise UnauthenticatedError(
                "this call carries no API key",
                hint="make one with `groundwork key create` and send it as `Authorization: Bearer …`",
            )
        caller = exchange.caller(key)
        if caller.trace_id:
            begin(Current(caller.trace_id, caller.span_id, exchange.call_id))
        return caller

    async def _known(self, exchange: Exchange, operation: str, model: str = "") -> Caller:
        """Return the caller as the key says, where nothing is admitted to the ledger."""
        caller = self._caller(exchange)
        return await asyncio.to_thread(self.keys.authenticate, caller, operation, model)

    def _refuse(self, exchange: Exchange) -> None:
        host = exchange.header(b"host").lower()
        name, mark, port = host.rpartition(":")
        if (name if mark and port.isdigit() else host) not in self.hosts:
            raise ForbiddenError(
                f"this server does not answer for `{host[:100]}`",
                hint=f"use one of: {', '.join(sorted(self.hosts))}",
            )
        origin = exchange.header(b"origin")
        # A key in a header is shown on purpose; without one, a page of another site could call in its visitor's name.
        shown = (exchange.key() or "").startswith(OURS)
        if origin and not shown and origin not in self.origins and origin != f"http://{host}":
            raise ForbiddenError(
                "this call comes from a page of another site", hint="send an API key, or call from a program"
            )


async def cannot_open(scope: Any, receive: Receive, send: Send, error: Exception) -> None:
    """Answer in the caller's dialect that the gateway could not be built; the operator's log says why."""
    exchange = Exchange(scope, receive, send, new_id("call"))
    route = find(exchange.method, exchange.path)
    log.error("the gateway cannot be opened", exc_info=error)
    told = UnavailableError("the gateway cannot be opened: something in its spec does not make sense")
    await _say(exchange, _dialect(route.dialect if route else _spoken(exchange)), told)


async def _relay(exchange: Exchange, dialect: Dialect, request: ChatRequest, stream: OpenStream) -> None:
    """Send the events of a stream as they come; it ends with the dialect's terminator or with an explicit error."""
    encoder = dialect.encoder(request, stream.meta, int(time.time()))
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as stalled:

            async def send(chunk: bytes) -> None:
                if chunk:
                    stalled.reschedule(loop.time() + STALL_SECONDS)
                    await exchange.send(chunk)
                    stalled.reschedule(None)

            await exchange.open_stream(_headers(stream.meta, cost=False))
            await send(encoder.start())
            try:
                async for event in stream:
                    await send(encoder.event(event))
                await send(encoder.end(stream.completion))
            except GroundworkError as error:
                await send(encoder.error(_outward(error)))
        await exchange.close_stream()
    except TimeoutError:
        raise ClientLeft from None
    finally:
        await stream.aclose()


async def _unless_left(exchange: Exchange, work: Coroutine[Any, Any, T]) -> T:
    """Do the work in this task; when the client closes the connection, cancel it, so that the provider is let go at once."""
    task = asyncio.current_task()
    assert task is not None
    gone = over = False

    def cancel() -> None:
        nonlocal gone
        if not over:
            gone = True
            task.cancel()

    unwatch = exchange.watch(cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise ClientLeft from None
    finally:
        over = True
        unwatch()


async def _say(exchange: Exchange, dialect: Dialect, error: GroundworkError) -> None:
    """Answer an error in the dialect's own form."""
    if exchange.started:
        return
    error = _outward(error)
    status = dialect.status_of(error)
    headers = [
        (b"x-should-retry", b"true" if error.retryable else b"false"),
        (b"request-id", exchange.call_id.encode()),
        (b"x-groundwork-call", exchange.call_id.encode()),
    ]
    if isinstance(error, RateLimitedError) or error.retryable:
        seconds = float(error.details.get("retry_after_s") or 1.0)
        headers.append((b"retry-after", str(max(1, round(seconds + 0.499))).encode()))
        headers.append((b"retry-after-ms", str(max(1, round(seconds * 1000))).encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await exchange.answer(status, dialect.error_body(error, exchange.call_id), headers)


def _outward(error: GroundworkError) -> GroundworkError:
    """Return an error of the store without the place where the store is, which is the operator's business."""
    if not isinstance(error, StorageFullError | UnavailableError | DamagedError | BusyError):
        return error
    log.warning("%s: %s", error.code, error.message)
    return type(error)(
        _PLACE.sub("", error.message), hint="ask again later; the operator's log says more", **error.details
    )


def _with_answer(completion: Completion) -> CallMeta:
    """Return what is said of a call; that of an app costs what the app's own calls did."""
    meta = completion.meta
    made = sum(a.get("cost_usd", 0.0) for a in completion.annotations if a.get("type") == "answer")
    return replace(meta, cost_usd=meta.cost_usd + made) if made and not meta.cached else meta


def _headers(meta: CallMeta, *, cost: bool = True) -> Iterable[tuple[bytes, bytes]]:
    """Return what is said of a call beside its body; the cost of a stream is known only at its end."""
    yield b"request-id", meta.call_id.encode()
    yield b"x-groundwork-call", meta.call_id.encode()
    yield b"x-groundwork-cache", b"hit" if meta.cached else b"miss"
    if meta.provider:
        yield b"x-groundwork-provider", meta.provider.encode()
    if cost:
        yield b"x-groundwork-cost-usd", f"{meta.cost_usd:.9f}".encode()
        yield b"x-groundwork-attempts", str(meta.attempts).encode()


@cache
def _dialect(name: str) -> Dialect:
    return DIALECTS.make(name)


def _spoken(exchange: Exchange) -> str:
    """Return the dialect in whose words an unknown path is refused."""
    anthropic = exchange.header(b"anthropic-version") or exchange.path.startswith("/v1/messages")
    return "anthropic_messages" if anthropic else "openai_chat"


def _no_such_path(exchange: Exchange) -> NotFoundError:
    known = ", ".join(f"{r.method} {r.path}" for r in ROUTES)
    return NotFoundError(
        f"there is nothing at {exchange.method} {exchange.path[:200]}", hint=f"there are: {known}"
    )


def _unforeseen() -> InternalError:
    return InternalError(
        "something went wrong that Groundwork did not foresee",
        hint="the server's log has the details under the id of this request",
    )


Handler = Callable[[Door, Exchange, Any], Awaitable[None]]
_HANDLERS: dict[str, Handler] = {
    "chat": Door.chat,
    "embed": Door.embed,
    "count": Door.count,
    "models": Door.models,
    "model": Door.model,
}
