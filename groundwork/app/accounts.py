"""Who may come in: the parts of the accounts room, built from the settings here and introduced to keys and spans."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.once import once
from groundwork.core.principal import LOCAL, Principal

if TYPE_CHECKING:
    from groundwork.accounts.invitations import Invitations
    from groundwork.accounts.oidc import Identity, Oidc
    from groundwork.accounts.passwords import Passwords
    from groundwork.accounts.pending import Pending
    from groundwork.accounts.records import UserInfo
    from groundwork.accounts.sessions import Sessions
    from groundwork.accounts.tenants import Tenants
    from groundwork.accounts.throttle import Throttle
    from groundwork.accounts.tokens import AdminTokens
    from groundwork.accounts.users import Users
    from groundwork.accounts.visitors import Visitors
    from groundwork.app.workspace import Workspace


@dataclass
class AccountsRoom:
    """The parts, each made when it is first asked for."""

    workspace: Workspace
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def passwords(self) -> Passwords:
        from groundwork.accounts.passwords import Passwords

        return Passwords(min_chars=self.workspace.settings.password_min_chars)

    @once
    def users(self) -> Users:
        from groundwork.accounts.users import Users

        rooms = self.workspace.rooms
        return Users(rooms.database, rooms.clock, self.passwords)

    @once
    def sessions(self) -> Sessions:
        from groundwork.accounts.sessions import Sessions

        rooms, settings = self.workspace.rooms, self.workspace.settings
        return Sessions(rooms.database, rooms.clock, settings.session_days, settings.session_idle_hours)

    @once
    def tenants(self) -> Tenants:
        from groundwork.accounts.tenants import Tenants

        rooms = self.workspace.rooms
        return Tenants(rooms.database, rooms.clock)

    @once
    def visitors(self) -> Visitors:
        from groundwork.accounts.visitors import Visitors

        rooms = self.workspace.rooms
        return Visitors(rooms.database, rooms.clock, self.sessions)

    @once
    def throttle(self) -> Throttle:
        from groundwork.accounts.throttle import Throttle

        return Throttle(self.workspace.rooms.clock)

    @once
    def tokens(self) -> AdminTokens:
        from groundwork.accounts.tokens import AdminTokens

        def make(name: str, expires_at: str | None) -> str:
            secret, _ = self.workspace.keys.create(
                LOCAL, name, role="admin", access=None, expires_at=expires_at, calls=False
            )
            return secret

        rooms = self.workspace.rooms
        return AdminTokens(rooms.database, rooms.clock, make)

    @once
    def invitations(self) -> Invitations:
        from groundwork.accounts.invitations import Invitations
        from groundwork.accounts.server_key import server_key

        rooms = self.workspace.rooms
        return Invitations(rooms.database, rooms.clock, server_key(rooms.data))

    @once
    def oidc(self) -> Oidc | None:
        """The sign-in provider, None where the spec names none."""
        spec = self.workspace.spec.oidc
        if spec is None:
            return None
        from groundwork.accounts.oidc import Oidc
        from groundwork.app.outgoing import Outgoing

        secret = self.workspace.secrets.resolve(spec.client_secret)
        return Oidc(spec, secret, Outgoing(self.workspace.door.transport), self.workspace.rooms.clock)

    @once
    def pending(self) -> Pending:
        from groundwork.accounts.pending import Pending

        return Pending(self.workspace.rooms.clock)

    def welcome(self, identity: Identity) -> tuple[str, str]:
        """Return `(user id, tenant)` of who came from the sign-in provider; the first time the user is made.

        Raises:
            UnauthenticatedError: the user is disabled, or their name belongs to a local account.
        """
        from groundwork.accounts.arrivals import welcome

        spec = self.workspace.spec.oidc
        assert spec is not None
        rooms = self.workspace.rooms
        return welcome(
            rooms.database, self.users, rooms.clock, identity, spec.tenant, follow=bool(spec.roles)
        )

    def remove_user(self, principal: Principal, user: str) -> tuple[UserInfo, int]:
        """Remove a user for good: memberships and sessions go, and in every record the id stands for the name.

        Returns:
            Who it was, and in how many rows the name stood.
        """
        from groundwork.accounts.erasure import forget_name
        from groundwork.accounts.names import principal_name
        from groundwork.storage import tables, telemetry_tables

        telemetry = self.workspace.telemetry
        telemetry.store.migrate()
        gone = self.users.drop(principal, user)
        changed = self._forget_way(principal_name(gone.name), principal_name(gone.id))
        changed += forget_name(self.workspace.rooms.database, tables.metadata, gone.name, gone.id)
        changed += forget_name(telemetry.database, telemetry_tables.metadata, gone.name, gone.id)
        # After the live spans, from which files are made: so no new file has the name either.
        return gone, changed + telemetry.archive.rename(principal_name(gone.name), principal_name(gone.id))

    def _forget_way(self, name: str, stands_for: str) -> int:
        """Delete a person's plans, labs, notes and proofs; nothing where the room of pathways is not installed."""
        try:
            from groundwork.pathways.erasure import PathwaysEraser
        except ImportError:
            return 0
        return PathwaysEraser(self.workspace.rooms.database).erase_person(name, stands_for)

    def erase_tenant(self, name: str) -> dict[str, int]:
        """Remove a tenant with everything in it, and return how many rows of which tables were removed.

        Raises:
            ConflictError: it is `default`. NotFoundError: there is none.
        """
        from groundwork.app.tenant_erasure import erase_tenant

        return erase_tenant(self.workspace, name)

    def principal_in(self, tenant: str) -> Principal:
        """Return the owner of this machine as an admin of a tenant, for the command line.

        Raises:
            NotFoundError: there is no such tenant.
        """
        from dataclasses import replace

        self.tenants.get(LOCAL, tenant)
        return replace(LOCAL, tenant=tenant)
