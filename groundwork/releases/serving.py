"""Which release serves a request: one look at the pointer, so that a move counts from the next request on.

Nothing of where a release stands is kept in memory: another process may have moved it. Releases themselves never change and
are kept once they were read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, select

from groundwork.answers.pipeline import Pinned
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.improvement import EnvironmentSpec
from groundwork.core.principal import Principal
from groundwork.releases import assigning, rows
from groundwork.releases.book import KIND, Releases, pointer_name
from groundwork.releases.environments import environment_of
from groundwork.releases.types import Deployment, Release, Served
from groundwork.storage.database import Database
from groundwork.storage.improvement_tables import deployments
from groundwork.storage.tables import pointers

KEPT = 512
"""Releases that are kept in memory."""
d = deployments.c
_STANDS = (
    select(pointers.c.version, deployments)
    .outerjoin(
        deployments,
        (d.tenant == bindparam("tenant"))
        & (d.app == bindparam("app"))
        & (d.environment == bindparam("environment"))
        & (d.state == "active"),
    )
    .where(
        pointers.c.tenant == bindparam("tenant"),
        pointers.c.kind == KIND,
        pointers.c.name == bindparam("name"),
    )
    .limit(1)
)
"""What stands in an environment, beside the trial that runs there."""


class Serving:
    """Answers what serves a request; safe to use from several threads.

    Args:
        environments: by name, as the spec has them. default: the one that this installation serves.
    """

    def __init__(
        self,
        database: Database,
        book: Releases,
        environments: Mapping[str, EnvironmentSpec],
        default: str,
    ) -> None:
        self._database = database
        self._book = book
        self._environments = environments
        self._default = default
        self._kept: OrderedDict[tuple[str, str], Release] = OrderedDict()
        self._lock = threading.Lock()

    def named(self, app: str) -> tuple[str, str, str]:
        """Return app, environment and release of a name that a client asks with: `handbook`, `handbook@staging`,
        `handbook@4`; the latter two are empty where it does not say."""
        name, mark, rest = app.partition("@")
        if not mark:
            return app, "", ""
        return (name, rest, "") if rest in self._environments else (name, "", f"{name}@{rest}")

    def serving(
        self, principal: Principal, app: str, *, environment: str = "", unit: str = "", release: str = ""
    ) -> Served:
        """Return what serves a request to an app.

        Args:
            environment: empty: the one of this installation. unit: whom a canary keeps at one release, such as a session.
            release: this one, wherever it stands.

        Raises:
            NotFoundError: there is no such environment or release. InvalidInputError: the release is of another app.
        """
        if release:
            return Served(self.one(principal, app, release), environment)
        place = environment or self._default
        if environment:
            environment_of(self._environments, environment)
        with self._database.read() as connection:
            values = {
                "tenant": principal.tenant,
                "name": pointer_name(place, app),
                "app": app,
                "environment": place,
            }
            row = connection.execute(_STANDS, values).one_or_none()
            if row is None:
                return Served(None, place)
            served = Served(self._release(connection, principal.tenant, row.version), place, unit=unit)
            if row.id is None:
                return served
            return self._on_trial(connection, principal.tenant, served, rows.deployment(row))

    def one(self, principal: Principal, app: str, ref: str) -> Release:
        """Return the release a request names; `4` stands for `app@4`.

        Raises:
            NotFoundError: there is none. InvalidInputError: it is of another app.
        """
        found = self._book.get(principal, f"{app}@{ref}" if ref.isdecimal() else ref)
        if found.app != app:
            raise InvalidInputError(
                f"the release `{found.ref}` is one of the app `{found.app}`, not of `{app}`",
                hint=f"ask the app `{found.app}`",
            )
        return found

    def _on_trial(self, connection: Connection, tenant: str, served: Served, trial: Deployment) -> Served:
        baseline = served.release
        # The pointer was moved on while the row of the trial was still open: it compares nothing any more.
        if baseline is None or trial.previous != baseline.id or trial.release == baseline.id:
            return served
        candidate = self._release(connection, tenant, trial.release)
        if trial.kind == "shadow":
            return replace(served, deployment=trial.id, mirror=candidate)
        arm = assigning.arm(str(trial.record.get("salt", "")), served.unit, trial.share)
        one, other = (candidate, baseline) if arm == "candidate" else (baseline, candidate)
        mirrored = bool(dict(trial.record.get("spec", {})).get("mirror", True))
        return replace(served, release=one, arm=arm, deployment=trial.id, mirror=other if mirrored else None)

    def _release(self, connection: Connection, tenant: str, identifier: str) -> Release:
        with self._lock:
            found = self._kept.get((tenant, identifier))
            if found is not None:
                self._kept.move_to_end((tenant, identifier))
                return found
        found = self._book.by_id(connection, tenant, identifier)
        if found is None:
            raise NotFoundError(
                f"the release `{identifier}` is not here any more", hint="see `groundwork release history`"
            )
        with self._lock:
            self._kept[tenant, identifier] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def pinned(release: Release, notes: tuple[str, ...] = (), **more: Any) -> Pinned:
    """Return what a release fixes of an answer."""
    return Pinned(release.id, release.snapshot, release.manifest.recipe, notes, **more)
