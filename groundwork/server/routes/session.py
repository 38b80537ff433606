"""Signing in and out, and one's own account: `/api/session`, `/api/account`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from groundwork.accounts.records import Visitor
from groundwork.accounts.roles import permissions_of
from groundwork.core.errors import ConflictError, InvalidInputError
from groundwork.core.principal import Principal
from groundwork.server import cookies, forms, signing_in
from groundwork.server.account_bodies import (
    AccountBody,
    OwnPasswordIn,
    SessionBody,
    SessionRow,
    SignIn,
    TenantChoice,
)
from groundwork.server.described import PROBLEMS
from groundwork.server.doorkeeper import visitor_of
from groundwork.server.house import House
from groundwork.server.permissions import AccountSelf, Anyone

router = APIRouter(prefix="/api", tags=["account"], responses=PROBLEMS)


@router.post("/session", status_code=201, response_model=SessionBody)
def sign_in(body: SignIn, request: Request, house: House, _: Anyone) -> Any:
    """Sign in and get the cookie of a session; programs rather send an API key with each request."""
    if body.token:
        cookie = signing_in.with_token(request, house, body.token)
    elif body.name:
        cookie = signing_in.with_password(request, house, body.name, body.password, body.tenant)
    else:
        raise InvalidInputError(
            "neither a name nor a token was sent", hint="send `name` and `password`, or `token`"
        )
    visitor = house.accounts.visitors.of_cookie(cookie)
    token = forms.token_for(request.app.state.form_key, forms.cookie_of(request), cookie)
    response = JSONResponse(_session(house, visitor, token), 201)
    cookies.put(response, cookie, house.accounts.sessions.seconds)
    forms.remember(request, response)
    return response


@router.get("/session", response_model=SessionBody)
def who_am_i(request: Request, response: Response, house: House, principal: AccountSelf) -> Any:
    """Say who is signed in, and what they may do."""
    found = _session(house, asking(request, principal), forms.token_of(request))
    forms.remember(request, response)
    return found


@router.delete("/session", status_code=204)
def sign_out(request: Request, house: House, _: AccountSelf) -> Response:
    """End the session whose cookie was sent."""
    signing_in.end(request, house)
    response = Response(status_code=204)
    cookies.drop(response)
    return response


@router.get("/account", response_model=AccountBody)
def get_account(request: Request, house: House, principal: AccountSelf) -> Any:
    """Return one's own account: who one is, where one is signed in, and in which workspaces one may work."""
    visitor, room = asking(request, principal), house.accounts
    user = room.users.get(principal, visitor.user_id).as_dict() if visitor.user_id else None
    return {
        "user": user,
        "sessions": [s.as_dict() for s in sessions_of(house, visitor)],
        "tenants": room.users.memberships(visitor.user_id) if visitor.user_id else [],
    }


@router.post("/account/password", status_code=204)
def change_own_password(
    body: OwnPasswordIn, request: Request, house: House, principal: AccountSelf
) -> Response:
    """Set one's own password; every other session of one's own ends."""
    change_password(request, house, principal, body.current, body.new)
    return Response(status_code=204)


@router.get("/account/sessions", response_model=list[SessionRow])
def list_own_sessions(request: Request, house: House, principal: AccountSelf) -> Any:
    """List the browsers in which one is signed in, newest first."""
    return sessions_of(house, asking(request, principal))


@router.delete("/account/sessions/{session_id}", status_code=204)
def end_own_session(session_id: str, request: Request, house: House, principal: AccountSelf) -> Response:
    """End one of one's own sessions."""
    visitor = asking(request, principal)
    house.accounts.sessions.revoke(session_id, user_id=visitor.user_id, key_id=visitor.key_id)
    return Response(status_code=204)


@router.post("/account/tenant", response_model=SessionBody)
def choose_tenant(body: TenantChoice, request: Request, house: House, principal: AccountSelf) -> Any:
    """Work in another workspace from now on, in this session."""
    visitor = switch_tenant(request, house, principal, body.tenant)
    return _session(house, visitor, forms.token_of(request))


def asking(request: Request, principal: Principal) -> Visitor:
    """Return who asks; where nobody signs in, the owner of this machine."""
    return visitor_of(request) or Visitor(principal, "this machine")


def sessions_of(house: House, visitor: Visitor) -> Any:
    """Return the sessions of who asks."""
    return house.accounts.sessions.list(
        user_id=visitor.user_id, key_id=visitor.key_id, current=visitor.session
    )


def change_password(request: Request, house: House, principal: Principal, current: str, new: str) -> None:
    """Set the password of who asks, who has to know the present one.

    Raises:
        ConflictError: a key asks, not a person. ForbiddenError: the present password is wrong.
        InvalidInputError: the new one is weak. RateLimitedError: too many tries.
    """
    visitor, room = asking(request, principal), house.accounts
    if not visitor.user_id:
        raise ConflictError("a key has no password", hint="sign in as a user")
    room.throttle.admit(visitor.user_id, signing_in.address_of(request))
    room.users.check_own(visitor.user_id, current)
    room.throttle.succeeded(visitor.user_id, signing_in.address_of(request))
    room.users.set_own_password(visitor.user_id, new, keep=visitor.session)


def switch_tenant(request: Request, house: House, principal: Principal, tenant: str) -> Visitor:
    """Move the session of who asks to another tenant and return who they are there.

    Raises:
        ConflictError: nobody with a session and a user asks. NotFoundError: they are no member of it.
    """
    visitor = asking(request, principal)
    if not visitor.user_id or not visitor.session:
        raise ConflictError(
            "only a user with a session works in several workspaces", hint="sign in as a user"
        )
    there = house.accounts.visitors.of_user(visitor.user_id, tenant)
    house.accounts.sessions.move(visitor.session, tenant)
    return there


def _session(house: House, visitor: Visitor, token: str) -> dict[str, Any]:
    principal = visitor.principal
    tenants = house.accounts.users.memberships(visitor.user_id) if visitor.user_id else []
    return {
        "name": principal.name,
        "title": visitor.title,
        "via": "session" if visitor.session else "key" if visitor.key_id else "machine",
        "user_id": visitor.user_id or None,
        "key_id": visitor.key_id or None,
        "tenant": principal.tenant,
        "role": principal.role,
        "permissions": sorted(permissions_of(principal.role, principal.tenant)),
        "tenants": [{"tenant": m.tenant, "title": m.title, "role": m.role} for m in tenants],
        "token": token,
    }
