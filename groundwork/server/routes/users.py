"""Users and workspaces: `/api/users`, `/api/tenants`."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from groundwork.accounts.invitations import HOURS
from groundwork.accounts.users import USUAL
from groundwork.server.account_bodies import (
    EndedBody,
    InvitationBody,
    MemberIn,
    NewPasswordIn,
    NewUserBody,
    RemovedUserBody,
    SessionRow,
    TenantBody,
    TenantIn,
    UserBody,
    UserChange,
    UserIn,
)
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import AccountSelf, UsersRead, UsersWrite

router = APIRouter(prefix="/api", responses=PROBLEMS)


@router.get("/users", response_model=list[UserBody], tags=["users"])
def list_users(house: House, principal: UsersRead) -> Any:
    """List the members of the workspace, by name."""
    return [u.as_dict() for u in house.accounts.users.list(principal)]


@router.post("/users", status_code=201, response_model=NewUserBody, tags=["users"])
def create_user(body: UserIn, request: Request, house: House, principal: UsersWrite) -> Any:
    """Make a user who is a member of the workspace; without a password the answer holds an invitation."""
    access = USUAL if body.access == ["usual"] else body.access
    made = house.accounts.users.create(
        principal, body.name, title=body.title, role=body.role, password=body.password, access=access
    )
    link = invitation_link(request, house, made.id) if body.password is None else None
    return {**made.as_dict(), "invitation": link}


@router.get("/users/{user}", response_model=UserBody, tags=["users"])
def get_user(user: str, house: House, principal: UsersRead) -> Any:
    """Return one member by id or name."""
    return house.accounts.users.get(principal, user).as_dict()


@router.patch("/users/{user}", response_model=UserBody, tags=["users"])
def change_user(user: str, body: UserChange, house: House, principal: UsersWrite) -> Any:
    """Change a member's title, role or access, or keep them out; nobody gives a role above their own."""
    given = body.model_dump(exclude_unset=True)
    users = house.accounts.users
    access = given.get("access", USUAL)
    found = users.change(principal, user, title=given.get("title"), role=given.get("role"), access=access)
    if given.get("disabled") is not None:
        found = (users.disable if given["disabled"] else users.enable)(principal, found.id)
    return found.as_dict()


@router.post("/users/{user}/password", response_model=UserBody, tags=["users"])
def set_user_password(user: str, body: NewPasswordIn, house: House, principal: UsersWrite) -> Any:
    """Set a user's password; all their sessions end."""
    return house.accounts.users.set_password(principal, user, body.password).as_dict()


@router.post("/users/{user}/invitation", response_model=InvitationBody, tags=["users"])
def invite_user(user: str, request: Request, house: House, principal: UsersWrite) -> Any:
    """Make a link with which the user sets their password, once."""
    found = house.accounts.users.refuse_reach(principal, user)
    return {"invitation": invitation_link(request, house, found.id), "hours": HOURS}


@router.get("/users/{user}/sessions", response_model=list[SessionRow], tags=["users"])
def list_user_sessions(user: str, house: House, principal: UsersWrite) -> Any:
    """List the browsers in which a user is signed in."""
    found = house.accounts.users.refuse_reach(principal, user)
    return house.accounts.sessions.list(user_id=found.id)


@router.delete("/users/{user}/sessions", response_model=EndedBody, tags=["users"])
def end_user_sessions(user: str, house: House, principal: UsersWrite) -> Any:
    """End all sessions of a user."""
    found = house.accounts.users.refuse_reach(principal, user)
    return {"ended": house.accounts.sessions.revoke_all(user_id=found.id)}


@router.post("/users/{user}/leave", status_code=204, tags=["users"])
def leave_tenant(user: str, house: House, principal: UsersWrite) -> Response:
    """Take a member out of the workspace who is also a member of another."""
    house.accounts.users.leave(principal, user)
    return Response(status_code=204)


@router.delete("/users/{user}", response_model=RemovedUserBody, tags=["users"])
def remove_user(user: str, house: House, principal: UsersWrite) -> Any:
    """Remove a user for good; in every record the id stands for the name afterwards."""
    gone, records = house.accounts.remove_user(principal, user)
    return {"id": gone.id, "records": records}


@router.get("/tenants", response_model=list[TenantBody], tags=["tenants"])
def list_tenants(house: House, principal: AccountSelf) -> Any:
    """List the workspaces that one may know of: one's own, and for admins of `default` all."""
    return house.accounts.tenants.list(principal)


@router.post("/tenants", status_code=201, response_model=TenantBody, tags=["tenants"])
def create_tenant(body: TenantIn, house: House, principal: UsersWrite) -> Any:
    """Make a workspace; for admins of `default`."""
    return house.accounts.tenants.create(principal, body.name, title=body.title)


@router.delete("/tenants/{name}", status_code=204, tags=["tenants"])
def remove_tenant(name: str, house: House, principal: UsersWrite) -> Response:
    """Remove a workspace that keeps no records any more; for admins of `default`."""
    house.accounts.tenants.remove(principal, name)
    return Response(status_code=204)


@router.post("/tenants/{name}/members", status_code=204, tags=["tenants"])
def add_member(name: str, body: MemberIn, house: House, principal: UsersWrite) -> Response:
    """Take a user of the installation into a workspace; for admins of `default`."""
    house.accounts.tenants.get(principal, name)
    house.accounts.users.join(principal, body.user, name, role=body.role)
    return Response(status_code=204)


def invitation_link(request: Request, house: House, user_id: str) -> str:
    """Return the address with which a user sets their password; what opens it is in the fragment, which no log sees."""
    origin = house.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{origin}/invitation#token={house.accounts.invitations.make(user_id)}"
