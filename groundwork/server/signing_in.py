"""Signing in and out: the same steps for the page and for the JSON interface."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request

from groundwork.accounts.roles import permissions_of
from groundwork.accounts.sessions import digest_of
from groundwork.core.errors import GroundworkError, UnauthenticatedError
from groundwork.gateway.keys import refuse_shape
from groundwork.server import cookies

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

MOST_NEXT = 2000
log = logging.getLogger("groundwork.server.signing_in")


def with_password(request: Request, house: Workspace, name: str, password: str, tenant: str = "") -> str:
    """Return the cookie of a new session for who has this name and password.

    Raises:
        UnauthenticatedError: whatever is wrong, in one and the same words.
        RateLimitedError: too many sign-ins failed; `retry_after_s` says when to come again.
    """
    room, address = house.accounts, address_of(request)
    with _told(address):
        room.throttle.admit(name, address)
        user_id, tenant = room.users.sign_in(name, password, tenant)
    room.throttle.succeeded(name, address)
    return begin(request, house, tenant, user_id=user_id)


def with_token(request: Request, house: Workspace, token: str) -> str:
    """Return the cookie of a new session for who has this API key; it lasts no longer than the key.

    Raises:
        UnauthenticatedError: the key is malformed, unknown, revoked or expired, or has no role.
        RateLimitedError: see `with_password`.
    """
    room, address = house.accounts, address_of(request)
    with _told(address):
        room.throttle.admit("", address)
        refuse_shape(token)
        visitor = room.visitors.of_key(token)
        if not permissions_of(visitor.principal.role):
            raise UnauthenticatedError(
                "this key has no role: it calls models and opens no console",
                hint="`groundwork user token` makes one that signs in",
                reason="no-role",
            )
    room.throttle.succeeded("", address)
    return begin(request, house, visitor.principal.tenant, key_id=visitor.key_id)


def with_invitation(request: Request, house: Workspace, token: str, password: str) -> str:
    """Set the password of who was invited and return the cookie of their first session.

    Raises:
        UnauthenticatedError: the invitation does not open. InvalidInputError: the password is weak.
        RateLimitedError: see `with_password`.
    """
    room, address = house.accounts, address_of(request)
    with _told(address):
        room.throttle.admit("", address)
        user_id = room.invitations.open(token)
    room.throttle.succeeded("", address)
    room.users.set_own_password(user_id, password)
    return begin(request, house, room.users.tenant_for(user_id), user_id=user_id)


def begin(request: Request, house: Workspace, tenant: str, *, user_id: str = "", key_id: str = "") -> str:
    """Begin a session in place of the one that the browser brought, and return its cookie."""
    log.info("%s signed in from %s, in %s", user_id or key_id, address_of(request), tenant)
    return house.accounts.sessions.open(
        tenant,
        user_id=user_id,
        key_id=key_id,
        agent=request.headers.get("user-agent", ""),
        instead_of=cookies.presented(request),
    )


def end(request: Request, house: Workspace) -> None:
    """End the session whose cookie the browser brought, if it is one."""
    cookie = cookies.presented(request)
    if cookie:
        house.accounts.sessions.close(digest_of(cookie))


def address_of(request: Request) -> str:
    """Return the address that sign-ins are counted by; of IPv6 the network that one customer usually has."""
    import ipaddress

    host = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """Log a refused sign-in: where it came from and why, and nothing that was typed."""
    try:
        yield
    except GroundworkError as error:
        log.warning("a sign-in from %s was refused: %s", address, error.details.get("reason", error.code))
        raise


def safe_next(value: str) -> str:
    """Return a page of this server to go on to, `/` for whatever else was asked for."""
    if not 0 < len(value) <= MOST_NEXT or not value.isascii() or not value.isprintable() or "\\" in value:
        return "/"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "/"
    within = value.startswith("/") and not value.startswith("//") and not parts.scheme and not parts.netloc
    if not within or parts.path.startswith(("/sign-in", "/sign-out", "/api/", "/v1/", "//")):
        return "/"
    return value


def said(error: GroundworkError) -> str:
    """Return an error in one or two sentences for the page that it happened on."""
    return (
        f"{error.message[:1].upper()}{error.message[1:]}. {error.hint[:1].upper()}{error.hint[1:]}".rstrip(
            ". "
        )
        + "."
    )
