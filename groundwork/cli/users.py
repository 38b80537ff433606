"""`groundwork user`: people who sign in, their roles, passwords and sessions; the token that signs in as admin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import users_view as view
from groundwork.cli.door import Commands, Door, Reply, split

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal

app = Commands(help="Users: make, list, change and remove them; the admin token.")
UNCHANGED = "nothing was changed"
ROLES = "viewer, builder, operator, admin"

NameArgument = Annotated[
    str, typer.Argument(metavar="USER", help="The name or id, `usr_…`.", show_default=False)
]
TenantOption = Annotated[
    str,
    typer.Option("--tenant", "-t", metavar="NAME", help="The workspace of the installation that is meant."),
]
AccessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--access",
        metavar="TOKENS",
        help="Documents beside public ones, such as `group:hr`; `all`: every one; `public`: no further ones.",
    ),
]
StdinOption = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, without its line end."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.add("create", interrupted="`groundwork user list` shows whether the user was made")
def create(
    door: Door,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What they sign in with, such as an e-mail address.")
    ],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=f"One of {ROLES}.")] = "viewer",
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The name as people write it.")] = "",
    access: AccessOption = None,
    password_stdin: StdinOption = False,
    invite: Annotated[
        bool,
        typer.Option("--invite", help="Show a link with which they set their password, once; ask for none."),
    ] = False,
    tenant: TenantOption = "default",
) -> Reply:
    """Make a user. The password is asked for, read from standard input, or left to them with an invitation."""
    from groundwork.app.clients import address

    if not password_stdin and not invite and not sys.stdin.isatty():
        invite = True
    with door.workspace() as workspace:
        principal = _acting(workspace, tenant)
        password = None if invite else _password(door, password_stdin)
        made = workspace.accounts.users.create(
            principal, name, role=role, title=title, password=password, **_access_of(access)
        )
        link = _link(workspace, made.id, address(workspace)) if invite else None
    document = {**made.as_dict(), "invitation": link}
    return Reply(document, lambda screen: view.made(made, link, screen))


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    tenant: TenantOption = "default",
    all_: Annotated[bool, typer.Option("--all", help="Of every workspace of the installation.")] = False,
) -> Reply:
    """List the users of a workspace with their roles and when they were last seen."""
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace:
        room = workspace.accounts
        names = [t.name for t in room.tenants.list(LOCAL)] if all_ else [tenant]
        found = [u for name in names for u in room.users.list(_acting(workspace, name))]
    return Reply({"users": [u.as_dict() for u in found]}, lambda screen: view.listed(found, screen, all_))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, user: NameArgument, tenant: TenantOption = "default") -> Reply:
    """Show one user: role, access, means of signing in, workspaces."""
    with door.workspace() as workspace:
        found = workspace.accounts.users.get(_acting(workspace, tenant), user)
        members = workspace.accounts.users.memberships(found.id)
    document = {**found.as_dict(), "tenants": [{"tenant": m.tenant, "role": m.role} for m in members]}
    return Reply(document, lambda screen: view.shown(found, members, screen))


@app.add("role", interrupted="the change is made in one step: `groundwork user show` says whether it was")
def role(
    door: Door,
    user: NameArgument,
    role_: Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {ROLES}.")],
    access: AccessOption = None,
    tenant: TenantOption = "default",
) -> Reply:
    """Give a user another role in a workspace, and with `--access` other documents."""
    with door.workspace() as workspace:
        changed = workspace.accounts.users.change(
            _acting(workspace, tenant), user, role=role_, **_access_of(access)
        )
    return Reply(changed.as_dict(), lambda screen: view.shown(changed, [], screen))


@app.add("password", interrupted="the password is set in one step; if in doubt set it again")
def password(
    door: Door, user: NameArgument, password_stdin: StdinOption = False, tenant: TenantOption = "default"
) -> Reply:
    """Set a user's password; all their sessions end."""
    with door.workspace() as workspace:
        principal = _acting(workspace, tenant)
        found = workspace.accounts.users.get(principal, user)
        changed = workspace.accounts.users.set_password(principal, found.id, _password(door, password_stdin))
    said = f"The password of {changed.name} is set; their sessions are over."
    return Reply(changed.as_dict(), lambda screen: [said])


@app.add("invite", interrupted=UNCHANGED)
def invite(door: Door, user: NameArgument, tenant: TenantOption = "default") -> Reply:
    """Show a link with which a user sets their password, once, within three days."""
    from groundwork.app.clients import address

    with door.workspace() as workspace:
        found = workspace.accounts.users.get(_acting(workspace, tenant), user)
        link = _link(workspace, found.id, address(workspace))
    return Reply({**found.as_dict(), "invitation": link}, lambda screen: view.invited(found, link, screen))


