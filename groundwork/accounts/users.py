"""Users: who they are, what role they hold in which tenant, and whether they may sign in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from groundwork.accounts.names import principal_name, title_of, user_name
from groundwork.accounts.passwords import Passwords
from groundwork.accounts.records import MembershipInfo, UserInfo
from groundwork.accounts.roles import may_give, may_run_installation, role_named
from groundwork.core.clock import Clock
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import DEFAULT_TENANT, PUBLIC, Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database, exclusive

USUAL = ("usual",)
"""As `access`: what the role usually reads, see `usual_access`."""
_LOCK = "users"


class Users:
    """The users of an installation; each method sees those of the principal's tenant only.

    Users are people of the whole installation and members of one tenant or several. What touches a user everywhere
    (password, disabling, removal) is refused to the admin of one tenant when the user is also a member of another, since
    they could sign in there; admins of the tenant `default` run the installation and may.
    """

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords

    # -- looking --------------------------------------------------------------------------------------------------------
    def memberships(self, user_id: str) -> list[MembershipInfo]:
        """Return the tenants that a user may work in, by name."""
        m = t.memberships.c
        query = (
            select(m.tenant, func.coalesce(t.tenants.c.title, "").label("title"), m.role)
            .outerjoin_from(t.memberships, t.tenants, t.tenants.c.name == m.tenant)
            .where(m.user_id == user_id)
            .order_by(m.tenant)
        )
        with self._database.read() as connection:
            return [MembershipInfo(r.tenant, r.title, r.role) for r in connection.execute(query)]

    def exist(self) -> bool:
        """Say whether the installation has any user."""
        with self._database.read() as connection:
            return connection.execute(select(t.users.c.id).limit(1)).first() is not None

    # -- signing in -----------------------------------------------------------------------------------------------------
    def sign_in(self, name: str, password: str, tenant: str = "") -> tuple[str, str]:
        """Return `(user id, tenant)` of who has this name and password.

        Whatever is wrong, the work and the answer are the same: who asks learns nothing about names.

        Args:
            tenant: to work in; empty: `default` where the user is a member, else the first one by name.

        Raises:
            UnauthenticatedError: the name is not known, has no password or is disabled, or the password is wrong.
        """
        u = t.users.c
        with self._database.read() as connection:
            row = connection.execute(
                select(u.id, u.password, u.disabled_at).where(u.name == name.strip().lower()[:200])
            ).one_or_none()
        usable = row is not None and row.disabled_at is None
        found = self._passwords.check(row.password if row is not None and usable else "", password)
        if row is None or not found.right:
            raise wrong_name_or_password()
        if found.fresh:
            with self._database.write() as connection:
                # Only while it is still the one that was checked: a change in between stays.
                where = (u.id == row.id, u.password == row.password)
                connection.execute(update(t.users).where(*where).values(password=found.fresh))
        return str(row.id), self.tenant_for(row.id, tenant)

    def tenant_for(self, user_id: str, wanted: str = "") -> str:
        """Return the tenant that a session of the user begins in.

        Raises:
            UnauthenticatedError: the user is no member of it, or of none.
        """
        mine = [m.tenant for m in self.memberships(user_id)]
        if wanted:
            mine = [name for name in mine if name == wanted]
        if not mine:
            raise UnauthenticatedError(
                "this user belongs to no workspace any more", hint="ask an admin to be taken in"
            )
        return DEFAULT_TENANT if DEFAULT_TENANT in mine else mine[0]

    def check_own(self, user_id: str, password: str) -> None:
        """Make sure that somebody who is signed in knows their password.

        Raises:
            ForbiddenError: it is wrong, or there is none.
        """
        with self._database.read() as connection:
            stored = connection.execute(select(t.users.c.password).where(t.users.c.id == user_id)).scalar()
        if not self._passwords.check(stored or "", password).right:
            raise ForbiddenError("the present password is not right", hint="an admin can set a new one")

    # -- changing -------------------------------------------------------------------------------------------------------
    def create(
        self,
        principal: Principal,
        name: str,
        *,
        role: str = "viewer",
        title: str = "",
        password: str | None = None,
        access: Iterable[str] | None = USUAL,
        subject: str | None = None,
    ) -> UserInfo:
        """Make a user who is a member of the principal's tenant.

        Args:
            password: None: the user sets one with an invitation, or signs in by OpenID Connect.
            access: documents beside public ones; None reads everything; default: as the role usually does.
            subject: issuer and subject of OpenID Connect.

        Raises:
            InvalidInputError: a value does not make sense, or the password is weak.
            ForbiddenError: the role or access is beyond the principal's own.
            ConflictError: the name is taken, in whichever tenant.
        """
        name = user_name(name)
        role = role_named(role)
        may_give(principal, role)
        opened = checked_access(principal, usual_access(role) if access == USUAL else access)
        stored = ""
        if password is not None:
            self._passwords.refuse_weak(password, name)
            stored = self._passwords.hash(password)
        identifier, now = new_id("usr"), self._now()
        made = {"created_at": now, "created_by": principal.name}
        user = {
            "id": identifier,
            "name": name,
            "title": title_of(title),
            "password": stored,
            "subject": subject,
        }
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            if connection.execute(select(t.users.c.id).where(t.users.c.name == name)).first():
                raise ConflictError(
                    f"a user is called `{name}` already",
                    hint="choose another name; `groundwork tenant add` takes a user into a further workspace",
                )
            connection.execute(insert(t.users).values(**user, **made, disabled_at=None, last_seen_at=None))
            member = {"tenant": principal.tenant, "user_id": identifier, "role": role, "access": opened}
            connection.execute(insert(t.memberships).values(**member, **made))
            return _info(_find(connection, principal, identifier))

    def change(
        self,
        principal: Principal,
        user: str,
        *,
        title: str | None = None,
        role: str | None = None,
        access: Iterable[str] | None = USUAL,
    ) -> UserInfo:
        """Change what is given. With another role the access goes along, unless it was set apart from the role.

        Args:
            access: None reads everything; default: stays, or follows the role.

        Raises:
            ForbiddenError: the user's role, or the new one, is above the principal's own.
            ConflictError: it would take the principal's own role away.
            NotFoundError, InvalidInputError: see `get` and `create`.
        """
        m = t.memberships.c
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            found = _info(_find(connection, principal, user))
            may_give(principal, found.role)
            changes: dict[str, Any] = {}
            if role is not None and role != found.role:
                may_give(principal, role_named(role))
                _not_oneself(principal, found, "change the role of")
                changes["role"] = role
                if access == USUAL and _as_stored(found.access) == usual_access(found.role):
                    changes["access"] = checked_access(principal, usual_access(role))
            if access != USUAL:
                changes["access"] = checked_access(principal, access)
            if changes:
                where = (m.tenant == principal.tenant, m.user_id == found.id)
                connection.execute(update(t.memberships).where(*where).values(**changes))
            if title is not None:
                connection.execute(
                    update(t.users).where(t.users.c.id == found.id).values(title=title_of(title))
                )
            return _info(_find(connection, principal, found.id))

    def set_password(self, principal: Principal, user: str, password: str) -> UserInfo:
        """Set a user's password and end all their sessions.

        Raises:
            InvalidInputError: it is weak.
            ForbiddenError: the user is above the principal, or also a member elsewhere.
            NotFoundError: see `get`.
        """
        with self._database.read() as connection:
            found = _info(_find(connection, principal, user))
        self._refuse_reach(principal, found)
        self._store_password(found.id, found.name, password)
        return self.get(principal, found.id)

    def set_own_password(self, user_id: str, password: str, *, keep: str = "") -> None:
        """Set the password of somebody who is signed in, and end their other sessions.

        Args:
            keep: digest of the session that stays.

        Raises:
            InvalidInputError: it is weak.
            NotFoundError: the user is gone.
        """
        with self._database.read() as connection:
            name = connection.execute(select(t.users.c.name).where(t.users.c.id == user_id)).scalar()
        if name is None:
            raise NotFoundError("this user is gone")
        self._store_password(user_id, name, password, keep=keep)

    def disable(self, principal: Principal, user: str) -> UserInfo:
        """Keep a user out and end their sessions; keys that they made have no role while it lasts.

        Raises:
            ForbiddenError, ConflictError, NotFoundError: see `set_password` and `change`.
        """
        return self._switch(principal, user, disabled_at=self._now())

    def enable(self, principal: Principal, user: str) -> UserInfo:
        """Let a user in again."""
        return self._switch(principal, user, disabled_at=None)

    def join(
        self,
        principal: Principal,
        user: str,
        tenant: str,
        *,
        role: str = "viewer",
        access: Iterable[str] | None = USUAL,
    ) -> None:
        """Make a user of the installation a member of a tenant.

        Raises:
            ForbiddenError: the principal does not run the installation.
            NotFoundError: there is no such user or tenant. ConflictError: they are a member already.
        """
        if not may_run_installation(principal):
            raise ForbiddenError(
                "users are taken into a further workspace by the admins of `default`", hint="ask one of them"
            )
        role = role_named(role)
        opened = usual_access(role) if access == USUAL else _tokens(access)
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            u = t.users.c
            row = connection.execute(
                select(u.id).where((u.id == user) | (u.name == user.lower()))
            ).one_or_none()
            if row is None:
                raise NotFoundError(
                    f"there is no user `{user[:100]}`", hint="`groundwork user list --all` shows them"
                )
            _tenant_must_be(connection, tenant)
            m = t.memberships.c
            if connection.execute(select(m.role).where(m.tenant == tenant, m.user_id == row.id)).first():
                raise ConflictError(f"`{user[:100]}` is a member of `{tenant}` already")
            connection.execute(
                insert(t.memberships).values(
                    tenant=tenant, user_id=row.id, role=role, access=opened,
                    created_at=self._now(), created_by=principal.name,
                )
            )  # fmt: skip

    def leave(self, principal: Principal, user: str) -> None:
        """End a user's membership of the principal's tenant; the user stays one of the installation.

        Raises:
            ConflictError: it is the only one: then disable or remove the user; or it is one's own.
            ForbiddenError, NotFoundError: see `change`.
        """
        m, s = t.memberships.c, t.sessions.c
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            found = _info(_find(connection, principal, user))
            may_give(principal, found.role)
            _not_oneself(principal, found, "take out")
            if not found.elsewhere:
                raise ConflictError(
                    f"`{found.name}` belongs to no other workspace", hint="disable or remove the user instead"
                )
            connection.execute(
                delete(t.memberships).where(m.tenant == principal.tenant, m.user_id == found.id)
            )
            connection.execute(delete(t.sessions).where(s.user_id == found.id, s.tenant == principal.tenant))

    def drop(self, principal: Principal, user: str) -> UserInfo:
        """Remove a user with memberships and sessions, and return who it was; their name in records is not touched here.

        Raises:
            ForbiddenError, ConflictError, NotFoundError: see `set_password` and `change`.
        """
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            found = _info(_find(connection, principal, user))
            self._refuse_reach(principal, found)
            _not_oneself(principal, found, "remove")
            connection.execute(delete(t.sessions).where(t.sessions.c.user_id == found.id))
            connection.execute(delete(t.memberships).where(t.memberships.c.user_id == found.id))
            connection.execute(delete(t.users).where(t.users.c.id == found.id))
            return found

    def refuse_reach(self, principal: Principal, user: str) -> UserInfo:
        """Return a user over whom the principal may decide everywhere.

        Raises:
            ForbiddenError: the user is above the principal, or also a member elsewhere. NotFoundError: see `get`.
        """
        found = self.get(principal, user)
        self._refuse_reach(principal, found)
        return found

    # -- OpenID Connect -------------------------------------------------------------------------------------------------
    def of_subject(self, subject: str) -> tuple[str, bool] | None:
        """Return `(user id, disabled)` of who signed in with this subject before; None: nobody did."""
        u = t.users.c
        with self._database.read() as connection:
            row = connection.execute(select(u.id, u.disabled_at).where(u.subject == subject)).one_or_none()
        return None if row is None else (str(row.id), row.disabled_at is not None)

    # -- below ----------------------------------------------------------------------------------------------------------
    def _store_password(self, user_id: str, name: str, password: str, *, keep: str = "") -> None:
        self._passwords.refuse_weak(password, name)
        stored = self._passwords.hash(password)
        s = t.sessions.c
        with self._database.write() as connection:
            connection.execute(update(t.users).where(t.users.c.id == user_id).values(password=stored))
            connection.execute(delete(t.sessions).where(s.user_id == user_id, s.digest != keep))

    def _switch(self, principal: Principal, user: str, disabled_at: str | None) -> UserInfo:
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            found = _info(_find(connection, principal, user))
            self._refuse_reach(principal, found)
            _not_oneself(principal, found, "disable")
            connection.execute(
                update(t.users).where(t.users.c.id == found.id).values(disabled_at=disabled_at)
            )
            if disabled_at is not None:
                connection.execute(delete(t.sessions).where(t.sessions.c.user_id == found.id))
            return _info(_find(connection, principal, found.id))

    def _refuse_reach(self, principal: Principal, found: UserInfo) -> None:
        may_give(principal, found.role)
        if found.elsewhere and not may_run_installation(principal):
            raise ForbiddenError(
                f"`{found.name}` is also a member of another workspace, so that this is not decided here",
                hint="ask an admin of `default`, or take the user out of this workspace",
            )

    def _now(self) -> str:
        return moment(self._clock.now())

    def list(self, principal: Principal) -> list[UserInfo]:
        """Return the members of the tenant, by name."""
        with self._database.read() as connection:
            return [
                _info(row) for row in connection.execute(_members(principal.tenant).order_by(t.users.c.name))
            ]

    def get(self, principal: Principal, user: str) -> UserInfo:
        """Return a member of the tenant by id or name.

        Raises:
            NotFoundError: there is none, or only in other tenants.
        """
        with self._database.read() as connection:
            return _info(_find(connection, principal, user))


def moment(at: datetime) -> str:
    """Return a time as it is stored and compared."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def wrong_name_or_password() -> UnauthenticatedError:
    """Return the one error for whoever is not signed in, whatever was wrong."""
    return UnauthenticatedError(
        "the name or the password is not right",
        hint="an admin can set a new password; on the machine itself: `groundwork user password NAME`",
        reason="wrong",
    )


