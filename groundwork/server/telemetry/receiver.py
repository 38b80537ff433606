"""`POST /v1/traces`: authenticate, inflate, decode, normalise, store, and only then say that it is done."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import (
    BusyError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    TooLargeError,
    UnauthenticatedError,
)
from groundwork.core.ids import new_id
from groundwork.server.telemetry import OTHERS, PATH, replies
from groundwork.server.telemetry.incoming import ClientLeft, Incoming

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.keys import Keys
    from groundwork.gateway.types import Caller
    from groundwork.telemetry.intake import Intake
    from groundwork.telemetry.types import Span

MIB = 1024 * 1024
BODY_BYTES = 64 * MIB
"""Largest body, as it comes and inflated."""
HELD_BYTES = 192 * MIB
"""Bodies that are in work at a time, together; what comes beyond is asked to come again."""
BODY_SECONDS = 60.0
INLINE_BYTES = 16 * 1024
"""A body up to this size is read at once; a larger one in a thread, so that the event loop stays free."""
LARGE_BYTES = 4 * MIB
"""Bodies larger than this are taken one at a time, since their spans take many times their bytes."""
_AHEAD = 3
OURS = "gw_"
log = logging.getLogger("groundwork.server.telemetry")


class Receiver:
    """Takes spans for the store of a workspace; its parts are made at the first request.

    Args:
        hosts: names that may stand in `Host`, without port. origins: pages of others that may send without a key.
    """

    def __init__(self, workspace: Workspace, hosts: frozenset[str], origins: frozenset[str]) -> None:
        self._workspace = workspace
        self._hosts = hosts
        self._origins = origins
        self._held = 0
        self._large = asyncio.Lock()
        self._parts: tuple[Keys, Intake] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request, request_id = Incoming(scope), new_id("req")
        kind = request.header(b"content-type").partition(";")[0].strip().lower()
        as_json = kind == replies.JSON
        try:
            reply = await self._answer(request, receive, kind, as_json)
        except ClientLeft:
            return
        except GroundworkError as error:
            if error.status >= 500:
                log.warning("spans were not stored: %s: %s", error.code, error.message)
            reply = replies.refused(error, as_json=as_json)
        except Exception as error:
            log.error("request %s failed", request_id, exc_info=error)
            reply = replies.told(500, "something went wrong that Groundwork did not foresee", as_json=as_json)
        await _send(send, request_id, reply)

    async def _answer(self, request: Incoming, receive: Any, kind: str, as_json: bool) -> replies.Reply:
        self._refuse(request)
        if request.path in OTHERS:
            name = request.path.rpartition("/")[2]
            return replies.told(404, f"{name} are not kept here; send traces to {PATH}", as_json=as_json)
        if request.method != "POST":
            allow = ((b"allow", b"POST"),)
            return replies.told(405, f"{PATH} takes POST", as_json=as_json, headers=allow)
        if kind not in (replies.PROTOBUF, replies.JSON):
            said = f"Content-Type is `{kind[:60]}`; send {replies.PROTOBUF} or {replies.JSON}"
            return replies.told(415, said, as_json=as_json)
        encoding = request.header(b"content-encoding").strip().lower()
        if encoding not in ("", "identity", "gzip", "deflate"):
            said = f"Content-Encoding `{encoding[:40]}` is not read; send gzip, deflate, or uncompressed"
            headers = ((b"accept-encoding", b"gzip, deflate"),)
            return replies.told(415, said, as_json=as_json, headers=headers)
        if self._parts is None:
            self._parts = await asyncio.to_thread(self._make)
        keys, intake = self._parts
        caller = await asyncio.to_thread(keys.authenticate, self._caller(request), "traces")
        body, held = b"", 0
        try:
            body, held = await self._body(request, receive)
            return await self._store(intake, caller, body, encoding, as_json)
        finally:
            self._held -= held

    async def _store(
        self, intake: Intake, caller: Caller, body: bytes, encoding: str, as_json: bool
    ) -> replies.Reply:
        from groundwork.telemetry.otlp.inflate import inflated
        from groundwork.telemetry.otlp.limits import Tally

        if encoding in ("gzip", "deflate"):
            if len(body) > INLINE_BYTES:
                body = await asyncio.to_thread(inflated, body, encoding, BODY_BYTES)
            else:
                body = inflated(body, encoding, BODY_BYTES)
        tally = Tally()
        pieces = intake.pieces(
            body,
            json_encoded=as_json,
            tally=tally,
            now_ns=time.time_ns(),
            principal=caller.principal,
            key_id=caller.key_id,
        )
        if len(body) <= INLINE_BYTES:
            for spans in pieces:
                await intake.store.add_async(caller.tenant, spans)
        elif len(body) <= LARGE_BYTES:
            await _in_turn(intake, caller.tenant, pieces)
        else:
            async with self._large:
                await _in_turn(intake, caller.tenant, pieces)
        return replies.stored(tally, as_json=as_json)

    def _make(self) -> tuple[Keys, Intake]:
        return self._workspace.door.keys, self._workspace.telemetry.intake

    def _caller(self, request: Incoming) -> Caller:
        """Return who sends, as decision 0031 has it for callers of models."""
        from groundwork.gateway.types import Caller

        key = request.key
        free = request.is_local and self._workspace.settings.gateway_keys == "auto"
        if free and key is not None and not key.startswith(OURS):
            key = None  # exporters may insist on some key; what does not begin as ours do stands for none
        if key is None and not free:
            raise UnauthenticatedError(
                "this request carries no API key",
                hint="make one with `groundwork key create --scope traces` and send it as `Authorization: Bearer …`",
            )
        return Caller(key=key, door="http")

    def _refuse(self, request: Incoming) -> None:
        host = request.header(b"host").lower()
        name, mark, port = host.rpartition(":")
        if (name if mark and port.isdigit() else host) not in self._hosts:
            raise ForbiddenError(f"this server does not answer for `{host[:100]}`")
        origin = request.header(b"origin")
        shown = (request.key or "").startswith(OURS)
        if origin and not shown and origin not in self._origins and origin != f"http://{host}":
            raise ForbiddenError("this request comes from a page of another site", hint="send an API key")

    async def _body(self, request: Incoming, receive: Any) -> tuple[bytes, int]:
        """Return the body, and how much of what may be held at a time it takes until the caller gives that back."""
        length = request.header(b"content-length")
        told = int(length[:19]) if length.isascii() and length.isdigit() else 0
        if told > BODY_BYTES:
            raise _too_large()
        parts: list[bytes] = []
        held = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientLeft
                    part = message.get("body", b"")
                    if self._held + len(part) > HELD_BYTES:
                        raise BusyError("too many spans are coming in at a time", retry_after_s=1.0)
                    held += len(part)
                    self._held += len(part)
                    if held > BODY_BYTES:
                        raise _too_large()
                    parts.append(part)
                    if not message.get("more_body"):
                        return (parts[0] if len(parts) == 1 else b"".join(parts)), held
        except TimeoutError:
            self._held -= held
            raise InvalidInputError(f"the body did not arrive within {BODY_SECONDS:.0f} seconds") from None
        except BaseException:
            self._held -= held
            raise


async def _in_turn(intake: Intake, tenant: str, pieces: Iterator[list[Span]]) -> None:
    """Read piece by piece in a thread while the pieces before are being stored; return when all of them are."""
    waiting: list[asyncio.Task[Any]] = []
    try:
        while spans := await asyncio.to_thread(next, pieces, None):
            waiting.append(asyncio.ensure_future(intake.store.add_async(tenant, spans)))
            if len(waiting) > _AHEAD:
                await waiting.pop(0)
        for task in waiting:
            await task
    except BaseException:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        raise


def _too_large() -> TooLargeError:
    return TooLargeError(f"the body has more than {BODY_BYTES:,} bytes", hint="send fewer spans at a time")


async def _send(send: Any, request_id: str, reply: replies.Reply) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (b"content-type", reply.content_type.encode()),
                (b"content-length", str(len(reply.body)).encode()),
                (b"x-request-id", request_id.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"cache-control", b"no-store"),
                *reply.headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": reply.body})
