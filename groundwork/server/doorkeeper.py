"""Who comes in when sign-in is required: a browser with the cookie of a session, or a program with an API key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastapi import Request

from groundwork.accounts.records import Visitor
from groundwork.accounts.roles import permissions_of
from groundwork.accounts.sessions import not_signed_in
from groundwork.core.errors import ForbiddenError
from groundwork.core.principal import Principal
from groundwork.server import cookies, forms
from groundwork.server.guard import SAFE_METHODS

if TYPE_CHECKING:
    from groundwork.app.accounts import AccountsRoom

HEADER = "X-Groundwork-Token"
"""Carries what forms carry in `_token`, for a script of a page that writes with the cookie of its session."""


class AccountsDoorkeeper:
    """Resolves visitors anew for every request; a key that is shown counts alone, whatever cookies come with it.

    Args:
        origins: of this server as browsers see it, beside the one that the request itself names.
    """

    signs_in = True

    def __init__(self, accounts: AccountsRoom, origins: Iterable[str] = ()) -> None:
        self._accounts = accounts
        self._origins = frozenset(origins)

    def principal(self, request: Request) -> Principal:
        """Return who asks. Blocks for a look into the database.

        Raises:
            UnauthenticatedError: nobody is signed in, or with what is over, revoked or malformed.
            ForbiddenError: a page of another origin writes with the cookie.
        """
        return self.visitor(request).principal

    def visitor(self, request: Request) -> Visitor:
        """Return who asks and with what; see `principal`."""
        known = visitor_of(request)
        if known is None:
            known = self._looked_up(request)
            request.state.visitor = known
        return known

    def allows(self, principal: Principal, permission: str) -> bool:
        return permission in permissions_of(principal.role, principal.tenant)

    def _looked_up(self, request: Request) -> Visitor:
        secret = key_of(request)
        if secret is not None:
            from groundwork.gateway.keys import refuse_shape

            refuse_shape(secret)
            return self._accounts.visitors.of_key(secret)
        cookie = cookies.presented(request)
        if not cookie:
            raise not_signed_in()
        found = self._accounts.visitors.of_cookie(cookie)
        self._refuse_foreign(request)
        return found

    def _refuse_foreign(self, request: Request) -> None:
        """Refuse a write with the cookie that no page of this server made; forms of pages carry their own token."""
        path = request.url.path
        if request.method in SAFE_METHODS or not path.startswith(("/api/", "/v1/")):
            return
        origin = request.headers.get("origin")
        own = {f"{request.url.scheme}://{request.headers.get('host', '')}", *self._origins}
        if origin in own or (origin is None and request.headers.get("sec-fetch-site") == "same-origin"):
            return
        if origin is None and hmac.compare_digest(
            request.headers.get(HEADER, "").encode(), forms.token_of(request).encode()
        ):
            return
        raise ForbiddenError(
            "this request would change something with the cookie of a session, and no page of this server sent it",
            hint=f"send `{HEADER}` with the token of GET /api/session; programs use an API key",
        )


def visitor_of(request: Request) -> Visitor | None:
    """Return who was found to ask, None before that and where nobody signs in."""
    found = getattr(request.state, "visitor", None)
    return found if isinstance(found, Visitor) else None


def key_of(request: Request) -> str | None:
    """Return the API key that a request shows, None where it shows none."""
    value = request.headers.get("authorization")
    if value is not None:
        kind, _, secret = value.partition(" ")
        return secret.strip() if kind.lower() == "bearer" else value
    return request.headers.get("x-api-key")
