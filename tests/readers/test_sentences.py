"""Units of a text: sentences in any script, and the structure of Markdown, reStructuredText and PDF text."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.answers.sentences import MAX_UNIT_CHARS, split


def units(text: str) -> list[str]:
    return [unit.of(text) for unit in split(text)]


def kinds(text: str) -> list[str]:
    return [unit.kind for unit in split(text)]


_PIECES = [
    "Dr. No",
    ". ",
    "? ",
    "\n",
    "\n\n",
    "# h\n",
    "- i\n",
    "| a | b |\n",
    "```\n",
    "。",
    "1. ",
    "x" * 90,
    "\r\n",
    "\t",
]


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=6), max_size=60).map("".join))
def test_units_stand_in_order_and_hold_every_character_that_is_not_blank(text: str) -> None:
    found = split(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(unit.of(text) == unit.of(text).strip() != "" for unit in found)
    assert all(unit.end - unit.start <= MAX_UNIT_CHARS for unit in found)
    covered = set().union(*(range(u.start, u.end) for u in found))
    assert all(c.isspace() or i in covered for i, c in enumerate(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
        (
            "Dr. Smith et al. wrote No. 5 of vol. 2. He left.",
            ["Dr. Smith et al. wrote No. 5 of vol. 2.", "He left."],
        ),
        (
            "It costs 3.5, i.e. little. See example.com for more.",
            ["It costs 3.5, i.e. little.", "See example.com for more."],
        ),
        (
            "He moved to the U.S. in 1999. The U.S. Senate met.",
            ["He moved to the U.S. in 1999.", "The U.S. Senate met."],
        ),
        ("J. K. Rowling wrote it. She lives.", ["J. K. Rowling wrote it.", "She lives."]),
        ('"Is it?" asked Ann. "Yes." It was.', ['"Is it?" asked Ann.', '"Yes."', "It was."]),
        ("It grew.[4] Then it fell.[5][6] End", ["It grew.[4]", "Then it fell.[5][6]", "End"]),
        ("今天天气很好。我们去公园吧！好吗？", ["今天天气很好。", "我们去公园吧！", "好吗？"]),
        ("「はい。」彼は言った。", ["「はい。」", "彼は言った。"]),
        ("هل هذا جيد؟ نعم. انتهى۔", ["هل هذا جيد؟", "نعم.", "انتهى۔"]),
        ("यह अच्छा है। वह गया।", ["यह अच्छा है।", "वह गया।"]),
    ],
)
def test_sentences_end_where_their_script_ends_them(text: str, expected: list[str]) -> None:
    assert units(text) == expected


def test_thai_is_cut_at_blanks_between_long_clauses() -> None:
    clause = "ประเทศไทยเป็นประเทศที่ตั้งอยู่ในเอเชียตะวันออกเฉียงใต้และมีประชากรมาก"
    assert units(f"{clause} {clause}") == [clause, clause]


def test_markdown_structure_gives_units_of_their_own() -> None:
    text = (
        "# Setup\n\nTo install:\n\n1. Run it.\n2. Wait. It takes\n   a minute.\n\n* a star\n\n"
        "| name | cost |\n|---|---:|\n| tea | 2 |\n\n```sh\nmake\n\nmake test\n```\nDone now.\n\nTitle\n=====\n"
    )
    assert list(zip(kinds(text), units(text), strict=True)) == [
        ("heading", "# Setup"),
        ("sentence", "To install:"),
        ("item", "1. Run it."),
        ("item", "2. Wait. It takes\n   a minute."),
        ("item", "* a star"),
        ("row", "| name | cost |"),
        ("rule", "|---|---:|"),
        ("row", "| tea | 2 |"),
        ("code", "```sh\nmake\n\nmake test\n```"),
        ("sentence", "Done now."),
        ("heading", "Title"),
        ("rule", "====="),
    ]


def test_a_chunk_that_begins_inside_code_does_not_turn_prose_into_code() -> None:
    text = "x = 1\n```\nNow run it. It works.\n\n```sh\nmake\n```\nDone.\n\n```python\ny = 2\nz = 3"
    assert kinds(text) == ["sentence", "rule", "sentence", "sentence", "code", "sentence", "code"]


def test_lines_that_were_only_wrapped_are_read_on() -> None:
    text = (
        "A paragraph of a PDF is broken into lines of about equal\nlength, wherever the page ended. A sentence goes on\n"
        "over the break.\n\nNext one."
    )
    assert units(text) == [
        "A paragraph of a PDF is broken into lines of about equal\nlength, wherever the page ended.",
        "A sentence goes on\nover the break.",
        "Next one.",
    ]


def test_a_very_long_sentence_is_cut_between_words() -> None:
    found = units("word " * 2_000)
    assert all(len(u) <= MAX_UNIT_CHARS for u in found)
    assert " ".join(found).split() == ["word"] * 2_000


@pytest.mark.parametrize(
    "piece",
    [".", "-", "- ", "|", "a", "a. ", "!\n", "```\n", "a\n=\n", "(", "1. ", "[1]", "。", "x\n", "\u2028"],
)
def test_any_repetition_takes_time_in_proportion(piece: str) -> None:
    text = piece * (20_000 // len(piece)) + "x"
    began = time.thread_time()
    split(text)
    assert time.thread_time() - began < 3.0
