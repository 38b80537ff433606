"""Saved views: one's own and shared ones, by name, in one tenant."""

from __future__ import annotations

import pytest

from groundwork.core.clock import ManualClock
from groundwork.core.errors import ForbiddenError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.storage.database import Database
from groundwork.telemetry.views import SavedViews
from tests.telemetry.conftest import NOW

ANN, BOB = Principal(name="user:ann"), Principal(name="user:bob")
OTHER = Principal(tenant="other", name="user:ann", owner=True)


@pytest.fixture
def views(spans_url: str) -> SavedViews:
    database = Database(spans_url)
    database.migrate()
    return SavedViews(database, ManualClock(NOW))


def test_a_view_is_kept_for_its_owner_and_shown_to_others_when_it_is_shared(views: SavedViews) -> None:
    mine = views.save(ANN, "  slow   ones ", "traces", "?order=slowest", False)
    shared = views.save(ANN, "Errors", "traces", "status=error", True)
    assert (mine.name, mine.query) == ("slow ones", "order=slowest")
    assert views.list(ANN, "traces") == [shared, mine]
    assert views.list(BOB, "traces") == [shared]
    assert views.list(BOB) == [shared]
    assert views.list(ANN, "sessions") == views.list(OTHER) == []


def test_the_same_name_on_the_same_page_overwrites_ones_own_view_alone(views: SavedViews) -> None:
    first = views.save(ANN, "a", "traces", "app=x", True)
    second = views.save(ANN, "a", "traces", "app=y", True)
    assert first.id == second.id
    views.save(ANN, "a", "spans", "", True)
    views.save(BOB, "a", "traces", "", True)
    assert len(views.list(ANN)) == 3


def test_only_its_owner_and_the_owner_of_the_workspace_delete_a_view(views: SavedViews) -> None:
    mine, shared = views.save(ANN, "a", "traces", "", False), views.save(ANN, "b", "traces", "", True)
    for who in (BOB, OTHER):
        with pytest.raises(NotFoundError):
            views.delete(who, mine.id)
    with pytest.raises(ForbiddenError):
        views.delete(BOB, shared.id)
    with pytest.raises(NotFoundError):
        views.delete(OTHER, shared.id)
    views.delete(ANN, mine.id)
    views.delete(LOCAL, shared.id)
    assert views.list(ANN) == []


def test_views_are_bounded(views: SavedViews, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, page, query in (
        ("", "traces", ""), ("x" * 101, "traces", ""), ("a\x00", "traces", ""), ("a", "nowhere", ""),
        ("a", "traces", "q" * 5000),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            views.save(ANN, name, page, query)
    monkeypatch.setattr("groundwork.telemetry.views.MOST", 2)
    views.save(ANN, "a", "traces", "")
    views.save(ANN, "b", "traces", "")
    views.save(ANN, "a", "traces", "x")
    with pytest.raises(InvalidInputError):
        views.save(ANN, "c", "traces", "")
