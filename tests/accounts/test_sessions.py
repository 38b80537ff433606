"""Sessions and keys over both databases: what is over, revoked, disabled or demoted is so at once."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from groundwork.accounts.sessions import MOST_SESSIONS, digest_of
from groundwork.core.errors import ConflictError, ForbiddenError, NotFoundError, UnauthenticatedError
from groundwork.core.principal import LOCAL, Principal
from groundwork.storage import tables as t
from tests.accounts.conftest import SECRET, Room


@pytest.fixture
def ann(room: Room) -> str:
    return room.users.create(LOCAL, "ann", role="operator", password=SECRET, title="Ann").id


def test_a_session_says_who_it_is_and_its_cookie_is_stored_nowhere(room: Room, ann: str) -> None:
    cookie = room.sessions.open("default", user_id=ann, agent="Browser\x00 1")
    visitor = room.visitors.of_cookie(cookie)
    assert (visitor.title, visitor.principal.name, visitor.principal.role) == ("Ann", "user:ann", "operator")
    assert visitor.principal.owner
    assert len(cookie) == 43
    with room.database.read() as connection:
        row = connection.execute(select(t.sessions)).one()
    assert cookie not in str(row)
    assert row.digest == digest_of(cookie)


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 44, "ü" * 43, "' OR 1=1 --", "\ud800" * 43])
def test_a_cookie_that_was_never_given_is_nobodys(room: Room, ann: str, cookie: str) -> None:
    room.sessions.open("default", user_id=ann)
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(cookie)


def test_a_session_ends_when_it_was_not_used_and_after_its_days_however_it_was_used(
    room: Room, ann: str
) -> None:
    idle, used = (room.sessions.open("default", user_id=ann) for _ in range(2))
    for _ in range(2):
        room.clock.advance(6.5 * 3600)
        room.visitors.of_cookie(used)
    with pytest.raises(UnauthenticatedError) as caught:
        room.visitors.of_cookie(idle)
    assert caught.value.details["reason"] == "expired"
    for _ in range(14):
        room.clock.advance(11 * 3600)
        room.visitors.of_cookie(used)
    room.clock.advance(3600)
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(used)


def test_last_use_is_written_at_most_once_a_minute(room: Room, ann: str) -> None:
    cookie = room.sessions.open("default", user_id=ann)
    seen = lambda: room.sessions.list(user_id=ann)[0].last_seen_at  # noqa: E731
    first = seen()
    room.clock.advance(59)
    room.visitors.of_cookie(cookie)
    assert seen() == first
    room.clock.advance(1)
    room.visitors.of_cookie(cookie)
    assert seen() > first


def test_signing_in_again_ends_the_session_that_the_browser_brought(room: Room, ann: str) -> None:
    planted = room.sessions.open("default", user_id=ann)
    fresh = room.sessions.open("default", user_id=ann, instead_of=planted)
    assert fresh != planted
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(planted)


def test_own_sessions_are_listed_and_ended_and_those_of_others_are_not_there(room: Room, ann: str) -> None:
    bob = room.users.create(LOCAL, "bob").id
    mine, other = room.sessions.open("default", user_id=ann), room.sessions.open("default", user_id=bob)
    mine2 = room.sessions.open("default", user_id=ann)
    listed = room.sessions.list(user_id=ann, current=digest_of(mine))
    assert [s.current for s in listed] == [False, True]
    theirs = room.sessions.list(user_id=bob)[0].id
    with pytest.raises(NotFoundError):
        room.sessions.revoke(theirs, user_id=ann)
    room.sessions.revoke(listed[0].id, user_id=ann)
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(mine2)
    assert room.visitors.of_cookie(other)
    assert room.sessions.revoke_all(user_id=ann) == 1
    assert room.sessions.list(user_id="", key_id="") == []


def test_who_signs_in_without_end_keeps_the_newest_sessions_only(room: Room, ann: str) -> None:
    first = room.sessions.open("default", user_id=ann)
    for _ in range(MOST_SESSIONS):
        room.sessions.open("default", user_id=ann)
    assert len(room.sessions.list(user_id=ann)) == MOST_SESSIONS
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(first)


def test_a_change_of_role_or_membership_holds_at_the_next_request(room: Room, ann: str) -> None:
    cookie = room.sessions.open("default", user_id=ann)
    room.users.change(LOCAL, "ann", role="viewer")
    visitor = room.visitors.of_cookie(cookie)
    assert visitor.principal.role == "viewer"
    assert visitor.principal.access == {"user:ann"}
    room.users.disable(LOCAL, "ann")
    room.users.enable(LOCAL, "ann")
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(cookie)


def test_a_session_in_another_tenant_has_the_role_of_that_one(room: Room, ann: str) -> None:
    room.tenants.create(LOCAL, "north")
    cookie = room.sessions.open("default", user_id=ann)
    with pytest.raises(NotFoundError):
        room.visitors.of_user(ann, "north")
    room.users.join(LOCAL, "ann", "north", role="viewer")
    room.sessions.move(digest_of(cookie), "north")
    principal = room.visitors.of_cookie(cookie).principal
    assert (principal.tenant, principal.role, principal.owner) == ("north", "viewer", False)
    room.users.leave(Principal(tenant="north", name="local", role="admin", owner=True), "ann")
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(cookie)


def test_a_key_opens_the_platform_as_far_as_its_role_goes(room: Room) -> None:
    plain, _ = room.keys.create(LOCAL, "gateway only")
    secret, info = room.keys.create(LOCAL, "builder", scopes=["chat", "builder"], access=None)
    assert info.role == "builder"
    assert info.scopes == ("chat",)
    assert room.visitors.of_key(plain).principal.role == ""
    found = room.visitors.of_key(secret).principal
    assert (found.name, found.role, found.owner) == (f"key:{info.id}", "builder", True)
    assert room.keys.get(LOCAL, info.id).last_used_at
    room.keys.revoke(LOCAL, info.id)
    for gone in (secret, "gw_" + "A" * 49, ""):
        with pytest.raises(UnauthenticatedError):
            room.visitors.of_key(gone)


def test_a_session_of_a_key_ends_with_the_key(room: Room) -> None:
    _, info = room.keys.create(LOCAL, "token", role="admin", access=None, calls=False)
    cookie = room.sessions.open("default", key_id=info.id)
    assert room.visitors.of_cookie(cookie).principal.role == "admin"
    assert room.sessions.list(key_id=info.id)
    room.keys.revoke(LOCAL, info.id)
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(cookie)


def test_an_expired_key_opens_nothing(room: Room) -> None:
    secret, info = room.keys.create(LOCAL, "short", role="viewer", expires_at="2026-11-28T13:00:00+00:00")
    cookie = room.sessions.open("default", key_id=info.id)
    room.visitors.of_key(secret)
    room.clock.advance(3600)
    for attempt in (lambda: room.visitors.of_key(secret), lambda: room.visitors.of_cookie(cookie)):
        with pytest.raises(UnauthenticatedError) as caught:
            attempt()
        assert caught.value.details["reason"] == "expired"


def test_a_key_never_holds_more_than_the_user_who_made_it_does_now(room: Room, ann: str) -> None:
    maker = room.visitors.of_user(ann, "default").principal
    secret, _ = room.keys.create(maker, "by ann", role="operator", access=None)
    assert room.visitors.of_key(secret).principal.role == "operator"
    room.users.change(LOCAL, "ann", role="viewer")
    assert room.visitors.of_key(secret).principal.role == "viewer"
    room.users.disable(LOCAL, "ann")
    assert room.visitors.of_key(secret).principal.role == ""
    room.users.enable(LOCAL, "ann")
    assert room.visitors.of_key(secret).principal.role == "viewer"
    room.users.drop(LOCAL, "ann")
    assert room.visitors.of_key(secret).principal.role == ""


def test_nobody_makes_changes_or_revokes_a_key_above_their_own_role(room: Room) -> None:
    operator = Principal(name="user:otto", role="operator", owner=True)
    _, above = room.keys.create(LOCAL, "admin", role="admin", access=None)
    _, equal = room.keys.create(operator, "equal", role="operator")
    for attempt in (
        lambda: room.keys.create(operator, "more", role="admin"),
        lambda: room.keys.create(operator, "more", scopes=["admin"]),
        lambda: room.keys.update(operator, equal.id, role="admin"),
        lambda: room.keys.update(operator, equal.id, scopes=["chat", "admin"]),
        lambda: room.keys.update(operator, above.id, name="mine"),
        lambda: room.keys.revoke(operator, above.id),
    ):
        with pytest.raises(ForbiddenError):
            attempt()
    assert room.keys.update(operator, equal.id, role="viewer").role == "viewer"
    assert room.keys.update(operator, equal.id, role="").role == ""


def test_a_key_for_the_console_alone_closes_the_gateway_to_nobody(room: Room) -> None:
    room.keys.create(LOCAL, "token", role="admin", access=None, calls=False)
    assert not room.keys.exist("default")
    room.keys.create(LOCAL, "chat")
    assert room.keys.exist("default")


def test_tenants_are_made_listed_and_removed_by_who_runs_the_installation(room: Room) -> None:
    admin = Principal(tenant="north", name="user:nora", owner=True, role="admin")
    assert [tenant.name for tenant in room.tenants.list(LOCAL)] == ["default"]
    room.tenants.create(LOCAL, "north", title="North")
    for name in ("default", "north"):
        with pytest.raises(ConflictError):
            room.tenants.create(LOCAL, name)
    for attempt in (lambda: room.tenants.create(admin, "south"), lambda: room.tenants.remove(admin, "north")):
        with pytest.raises(ForbiddenError):
            attempt()
    with pytest.raises(NotFoundError):
        room.tenants.remove(admin, "default")
    assert [tenant.name for tenant in room.tenants.list(admin)] == ["north"]
    with pytest.raises(ConflictError):
        room.tenants.remove(LOCAL, "default")


def test_a_tenant_that_keeps_records_is_not_removed_and_an_empty_one_takes_its_keys_along(room: Room) -> None:
    room.tenants.create(LOCAL, "north")
    north = Principal(tenant="north", name="local", owner=True, role="admin")
    secret, _ = room.keys.create(north, "theirs", role="viewer")
    nora = room.users.create(north, "nora", password=SECRET).id
    cookie = room.sessions.open("north", user_id=nora)
    with room.database.write() as connection:
        row = {"id": "cal_1", "tenant": "north", "app": "default", "record": {}, "created_at": "2026"}
        connection.execute(t.calibrations.insert().values(**row))
    with pytest.raises(ConflictError, match="1 calibrations"):
        room.tenants.remove(LOCAL, "north")
    with room.database.write() as connection:
        connection.execute(t.calibrations.delete())
    room.tenants.remove(LOCAL, "north")
    for attempt in (lambda: room.visitors.of_key(secret), lambda: room.visitors.of_cookie(cookie)):
        with pytest.raises(UnauthenticatedError):
            attempt()
    with pytest.raises(UnauthenticatedError, match="no workspace"):
        room.users.sign_in("nora", SECRET)


def test_a_session_that_was_moved_to_a_tenant_of_others_opens_nothing(room: Room, ann: str) -> None:
    cookie = room.sessions.open("default", user_id=ann)
    with room.database.write() as connection:
        connection.execute(update(t.sessions).values(tenant="north"))
    with pytest.raises(UnauthenticatedError):
        room.visitors.of_cookie(cookie)
