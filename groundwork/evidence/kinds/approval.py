"""Approvals and refusals of releases by people; of one person the last word counts."""

from __future__ import annotations

from sqlalchemy import exists, select

from groundwork.evidence.records import Kind, described, flag, text, time
from groundwork.storage import improvement_tables as t

a = t.release_approvals.c
_later = t.release_approvals.alias("later_approval")
_last = ~exists(
    select(_later.c.id)
    .where(
        _later.c.tenant == a.tenant,
        _later.c.release == a.release,
        _later.c.environment == a.environment,
        _later.c.principal == a.principal,
        _later.c.id > a.id,
    )
    .correlate(t.release_approvals)
)
_maker = (
    select(t.releases.c.created_by)
    .where(t.releases.c.tenant == a.tenant, t.releases.c.id == a.release)
    .correlate(t.release_approvals)
    .scalar_subquery()
)


class Approvals(Kind):
    """What one person said of a release in an environment."""

    title = "approvals"
    room = "releases"
    made_by = "groundwork release approve REF --for ENVIRONMENT"
    table = t.release_approvals
    id = a.id
    at = a.at
    timed = True
    fields = described(
        id=text(a.id, "its id"),
        release=text(a.release, "id of the release"),
        environment=text(a.environment, "for where"),
        decision=text(a.decision, "`approve` or `refuse`"),
        role=text(a.role, "in which role"),
        maker=text(_maker, "who made the release"),
        last=flag(_last, "the same person said nothing of it afterwards"),
        by=text(a.principal, "who"),
        at=time(a.at, "when"),
    )
    page = "/releases/{release}"


plugin = Approvals
