"""Who asks: every query of storage and index takes a Principal."""

from __future__ import annotations

from dataclasses import dataclass, field

PUBLIC = "public"
DEFAULT_TENANT = "default"


@dataclass(frozen=True)
class Principal:
    """A person or program acting in one tenant.

    Attributes:
        tenant: whose data this is; nothing ever crosses it.
        name: for records, such as `user:ann`, `key:…` or `local`.
        access: tokens that a document's access list is compared with, such as `user:ann` and `group:hr`;
            a document is readable when its list holds `public` or one of these.
        owner: reads everything in the tenant regardless of access lists.
        role: the role it holds in the tenant, see `groundwork.accounts.roles`; empty: none, such as in a job.
    """

    tenant: str = DEFAULT_TENANT
    name: str = "local"
    access: frozenset[str] = field(default_factory=frozenset)
    owner: bool = False
    role: str = ""

    def readable(self) -> tuple[str, ...] | None:
        """Return the sorted access tokens that open a document, or None when every document is open."""
        return None if self.owner else tuple(sorted({PUBLIC, *self.access}))

    def may_read(self, access_list: tuple[str, ...] | list[str]) -> bool:
        """Say whether a document with this access list is open to the principal."""
        return self.owner or PUBLIC in access_list or not self.access.isdisjoint(access_list)


LOCAL = Principal(name="local", owner=True, role="admin")
