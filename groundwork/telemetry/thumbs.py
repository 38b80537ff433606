"""Thumbs by time, for dashboards: read where feedback is kept, so that one that was taken back no longer counts anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import and_, select

from groundwork.core.principal import Principal
from groundwork.storage.database import Database
from groundwork.storage.tables import feedback
from groundwork.telemetry.dashboards import Thumb

MOST = 200_000
"""Thumbs that are looked at, the newest of the time asked for."""


class Thumbs:
    """The thumbs of a workspace; implements `dashboards.ThumbSource`.

    Args:
        database: of the workspace, which has the feedback.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def thumbs(self, principal: Principal, since: int, until: int) -> Sequence[Thumb]:
        """Return the thumbs that stand, given in `since <= time < until`, newest first; for others than owners their own."""
        c = feedback.c
        wanted = and_(
            c.tenant == principal.tenant,
            c.created_at >= _text(since),
            c.created_at < _text(until),
            c.kind == "thumb",
            c.withdrawn_at.is_(None),
        )
        if not principal.owner:
            wanted = and_(wanted, c.principal == principal.name)
        rows = select(c.created_at, c.value, c.app, c.release).where(wanted).order_by(c.id.desc()).limit(MOST)
        with self._database.read() as connection:
            return [
                Thumb(_second(at), value == "up", app, release)
                for at, value, app, release in connection.execute(rows)
            ]


def _text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")


def _second(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
