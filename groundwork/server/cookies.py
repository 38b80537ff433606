"""The cookie of a session: `__Host-groundwork`, which only this host can set and only TLS or this machine can carry.

Browsers take plain HTTP to this machine for safe and keep a Secure cookie there; one that does not gets the same cookie
without the prefix, on loopback alone (decision 0048).
"""

from __future__ import annotations

import ipaddress

from fastapi import Request
from starlette.responses import Response

NAME = "__Host-groundwork"
PLAIN = "groundwork"


def presented(request: Request) -> str:
    """Return the cookie of a session that the browser brought, empty where there is none."""
    found = request.cookies.get(NAME, "")
    if not found and on_plain_loopback(request):
        found = request.cookies.get(PLAIN, "")
    return found if len(found) <= 100 else ""


def put(response: Response, cookie: str, seconds: int) -> None:
    """Give the browser the cookie of its session."""
    response.set_cookie(
        NAME, cookie, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict"
    )


def put_plain(response: Response, cookie: str, seconds: int) -> None:
    """Give it to a browser that keeps no Secure cookie of this machine; never elsewhere than on plain loopback."""
    response.set_cookie(PLAIN, cookie, max_age=seconds, path="/", httponly=True, samesite="strict")


def drop(response: Response) -> None:
    """Take the cookies back."""
    response.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="strict")
    response.delete_cookie(PLAIN, path="/", httponly=True, samesite="strict")


def on_plain_loopback(request: Request) -> bool:
    """Say whether a request came without TLS to a name of this machine."""
    if request.url.scheme != "http":
        return False
    host = request.url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
