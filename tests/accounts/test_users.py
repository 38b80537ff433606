"""Users over both databases: roles within one's own, no word about names, nothing of other tenants."""

from __future__ import annotations

import pytest

from groundwork.accounts.passwords import Cost
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from groundwork.core.principal import LOCAL, Principal
from tests.accounts.conftest import SECRET, Room

NORTH = Principal(tenant="north", name="user:nora", owner=True, role="admin")


@pytest.fixture
def people(room: Room) -> Room:
    room.tenants.create(LOCAL, "north")
    room.users.create(LOCAL, "ann", role="admin", password=SECRET, title="Ann Example")
    room.users.create(LOCAL, "bob", role="viewer", password=SECRET + " b")
    room.users.create(LOCAL, "gone", password=SECRET + " g")
    room.users.disable(LOCAL, "gone")
    room.users.create(LOCAL, "empty")
    room.users.create(NORTH, "nils", role="builder", password=SECRET + " n")
    return room


def test_a_user_signs_in_with_name_in_any_case_and_password(people: Room) -> None:
    user_id, tenant = people.users.sign_in(" ANN ", SECRET)
    assert people.users.get(LOCAL, user_id).name == "ann"
    assert tenant == "default"
    assert people.users.sign_in("nils", SECRET + " n")[1] == "north"


@pytest.mark.parametrize("name", ["ann", "gone", "empty", "nobody-here", "", "x" * 5000, "\x00", "ann\x00"])
def test_whatever_is_wrong_the_error_and_the_work_are_the_same(people: Room, name: str) -> None:
    people.passwords.seen = []
    with pytest.raises(UnauthenticatedError) as caught:
        people.users.sign_in(name, "not the password of anybody")
    assert caught.value.message == "the name or the password is not right"
    assert len(people.passwords.seen) == 1


def test_a_disabled_user_with_the_right_password_learns_nothing_either(people: Room) -> None:
    with pytest.raises(UnauthenticatedError, match="the name or the password is not right"):
        people.users.sign_in("gone", SECRET + " g")
    people.users.enable(LOCAL, "gone")
    people.users.sign_in("gone", SECRET + " g")


def test_a_hash_of_an_older_cost_is_renewed_at_sign_in(people: Room) -> None:
    people.passwords.cost = Cost(memory_kib=128, passes=1)
    del people.passwords.__dict__["_hasher"]
    for _ in range(2):
        people.users.sign_in("ann", SECRET)
    assert not people.passwords.check("", "x").right
    from sqlalchemy import select

    from groundwork.storage import tables as t

    with people.database.read() as connection:
        stored = connection.execute(select(t.users.c.password).where(t.users.c.name == "ann")).scalar_one()
    assert "m=128," in stored


def test_names_are_unique_over_all_tenants_and_plain(people: Room) -> None:
    with pytest.raises(ConflictError):
        people.users.create(NORTH, "Ann")
    for name in ("", "a b", "ann<script>", "key_x", "usr_x", "local", "x" * 101, "é", "-a"):
        with pytest.raises(InvalidInputError):
            people.users.create(LOCAL, name)


def test_members_of_another_tenant_are_not_there(people: Room) -> None:
    nils = people.users.get(NORTH, "nils")
    assert [u.name for u in people.users.list(LOCAL)] == ["ann", "bob", "empty", "gone"]
    assert [u.name for u in people.users.list(NORTH)] == ["nils"]
    for name in ("nils", nils.id):
        for attempt in (people.users.get, people.users.disable, people.users.drop, people.users.leave):
            with pytest.raises(NotFoundError):
                attempt(LOCAL, name)
        with pytest.raises(NotFoundError):
            people.users.set_password(LOCAL, name, SECRET)
        with pytest.raises(NotFoundError):
            people.users.change(LOCAL, name, role="viewer")


def test_an_operator_makes_no_admin_and_touches_none(people: Room) -> None:
    operator = Principal(name="user:otto", role="operator", owner=True)
    people.users.create(operator, "new", role="operator")
    for attempt in (
        lambda: people.users.create(operator, "other", role="admin"),
        lambda: people.users.change(operator, "new", role="admin"),
        lambda: people.users.change(operator, "ann", role="viewer"),
        lambda: people.users.set_password(operator, "ann", SECRET),
        lambda: people.users.disable(operator, "ann"),
        lambda: people.users.drop(operator, "ann"),
    ):
        with pytest.raises(ForbiddenError):
            attempt()


def test_nobody_hands_on_access_that_they_lack(people: Room) -> None:
    narrow = Principal(name="user:nan", role="admin", access=frozenset({"group:hr"}))
    assert people.users.create(narrow, "hr-reader", access=("group:hr",)).access == ("group:hr",)
    for access in (None, ("group:board",)):
        with pytest.raises(ForbiddenError):
            people.users.create(narrow, "other", access=access)


def test_a_viewer_reads_public_documents_and_other_roles_everything_unless_it_is_set_apart(
    people: Room,
) -> None:
    users = people.users
    assert users.get(LOCAL, "bob").access == ()
    assert users.get(LOCAL, "ann").access is None
    assert users.change(LOCAL, "bob", role="builder").access is None
    assert users.change(LOCAL, "bob", role="viewer").access == ()
    assert users.change(LOCAL, "bob", access=("group:hr",)).access == ("group:hr",)
    assert users.change(LOCAL, "bob", role="builder").access == ("group:hr",)


def test_nobody_demotes_disables_or_removes_themselves(people: Room) -> None:
    ann = Principal(name="user:ann", owner=True, role="admin")
    for attempt in (
        lambda: people.users.change(ann, "ann", role="viewer"),
        lambda: people.users.disable(ann, "ann"),
        lambda: people.users.drop(ann, "ann"),
    ):
        with pytest.raises(ConflictError, match="yourself"):
            attempt()


def test_the_admin_of_one_tenant_gets_no_hold_of_a_user_of_two(people: Room) -> None:
    users = people.users
    users.join(LOCAL, "ann", "north", role="viewer")
    assert users.get(NORTH, "ann").elsewhere == 1
    for attempt in (users.disable, users.drop):
        with pytest.raises(ForbiddenError):
            attempt(NORTH, "ann")
    with pytest.raises(ForbiddenError):
        users.set_password(NORTH, "ann", SECRET)
    users.leave(NORTH, "ann")
    assert [m.tenant for m in users.memberships(users.get(LOCAL, "ann").id)] == ["default"]
    with pytest.raises(ForbiddenError):
        users.join(NORTH, "bob", "north")
    with pytest.raises(NotFoundError):
        users.join(LOCAL, "bob", "south")


def test_a_new_password_ends_every_session_and_ones_own_spares_the_one_in_use(people: Room) -> None:
    ann = people.users.get(LOCAL, "ann")
    cookies = [people.sessions.open("default", user_id=ann.id) for _ in range(3)]
    people.users.set_own_password(ann.id, SECRET + " new", keep=people.visitors.of_cookie(cookies[0]).session)
    assert people.visitors.of_cookie(cookies[0]).principal.name == "user:ann"
    for cookie in cookies[1:]:
        with pytest.raises(UnauthenticatedError):
            people.visitors.of_cookie(cookie)
    people.users.set_password(LOCAL, "ann", SECRET + " again")
    with pytest.raises(UnauthenticatedError):
        people.visitors.of_cookie(cookies[0])


def test_a_weak_password_is_refused_before_anything_is_stored(people: Room) -> None:
    with pytest.raises(InvalidInputError):
        people.users.create(LOCAL, "weak", password="short")
    with pytest.raises(NotFoundError):
        people.users.get(LOCAL, "weak")
