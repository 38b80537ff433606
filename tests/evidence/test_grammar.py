"""A predicate is read strictly: a mistake is an error with its place and the nearest word, never a silent no."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError
from groundwork.evidence.parse import filled, predicate_digest, read_predicate
from groundwork.evidence.tree import AllOf, Find, Ref, Test, meaning

WRONG: list[tuple[Any, str, str]] = [
    ({}, "the predicate is empty", "exactly one of"),
    ([], "the predicate is a list of 0", "write `all`"),
    ({"fnd": "release"}, "has none of them but `fnd`", "exactly one of"),
    ({"find": "release", "any": []}, "has `any` and `find`", "exactly one of"),
    ({"find": "releese"}, "find: no kind of record is called `releese`", "did you mean `release`?"),
    ({"find": 3}, "find is `3`, not the name of a kind", "such as"),
    ({"find": "release", "wher": {}}, "there is no key `wher`", "did you mean `where`?"),
    ({"all": [{"find": "release"}, {"find": "call", "where": {"stat": "done"}}]}, "all[1].where: there is no field `stat`",
     "did you mean `state`?"),
    ({"find": "call", "where": {"cost_usd": {"atleast": 1}}}, "there is no test `atleast`", "did you mean `at_least`?"),
    ({"find": "call", "where": {"state": {"at_least": 1}}}, "`at_least` does not fit, the field is a text", "it takes"),
    ({"find": "call", "where": {"cost_usd": "1"}}, "where.cost_usd is `1`, not a number", "finite"),
    ({"find": "call", "where": {"cost_usd": True}}, "where.cost_usd is true, not a number", "finite"),
    ({"find": "call", "where": {"cached": "yes"}}, "is `yes`, not true or false", "one of the two"),
    ({"find": "call", "where": {"at": "2026"}}, "the field is a time", "after"),
    ({"find": "call", "where": {"at": {"after": "soon"}}}, "where.at.after is `soon`, not a time", "2026-11-01"),
    ({"find": "key", "where": {"scopes": "chat"}}, "the field is a list", "has"),
    ({"find": "call", "where": {"state": {}}}, "where.state tests nothing", "write a value"),
    ({"find": "call", "where": {"state": []}}, "a list of 0 values", "write 1 to 100"),
    ({"find": "call", "where": []}, "where is a list of 0, not a mapping", "such as"),
    ({"find": "call", "where": {"state": None}}, "where.state is empty, not text", "quotation"),
    ({"find": "call", "where": {"state": {"exists": "no"}}}, "not true or false", "one of the two"),
    ({"find": "call", "where": {"state": {"prefix": ""}}}, "not the beginning of a text", "some text"),
    ({"find": "call", "count": {"at_least": 0}}, "count.at_least of 0 asks nothing", "at_most"),
    ({"find": "call", "count": {"at_least": 3, "at_most": 2}}, "at least 3 and at most 2", "turn them round"),
    ({"find": "call", "count": {}}, "count bounds nothing", "at_least"),
    ({"find": "call", "count": 3}, "count is `3`, not a mapping", "at_least"),
    ({"find": "call", "count": {"at_least": 1.5}}, "not a whole number", "from 0"),
    ({"find": "call", "spread": {"field": "modell", "at_least": 2}}, "spread.field: there is no field `modell`", "`model`"),
    ({"find": "call", "spread": {"at_least": 2}}, "spread has no `field`", "such as"),
    ({"find": "call", "span": {}}, "span has no `at_least_days`", "such as"),
    ({"find": "call", "share": {"where": {"state": "done"}}}, "share needs `where` and a bound", "such as"),
    ({"find": "call", "share": {"where": {"state": "done"}, "at_least": 2}}, "share.at_least is 2, not between 0 and 1", ""),
    ({"find": "call", "per": "nothing"}, "per: there is no field `nothing`", "fields"),
    ({"find": "call", "as": "A"}, "`A` is no name", "lower-case"),
    ({"find": "call", "as": "a", "count": {"at_most": 0}}, "must not be there cannot have a name", "leave out"),
    ({"find": "call", "where": {"release": "$r.id"}}, "no record before it is called `r`", "by `as`"),
    ({"all": [{"find": "release", "as": "rel"}, {"find": "call", "where": {"release": "$ral.id"}}]},
     "called `ral`", "did you mean `rel`?"),
    ({"all": [{"find": "release", "as": "r"}, {"find": "call", "where": {"release": "$r.idd"}}]}, "field `idd`", "`id`"),
    ({"all": [{"find": "release", "as": "r"}, {"find": "call", "where": {"release": "$r.number"}}]},
     "`$r.number` is a number, and the field wants a text", "one type"),
    ({"all": [{"find": "release", "as": "r"}, {"find": "call", "as": "r"}]}, "the name `r` is taken", "another"),
    ({"all": [{"any": [{"find": "release", "as": "r"}]}, {"find": "call", "where": {"release": "$r.id"}}]},
     "called `r`", "by `as`"),
    ({"all": []}, "all is a list of 0", "under each other"),
    ({"all": "x"}, "all is `x`", "under each other"),
    ({"attest": " "}, "attest is ` `, not a sentence", "1 to 1,000"),
    ({"find": "call", "because": 3}, "because is `3`, not a sentence", ""),
    ({"find": "call", "where": {"state": ["done", "$r.id"]}}, "no record before it is called `r`", ""),
]  # fmt: skip


@pytest.mark.parametrize(("predicate", "message", "hint"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_a_mistake_is_told_with_its_place_and_the_nearest_word(
    predicate: Any, message: str, hint: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_predicate(predicate)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


def test_what_is_nested_without_end_is_refused() -> None:
    deep: Any = {"find": "call"}
    for _ in range(20):
        deep = {"any": [deep]}
    with pytest.raises(InvalidInputError, match="nested more than"):
        read_predicate(deep)


def test_all_within_all_is_one_list_and_names_go_on_through_it() -> None:
    read = read_predicate(
        {"all": [{"all": [{"find": "release", "as": "r"}]}, {"find": "call", "where": {"release": "$r.id"}}]}
    )
    assert isinstance(read, AllOf)
    last = read.parts[-1]
    assert isinstance(last, Find)
    assert last.where == (Test("release", "is", Ref("r", "id")),)


def test_a_kind_that_waits_is_read_and_kept_as_it_stands() -> None:
    read_predicate({"all": [{"find": "monitor", "as": "m", "where": {"whatever": {"at_least": 3}}}, {"find": "alert",
                    "where": {"monitor": "$m.anything"}}]})  # fmt: skip
    with pytest.raises(InvalidInputError, match="there is no test"):
        read_predicate({"find": "monitor", "where": {"whatever": {"atleast": 3}}})


def test_times_are_read_in_any_zone_and_compared_in_utc() -> None:
    read = read_predicate(
        {"find": "call", "where": {"at": {"after": "2026-11-01T01:30:00+02:00", "before": "2026-12-01"}}}
    )
    assert isinstance(read, Find)
    assert [t.value for t in read.where] == ["2026-10-31T23:30:00+00:00", "2026-12-01T00:00:00+00:00"]


def test_parameters_are_filled_in_before_anything_is_read() -> None:
    predicate = {
        "find": "answer",
        "where": {"app": "$lab.app", "citations": {"at_least": "$lab.n"}},
        "because": "`$lab.app` has no answer for $5",
    }
    read_predicate(predicate | {"where": {"app": "$lab.app"}}, known=["lab"])
    made = filled(predicate, {"lab": {"app": "lab-first", "n": 2, "truth": {"hidden": 1}}})
    assert made == {
        "find": "answer",
        "where": {"app": "lab-first", "citations": {"at_least": 2}},
        "because": "`lab-first` has no answer for $5",
    }
    with pytest.raises(InvalidInputError, match="has no `ap`") as caught:
        filled({"find": "answer", "where": {"app": "$lab.ap"}}, {"lab": {"app": "x"}})
    assert "did you mean `app`?" in caught.value.hint
    with pytest.raises(InvalidInputError, match="has no `truth`"):
        filled({"x": "$lab.truth"}, {"lab": {"truth": {"hidden": 1}}})


def test_the_digest_is_of_the_meaning_and_not_of_the_words() -> None:
    plain = predicate_digest({"find": "call", "where": {"state": "done", "cached": False}})
    said = {"find": "call", "where": {"cached": False, "state": {"not": "x"}}}
    assert plain == predicate_digest(
        {"find": "call", "count": {"at_least": 1}, "because": "so", "do": "groundwork chat",
         "where": {"cached": False, "state": "done"}}
    )  # fmt: skip
    assert plain != predicate_digest(said)
    assert plain != predicate_digest(
        {"find": "call", "where": {"state": "done", "cached": False}, "count": {"at_least": 2}}
    )


NAMES = st.sampled_from(["state", "provider", "model"])
TESTS_OF_TEXT = st.one_of(
    st.text(alphabet="abc", max_size=4),
    st.lists(st.text(alphabet="abc", max_size=4), min_size=1, max_size=3),
    st.fixed_dictionaries({"not": st.text(alphabet="abc", max_size=4)}),
    st.fixed_dictionaries(
        {"prefix": st.text(alphabet="abc", min_size=1, max_size=4), "exists": st.booleans()}
    ),
)
FINDS = st.fixed_dictionaries(
    {"find": st.just("call"), "where": st.dictionaries(NAMES, TESTS_OF_TEXT, max_size=3)},
    optional={
        "count": st.fixed_dictionaries(
            {"at_least": st.integers(1, 9)}, optional={"at_most": st.integers(9, 20)}
        ),
        "spread": st.fixed_dictionaries({"field": NAMES, "at_least": st.integers(0, 3)}),
        "span": st.fixed_dictionaries({"at_least_days": st.floats(0, 99)}),
        "per": NAMES,
        "each": st.dictionaries(NAMES, TESTS_OF_TEXT, max_size=2),
    },
)
PREDICATES = st.recursive(
    FINDS | st.fixed_dictionaries({"attest": st.text(alphabet="abc", min_size=1)}),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(PREDICATES)
def test_what_a_predicate_means_reads_back_to_the_same_meaning(predicate: Any) -> None:
    read = read_predicate(predicate)
    again = read_predicate(_plainly(meaning(read)))
    assert meaning(again) == meaning(read)
    assert predicate_digest(again) == predicate_digest(predicate)


def _plainly(value: Any) -> Any:
    """Write `is` and `one_of` as people do: as the bare value."""
    if isinstance(value, dict):
        if set(value) & {"is", "one_of"}:
            return next(iter(value.values()))
        return {k: _plainly(v) for k, v in value.items()}
    return [_plainly(v) for v in value] if isinstance(value, list) else value
