"""Layout of text on terminals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.cli.screen import Screen, cells, count, duration, end_cut, middle_cut, one_line, visible

TEXT = st.text(max_size=300)


@given(TEXT, st.integers(20, 100))
def test_a_paragraph_is_never_wider_than_the_screen_and_loses_no_visible_character(text, width):
    lines = Screen(width=width).paragraph(one_line(text), "    ")
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(one_line(text).split())


@given(TEXT)
def test_nothing_that_steers_a_terminal_gets_through(text):
    shown = visible(text + "\x1b[2J\x07\u202e")
    assert not any(c in shown for c in "\x1b\x07\u202e\r\x00")


@given(TEXT, st.integers(3, 60))
def test_cut_text_fits(text, width):
    assert cells(middle_cut(one_line(text), width)) <= width
    assert cells(end_cut(one_line(text), width)) <= width


def test_a_table_cuts_the_middle_of_the_column_that_may_stretch():
    lines = Screen(width=40).table(
        ["document", "id"], [["a/very/long/path/" + "x" * 60 + "/end.md", "doc_1"]], stretch=0
    )
    assert all(cells(line) <= 40 for line in lines)
    assert "…" in lines[1]
    assert lines[1].endswith("doc_1")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.31, "0.3 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_duration_is_said_as_people_say_it(seconds, words):
    assert duration(seconds) == words


def test_a_count_bends_its_noun():
    assert count(1, "chunk") == "1 chunk"
    assert count(12345, "chunk") == "12,345 chunks"


def test_colours_are_off_without_a_terminal_and_with_no_color(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Screen.of(Terminal()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Screen.of(Terminal()).colour