def usual_access(role: str) -> list[str] | None:
    """Return what a role reads unless something else is said: a viewer public documents and own records, others all."""
    return [] if role == "viewer" else None


def checked_access(principal: Principal, access: Iterable[str] | None) -> list[str] | None:
    """Return access to hand on.

    Raises:
        ForbiddenError: the principal does not have it.
    """
    wanted = _tokens(access)
    if principal.owner:
        return wanted
    beyond = ["everything"] if wanted is None else [a for a in wanted if a not in {PUBLIC, *principal.access}]
    if beyond:
        raise ForbiddenError(
            f"{principal.name} has no access to {', '.join(beyond)} and cannot hand it on",
            hint="name access that you have yourself",
        )
    return wanted


def _tokens(access: Iterable[str] | None) -> list[str] | None:
    if access is None:
        return None
    wanted = sorted(set(access))
    for token in wanted:
        if not token or len(token) > 200 or not token.isprintable() or token != token.strip():
            raise InvalidInputError(f"{token[:60]!r} is no access token", hint="such as `group:hr`")
    return wanted


def _as_stored(access: tuple[str, ...] | None) -> list[str] | None:
    return None if access is None else list(access)


def _not_oneself(principal: Principal, found: UserInfo, what: str) -> None:
    if principal.name == principal_name(found.name):
        raise ConflictError(f"you cannot {what} yourself", hint="ask another admin")


