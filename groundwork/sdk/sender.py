"""Send spans in the background: a bounded queue, batches, a few tries, and a count of what was dropped."""

from __future__ import annotations

import atexit
import gzip
import http.client
import json
import os
import threading
import time
import urllib.parse
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from groundwork.sdk.span import OpenSpan, pairs

URL = "http://127.0.0.1:8700"
MOST_WAITING = 10_000
BATCH = 256
EVERY_S = 0.5
TIMEOUT_S = 10.0
AT_EXIT_S = 2.0
LONGEST_PAUSE_S = 30.0
TRIES = 6
_LATER = frozenset({408, 429, 500, 502, 503, 504, 507})

Post = Callable[[bytes], int]
"""Sends a request body and returns the status; raises OSError where there was no answer."""


class Sender:
    """Takes spans that have ended; its thread starts with the first one, and ends with the program.

    Args:
        post: the way out. resource: attributes of every span's resource.
    """

    def __init__(self, post: Post, resource: dict[str, Any], every_s: float = EVERY_S) -> None:
        self._post = post
        self._resource = resource
        self._every_s = every_s
        self._waiting: deque[OpenSpan] = deque()
        self._wake = threading.Condition()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._hurry = 0
        self._closed = False
        self._counts = {"sent": 0, "dropped": 0, "failed_requests": 0}
        _senders.add(self)

    def put(self, span: OpenSpan) -> None:
        """Take a span; where too many wait it is dropped and counted. Returns at once."""
        with self._wake:
            if self._closed or len(self._waiting) >= MOST_WAITING:
                self._counts["dropped"] += 1
                return
            self._waiting.append(span)
            self._idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="groundwork-sender", daemon=True)
                self._thread.start()
            elif len(self._waiting) >= BATCH:
                self._wake.notify()

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send what waits now and say whether all of it is gone within the time."""
        with self._wake:
            if self._idle.is_set():
                return True
            self._hurry += 1
            self._wake.notify()
        try:
            return self._idle.wait(timeout_s)
        finally:
            with self._wake:
                self._hurry -= 1

    def close(self, timeout_s: float = AT_EXIT_S) -> None:
        """Send what can be sent within the time and take no more."""
        self.flush(timeout_s)
        with self._wake:
            self._closed = True
            self._counts["dropped"] += len(self._waiting)
            self._waiting.clear()
            self._wake.notify()

    def counters(self) -> dict[str, int]:
        """Return how many spans were sent and dropped, how many wait, and how many requests failed."""
        with self._wake:
            return {**self._counts, "waiting": len(self._waiting)}

    def after_fork(self) -> None:
        """Begin anew in a child process: its parent sends what waits there."""
        self._wake, self._idle = threading.Condition(), threading.Event()
        self._idle.set()
        self._waiting.clear()
        self._thread = None
        self._hurry = 0

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._waiting:
                    self._idle.set()
                    if self._closed:
                        return
                if len(self._waiting) < BATCH and not self._hurry and not self._closed:
                    self._wake.wait(self._every_s if self._waiting else None if not self._closed else 0)
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if batch:
                self._send(batch)

    def _send(self, batch: list[OpenSpan]) -> None:
        """Send a batch; after some tries, and at once when it is refused for good, it is dropped."""
        try:
            body = gzip.compress(self._body(batch), 1)
        except Exception:
            self._count("dropped", len(batch))
            return
        for attempt in range(TRIES):
            try:
                status = self._post(body)
            except Exception:
                status = 503
            if 200 <= status < 300:
                self._count("sent", len(batch))
                return
            self._count("failed_requests", 1)
            if status == 413 and len(batch) > 1:
                middle = len(batch) // 2
                self._send(batch[:middle])
                self._send(batch[middle:])
                return
            if status not in _LATER or attempt == TRIES - 1:
                break
            with self._wake:
                if self._closed or (self._hurry and attempt):
                    break
                self._wake.wait(min(LONGEST_PAUSE_S, 0.5 * 2**attempt))
        self._count("dropped", len(batch))

    def _body(self, batch: list[OpenSpan]) -> bytes:
        scope = {"name": "groundwork.sdk", "version": "1"}
        part = {"scope": scope, "spans": [span.on_wire() for span in batch]}
        group = {"resource": {"attributes": pairs(self._resource)}, "scopeSpans": [part]}
        return json.dumps({"resourceSpans": [group]}, ensure_ascii=False).encode("utf-8", "replace")

    def _count(self, name: str, number: int) -> None:
        with self._wake:
            self._counts[name] += number


def over_http(url: str, key: str) -> Post:
    """Return the way to a server, over one connection that is kept open.

    Raises:
        ValueError: the address is none of http or https.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"`{url[:80]}` is no address of a server; such as {URL}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = f"{parts.path.rstrip('/')}/v1/traces"
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "groundwork-sdk"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    kept: list[http.client.HTTPConnection] = []

    def post(body: bytes) -> int:
        fresh = not kept
        connection = kept.pop() if kept else kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            reply.read(64 * 1024)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if not fresh:  # the server may have closed a connection that was idle
                return post(body)
            raise OSError(str(error)) from None
        if reply.will_close:
            connection.close()
        else:
            kept.append(connection)
        return int(reply.status)

    return post


_senders: weakref.WeakSet[Sender] = weakref.WeakSet()


def _at_exit() -> None:
    until = time.monotonic() + AT_EXIT_S
    for sender in list(_senders):
        sender.close(max(0.0, until - time.monotonic()))


def _after_fork() -> None:
    for sender in list(_senders):
        sender.after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
