"""Keys: made once, told once, stored as a digest; scopes, limits and who may see them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from groundwork.core.clock import ManualClock
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    ModelNotFoundError,
    NotFoundError,
    UnauthenticatedError,
)
from groundwork.core.principal import LOCAL, Principal
from groundwork.gateway.keys import Keys, check_scopes, covers, digest_of, looks_like_key, new_secret
from groundwork.gateway.types import Caller
from groundwork.storage.database import Database
from tests.gateway.ledgers import HTTP, NOON

ANN = Principal(name="user:ann", access=frozenset({"group:hr"}))


@pytest.fixture
def keys(books: Database) -> Keys:
    return Keys(books, ManualClock(NOON))


def test_a_key_is_shown_once_and_stands_nowhere_in_the_database(keys: Keys, books: Database) -> None:
    secret, info = keys.create(LOCAL, "ci")
    assert looks_like_key(secret)
    assert secret.startswith(info.prefix)
    assert secret not in repr(info)
    with books.read() as connection:
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert secret not in repr(row)
    assert secret[9:] not in repr(row)
    assert row.digest == digest_of(secret)


@given(st.integers(0, 51), st.sampled_from("0Aaz9ZbQ_-é "))
def test_a_key_with_one_wrong_character_is_told_apart_without_the_database(place: int, letter: str) -> None:
    secret = new_secret()
    wrong = secret[:place] + letter + secret[place + 1 :]
    assert looks_like_key(wrong) == (wrong == secret)
    assert not looks_like_key(secret[:place])
    assert not looks_like_key(secret + letter)


def test_keys_differ() -> None:
    assert len({new_secret() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("scopes", "model", "covered"),
    [
        (("chat",), "openai/gpt-5", True),
        (("chat",), "app/handbook", True),
        (("chat", "model:openai/*"), "openai/gpt-5", True),
        (("chat", "model:openai/*"), "groq/llama", False),
        (("chat", "model:openai/*"), "app/handbook", False),
        (("chat", "app:hand*"), "app/handbook", True),
        (("chat", "app:hand*"), "openai/gpt-5", False),
        (("chat", "app:hand*", "model:fast"), "fast", True),
        (("chat", "model:*"), "app/handbook", False),
        (("chat", "model:[a-c]*"), "Anthropic/x", False),
    ],
)
def test_globs_say_which_models_and_apps_a_key_may_ask_for(
    scopes: tuple[str, ...], model: str, covered: bool
) -> None:
    assert covers(scopes, model) is covered


def test_an_operation_outside_the_scopes_is_forbidden_and_a_model_outside_does_not_exist() -> None:
    with pytest.raises(ForbiddenError):
        check_scopes(("chat",), "embed")
    with pytest.raises(ModelNotFoundError):
        check_scopes(("chat", "model:a"), "chat", "b")


def test_a_key_keeps_what_it_was_made_with(keys: Keys) -> None:
    _, info = keys.create(
        LOCAL,
        "all",
        scopes=["chat", "model:openai/*"],
        access=["group:hr"],
        budget_usd={"day": 1.5, "total": 100},
        requests_per_minute=60,
        tokens_per_minute=1e5,
        expires_at="2027-01-01T00:00:00+02:00",
    )
    assert keys.get(LOCAL, info.id) == keys.get(LOCAL, "all") == keys.get(LOCAL, info.prefix) == info
    assert info.scopes == ("chat", "model:openai/*")
    assert info.budget_usd == {"day": 1.5, "total": 100.0}
    assert (info.access, info.expires_at) == (("group:hr",), "2026-12-31T22:00:00.000+00:00")
    changed = keys.update(LOCAL, "all", budget_usd={"month": 2}, access=None, expires_at="")
    assert changed == replace(info, budget_usd={"month": 2.0}, access=None, expires_at=None)


def test_scopes_without_an_operation_get_the_usual_ones(keys: Keys) -> None:
    _, info = keys.create(LOCAL, "narrow", scopes=["model:fast"])
    assert info.scopes == ("chat", "embed", "model:fast", "models")


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["root"]},
        {"scopes": ["model:"]},
        {"scopes": ["model:a b"]},
        {"budget_usd": {"week": 1}},
        {"budget_usd": {"day": -1}},
        {"budget_usd": {"day": float("nan")}},
        {"budget_usd": {"day": 1e12}},
        {"requests_per_minute": -1},
        {"tokens_per_minute": float("inf")},
        {"expires_at": "tomorrow"},
        {"expires_at": "2020-01-01"},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint(keys: Keys, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        keys.create(LOCAL, "wrong", **wrong)  # type: ignore[arg-type]
    assert caught.value.hint
    assert keys.list(LOCAL) == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101, "gw_abc", "key_abc"])
def test_a_name_is_for_people_and_never_looks_like_a_key(keys: Keys, name: str) -> None:
    with pytest.raises(InvalidInputError):
        keys.create(LOCAL, name)


def test_two_active_keys_cannot_share_a_name_and_a_revoked_one_frees_it(keys: Keys) -> None:
    _, first = keys.create(LOCAL, "ci")
    with pytest.raises(ConflictError):
        keys.create(LOCAL, "ci")
    revoked = keys.revoke(LOCAL, "ci")
    assert revoked.revoked_at is not None
    assert keys.revoke(LOCAL, first.id) == revoked
    _, second = keys.create(LOCAL, "ci")
    assert keys.get(LOCAL, "ci").id == second.id
    assert [k.id for k in keys.list(LOCAL)] == [first.id, second.id]
    assert [k.id for k in keys.list(LOCAL, revoked=False)] == [second.id]


def test_nobody_sees_or_changes_the_keys_of_others_or_of_another_tenant(keys: Keys) -> None:
    _, info = keys.create(LOCAL, "mine")
    _, hers = keys.create(ANN, "hers", access=["group:hr"])
    other = Principal(tenant="other", owner=True)
    for stranger in (ANN, other):
        with pytest.raises(NotFoundError):
            keys.get(stranger, info.id)
        with pytest.raises(NotFoundError):
            keys.revoke(stranger, "mine")
        with pytest.raises(NotFoundError):
            keys.update(stranger, info.id, name="yours")
    assert [k.id for k in keys.list(ANN)] == [hers.id]
    assert keys.list(other) == []
    assert len(keys.list(LOCAL)) == 2


def test_nobody_hands_on_access_they_do_not_have(keys: Keys) -> None:
    keys.create(ANN, "some", access=["public", "group:hr"])
    for access in (None, ["group:board"]):
        with pytest.raises(ForbiddenError):
            keys.create(ANN, "more", access=access)
        with pytest.raises(ForbiddenError):
            keys.update(ANN, "some", access=access)


def test_a_caller_is_looked_up_as_at_admission(keys: Keys) -> None:
    assert keys.authenticate(HTTP) == HTTP
    secret, info = keys.create(LOCAL, "k", scopes=["models", "model:a"], access=["group:hr"])
    with pytest.raises(UnauthenticatedError):
        keys.authenticate(HTTP)
    inside = Caller()
    assert keys.authenticate(inside) == inside
    known = keys.authenticate(replace(HTTP, key=secret))
    assert (known.key, known.key_id, known.access, known.scopes) == (
        None,
        info.id,
        ("group:hr",),
        info.scopes,
    )
    with pytest.raises(ForbiddenError):
        keys.authenticate(replace(HTTP, key=secret), "chat")
    with pytest.raises(ModelNotFoundError):
        keys.authenticate(replace(HTTP, key=secret), "models", "b")
    for wrong in ("nonsense", new_secret()):
        with pytest.raises(UnauthenticatedError):
            keys.authenticate(replace(inside, key=wrong))
    assert keys.exist("default")
    keys.revoke(LOCAL, "k")
    assert not keys.exist("default")