def _tenant_must_be(connection: Connection, tenant: str) -> None:
    known = (
        tenant == DEFAULT_TENANT
        or connection.execute(select(t.tenants.c.name).where(t.tenants.c.name == tenant)).first()
    )
    if not known:
        raise NotFoundError(
            f"there is no workspace `{tenant[:60]}`", hint="`groundwork tenant list` shows them"
        )


def _members(tenant: str) -> Any:
    m, u = t.memberships.c, t.users.c
    others = t.memberships.alias()
    elsewhere = (
        select(func.count())
        .select_from(others)
        .where(others.c.user_id == u.id, others.c.tenant != tenant)
        .scalar_subquery()
        .label("elsewhere")
    )
    columns = [c for c in u if c.name not in ("created_at", "created_by")]
    return (
        select(*columns, m.tenant, m.role, m.access, m.created_at, m.created_by, elsewhere)
        .join_from(t.users, t.memberships, m.user_id == u.id)
        .where(m.tenant == tenant)
    )


def _find(connection: Connection, principal: Principal, user: str) -> Row[Any]:
    u = t.users.c
    query = _members(principal.tenant).where((u.id == user) | (u.name == user.strip().lower()))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"there is no user `{user[:100]}` in this workspace", hint="`groundwork user list` shows them"
        )
    return row


def _info(row: Row[Any]) -> UserInfo:
    means = (("password", row.password), ("oidc", row.subject))
    return UserInfo(
        id=row.id,
        name=row.name,
        title=row.title,
        tenant=row.tenant,
        role=row.role,
        access=None if row.access is None else tuple(row.access),
        signs_in=tuple(word for word, there in means if there),  # type: ignore[misc]
        elsewhere=int(row.elsewhere),
        created_at=row.created_at,
        created_by=row.created_by,
        disabled_at=row.disabled_at,
        last_seen_at=row.last_seen_at,
    )
