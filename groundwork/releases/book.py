"""The book of releases: each is written once, signed, and never changes; a name such as `handbook@4` finds it again."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from groundwork.core.clock import Clock
from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.ids import derived_id
from groundwork.core.principal import Principal
from groundwork.core.settings import AppSpec
from groundwork.releases import rows, signing
from groundwork.releases.key import SigningKey
from groundwork.releases.types import Manifest, Release
from groundwork.storage import pointers
from groundwork.storage.database import Database, exclusive
from groundwork.storage.improvement_tables import releases as table

KIND = "environment"
"""Kind of the pointers that say what stands where; their names are `environment/app`."""
LATEST = "latest"
MIN_PREFIX = 4
MAX_NOTE = 2000
r = table.c
_HEX = re.compile(r"[0-9a-f]{4,64}\Z")


def pointer_name(environment: str, app: str) -> str:
    """Return the name of the pointer of an app in an environment."""
    return f"{environment}/{app}"


def spec_of(release: Release) -> AppSpec:
    """Return the app's spec as the release pinned it: its prompt by digest, its threshold as a number."""
    manifest = release.manifest
    spec = AppSpec.model_validate(dict(manifest.spec))
    changes: dict[str, object] = {"threshold": manifest.threshold}
    if manifest.prompt:
        changes["prompt"] = manifest.prompt
    return spec.model_copy(update=changes)


