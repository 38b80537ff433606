"""The head of one request: its headers, the key in them, and whether it comes from this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


class ClientLeft(Exception):
    """The client closed the connection; nobody reads an answer."""


class Incoming:
    """What the headers of a request say."""

    __slots__ = ("_headers", "client", "method", "path")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.client: str = scope["client"][0] if scope.get("client") else ""
        self._headers: dict[bytes, bytes] = dict(scope["headers"])

    def header(self, name: bytes) -> str:
        """Return a header, empty when it is absent; `name` in small letters."""
        return self._headers.get(name, b"").decode("latin-1")

    @property
    def is_local(self) -> bool:
        """Whether the client is on this machine."""
        try:
            return ipaddress.ip_address(self.client).is_loopback
        except ValueError:
            return False

    @property
    def key(self) -> str | None:
        """The key that was presented in any of the usual places, None where there is none."""
        value = self._headers.get(b"authorization")
        if value is not None:
            kind, _, secret = value.decode("latin-1").partition(" ")
            return secret.strip() if kind.lower() == "bearer" else value.decode("latin-1")
        for name in (b"x-api-key", b"api-key"):
            if name in self._headers:
                return self._headers[name].decode("latin-1").strip()
        return None
