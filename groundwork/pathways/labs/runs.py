"""The rows of runs and their events, and the signs of work that other rooms keep. Every query takes the principal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, func, insert, select, update

from groundwork.core.principal import Principal
from groundwork.storage import improvement_tables as i
from groundwork.storage import tables as t
from groundwork.storage.database import exclusive
from groundwork.storage.pathway_tables import lab_events, lab_runs

r, e = lab_runs.c, lab_events.c
LAID = ("started", "resumed")
"""Events that make a run the one that is worked on."""


def _signs() -> list[tuple[Column[Any], Column[Any], Table]]:
    """Return where records say when somebody made them: time, who, table."""
    by = [
        (t.answers, "created_at", "principal"),
        (t.calls, "started_at", "principal"),
        (t.ingests, "started_at", "principal"),
        (t.prompt_versions, "created_at", "created_by"),
        (t.prompt_runs, "created_at", "principal"),
        (t.feedback, "created_at", "principal"),
        (i.dataset_versions, "created_at", "created_by"),
        (i.evaluations, "created_at", "created_by"),
        (i.verdicts, "created_at", "created_by"),
        (i.releases, "created_at", "created_by"),
        (i.deployments, "created_at", "created_by"),
    ]
    return [(table.c[at], table.c[who], table) for table, at, who in by]


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(lab_runs).values(dict(values)))


def change(connection: Connection, run: str, **values: Any) -> None:
    connection.execute(update(lab_runs).where(r.id == run).values(values))


def log(
    connection: Connection, tenant: str, run: str, kind: str, at: str, body: Mapping[str, Any] | None = None
) -> None:
    """Add an event to a run; they are numbered from 1."""
    exclusive(connection, f"lab {run}")
    last = connection.execute(select(func.max(e.seq)).where(e.run_id == run)).scalar()
    values = {
        "run_id": run,
        "seq": int(last or 0) + 1,
        "tenant": tenant,
        "kind": kind,
        "body": dict(body or {}),
        "at": at,
    }
    connection.execute(insert(lab_events).values(values))


def mine(connection: Connection, principal: Principal, lab: str = "") -> list[Row[Any]]:
    """Return the principal's runs, oldest first; with `lab` only its own."""
    query = select(lab_runs).where(r.tenant == principal.tenant, r.owner == principal.name)
    query = query.where(r.lab == lab) if lab else query
    return list(connection.execute(query.order_by(r.id)))


def opened_by_others(connection: Connection, principal: Principal, lab: str) -> Row[Any] | None:
    """Return an open run of the lab by somebody else of the workspace, in whichever tenant: they share the folder."""
    query = select(lab_runs).where(r.lab == lab, r.state == "open").order_by(r.id)
    others = (
        o for o in connection.execute(query) if (o.tenant, o.owner) != (principal.tenant, principal.name)
    )
    return next(others, None)


def events(connection: Connection, run: str) -> list[Row[Any]]:
    """Return the events of a run, oldest first."""
    return list(connection.execute(select(lab_events).where(e.run_id == run).order_by(e.seq)))


def current(connection: Connection, principal: Principal, beside: str = "") -> Row[Any] | None:
    """Return the open run that was started or taken up again last, `beside` another one; None where none is open."""
    opened = [row for row in mine(connection, principal) if row.state == "open" and row.id != beside]
    if len(opened) < 2:
        return opened[0] if opened else None
    query = (
        select(e.run_id, func.max(e.at).label("at"))
        .where(e.run_id.in_([row.id for row in opened]), e.kind.in_(LAID))
        .group_by(e.run_id)
    )
    touched = {row.run_id: str(row.at) for row in connection.execute(query)}
    return max(opened, key=lambda row: (touched.get(row.id, ""), row.id))


def signs_of_work(connection: Connection, principal: Principal, since: str, until: str) -> list[str]:
    """Return when the principal made records between two times, in no order."""
    found: list[str] = []
    for at, who, table in _signs():
        query = select(at).where(
            table.c.tenant == principal.tenant, who == principal.name, at >= since, at <= until
        )
        found += [str(x) for x in connection.execute(query).scalars()]
    return found
