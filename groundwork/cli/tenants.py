"""`groundwork tenant`: the workspaces of an installation, of which none sees anything of another."""

from __future__ import annotations

from typing import Annotated

import typer

from groundwork.cli import users_view as view
from groundwork.cli.door import Commands, Door, Reply
from groundwork.cli.users import ROLES, UNCHANGED, NameArgument, YesOption, _confirm

app = Commands(help="Workspaces of one installation, none of which sees another.")

TenantArgument = Annotated[
    str,
    typer.Argument(metavar="NAME", help="1 to 40 lower-case letters, digits and `-`.", show_default=False),
]


@app.add("create", interrupted="`groundwork tenant list` shows whether it was made")
def create(
    door: Door,
    name: TenantArgument,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The name as people write it.")] = "",
) -> Reply:
    """Make a workspace. Its users are made with `groundwork user create --tenant`, or taken in with `tenant add`."""
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace:
        made = workspace.accounts.tenants.create(LOCAL, name, title=title)
    return Reply(
        made.as_dict(),
        lambda screen: [
            f"Made {screen.bold(made.name)}.",
            f"Next: groundwork user create NAME --role admin --tenant {made.name}",
        ],
    )


@app.add("list", interrupted=UNCHANGED)
def list_(door: Door) -> Reply:
    """List the workspaces of the installation."""
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace:
        found = workspace.accounts.tenants.list(LOCAL)
    return Reply({"tenants": [t.as_dict() for t in found]}, lambda screen: view.tenants(found, screen))


@app.add("add", interrupted="`groundwork user show` says whether the user is a member")
def add(
    door: Door,
    name: TenantArgument,
    user: NameArgument,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=f"One of {ROLES}.")] = "viewer",
) -> Reply:
    """Take a user of the installation into a further workspace."""
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace:
        principal = workspace.accounts.principal_in(name)
        workspace.accounts.users.join(LOCAL, user, name, role=role)
        found = workspace.accounts.users.get(principal, user)
    return Reply(found.as_dict(), lambda screen: view.shown(found, [], screen))


@app.add("leave", interrupted="`groundwork user show` says whether the user is a member")
def leave(door: Door, name: TenantArgument, user: NameArgument) -> Reply:
    """Take a user out of a workspace who is a member of another one too."""
    with door.workspace() as workspace:
        principal = workspace.accounts.principal_in(name)
        found = workspace.accounts.users.get(principal, user)
        workspace.accounts.users.leave(principal, found.id)
    return Reply(
        {"user": found.id, "tenant": name}, lambda screen: [f"{found.name} is no member of {name} any more."]
    )


@app.add("remove", interrupted="run it again: what was taken away stays away")
def remove(
    door: Door,
    name: TenantArgument,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Take every document, answer, trace and other record away with it."),
    ] = False,
    yes: YesOption = False,
) -> Reply:
    """Remove a workspace that keeps nothing any more, or, with --erase, with everything in it.

    Its keys are refused from then on, and its sessions end.
    """
    from groundwork.core.principal import LOCAL

    with door.workspace() as workspace:
        room = workspace.accounts
        held = room.tenants.held(LOCAL, name)
        if erase:
            words = ", ".join(f"{n} {t.replace('_', ' ')}" for t, n in sorted(held.items())) or "nothing"
            _confirm(yes, f"Remove {name} with all it keeps ({words})? There is no way back.")
            erased = room.erase_tenant(name)
        else:
            _confirm(yes, f"Remove the workspace {name}?")
            room.tenants.remove(LOCAL, name)
            erased = {}
    return Reply({"tenant": name, "erased": erased}, lambda screen: [f"The workspace {name} is gone."])
