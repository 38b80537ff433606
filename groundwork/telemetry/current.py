"""What is being worked on here and now: the request, its trace, who asks. Records and log lines take their ids from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$")


@dataclass(slots=True)
class Current:
    """A piece of work; it may be filled in while it goes on, by whoever learns more, also in another thread.

    Attributes:
        trace_id: 32 hexadecimal digits, span_id: 16; empty where nothing was said of a trace.
        request_id: of an HTTP request. principal: who asks.
    """

    trace_id: str = ""
    span_id: str = ""
    request_id: str = ""
    principal: str = ""


NOTHING = Current()
_current: ContextVar[Current] = ContextVar("groundwork_current", default=NOTHING)


def current() -> Current:
    """Return what is being worked on; all empty where nobody said."""
    return _current.get()


@contextmanager
def within(work: Current) -> Iterator[Current]:
    """Make `work` the current one inside, also for tasks and threads that are started with a copy of the context."""
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


def begin(work: Current) -> None:
    """Make `work` the current one until another takes its place; for a task that does one thing after another."""
    _current.set(work)


def from_traceparent(header: str) -> tuple[str, str]:
    """Return trace and span of a `traceparent` header, two empty texts where it is absent or does not fit.

    Source:
        W3C Trace Context, section 3.2.
    """
    found = _TRACEPARENT.match(header)
    return (found[1], found[2]) if found else ("", "")
