"""Tenants, which people call workspaces: nothing of one is ever seen in another; `default` is always there."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from groundwork.accounts.names import tenant_name, title_of
from groundwork.accounts.records import TenantInfo
from groundwork.accounts.roles import may_run_installation
from groundwork.accounts.users import moment
from groundwork.core.clock import Clock
from groundwork.core.errors import ConflictError, ForbiddenError, NotFoundError
from groundwork.core.principal import DEFAULT_TENANT, Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database, exclusive

_LOCK = "tenants"
_ENDED_WITH_IT = ("memberships", "sessions", "api_keys", "tombstones", "idempotency", "rate_buckets")
"""Rows of these tables do not keep a tenant: they go with it, keys are revoked."""


class Tenants:
    """The tenants of an installation. Who works in one sees that one; admins of `default` see and make all."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, principal: Principal) -> list[TenantInfo]:
        """Return the tenants that the principal may know of, by name."""
        with self._database.read() as connection:
            rows = {r.name: r for r in connection.execute(select(t.tenants))}
            m = t.memberships.c
            counted = connection.execute(select(m.tenant, func.count()).group_by(m.tenant))
            members = {row[0]: int(row[1]) for row in counted}
        names = {DEFAULT_TENANT, *rows} if may_run_installation(principal) else {principal.tenant}
        found = []
        for name in sorted(names):
            row = rows.get(name)
            title, at, by = (row.title, row.created_at, row.created_by) if row else ("", "", "")
            found.append(TenantInfo(name, title, members.get(name, 0), at, by))
        return found

    def get(self, principal: Principal, name: str) -> TenantInfo:
        """Return one tenant.

        Raises:
            NotFoundError: there is none, or the principal may not know of it.
        """
        found = next((tenant for tenant in self.list(principal) if tenant.name == name), None)
        if found is None:
            raise NotFoundError(
                f"there is no workspace `{name[:60]}`", hint="`groundwork tenant list` shows them"
            )
        return found

    def create(self, principal: Principal, name: str, *, title: str = "") -> TenantInfo:
        """Make a tenant; it has no members yet.

        Raises:
            ForbiddenError: the principal does not run the installation.
            InvalidInputError: it is no name. ConflictError: it is taken.
        """
        _refuse_others(principal)
        row = {"name": tenant_name(name), "title": title_of(title), "created_at": moment(self._clock.now())}
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            taken = connection.execute(select(t.tenants.c.name).where(t.tenants.c.name == name)).first()
            if taken or name == DEFAULT_TENANT:
                raise ConflictError(f"a workspace is called `{name}` already", hint="choose another name")
            connection.execute(insert(t.tenants).values(**row, created_by=principal.name))
        return self.get(principal, name)

    def held(self, principal: Principal, name: str) -> dict[str, int]:
        """Return how many rows of which tables a tenant still keeps; none when it can be removed.

        Raises:
            ForbiddenError, NotFoundError: see `remove`.
        """
        self.get(principal, name)
        _refuse_others(principal)
        with self._database.read() as connection:
            return _held(connection, name)

    def remove(self, principal: Principal, name: str) -> None:
        """Remove a tenant that keeps nothing any more, with memberships and sessions; its keys are refused from then on.

        Users who are a member nowhere else stay as users without a workspace, and cannot sign in.

        Raises:
            ConflictError: it keeps records, or is `default`.
            ForbiddenError: the principal does not run the installation. NotFoundError: there is none.
        """
        self.get(principal, name)
        _refuse_others(principal)
        if name == DEFAULT_TENANT:
            raise ConflictError("the workspace `default` is always there", hint="remove another one")
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            left = _held(connection, name)
            if left:
                words = ", ".join(
                    f"{count} {table.replace('_', ' ')}" for table, count in sorted(left.items())
                )
                raise ConflictError(
                    f"the workspace `{name}` still keeps {words}",
                    hint="removing it would leave them where nobody can see or erase them; `--erase` takes them away too",
                )
            end(connection, name, moment(self._clock.now()))


def end(connection: Connection, name: str, now: str) -> None:
    """Take away what lets anybody into a tenant, and the tenant itself."""
    for table in (t.memberships, t.sessions):
        connection.execute(delete(table).where(table.c.tenant == name))
    k = t.api_keys.c
    connection.execute(
        update(t.api_keys).where(k.tenant == name, k.revoked_at.is_(None)).values(revoked_at=now)
    )
    connection.execute(delete(t.tenants).where(t.tenants.c.name == name))


def tables_of_tenants() -> list[Table]:
    """Return every table whose rows belong to a tenant, those that others point at last."""
    return [table for table in reversed(t.metadata.sorted_tables) if "tenant" in table.c]


def _held(connection: Connection, tenant: str) -> dict[str, int]:
    found = {}
    for table in tables_of_tenants():
        if table.name in _ENDED_WITH_IT:
            continue
        query = select(func.count()).select_from(table).where(table.c.tenant == tenant)
        count = int(connection.execute(query).scalar_one())
        if count:
            found[table.name] = count
    return found


def _refuse_others(principal: Principal) -> None:
    if not may_run_installation(principal):
        raise ForbiddenError(
            "workspaces are made and removed by the admins of `default`", hint="ask one of them"
        )
