"""The outermost layer: which hosts and origins are heard, how large and how long a request may be, what headers go out.

A page of another site can make a browser send requests here, and through DNS rebinding even under its own name; so the
`Host` header must be one of ours, and a request that changes something must come from a page of ours or from no page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundwork.core.ids import new_id
from groundwork.server import problems
from groundwork.server.problems import Problem

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 512 * 1024 * 1024
ANSWER_SECONDS = 60.0
LONG_SECONDS = 900.0
LONG_PATHS = (
    "/uploads",
    "/traces/import",
    "/datasets/-/import",
    "/export",
    "/verify",
    "/models/check",
    "/models/try",
    "/ask",
    "/replay-live",
)
"""Paths with these endings carry files, read the whole workspace, or wait for models."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers send `Origin: null` with forms, and the origin check could not tell ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Guard:
    """Refuses what must not come in, limits what may, and sets the security headers on everything that goes out.

    Args:
        app: the application inside.
        hosts: names that may stand in `Host`, without port.
        origins: origins beside the server's own that may send requests which change something.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = LOOPBACK_HOSTS, origins: Iterable[str] = ()
    ) -> None:
        self.app = app
        self.hosts = frozenset(h.lower() for h in hosts)
        self.origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = scope.get("request_id") or new_id("req")
        request = Request(scope, receive)

        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                _set_headers(scope, MutableHeaders(scope=message))
            await send(message)

        refused = self._refuse(request)
        if refused is not None:
            await problems.respond(request, refused)(scope, receive, outward)
            return
        await self._inside(request, _Limited(receive, body_limit(request.url.path)), outward)

    async def _inside(self, request: Request, receive: Receive, send: Send) -> None:
        """Run the application; what it does not catch or does not finish in time becomes a problem."""
        answer = _Answer(send)
        task = asyncio.ensure_future(self.app(request.scope, receive, answer))
        try:
            await asyncio.wait({task}, timeout=_seconds(request.url.path))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done() and not answer.started:
            answer.closed = True
            # The work goes on in its thread, which cannot be stopped; its end is looked at so that nothing is lost silently.
            task.add_done_callback(_look_at_end)
            await problems.respond(request, _too_slow(request))(request.scope, receive, send)
            return
        try:
            await task
        except Exception as error:
            if answer.started:
                raise
            await problems.respond(request, problems.from_exception(request, error))(
                request.scope, receive, send
            )

    def _refuse(self, request: Request) -> Problem | None:
        headers = request.headers
        host = headers.get("host", "")
        if _name_of(host) not in self.hosts:
            hint = f"use one of: {', '.join(sorted(self.hosts))}"
            return problems.problem(
                request, 421, "misdirected", f"this server does not answer for `{host[:100]}`", hint=hint
            )
        if not self._origin_is_ours(request, host):
            return problems.problem(
                request,
                403,
                "forbidden",
                "this request comes from a page of another site",
                hint="open the console itself; programs leave out the `Origin` header",
            )
        return _refuse_length(request)

    def _origin_is_ours(self, request: Request, host: str) -> bool:
        origin = request.headers.get("origin")
        if origin is not None and (origin in self.origins or origin == f"{request.url.scheme}://{host}"):
            return True
        if request.method not in SAFE_METHODS and origin is not None:
            return False
        site = request.headers.get("sec-fetch-site", "none")
        if site in ("none", "same-origin"):
            return True
        # A link on another page may be followed; anything else that another page makes the browser do may not.
        return request.method in SAFE_METHODS and request.headers.get("sec-fetch-mode") == "navigate"


def body_limit(path: str) -> int:
    """Return how many bytes the body of a request to `path` may have."""
    return UPLOAD_LIMIT if path.endswith(("/uploads", "/traces/import", "/datasets/-/import")) else BODY_LIMIT


class _Limited:
    """Counts the bytes of a body that did not announce its length."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive = receive
        self.left = limit

    async def __call__(self) -> Message:
        message = await self.receive()
        self.left -= len(message.get("body", b""))
        if self.left < 0:
            raise HTTPException(413, "the body of the request is over the limit")
        return message


class _Answer:
    """Passes the response on until the guard has answered in its place."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.started = False
        self.closed = False

    async def __call__(self, message: Message) -> None:
        if self.closed:
            return
        self.started = True
        await self.send(message)


def _seconds(path: str) -> float:
    return LONG_SECONDS if path.endswith(LONG_PATHS) else ANSWER_SECONDS


def _too_slow(request: Request) -> Problem:
    return problems.problem(
        request,
        504,
        "too_slow",
        f"this took longer than {_seconds(request.url.path):.0f} seconds",
        hint="try again when the machine is less busy; long work is best started as a job",
        retryable=True,
    )


def _refuse_length(request: Request) -> Problem | None:
    length, limit = request.headers.get("content-length", ""), body_limit(request.url.path)
    if length.isascii() and length.isdigit() and int(length[:19]) <= limit:
        return None
    if not length:
        return None
    message = f"a body of {length[:19]} bytes is over the limit of {limit:,} bytes"
    hint = "ingest large folders with `groundwork ingest` on the machine itself"
    return problems.problem(request, 413, "too_large", message, hint=hint)


def _name_of(host: str) -> str:
    name, mark, port = host.lower().rpartition(":")
    return name if mark and port.isdigit() else host.lower()


def _set_headers(scope: Scope, headers: MutableHeaders) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-ID"] = scope["request_id"]
    # Documents may be erased; no copy of them stays behind in a browser's cache.
    headers.setdefault("Cache-Control", "no-store")
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _look_at_end(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        problems.log.error("a request that had timed out failed", exc_info=task.exception())
