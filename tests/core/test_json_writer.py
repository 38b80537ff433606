"""A writer that is made once writes what `json.dumps` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.json_writer import json_writer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"sort_keys": True},
    {"ensure_ascii": True},
    {"sort_keys": True, "ensure_ascii": True, "allow_nan": True, "default": str},
]
WRITERS = [(json_writer(**options), options) for options in OPTIONS]


@given(VALUES)
def test_it_writes_what_dumps_writes(value: Any) -> None:
    for write, options in WRITERS:
        wanted = {"ensure_ascii": False, "allow_nan": False, **options}
        assert write(value) == json.dumps(value, separators=(",", ":"), **wanted)


def test_what_json_cannot_hold_is_refused_and_spoils_nothing() -> None:
    write = json_writer()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write([1, float("nan")])
    with pytest.raises(TypeError):
        write({"a": object()})
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        write(circle)
    assert write({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'
    assert json_writer(default=str)([object]) == f'["{object}"]'
