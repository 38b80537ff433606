"""The context of a chunk says under which title and headings it stands."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from groundwork.knowledge.chunkers._context import MAX_CONTEXT_CHARS, Headings, context_of
from groundwork.knowledge.types import Mark, Span

TEXT = "# Guide\n\nIntro.\n\n## Boats\n\nOn boats.\n\n### Ropes\n\nOn ropes.\n\n## Bees\n\nOn bees.\n"
MARKS = tuple(
    Mark("heading", m.start(2), m.end(2), m[2], len(m[1])) for m in re.finditer(r"^(#+) (.*)$", TEXT, re.M)
)


def at(piece: str, title: str = "") -> str:
    start = TEXT.index(piece)
    return context_of(MARKS, Span(start, start + len(piece)), title)


def test_the_path_is_the_headings_above_the_start_of_the_chunk() -> None:
    assert at("On ropes.") == "Guide > Boats > Ropes"
    assert at("On bees.") == "Guide > Bees"


def test_a_heading_that_begins_the_chunk_counts() -> None:
    assert at("## Boats\n\nOn boats.") == "Guide > Boats"
    assert at("\n\n## Bees\n\nOn bees.") == "Guide > Bees"


def test_a_heading_further_inside_does_not_count() -> None:
    assert at("On boats.\n\n### Ropes\n\nOn ropes.") == "Guide > Boats"


def test_a_title_stands_first_and_is_not_repeated() -> None:
    assert at("On bees.", "Handbook") == "Handbook > Guide > Bees"
    assert at("On bees.", " guide ") == "guide > Bees"


def test_without_title_and_headings_there_is_no_context() -> None:
    assert context_of((), Span(0, 10), "") == ""
    assert context_of((), Span(0, 10), "Report") == "Report"


def test_a_sheet_or_chapter_with_a_name_counts_as_a_heading_around_it() -> None:
    marks = (
        Mark("sheet", 0, 50, "Prices"),
        Mark("heading", 5, 10, "Fruit", 1),
        Mark("sheet", 50, 90, "Staff"),
    )
    assert context_of(marks, Span(12, 20), "Book") == "Book > Prices > Fruit"
    assert context_of(marks, Span(60, 70), "Book") == "Book > Staff"
    assert context_of((Mark("page", 0, 50, "7"),), Span(0, 9), "") == ""


def test_a_long_path_loses_its_middle_first() -> None:
    marks = tuple(Mark("heading", n, n + 1, f"heading number {n} " + "x" * 40, n + 1) for n in range(5))
    context = context_of(marks, Span(10, 20), "The title")
    assert context.startswith("The title > ")
    assert "heading number 4" in context
    assert len(context) <= MAX_CONTEXT_CHARS


@given(
    st.lists(st.tuples(st.integers(0, 200), st.text(max_size=300), st.integers(1, 6)), max_size=12),
    st.integers(0, 200),
    st.text(max_size=400),
)
def test_a_context_is_one_line_of_at_most_160_characters(
    drawn: list[tuple[int, str, int]], start: int, title: str
) -> None:
    marks = [Mark("heading", s, s + 1, label, level) for s, label, level in drawn]
    context = Headings(marks).context(Span(start, start + 10), title)
    assert len(context) <= MAX_CONTEXT_CHARS
    assert "\n" not in context
    assert context == context.strip()
