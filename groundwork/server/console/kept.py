"""What a page shows after its form was sent, kept in this process for a while; reloading sends nothing twice."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from fastapi import Request

MOST = 64


class Kept:
    """The newest results of forms, each under a random name that stands in the address; the oldest go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}

    def put(self, value: Any) -> str:
        """Keep a value and return its name."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._values[name] = value
            while len(self._values) > MOST:
                del self._values[next(iter(self._values))]
        return name

    def get(self, name: str) -> Any:
        """Return what is kept under a name; None where nothing is any more."""
        with self._lock:
            return self._values.get(name)

    def take(self, name: str) -> Any:
        """Return it and keep it no longer."""
        with self._lock:
            return self._values.pop(name, None)


def kept_of(request: Request) -> Kept:
    """Return what this server keeps."""
    state = request.app.state
    if not hasattr(state, "kept"):
        state.kept = Kept()
    kept: Kept = state.kept
    return kept
