"""Deployments: a release put into an environment, or tried there."""

from __future__ import annotations

from sqlalchemy import and_, exists, or_, select

from groundwork.evidence.records import Kind, described, flag, number, text, time
from groundwork.storage import improvement_tables as t

d = t.deployments.c
_later = t.deployments.alias("later_deployment")
_after = and_(
    _later.c.tenant == d.tenant,
    _later.c.app == d.app,
    _later.c.environment == d.environment,
    _later.c.id > d.id,
)
_moves = ("promote", "rollback")
_standing = and_(
    d.kind.in_(_moves),
    ~exists(select(_later.c.id).where(_after, _later.c.kind.in_(_moves)).correlate(t.deployments)),
)
# The next move took it back, or the trial did harm.
_taken_back = or_(
    d.state == "rolled_back",
    and_(
        d.kind.in_(_moves),
        exists(
            select(_later.c.id)
            .where(_after, _later.c.kind == "rollback", _later.c.previous == d.release)
            .correlate(t.deployments)
        ),
    ),
)


class Deployments(Kind):
    """One move, or one trial."""

    title = "deployments"
    room = "releases"
    made_by = "groundwork release promote REF --to ENVIRONMENT"
    table = t.deployments
    id = d.id
    at = d.created_at
    timed = True
    fields = described(
        id=text(d.id, "its id"),
        app=text(d.app, "of the release"),
        environment=text(d.environment, "where"),
        release=text(d.release, "id of the release"),
        previous=text(d.previous, "id of the one that stood there; empty: none"),
        kind=text(d.kind, "`promote`, `rollback`, `canary` or `shadow`"),
        state=text(d.state, "`done` for a move; of a trial `active`, `promoted`, `rolled_back` or `ended`"),
        share=number(d.share, "of the traffic"),
        verdict=text(d.verdict_id, "the verdict it rests on; empty: none was needed"),
        override=text(d.override_id, "who let it pass in spite of one"),
        standing=flag(_standing, "it is what stands there now"),
        taken_back=flag(_taken_back, "it was rolled back"),
        by=text(d.created_by, "who moved it"),
        at=time(d.created_at, "when it was moved"),
        ended=time(d.ended_at, "when a trial ended"),
    )
    named = ("app",)
    forgotten = frozenset({"ended_at", "record", "share", "state"})
    watched = ("taken_back",)
    page = "/releases/history"


plugin = Deployments
