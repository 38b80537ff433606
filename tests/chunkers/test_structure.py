"""The default chunker cuts where a reader would."""

from __future__ import annotations

import re

import pytest

from groundwork.core.errors import SettingsError
from groundwork.knowledge.chunkers.structure import Structure
from groundwork.knowledge.types import Mark

SENTENCE = "The ferry leaves an hour after high water and takes nine minutes to the island. "


def headings(text: str) -> tuple[Mark, ...]:
    return tuple(
        Mark("heading", m.start(2), m.end(2), m[2], len(m[1]))
        for m in re.finditer(r"^(#+) (.*)$", text, re.M)
    )


def block(text: str, kind: str, piece: str) -> Mark:
    start = text.index(piece)
    return Mark(kind, start, start + len(piece))  # type: ignore[arg-type]


def chunks(text: str, marks: tuple[Mark, ...] = (), **parameters: int) -> list[str]:
    sizes = {"max_chars": 1000, "target_chars": 800, **parameters}
    return [s.of(text) for s in Structure(**sizes).split(text, marks)]


def test_sections_of_some_length_stand_alone_and_begin_with_their_heading() -> None:
    text = "".join(f"## Part {n}\n\n{SENTENCE * 5}\n\n" for n in range(6))
    found = chunks(text, headings(text))
    assert [c.split("\n")[0] for c in found] == [f"## Part {n}" for n in range(6)]


def test_small_sections_join_their_neighbours() -> None:
    text = "".join(f"## Term {n}\n\nIt means {n}.\n\n" for n in range(20))
    found = chunks(text, headings(text))
    assert len(found) < 6
    assert all(c.startswith("## Term") for c in found)


def test_no_chunk_ends_with_a_heading() -> None:
    text = "# Title\n\n## First\n\n" + SENTENCE * 30 + "\n\n## Second\n\n### Deep\n\n" + SENTENCE * 30
    for chunk in chunks(text, headings(text)):
        assert not chunk.rstrip().split("\n")[-1].startswith("#")


def test_a_table_that_fits_is_not_cut() -> None:
    table = "| year | what |\n| --- | --- |\n" + "".join(
        f"| {1900 + n} | something happened |\n" for n in range(20)
    )
    text = SENTENCE * 9 + "\n\n" + table + "\n" + SENTENCE * 9
    found = chunks(text, (block(text, "table", table),))
    assert any(table.strip() in c for c in found)


def test_a_table_that_is_too_long_is_cut_between_rows() -> None:
    table = "".join(f"| {n} | a row about number {n} |\n" for n in range(200))
    for chunk in chunks(table, (Mark("table", 0, len(table)),)):
        assert chunk.startswith("| ")
        assert chunk.endswith("|\n")


def test_a_code_block_that_fits_is_not_cut() -> None:
    code = "```python\n" + "".join(f"value_{n} = compute({n})\n\n" for n in range(25)) + "```\n"
    text = SENTENCE * 8 + "\n\n" + code + "\n" + SENTENCE * 8
    found = chunks(text, (block(text, "code", code),))
    assert any(code.strip() in c for c in found)


def test_plain_text_is_cut_between_paragraphs() -> None:
    text = "\n\n".join(SENTENCE * 4 for _ in range(12))
    for chunk in chunks(text)[:-1]:
        assert chunk.endswith(" \n\n")


def test_wrapped_prose_is_cut_at_sentence_ends_not_at_line_ends() -> None:
    words = (SENTENCE * 60).split()
    text = "\n".join(" ".join(words[i : i + 11]) for i in range(0, len(words), 11))
    found = chunks(text)
    assert len(found) > 3
    assert sum(c.rstrip().endswith(".") for c in found) >= len(found) - 1


def test_source_code_without_marks_is_cut_before_definitions() -> None:
    body = "".join(f"    value = value + {n}  # step {n}\n" for n in range(16))
    text = "import os\n\n\n" + "\n\n".join(
        f"def function_{n}(value):\n{body}    return value\n" for n in range(8)
    )
    found = chunks(text)
    assert sum(c.startswith("def function_") for c in found) >= 7


def test_chinese_is_cut_at_its_sentence_ends() -> None:
    text = "今天天气很好，我们一起去公园散步，看见了很多花。" * 120
    found = chunks(text)
    assert len(found) > 2
    assert all(c.endswith("。") for c in found)


def test_thai_is_cut_at_blanks() -> None:
    text = "สวัสดีครับผมชื่อสมชายและผมอยู่ที่กรุงเทพ " * 100
    assert all(c.endswith(" ") for c in chunks(text)[:-1])


def test_a_long_section_is_cut_into_parts_of_about_equal_length() -> None:
    lengths = [len(c) for c in chunks((SENTENCE * 14).strip())]
    assert len(lengths) == 2
    assert min(lengths) > 0.6 * max(lengths)


def test_what_a_colon_announces_stays_with_it() -> None:
    text = SENTENCE * 7 + "\n\nThe following are needed:\n\n- a boat\n- a rope\n\n" + SENTENCE * 7
    assert any("needed:\n\n- a boat" in c for c in chunks(text))


@pytest.mark.parametrize(
    "parameters", [{"max_chars": 10}, {"target_chars": 2000}, {"min_chars": 1100}, {"min_chars": -1}]
)
def test_sizes_that_make_no_sense_are_refused_with_a_hint(parameters: dict[str, int]) -> None:
    with pytest.raises(SettingsError) as caught:
        Structure(**parameters)
    assert "max_chars" in caught.value.hint
