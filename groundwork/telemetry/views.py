"""Saved views: a list with its filters under a name, one's own or shared with everybody in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, or_, select

from groundwork.core.clock import Clock
from groundwork.core.errors import ForbiddenError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.storage import tables as t
from groundwork.storage.database import Database, insert_or_update
from groundwork.telemetry.types import SavedView

MOST = 500
NAME_CHARS = 100
QUERY_CHARS = 4000
PAGES = ("traces", "spans", "sessions", "dashboards", "query")


class SavedViews:
    """The saved views of a workspace; `database` is that of the workspace."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, principal: Principal, page: str = "") -> list[SavedView]:
        """Return one's own views and the shared ones of a page, or of all pages, by name."""
        mine = or_(t.saved_views.c.principal == principal.name, t.saved_views.c.shared)
        statement = select(t.saved_views).where(t.saved_views.c.tenant == principal.tenant, mine)
        if page:
            statement = statement.where(t.saved_views.c.page == page)
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(MOST)).mappings().all()
        return sorted((_view(row) for row in rows), key=lambda v: (v.name.casefold(), v.id))

    def save(self, principal: Principal, name: str, page: str, query: str, shared: bool = False) -> SavedView:
        """Keep a view under a name; one's own of the same page and name is overwritten.

        Raises:
            InvalidInputError: the name is empty or too long, the page is none, or there are 500 views already.
        """
        name = " ".join(name.split())
        if not 1 <= len(name) <= NAME_CHARS or not name.isprintable():
            raise InvalidInputError(
                f"a view's name has 1 to {NAME_CHARS} printable characters", hint="choose another name"
            )
        if page not in PAGES:
            raise InvalidInputError(
                f"there is no page `{page[:40]}` to save", hint=f"one of {', '.join(PAGES)}"
            )
        if len(query) > QUERY_CHARS:
            raise InvalidInputError(
                f"a view's filters have at most {QUERY_CHARS} characters", hint="use fewer filters"
            )
        view = t.saved_views.c
        with self._database.write() as connection:
            same = connection.execute(
                select(view.id, view.created_at).where(
                    view.tenant == principal.tenant,
                    view.principal == principal.name,
                    view.page == page,
                    view.name == name,
                )
            ).first()
            held = connection.execute(
                select(func.count()).select_from(t.saved_views).where(view.tenant == principal.tenant)
            ).scalar_one()
            if same is None and held >= MOST:
                raise InvalidInputError(f"there are {MOST} saved views already", hint="delete some first")
            row = {
                "id": same.id if same else new_id("viw"),
                "tenant": principal.tenant,
                "name": name,
                "page": page,
                "query": query.lstrip("?"),
                "principal": principal.name,
                "shared": shared,
                "created_at": same.created_at
                if same
                else self._clock.now().isoformat(timespec="milliseconds"),
            }
            insert_or_update(connection, t.saved_views, row)
        return _view(row)

    def delete(self, principal: Principal, identifier: str) -> None:
        """Forget a view.

        Raises:
            NotFoundError: there is none of that id, or it is not the principal's to see.
            ForbiddenError: it is somebody else's, and the principal does not own the workspace.
        """
        view = t.saved_views.c
        with self._database.write() as connection:
            found = connection.execute(
                select(view.principal, view.shared).where(
                    view.id == identifier, view.tenant == principal.tenant
                )
            ).first()
            mine = found is not None and found.principal == principal.name
            if found is None or not (mine or found.shared or principal.owner):
                raise NotFoundError(
                    f"there is no saved view `{identifier[:64]}`", hint="`groundwork trace views` lists them"
                )
            if not (mine or principal.owner):
                raise ForbiddenError(
                    "this view was saved by somebody else", hint="save one of your own, or ask its owner"
                )
            connection.execute(
                delete(t.saved_views).where(view.id == identifier, view.tenant == principal.tenant)
            )


def _view(row: Mapping[str, Any] | Any) -> SavedView:
    names = ("id", "name", "page", "query", "principal", "shared", "created_at")
    return SavedView(**{name: row[name] for name in names})