@app.add("disable", interrupted="`groundwork user show` says whether the user is disabled")
def disable(door: Door, user: NameArgument, tenant: TenantOption = "default") -> Reply:
    """Keep a user out: their sessions end, and keys that they made have no role while it lasts."""
    with door.workspace() as workspace:
        changed = workspace.accounts.users.disable(_acting(workspace, tenant), user)
    return Reply(changed.as_dict(), lambda screen: [f"{changed.name} is kept out; their sessions are over."])


@app.add("enable", interrupted="`groundwork user show` says whether the user is enabled")
def enable(door: Door, user: NameArgument, tenant: TenantOption = "default") -> Reply:
    """Let a user in again."""
    with door.workspace() as workspace:
        changed = workspace.accounts.users.enable(_acting(workspace, tenant), user)
    return Reply(changed.as_dict(), lambda screen: [f"{changed.name} is let in again."])


@app.add("remove", interrupted="run it again: what was taken away stays away")
def remove(door: Door, user: NameArgument, yes: YesOption = False, tenant: TenantOption = "default") -> Reply:
    """Remove a user for good; in every record their id stands for the name afterwards."""
    with door.workspace() as workspace:
        principal = _acting(workspace, tenant)
        found = workspace.accounts.users.get(principal, user)
        _confirm(yes, f"Remove {found.name} ({found.title or found.role})? There is no way back.")
        gone, records = workspace.accounts.remove_user(principal, found.id)
    document = {"id": gone.id, "name": gone.name, "records": records}
    return Reply(document, lambda screen: view.removed(gone, records, screen))


@app.add("sessions", interrupted="what was ended stays ended")
def sessions(
    door: Door,
    user: NameArgument,
    end: Annotated[bool, typer.Option("--end", help="End them all.")] = False,
    tenant: TenantOption = "default",
) -> Reply:
    """List the browsers in which a user is signed in, or end their sessions."""
    with door.workspace() as workspace:
        found = workspace.accounts.users.get(_acting(workspace, tenant), user)
        listed = workspace.accounts.sessions.list(user_id=found.id)
        ended = workspace.accounts.sessions.revoke_all(user_id=found.id) if end else 0
    document = {"user": found.id, "sessions": [s.as_dict() for s in listed], "ended": ended}
    return Reply(document, lambda screen: view.sessions(listed, ended, screen))


@app.add(
    "token", interrupted="`groundwork key list` shows whether a token was made; revoke one you did not see"
)
def token(
    door: Door,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="WHEN", help="In `30d`, `12h`; on a day, `2027-01-31`; `never`."),
    ] = None,
) -> Reply:
    """Make an admin token and show the address that signs in with it, this one time.

    It is an API key with the role admin that calls no models; `groundwork key revoke` ends it and every
    session that was opened with it.
    """
    from groundwork.app.clients import address
    from groundwork.cli.keys import expiry_of

    with door.workspace() as workspace:
        secret = workspace.accounts.tokens.another(expires_at=expiry_of(expires))
        where = workspace.settings.public_url.rstrip("/") or address(workspace)
    link = f"{where}/sign-in#token={secret}"
    return Reply({"token": secret, "sign_in_url": link}, lambda screen: view.token(link, screen))


# -- below ----------------------------------------------------------------------------------------------------------
def _acting(workspace: Workspace, tenant: str) -> Principal:
    """Return the owner of this machine, who is an admin of every workspace of the installation."""
    return workspace.accounts.principal_in(tenant)


def _access_of(values: list[str] | None) -> dict[str, Any]:
    if not values:
        return {}
    words = tuple(split(values))
    return {"access": None if words == ("all",) else () if words == ("public",) else words}


def _password(door: Door, stdin: bool) -> str:
    """Return a new password from standard input or from a person at a terminal, never from an argument."""
    from groundwork.core.errors import InvalidInputError

    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInputError(
            "a password is needed, and nobody is there to ask", hint="use --password-stdin"
        )
    door.note("At least 15 characters; four or five words that only you would put together are a good one.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True))


def _link(workspace: Workspace, user_id: str, origin: str) -> str:
    where = workspace.settings.public_url.rstrip("/") or origin
    return f"{where}/invitation#token={workspace.accounts.invitations.make(user_id)}"


def _confirm(yes: bool, question: str) -> None:
    from groundwork.core.errors import InvalidInputError

    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("this needs a confirmation, and nobody is there to ask", hint="add --yes")
    if not typer.confirm(question, err=True):
        raise InvalidInputError("not confirmed; nothing was changed")
