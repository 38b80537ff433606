"""Roles are permission sets: each permission stands at one first role, and nobody decides above their own."""

from __future__ import annotations

import itertools

import pytest

from groundwork.accounts.roles import (
    FIRST_HELD,
    OF_THE_INSTALLATION,
    ROLES,
    lower,
    may_give,
    permissions_of,
    role_named,
)
from groundwork.core.errors import ForbiddenError, InvalidInputError
from groundwork.core.principal import LOCAL, Principal
from groundwork.server.permissions import PERMISSIONS


def test_every_permission_stands_at_exactly_one_first_role() -> None:
    held = [permission for permissions in FIRST_HELD.values() for permission in permissions]
    assert sorted(held) == sorted(set(held)) == sorted(PERMISSIONS)


def test_each_role_contains_the_one_before_it_and_the_last_holds_everything() -> None:
    for less, more in itertools.pairwise(ROLES):
        assert permissions_of(less) < permissions_of(more)
    assert permissions_of("admin") == set(PERMISSIONS)


@pytest.mark.parametrize("word", ["", "owner", "Admin", "gw_x"])
def test_what_is_no_role_holds_nothing(word: str) -> None:
    assert permissions_of(word) == frozenset()


def test_what_tells_of_the_whole_installation_is_held_in_the_default_tenant_alone() -> None:
    assert permissions_of("admin", "north") == permissions_of("admin") - OF_THE_INSTALLATION
    assert permissions_of("admin", "default") >= OF_THE_INSTALLATION


@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("given", ROLES)
def test_nobody_gives_a_role_above_their_own(own: str, given: str) -> None:
    principal = Principal(name="user:ann", role=own)
    if ROLES.index(given) <= ROLES.index(own):  # type: ignore[arg-type]
        may_give(principal, given)
    else:
        with pytest.raises(ForbiddenError):
            may_give(principal, given)


def test_who_has_no_role_gives_none_and_the_owner_of_the_machine_gives_any() -> None:
    for role in ROLES:
        may_give(LOCAL, role)
        with pytest.raises(ForbiddenError):
            may_give(Principal(name="job"), role)
    may_give(Principal(name="job"), "")


def test_of_two_roles_the_one_that_may_do_less_is_taken() -> None:
    assert lower("admin", "viewer") == lower("viewer", "admin") == "viewer"
    assert lower("admin", "") == lower("nonsense", "admin") == ""


def test_a_word_that_is_no_role_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInputError) as caught:
        role_named("owner")
    assert "viewer, builder, operator, admin" in caught.value.hint
