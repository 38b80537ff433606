"""Environments: where releases are served. What stands in one is a pointer, and every move of it is a record."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from groundwork.core.errors import NotFoundError
from groundwork.core.improvement import EnvironmentSpec
from groundwork.knowledge import store as knowledge
from groundwork.releases import rows
from groundwork.releases.book import KIND, Releases, pointer_name
from groundwork.releases.types import Deployment, Release, Standing
from groundwork.storage import pointers
from groundwork.storage.improvement_tables import deployments
from groundwork.storage.improvement_tables import releases as release_table

d = deployments.c
r = release_table.c
MOVES = ("promote", "rollback")
TRIALS = ("canary", "shadow")


def environment_of(environments: Mapping[str, EnvironmentSpec], name: str) -> EnvironmentSpec:
    """Return an environment of the spec.

    Raises:
        NotFoundError: there is none of that name; the hint offers near ones.
    """
    found = environments.get(name)
    if found is None:
        near = difflib.get_close_matches(name, environments, 1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise NotFoundError(
            f"there is no environment `{name[:80]}`",
            hint=f"{hint}known: {', '.join(environments)}; add [environments.{name[:40] or 'NAME'}] to groundwork.toml",
        )
    return found


def trial_of(connection: Connection, tenant: str, app: str, environment: str) -> Deployment | None:
    """Return the canary or shadow that runs in an environment; there is one at most."""
    query = select(deployments).where(
        d.tenant == tenant, d.app == app, d.environment == environment, d.state == "active"
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else rows.deployment(row)


def moves_of(connection: Connection, tenant: str, app: str, environment: str) -> list[Deployment]:
    """Return every promotion and rollback of an app in an environment, oldest first."""
    query = select(deployments).where(
        d.tenant == tenant, d.app == app, d.environment == environment, d.kind.in_(MOVES)
    )
    found = [rows.deployment(row) for row in connection.execute(query.order_by(d.id))]
    # Ids of one millisecond stand in no order; the moves of the pointer do.
    return sorted(found, key=_place)


def stack_of(moves: Sequence[Deployment]) -> list[str]:
    """Return ids of the releases that one can fall back through, the standing one last.

    A promotion puts a release on top, a rollback takes off everything above the one it leads to. So two rollbacks in a row
    lead two releases back, not to and fro.
    """
    stack: list[str] = []
    for move in moves:
        if move.kind == "rollback" and move.release in stack:
            last = len(stack) - 1 - stack[::-1].index(move.release)
            del stack[last + 1 :]
        elif not stack or stack[-1] != move.release:
            stack.append(move.release)
    return stack


def problem_of(connection: Connection, tenant: str, release: Release) -> str:
    """Return why a release cannot be served, in words; empty when it can."""
    row = knowledge.snapshot(connection, tenant, release.index, release.snapshot)
    if row is None:
        return f"its snapshot `{release.snapshot[:7]}` of the index `{release.index}` is not here any more"
    return ""


def flags_of(connection: Connection, tenant: str, release: Release) -> tuple[str, ...]:
    """Return what is to be known about a release before one relies on it, in words."""
    problem = problem_of(connection, tenant, release)
    if problem:
        return (problem,)
    row = knowledge.snapshot(connection, tenant, release.index, release.snapshot)
    if release.redacted or (row is not None and row.redacted):
        return (f"a document of its snapshot `{release.snapshot[:7]}` was erased after it was made",)
    return ()


def standings(
    connection: Connection,
    tenant: str,
    environments: Mapping[str, EnvironmentSpec],
    apps: Sequence[str],
    book: Releases,
) -> list[Standing]:
    """Return what stands where: environments in the spec's order, apps within."""
    found = []
    for environment in environments:
        for app in apps:
            stands = pointers.get(connection, tenant, KIND, pointer_name(environment, app))
            release = None if stands is None else book.by_id(connection, tenant, stands.version)
            trial = trial_of(connection, tenant, app, environment)
            flags = () if release is None else flags_of(connection, tenant, release)
            found.append(
                Standing(
                    app,
                    environment,
                    release,
                    "" if stands is None else stands.moved_at,
                    0 if stands is None else stands.seq,
                    trial,
                    flags,
                )
            )
    return found


def held_snapshots(connection: Connection, tenant: str, index: str) -> frozenset[str]:
    """Return the snapshots of an index that must stay: of what is served, of what it falls back to, of trials that run."""
    query = select(deployments).where(d.tenant == tenant).order_by(d.id)
    moves: dict[tuple[str, str], list[Deployment]] = {}
    wanted: set[str] = set()
    for row in connection.execute(query):
        found = rows.deployment(row)
        if found.kind in MOVES:
            moves.setdefault((found.environment, found.app), []).append(found)
        elif found.state == "active":
            wanted |= {found.release, found.previous}
    for made in moves.values():
        wanted |= set(stack_of(sorted(made, key=_place))[-2:])
    if not wanted:
        return frozenset()
    manifests = connection.execute(
        select(r.manifest).where(r.tenant == tenant, r.id.in_(sorted(wanted)))
    ).scalars()
    return frozenset(str(m["snapshot"]) for m in manifests if m["index"] == index)


def _place(move: Deployment) -> int:
    return int(move.record.get("move", 0))