class Releases:
    """The releases of a workspace. Safe to use from several threads.

    Args:
        key: what new releases are signed with.
    """

    def __init__(self, database: Database, clock: Clock, key: SigningKey) -> None:
        self.database = database
        self.key = key
        self._clock = clock

    # -- writing ----------------------------------------------------------------------------------------------
    def create(self, principal: Principal, manifest: Manifest, note: str = "") -> tuple[Release, bool]:
        """Write a release down, sign it, and return it with whether it is new; equal pins are one release.

        Raises:
            InvalidInputError: the note is too long.
        """
        if len(note) > MAX_NOTE:
            raise InvalidInputError(
                f"the note has {len(note):,} characters", hint=f"at most {MAX_NOTE:,} are kept"
            )
        digest = digest_json(manifest.pins())
        identifier = derived_id("rel", digest)
        now = self._clock.now().isoformat()
        private = self.key.private()
        with self.database.write() as connection:
            exclusive(connection, f"releases {principal.tenant} {manifest.app}")
            found = _row(connection, principal.tenant, identifier)
            if found is not None:
                return rows.release(found), False
            last = select(func.max(r.number)).where(r.tenant == principal.tenant, r.app == manifest.app)
            number = int(connection.execute(last).scalar() or 0) + 1
            envelope = signing.sign(private, signing.statement(manifest, number, now, principal.name))
            values = {
                "tenant": principal.tenant,
                "id": identifier,
                "digest": digest,
                "app": manifest.app,
                "number": number,
                "manifest": manifest.as_dict(),
                "envelope": envelope,
                "note": note,
                "redacted": False,
                "created_at": now,
                "created_by": principal.name,
            }
            connection.execute(insert(table).values(values))
        return Release(
            identifier, digest, manifest.app, number, manifest, envelope, note, False, now, principal.name
        ), True

    # -- reading ----------------------------------------------------------------------------------------------
    def get(self, principal: Principal, ref: str) -> Release:
        """Return one release.

        Args:
            ref: `app@4`, `app@latest`, `app@environment` (what stands there), `rel_…`, a digest or the beginning of one;
                the name of an app alone means its newest release.

        Raises:
            NotFoundError: there is none; the hint offers near ones. ConflictError: several begin so.
        """
        with self.database.read() as connection:
            return self.find(connection, principal, ref)

    def find(self, connection: Connection, principal: Principal, ref: str) -> Release:
        """Return one release within an open transaction; see `get`."""
        word, tenant = ref.strip(), principal.tenant
        query = select(table).where(r.tenant == tenant)
        app, mark, rest = word.partition("@")
        if mark and rest.isascii() and rest.isdigit() and len(rest) < 10:
            query = query.where(r.app == app, r.number == int(rest))
        elif mark and rest and rest != LATEST:
            stands = pointers.get(connection, tenant, KIND, pointer_name(rest, app))
            query = query.where(r.id == (stands.version if stands else ""))
        elif word.startswith("rel_"):
            beginning = r.id == word if len(word) >= 30 else r.id.startswith(word, autoescape=True)
            query = query.where(beginning if len(word) >= 8 else r.id == "")
        else:
            newest = query.where(r.app == app).order_by(r.number.desc()).limit(1)
            row = connection.execute(newest).one_or_none()
            if row is not None or mark or not _HEX.fullmatch(word):
                return rows.release(row) if row is not None else self._unknown(connection, tenant, word)
            query = query.where(r.digest.startswith(word, autoescape=True))
        found = connection.execute(query.limit(2)).all()
        if len(found) > 1:
            raise ConflictError(f"several releases begin with `{word}`", hint="write more of it")
        return rows.release(found[0]) if found else self._unknown(connection, tenant, word)

    def by_id(self, connection: Connection, tenant: str, identifier: str) -> Release | None:
        """Return the release of that id, None where there is none."""
        row = _row(connection, tenant, identifier)
        return None if row is None else rows.release(row)

    def list(
        self, principal: Principal, *, app: str = "", limit: int = 50, before: str | None = None
    ) -> list[Release]:
        """Return releases, newest first; with `app` only its own.

        Args:
            before: the id to go on from.
        """
        query = select(table).where(r.tenant == principal.tenant)
        query = query.where(r.app == app) if app else query
        with self.database.read() as connection:
            if before:
                row = _row(connection, principal.tenant, before)
                if row is None:
                    self._unknown(connection, principal.tenant, before)
                else:
                    key = (row.created_at, row.id)
                    query = query.where(
                        (r.created_at < key[0]) | ((r.created_at == key[0]) & (r.id < key[1]))
                    )
            query = query.order_by(r.created_at.desc(), r.id.desc()).limit(max(1, min(limit, 1000)))
            return [rows.release(row) for row in connection.execute(query)]

    def apps(self, principal: Principal) -> Sequence[str]:
        """Return the names of the apps that have releases, sorted."""
        query = select(r.app).where(r.tenant == principal.tenant).distinct().order_by(r.app)
        with self.database.read() as connection:
            return [str(name) for name in connection.execute(query).scalars()]

    def spec_of(self, release: Release) -> AppSpec:
        """Return the app's spec as the release pinned it; see `spec_of` of this module."""
        return spec_of(release)

    def verify(self, release: Release) -> signing.Verification:
        """Check the stored signature, and that the stored manifest is what was signed."""
        found = signing.verify(release.envelope, self.key.public())
        problems = list(found.problems)
        if digest_json(release.manifest.pins()) != release.digest or found.digest != release.digest:
            problems.append("the stored manifest is not the one that was signed")
        return replace(found, problems=tuple(problems))

    def _unknown(self, connection: Connection, tenant: str, word: str) -> Release:
        """Raise the error for a name that finds nothing."""
        known = connection.execute(
            select(r.app, r.number).where(r.tenant == tenant).order_by(r.created_at.desc()).limit(200)
        ).all()
        refs = [f"{row.app}@{row.number}" for row in known]
        near = difflib.get_close_matches(word, refs, 3, 0.5) or refs[:3]
        hint = (
            f"such as {', '.join(f'`{n}`' for n in near)}; list them with `groundwork release list`"
            if near
            else "make one with `groundwork release create`"
        )
        raise NotFoundError(f"there is no release `{word[:80]}`", hint=hint)


def _row(connection: Connection, tenant: str, identifier: str) -> Any | None:
    return connection.execute(select(table).where(r.tenant == tenant, r.id == identifier)).one_or_none()
