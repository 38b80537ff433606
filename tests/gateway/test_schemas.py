"""Schemas and values from outside are checked, and neither can hurt the process."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InvalidInputError
from groundwork.gateway import _schema_cost, schemas

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "pets": {"type": "array", "items": {"enum": ["cat", "dog"]}}},
    "required": ["name"],
    "additionalProperties": False,
}
TWICE_ITSELF = {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}, "required": ["b"]}
ANY_JSON = {
    "anyOf": [
        {"type": ["string", "number", "boolean", "null"]},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "object", "additionalProperties": {"$ref": "#"}},
    ]
}


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def doubling(depth: int) -> dict[str, Any]:
    steps: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": {**steps, f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


class TestValues:
    def test_a_value_that_fits_has_no_faults(self) -> None:
        assert schemas.faults(PERSON, {"name": "Ann", "pets": ["cat"]}) == []

    def test_faults_name_the_place_and_what_is_wrong(self) -> None:
        assert sorted(schemas.faults(PERSON, {"pets": ["cat", "cow"], "x": 1})) == [
            'pets[1]: it is not one of "cat" or "dog"',
            'the value: "name" is a required property',
            "the value: Additional properties are not allowed ('x' was unexpected)",
        ]

    def test_faults_do_not_repeat_the_value(self) -> None:
        secret = "s3cret" * 20
        said = schemas.faults(
            {"properties": {"a": {"type": "integer"}, "b": {"enum": [1]}}}, {"a": secret, "b": secret}
        )
        assert len(said) == 2
        assert not any("s3cret" in fault for fault in said)

    def test_faults_are_few_and_short(self) -> None:
        said = schemas.faults({"items": {"type": "string"}}, list(range(1_000)))
        assert len(said) == schemas.MAX_FAULTS
        long = schemas.faults({"additionalProperties": False}, {"k" * 10_000: 1})
        assert len(long[0]) < 2 * schemas.MAX_FAULT_CHARS + 20

    def test_the_newest_draft_is_meant_where_none_is_named(self) -> None:
        assert schemas.faults({"prefixItems": [{"type": "string"}]}, [1])
        old = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
        assert schemas.faults(old, [1])
        assert not schemas.faults({**old, "prefixItems": [{"type": "null"}]}, ["a"])

    @pytest.mark.parametrize(
        ("schema", "value"),
        [
            ({"minLength": 1}, "\ud800"),
            ({"additionalProperties": False}, {"\ud800": 1}),
            ({"items": {"pattern": "x"}}, ["\udfff"]),
        ],
    )
    def test_text_that_is_no_unicode_is_a_fault(self, schema: dict[str, Any], value: Any) -> None:
        assert "cannot be checked" in schemas.faults(schema, value)[0]

    def test_whole_numbers_of_any_size_are_whole_numbers(self) -> None:
        assert schemas.faults({"type": "integer"}, 10**400) == []
        assert schemas.faults({"type": "integer"}, 1.0) == []
        assert schemas.faults({"type": "integer"}, True)

    @settings(max_examples=60, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
            ),
        )
    )
    def test_any_json_fits_the_schema_of_any_json(self, value: Any) -> None:
        assert schemas.faults(ANY_JSON, value) == []


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "said"),
        [
            ({"type": "dict"}, r"`tool\.type` .*'dict' is no type"),
            ({"properties": {"a": {"type": "float"}}}, r"`tool\.properties\.a\.type`"),
            (
                {"properties": {"a": {"pattern": "("}}},
                r"`tool\.properties\.a\.pattern` .*no regular expression",
            ),
            ({"pattern": "((a{1,1000}){1,1000}){1,1000}"}, r"`tool\.pattern`"),
            ({"required": "name"}, r"`tool\.required`"),
            ({"$ref": "#/$defs/nowhere"}, r"nowhere"),
            ({"$schema": "http://example.org/mine"}, r"example\.org/mine"),
            ({"const": float("nan")}, r"`tool` is not JSON"),
            ([], r"`tool` must be a JSON Schema, an object, and is an array"),
            (True, r"and is a boolean"),
            (None, r"and is null"),
        ],
    )
    def test_what_is_no_schema_is_refused_with_its_place(self, schema: Any, said: str) -> None:
        with pytest.raises(InvalidInputError, match=said) as caught:
            schemas.check(schema, "tool")
        assert caught.value.details["param"].startswith("tool")

    def test_a_schema_over_the_limits_is_refused(self) -> None:
        deep: dict[str, Any] = {}
        for _ in range(60):
            deep = {"properties": {"a": deep}}
        with pytest.raises(InvalidInputError, match="100 deep"):
            schemas.check(deep)
        deeper: dict[str, Any] = {}
        for _ in range(100_000):
            deeper = {"not": deeper}
        with pytest.raises(InvalidInputError, match="too deep"):
            schemas.check(deeper)
        with pytest.raises(InvalidInputError, match="bytes"):
            schemas.check({"enum": ["x" * 300_000]})

    @pytest.mark.parametrize("host", ["http", "https", "file"])
    def test_nothing_outside_the_schema_is_ever_fetched(self, host: str) -> None:
        asked = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.5)

            def listen() -> None:
                try:
                    server.accept()
                except TimeoutError:
                    return
                asked.set()

            listener = threading.Thread(target=listen)
            listener.start()
            url = (
                f"{host}://127.0.0.1:{server.getsockname()[1]}/schema.json"
                if host != "file"
                else "file:///etc/hostname"
            )
            for schema in ({"$ref": url}, {"properties": {"a": {"$ref": f"{url}#/a"}}}, {"$dynamicRef": url}):
                with pytest.raises(InvalidInputError):
                    schemas.check(schema)
                with pytest.raises(InvalidInputError):
                    schemas.faults(schema, {"a": 1})
            listener.join()
        assert not asked.is_set()

    def test_references_inside_work_in_every_form(self) -> None:
        for schema in (
            {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
            {
                "definitions": {"a/b": {"type": "integer"}},
                "properties": {"a": {"$ref": "#/definitions/a~1b"}},
            },
            {
                "$defs": {"n": {"$anchor": "whole", "type": "integer"}},
                "properties": {"a": {"$ref": "#whole"}},
            },
            {
                "$id": "http://e.org/x",
                "$defs": {"n": {"$id": "n", "type": "integer"}},
                "properties": {"a": {"$ref": "n"}},
            },
        ):
            assert schemas.faults(schema, {"a": 1}) == []
            assert schemas.faults(schema, {"a": "1"}) == ['a: it is not of type "integer"']

    def test_compiled_schemas_are_kept_within_bounds(self) -> None:
        for n in range(700):
            schemas.check({"const": n})
        assert len(schemas._compiled) <= schemas._CACHED_SCHEMAS
        for n in range(40):
            schemas.check({"const": f"{n}" + "x" * 200_000})
        assert schemas._compiled_bytes <= schemas._CACHED_BYTES
        assert sum(c.size for c in schemas._compiled.values()) == schemas._compiled_bytes


class TestTime:
    """Each of these takes seconds to years where nothing guards against it; this thread's own time is what counts."""

    @pytest.fixture(autouse=True)
    def _soon(self) -> Any:
        schemas.check({})
        began = time.thread_time()
        yield
        assert time.thread_time() - began < 2

    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            ("^(a+)+$", "a" * 50_000 + "!"),
            ("^(a|a)*$", "a" * 50_000 + "!"),
            ("^(?=(a+)+$)(a|a)*$", "a" * 50_000 + "!"),
            ("^(a|b|ab)*\\1c$", "ab" * 20_000),
            ("(x+x+)+y", "x" * 50_000),
        ],
    )
    def test_no_pattern_runs_away(self, pattern: str, text: str) -> None:
        assert schemas.faults({"type": "string", "pattern": pattern}, text)

    def test_references_that_double_are_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="refers to itself"):
            schemas.check(doubling(40))
        assert schemas.faults(doubling(8), "x") == []

    @pytest.mark.parametrize("depth", [3, 12, 15, 20, 60, 99])
    def test_a_schema_that_doubles_with_the_depth_of_the_value_never_runs_away(self, depth: int) -> None:
        assert schemas.faults(TWICE_ITSELF, nested(depth))

    def test_references_in_a_circle_end(self) -> None:
        for schema in ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"type": "string"}]}, {"not": {"$ref": "#"}}):
            schemas.faults(schema, {"a": 1})

    def test_many_alternatives_for_many_values_are_refused(self) -> None:
        schema = {"items": {"anyOf": [{"const": n} for n in range(3_000)]}}
        assert "too costly" in schemas.faults(schema, list(range(50_000)))[0]

    def test_what_people_write_is_not_taken_for_an_attack(self) -> None:
        operators = ["add", "mul", "neg"]
        tree = {
            "$defs": {
                "e": {"anyOf": [{"$ref": f"#/$defs/{o}"} for o in operators]},
                **{
                    o: {
                        "type": "object",
                        "properties": {
                            "op": {"const": o},
                            "l": {"$ref": "#/$defs/e"},
                            "r": {"$ref": "#/$defs/e"},
                        },
                        "required": ["op"],
                        "additionalProperties": False,
                    }
                    for o in operators
                },
            },
            "$ref": "#/$defs/e",
        }

        def grown(depth: int) -> dict[str, Any]:
            leaf: dict[str, Any] = {"op": "neg"}
            return {"op": "add", "l": grown(depth - 1), "r": leaf} if depth else leaf

        assert schemas.faults(tree, grown(8)) == []
        assert schemas.faults(ANY_JSON, nested(90)) == []
        linked = {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
        assert schemas.faults(linked, nested(95)) == []

    def test_a_value_nested_too_deep_is_a_fault(self) -> None:
        assert schemas.faults({}, nested(100)) == []
        assert "100 deep" in schemas.faults({}, nested(101))[0]
        assert "100 deep" in schemas.faults({}, nested(50_000))[0]


class TestCost:
    def test_the_bound_is_never_below_what_is_evaluated(self) -> None:
        cost = _schema_cost.Cost(TWICE_ITSELF, 10**12)
        for depth in range(1, 12):
            assert cost.of([1] * (depth + 1)) >= 2**depth

    def test_without_references_it_grows_with_the_schema_only(self) -> None:
        wide = {"properties": {f"p{n}": {"type": "string"} for n in range(1_000)}}
        assert _schema_cost.Cost(wide, 10**12).of([1, 1_000]) < 5_000

    def test_counting_itself_is_bounded(self) -> None:
        wide = {"properties": {f"p{n}": {"properties": {"a": {"$ref": "#"}}} for n in range(3_000)}}
        assert _schema_cost.Cost(wide, 1_000).of([1] * 90) == 1_000


class TestStrictJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"a":1,"a":2}', {"a": 2}),
            (" [1.5e3, -0] ", [1500.0, 0]),
            (b'"\xc3\xa9"', "é"),
            ("null", None),
            ('"\\ud83d\\ude00"', "😀"),
        ],
    )
    def test_one_value_is_read(self, text: str | bytes, value: Any) -> None:
        assert schemas.strict_json(text) == value

    @pytest.mark.parametrize(
        "text",
        [
            "", " ", "{", "[1,]", "{a:1}", "'a'", "1 2", "[1]x", "NaN", "[Infinity]", '{"a":-Infinity}', "1e999", "-1e999",
            "1" * 5_000, b"\xff", b"\xef\xbb\xbf1x", "nul", '"\n"',
        ],
    )  # fmt: skip
    def test_anything_else_is_refused(self, text: str | bytes) -> None:
        with pytest.raises(InvalidInputError) as caught:
            schemas.strict_json(text)
        assert len(caught.value.message) < 300

    @pytest.mark.parametrize("opener", ["[", '{"a":', '[{"a":'])
    @pytest.mark.parametrize("depth", [101, 900, 100_000])
    def test_what_nests_too_deep_is_refused_without_an_overflow(self, opener: str, depth: int) -> None:
        closer = "".join({"[": "]", "{": "}"}[c] for c in reversed(opener) if c in "[{")
        for text in (opener * depth, opener * depth + "1" + closer * depth):
            with pytest.raises(InvalidInputError):
                schemas.strict_json(text)

    def test_the_depth_can_be_set(self) -> None:
        assert schemas.strict_json("[[1]]", max_depth=2) == [[1]]
        with pytest.raises(InvalidInputError, match="2 deep"):
            schemas.strict_json("[[[1]]]", max_depth=2)
        assert schemas.strict_json("[" + "[]," * 500 + "[]]", max_depth=2)
