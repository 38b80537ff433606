"""How answers, spans and chunks are cut for drawing: nothing is lost, nothing is doubled, nothing is claimed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.answers.types import Answer
from groundwork.knowledge.records import ChunkInfo, DocumentView
from groundwork.knowledge.types import Mark, Span
from groundwork.server.console import evidence, pins, spans
from tests.server.fake_workspace import FakeWorkspace, documents

RANGE = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return FakeWorkspace(tmp_path_factory.mktemp("w"))._answers[0]


def test_sentences_keep_their_sources_and_a_bare_one_has_none(answer: Answer) -> None:
    found = evidence.sentences(answer)
    assert [s.sources for s in found] == [(1,), (2,), ()]
    assert [s.text for s in found][-1] == "Ask early."
    assert evidence.outcome(answer) == ("bad", "1 of 3 sentences has no source")


def test_a_number_that_no_citation_has_supports_nothing(answer: Answer) -> None:
    (found,) = evidence.sentences(replace(answer, text="As said in [7].", citations=()))
    assert found.text == "As said in [7]."
    assert found.sources == ()


@given(st.text(alphabet="ab .[]12\n", max_size=60))
def test_no_word_of_an_answer_is_lost_whatever_it_holds(text: str) -> None:
    answer = replace(_bare(), text=text)
    shown = "".join(s.text + "".join(f"[{n}]" for n in s.sources) for s in evidence.sentences(answer))
    assert "".join(shown.split()) == "".join(text.split())


def test_a_source_highlights_exactly_the_quote(answer: Answer) -> None:
    (source,) = evidence.sources(answer)
    marked = {name: p.text for p in source.parts for name in p.names}
    assert marked == {str(n): c.quote for n, c in enumerate(answer.citations, 1)}
    assert "".join(p.text for p in source.parts) in source.hit["text"]


def test_a_source_whose_passage_is_gone_shows_the_quote_alone(answer: Answer) -> None:
    for retrieved in ((), tuple({**h, "text": "something else"} for h in answer.retrieved)):
        sources = evidence.sources(replace(answer, retrieved=retrieved))
        assert [p.text for s in sources for p in s.parts if p.names] == [c.quote for c in answer.citations]


def test_comparing_marks_what_only_one_side_has() -> None:
    left, right = evidence.compared("hand in within 30 days", "hand in within 14 days ")
    assert [w.text.strip() for w in left if w.differs] == ["30"]
    assert [w.text.strip() for w in right if w.differs] == ["14"]


@given(st.text(max_size=80), st.text(max_size=80))
def test_comparing_loses_no_character(a: str, b: str) -> None:
    left, right = evidence.compared(a, b)
    assert "".join(w.text for w in left) == a
    assert "".join(w.text for w in right) == b
    if a == b:
        assert not any(w.differs for w in left)


@given(st.text(max_size=60), st.lists(RANGE, max_size=5))
def test_pieces_join_to_the_text_and_know_what_covers_them(text: str, ranges: list[list[int]]) -> None:
    layers = [(a, b, str(i)) for i, (a, b) in enumerate(ranges)]
    found = spans.pieces(text, 0, len(text), layers)
    assert "".join(p.text for p in found) == text
    for p in found:
        covering = {n for a, b, n in layers if a <= p.start and p.start + len(p.text) <= b and a < b}
        assert set(p.names) == covering


@given(st.text(alphabet="ab\n ", max_size=80), st.lists(RANGE, max_size=6))
def test_a_drawn_document_is_the_document(text: str, ranges: list[list[int]]) -> None:
    chunks = tuple(
        ChunkInfo(f"chk_{i}", i, min(a, len(text)), min(b, len(text)), "")
        for i, (a, b) in enumerate(sorted(ranges))
    )
    view = _view(text, chunks)
    drawn = "".join(p.text for block in spans.draw(view, 1) for p in block.pieces)
    assert drawn == text


def test_a_long_document_is_drawn_in_parts_that_join_to_the_whole() -> None:
    text = "".join(f"line {n} of a long document\n" for n in range(12_000))
    chunks = tuple(
        ChunkInfo(f"chk_{i}", i, s, min(s + 900, len(text)), "")
        for i, s in enumerate(range(0, len(text), 900))
    )
    view = _view(text, chunks)
    borders = spans.part_borders(text)
    count = len(borders) - 1
    assert count > 3
    parts = ["".join(p.text for b in spans.draw(view, n) for p in b.pieces) for n in range(1, count + 1)]
    assert "".join(parts) == text
    assert all(part.endswith("\n") for part in parts)
    assert [spans.part_of(borders, b) for b in borders[:-1]] == list(range(1, count + 1))
    assert spans.part_of(borders, len(text) - 1) == count


def test_a_span_over_two_chunks_and_a_heading_is_marked_in_both() -> None:
    view = next(iter(documents().values()))
    start, end = view.chunks[0].end - 10, view.chunks[0].end + 30
    marked = [p for b in spans.draw(view, 1, Span(start, end)) for p in b.pieces if "quoted" in p.names]
    assert "".join(p.text for p in marked) == view.text[start:end]
    assert any("heading" in p.names for p in marked)


def test_the_outline_names_headings_and_pages_in_order() -> None:
    travel = list(documents().values())[1]
    assert [(h.kind, h.label) for h in spans.outline(travel)] == [
        ("page", "page 1"), ("heading", "Travel policy"), ("page", "page 2"),
    ]  # fmt: skip


def test_the_same_version_has_the_same_colour_everywhere() -> None:
    digest = "ab" * 32
    assert pins.pin("snapshot", digest).hue == pins.pin("parent", digest).hue == pins.hue_of(digest)
    assert pins.pin("model", f"extractive@{digest}").shown == "extractive abababa"
    assert (
        len({pins.hue_of(f"{n:064x}".replace("0", "d", 8)) for n in range(200)} | set(range(pins.HUES)))
        == pins.HUES
    )


def _bare() -> Answer:
    from groundwork.answers.types import Citation, Pins

    citation = Citation("d", "doc", "chk", 0, 1, "q")
    return Answer(
        "ans",
        "default",
        "q",
        "",
        False,
        "",
        (citation, citation),
        Pins(None, "", None, "", ""),
        0.5,
        0.5,
        None,
        {},
        "",
        "",
        "",
    )


def _view(text: str, chunks: tuple[ChunkInfo, ...]) -> DocumentView:
    info = next(iter(documents().values())).info
    return DocumentView(info, text, (Mark("page", 0, len(text), "1"),), chunks)


def test_static_addresses_change_with_the_content() -> None:
    from groundwork.server import static

    for name, file in static.files().items():
        assert static.address(name) == f"/static/{name}?v={file.version}"
    assert (Path(static.HERE) / "vendor" / "htmx.LICENSE.txt").exists()
