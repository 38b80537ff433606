"""YAML as read: plain values, within limits, with the line of everything."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import GroundworkError, SettingsError, TooLargeError
from groundwork.pathways.catalogue import reading
from groundwork.pathways.catalogue.reading import read_file, read_text


def test_text_stays_text_and_numbers_are_numbers() -> None:
    found = read_text(
        "{a: 2026-01-31, b: yes, c: on, d: 012, e: 1.5, f: 3, g: true, h: null, i: 1_000, j: 0x1f}", "t"
    )
    assert found.content == {
        "a": "2026-01-31",
        "b": "yes",
        "c": "on",
        "d": "012",
        "e": 1.5,
        "f": 3,
        "g": True,
        "h": None,
        "i": "1_000",
        "j": "0x1f",
    }


def test_every_place_has_its_line() -> None:
    found = read_text("format: 1\nskills:\n  - id: a\n    hours:\n      p10: 1\n", "team.yaml")
    assert found.where(("skills", 0, "hours", "p10")) == "team.yaml line 5, skills[0].hours.p10"
    assert found.line(("skills", 0, "missing")) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "is not valid YAML"),
        ("- 1", "holds no mapping"),
        ("just text", "holds no mapping"),
        ("a: 1\nb: 2\na: 3", "line 3: the top has the key `a` twice"),
        ("a: &x 1\nb: *x", "is an alias"),
        ("a: &x {b: *x}", "is an alias"),
        ("a: !!python/object/apply:os.system ['true']", "tag"),
        ("a: !secret x", "tag"),
        ("? [1]\n: 2", "a key that is no word"),
        ("a: !!set {x: null}", "tag"),
        ("a: !!binary aGk=", "tag"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_text(text, "t.yaml")
    assert said in caught.value.message
    assert caught.value.message.startswith("t.yaml")


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert read_text("<<: {a: 1}", "t.yaml").content == {"<<": {"a": 1}}


def test_an_empty_file_is_an_empty_catalogue() -> None:
    assert read_text("# nothing yet\n", "t").content == {}


def test_a_file_over_its_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("a: " + "x" * reading.MAX_BYTES)
    with pytest.raises(TooLargeError, match="bytes"):
        read_file(path)
    monkeypatch.setattr(reading, "MAX_NODES", 50)
    with pytest.raises(TooLargeError, match="limit"):
        read_text("a: [" + "1, " * 60 + "1]", "t")
    with pytest.raises(TooLargeError, match="limit"):
        read_text("a: " + "[" * 30 + "]" * 30, "t")


def test_deep_nesting_is_refused_before_it_costs_time() -> None:
    with pytest.raises(TooLargeError, match="24 levels"):
        read_text("a: " + "[" * 400_000, "t")
    with pytest.raises(TooLargeError, match="24 levels"):
        read_text("\n".join(" " * n + "a:" for n in range(500)), "t")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_file(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: caf\xe9")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_file(tmp_path / "latin.yaml")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(GroundworkError):
        assert isinstance(read_text(text, "t").content, dict)
