"""Pages of people: one's own account, the users of the workspace, and the workspaces of the installation."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from groundwork.accounts.roles import ROLES, may_run_installation, rank
from groundwork.accounts.users import USUAL
from groundwork.core.principal import Principal
from groundwork.server.console.kept import kept_of
from groundwork.server.console.render import address, page
from groundwork.server.console.sign_in import new_password
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import AccountSelf, UsersRead, UsersWrite
from groundwork.server.routes.session import asking, change_password, sessions_of, switch_tenant
from groundwork.server.routes.users import invitation_link

router = APIRouter(include_in_schema=False)
WHAT = {
    "viewer": "asks, reads answers and public documents, gives feedback",
    "builder": "also adds documents, writes prompts, sends and queries traces",
    "operator": "also makes keys, moves snapshots, sees settings and users",
    "admin": "also makes users and workspaces",
}
"""What each role is for, in a few words."""
Once = Annotated[str, Query(max_length=100)]


# -- one's own account --------------------------------------------------------------------------------------------------
@router.get("/account")
def account_page(request: Request, house: House, principal: AccountSelf, done: str = "") -> Response:
    visitor = asking(request, principal)
    room = house.accounts
    return page(
        request,
        "account.html",
        room="",
        who=visitor,
        user=room.users.get(principal, visitor.user_id) if visitor.user_id else None,
        sessions=sessions_of(house, visitor),
        tenants=room.users.memberships(visitor.user_id) if visitor.user_id else [],
        done=done,
        least=room.passwords.min_chars,
        what=WHAT,
    )


@router.post("/account/password")
def own_password(request: Request, form: Posted, house: House, principal: AccountSelf) -> Response:
    current = form.get("current")
    change_password(
        request, house, principal, current if isinstance(current, str) else "", new_password(form)
    )
    return RedirectResponse(address("/account", done="password"), 303)


@router.post("/account/sessions/{session_id}/end")
def end_session(
    session_id: str, request: Request, _form: Posted, house: House, principal: AccountSelf
) -> Response:
    visitor = asking(request, principal)
    house.accounts.sessions.revoke(session_id, user_id=visitor.user_id, key_id=visitor.key_id)
    return RedirectResponse(address("/account", done="session"), 303)


@router.post("/account/tenant")
def change_tenant(request: Request, form: Posted, house: House, principal: AccountSelf) -> Response:
    switch_tenant(request, house, principal, text_of(form, "tenant"))
    return RedirectResponse("/", 303)


# -- users --------------------------------------------------------------------------------------------------------------
@router.get("/settings/users")
def users_page(request: Request, house: House, principal: UsersRead, done: str = "") -> Response:
    return page(
        request,
        "users.html",
        room="settings",
        users=house.accounts.users.list(principal),
        may_write=_may_write(request, principal),
        roles=_roles_below(principal),
        what=WHAT,
        least=house.accounts.passwords.min_chars,
        done=done,
        tenant=principal.tenant,
    )


@router.post("/settings/users")
def make_user(request: Request, form: Posted, house: House, principal: UsersWrite) -> Response:
    """Make a user. With an invitation the next page shows its link once."""
    invited = text_of(form, "how") != "password"
    made = house.accounts.users.create(
        principal,
        text_of(form, "name"),
        title=text_of(form, "title"),
        role=text_of(form, "role") or "viewer",
        password=None if invited else new_password(form),
        access=_access(form),
    )
    if not invited:
        return RedirectResponse(address(f"/settings/users/{made.id}", done="made"), 303)
    return _invited(request, house, made.id)


@router.get("/settings/users/{user}")
def user_page(
    request: Request, user: str, house: House, principal: UsersRead, done: str = "", once: Once = ""
) -> Response:
    found = house.accounts.users.get(principal, user)
    owner, link = kept_of(request).take(once) or ("", "")
    writes = _may_write(request, principal)
    return page(
        request,
        "user.html",
        room="settings",
        user=found,
        invitation=link if owner == found.id else "",
        done=done,
        may_write=writes and rank(found.role) <= rank(principal.role),
        oneself=principal.name == f"user:{found.name}",
        roles=_roles_below(principal),
        what=WHAT,
        least=house.accounts.passwords.min_chars,
        sessions=house.accounts.sessions.list(user_id=found.id) if writes else [],
    )


@router.post("/settings/users/{user}")
def change_user(user: str, form: Posted, house: House, principal: UsersWrite) -> Response:
    found = house.accounts.users.get(principal, user)
    role, access = text_of(form, "role") or found.role, _access(form)
    before = None if found.access is None else tuple(found.access)
    house.accounts.users.change(
        principal,
        found.id,
        title=text_of(form, "title"),
        role=None if role == found.role else role,
        access=USUAL if access in (USUAL, before) else access,
    )
    return RedirectResponse(address(f"/settings/users/{found.id}", done="changed"), 303)


@router.post("/settings/users/{user}/password")
def set_password(user: str, form: Posted, house: House, principal: UsersWrite) -> Response:
    found = house.accounts.users.set_password(principal, user, new_password(form))
    return RedirectResponse(address(f"/settings/users/{found.id}", done="password"), 303)


@router.post("/settings/users/{user}/invite")
def invite(request: Request, user: str, _form: Posted, house: House, principal: UsersWrite) -> Response:
    found = house.accounts.users.refuse_reach(principal, user)
    return _invited(request, house, found.id)


@router.post("/settings/users/{user}/disable")
def disable(user: str, form: Posted, house: House, principal: UsersWrite) -> Response:
    users = house.accounts.users
    found = (users.enable if text_of(form, "again") else users.disable)(principal, user)
    return RedirectResponse(address(f"/settings/users/{found.id}", done=found.state), 303)


@router.post("/settings/users/{user}/end-sessions")
def end_sessions(user: str, _form: Posted, house: House, principal: UsersWrite) -> Response:
    found = house.accounts.users.refuse_reach(principal, user)
    house.accounts.sessions.revoke_all(user_id=found.id)
    return RedirectResponse(address(f"/settings/users/{found.id}", done="sessions"), 303)


@router.get("/settings/users/{user}/remove")
def remove_page(request: Request, user: str, house: House, principal: UsersWrite) -> Response:
    return page(request, "user_remove.html", room="settings", user=house.accounts.users.get(principal, user))


@router.post("/settings/users/{user}/remove")
def remove(user: str, _form: Posted, house: House, principal: UsersWrite) -> Response:
    house.accounts.remove_user(principal, user)
    return RedirectResponse(address("/settings/users", done="removed"), 303)


# -- workspaces ---------------------------------------------------------------------------------------------------------
@router.get("/settings/tenants")
def tenants_page(request: Request, house: House, principal: UsersRead, done: str = "") -> Response:
    return page(
        request,
        "tenants.html",
        room="settings",
        tenants=house.accounts.tenants.list(principal),
        runs=may_run_installation(principal),
        roles=ROLES,
        here=principal.tenant,
        done=done,
    )


@router.post("/settings/tenants")
def make_tenant(request: Request, form: Posted, house: House, principal: UsersWrite) -> Response:
    """Make a workspace; the user who makes it is its first admin."""
    made = house.accounts.tenants.create(principal, text_of(form, "name"), title=text_of(form, "title"))
    visitor = asking(request, principal)
    if visitor.user_id:
        house.accounts.users.join(principal, visitor.user_id, made.name, role="admin")
    return RedirectResponse(address("/settings/tenants", done="made"), 303)


@router.post("/settings/tenants/{name}/members")
def add_member(name: str, form: Posted, house: House, principal: UsersWrite) -> Response:
    house.accounts.tenants.get(principal, name)
    house.accounts.users.join(principal, text_of(form, "user"), name, role=text_of(form, "role") or "viewer")
    return RedirectResponse(address("/settings/tenants", done="member"), 303)


@router.post("/settings/tenants/{name}/remove")
def remove_tenant(name: str, _form: Posted, house: House, principal: UsersWrite) -> Response:
    house.accounts.tenants.remove(principal, name)
    return RedirectResponse(address("/settings/tenants", done="removed"), 303)


def _invited(request: Request, house: House, user_id: str) -> Response:
    once = kept_of(request).put((user_id, invitation_link(request, house, user_id)))
    return RedirectResponse(address(f"/settings/users/{user_id}", once=once), 303)


def _may_write(request: Request, principal: Principal) -> bool:
    return bool(request.app.state.doorkeeper.allows(principal, "users.write"))


def _roles_below(principal: Principal) -> list[str]:
    return [role for role in ROLES if rank(role) <= rank(principal.role)]


def _access(form: FormData) -> Any:
    """Return what a form says of documents: empty is as the role usually reads, `all` everything, `public` no more."""
    words = tuple(sorted({w.strip() for w in text_of(form, "access").split(",") if w.strip()}))
    return USUAL if not words else None if words == ("all",) else () if words == ("public",) else words
