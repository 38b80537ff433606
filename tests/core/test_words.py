"""Ids, digests, errors, filters and shelves: the laws that every room relies on."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core import errors
from groundwork.core.digest import canonical_json, digest_json
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError, SettingsError
from groundwork.core.ids import derived_id, kind_of, new_id
from groundwork.core.principal import Principal
from groundwork.knowledge.chunkers import CHUNKERS
from groundwork.knowledge.filters import And, Eq, In, Not, Or, Range, matches, parse_filter

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_a_digest_depends_on_the_value_and_not_on_the_order_of_keys(value: dict[str, object]) -> None:
    shuffled = dict(reversed(list(value.items())))
    assert canonical_json(value) == canonical_json(shuffled)
    assert digest_json(value) == digest_json(shuffled)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_new_ids_sort_by_time_and_derived_ids_follow_from_their_parts() -> None:
    made = [new_id("ans") for _ in range(200)]
    assert len(set(made)) == 200
    assert [m[:12] for m in made] == sorted(m[:12] for m in made)
    assert derived_id("doc", "a", 1) == derived_id("doc", "a", 1)
    assert derived_id("doc", "a", 1) != derived_id("doc", "a1")
    assert kind_of(made[0]) == "ans"


def test_every_error_has_a_stable_code_of_its_own_and_stands_in_the_tree() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, GroundworkError)]
    codes = {c.code for c in classes}
    assert len(codes) == len(classes) - 1  # InternalError shares its code with the root
    for c in classes:
        assert 400 <= c.status < 600
        assert c.code in (errors.__doc__ or "") or c is GroundworkError


def test_an_error_tells_what_happened_and_what_to_do() -> None:
    error = NotFoundError("there is no index `a`", hint="make it", index="a")
    assert error.as_dict() == {
        "code": "not_found",
        "message": "there is no index `a`",
        "hint": "make it",
        "retryable": False,
        "details": {"index": "a"},
    }


def test_a_shelf_offers_the_nearest_name_and_refuses_unknown_parameters() -> None:
    with pytest.raises(NotFoundError, match="no chunker called `sentence`") as caught:
        CHUNKERS.get("sentence")
    assert "sentences" in caught.value.hint
    with pytest.raises(SettingsError):
        CHUNKERS.make({"name": "whole", "colour": "red"})
    with pytest.raises(SettingsError):
        CHUNKERS.make({"max_chars": 3})
    for hidden in ("_context", "../x", "os"):
        with pytest.raises(NotFoundError):
            CHUNKERS.get(hidden)


def test_listing_a_shelf_imports_none_of_its_plug_ins() -> None:
    code = (
        "import sys; from groundwork.knowledge.loaders import LOADERS; n = LOADERS.names(); assert 'pdf' in n;"
        "assert not [m for m in sys.modules if m.startswith('groundwork.knowledge.loaders.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_an_owner_or_a_named_reader_may_read() -> None:
    ann = Principal(name="user:ann", access=frozenset({"user:ann", "group:hr"}))
    assert ann.may_read(["public"])
    assert ann.may_read(["group:hr"])
    assert not ann.may_read(["group:it"])
    assert Principal(owner=True).may_read(["group:it"])
    assert ann.readable() == ("group:hr", "public", "user:ann")


def test_a_filter_is_read_from_json_and_means_what_it_says() -> None:
    tree = parse_filter({"and": [{"eq": ["language", "en"]}, {"not": {"range": ["modified", None, 5]}}]})
    assert tree == And((Eq("language", "en"), Not(Range("modified", None, 5))))
    assert matches(tree, {"language": "en", "modified": 6})
    assert not matches(tree, {"language": "en", "modified": 5})
    assert matches(Or((In("language", ("de", "fr")),)), {"language": "fr"})


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"eq": ["tenant", "x"]},
        {"eq": ["modified", "x"]},
        {"eq": ["language", True]},
        {"range": ["language", 1, 2]},
        {"like": ["language", "e%"]},
        {"and": {"eq": ["language", "en"]}},
        {"eq": ["language", "en"], "not": {}},
        [],
        "language = 'en'",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(tree: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_filter(tree)  # type: ignore[arg-type]


def test_a_filter_may_not_be_nested_without_end() -> None:
    tree: dict[str, object] = {"eq": ["language", "en"]}
    for _ in range(40):
        tree = {"not": tree}
    with pytest.raises(InvalidInputError, match="nested"):
        parse_filter(tree)
