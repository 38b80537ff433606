"""What a model wrote becomes sentences with their markers, however it writes them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.answers.generating.claims import read_output, settled


def said(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(s.text, s.markers) for s in read_output(text).sentences]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. [1] Two. [2]", [("One.", (1,)), ("Two.", (2,))]),
        ("One [1]. Two [2].", [("One.", (1,)), ("Two.", (2,))]),
        ("One[1][2]. Two[3]", [("One.", (1, 2)), ("Two", (3,))]),
        ("It is one [1, 3]. It is two [1-3].", [("It is one.", (1, 3)), ("It is two.", (1, 2, 3))]),
        ("It is one [^1]. It is two 【2†source】.", [("It is one.", (1,)), ("It is two.", (2,))]),
        ("It is one [Passage 1]. It is two [passage 1 and 2].", [("It is one.", (1,)), ("It is two.", (1, 2))]),
        ("The first [1] and the second [2] are here.", [("The first and the second are here.", (1, 2))]),
        ("- One thing. [1]\n- Another thing. [2]", [("- One thing.", (1,)), ("- Another thing.", (2,))]),
        ("每年28天[1]。还有5天【2】。", [("每年28天。", (1,)), ("还有5天。", (2,))]),
        ("No marker here.", [("No marker here.", ())]),
        ("Use `a[1]` to index. [2]", [("Use `a[1]` to index.", (2,))]),
        ("<think>I wonder [9].</think>It is one. [1]", [("It is one.", (1,))]),
    ],
)  # fmt: skip
def test_markers_belong_to_the_sentence_they_stand_in_or_behind(
    text: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("NO ANSWER", "no answer"),
        ("**No answer.**", "no answer"),
        ("<!doctype html><html></html>", "page"),
        ("<html lang=en>", "page"),
        ("<think>only thoughts", "empty"),
        ("-----", "empty"),
        ("It is one.", "sentences"),
        ("No answer was given by the council. [1]", "sentences"),
    ],
)
def test_what_is_no_answer_is_told_apart(text: str, verdict: str) -> None:
    assert read_output(text).verdict == verdict


pieces = [
    "It is one", "Every employee has 28 days", ". ", ".", " [1]", "[2] ", "\n", "\n\n", "\n- ", "\n1. ", "Dr. ",
    "每年有28天。", "`x`", "2.5 ", "? ", " and more of the same words", "**Bold:** ", ": ",
]  # fmt: skip


@given(text=st.lists(st.sampled_from(pieces), max_size=60).map("".join), cut=st.floats(0, 1))
def test_a_finished_sentence_stays_as_it_is_when_more_is_written(text: str, cut: float) -> None:
    early = [(s.text, s.gap) for s in settled(text[: int(len(text) * cut)])]
    whole = [(s.text, s.gap) for s in read_output(text).sentences]
    assert whole[: len(early)] == early


@given(text=st.text(max_size=200))
def test_any_output_gives_sound_sentences(text: str) -> None:
    for sentence in read_output(text).sentences:
        assert sentence.text.strip() == sentence.text != ""
        assert all(0 <= n <= 999 for n in sentence.markers)


@pytest.mark.parametrize(
    "text", [" " * 60_000, "[1]" * 20_000, "[" * 60_000, "【" * 60_000, "`" * 60_000, "<think>" * 8_000]
)
def test_hostile_output_is_read_in_linear_time(text: str) -> None:
    began = time.thread_time()
    read_output(text)
    assert time.thread_time() - began < 2.0
