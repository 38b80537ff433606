"""What a model is shown: whole passages, best first, nothing twice, within the budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundwork.answers.generating.packing import pack, repack
from groundwork.answers.types import Passage
from groundwork.gateway.tokens import estimate_text

TEXT = "".join(f"Sentence number {n} says what it has to say. " for n in range(60))


def passage(start: int, end: int, rank: int = 1, document: str = "a.md", text: str = TEXT) -> Passage:
    return Passage(
        rank, 1.0 / rank, document, f"doc_{document}", f"chk_{document}_{start}", start, end, text[start:end]
    )


def test_passages_of_one_document_that_overlap_or_touch_become_one_block() -> None:
    packed = pack(
        [passage(100, 200), passage(150, 260, 2), passage(260, 300, 3), passage(500, 560, 4)],
        5_000,
        estimate_text,
    )
    assert [(b.number, b.start, b.end) for b in packed.blocks] == [(1, 100, 300), (2, 500, 560)]
    assert packed.blocks[0].text == TEXT[100:300]
    assert len(packed.blocks[0].shown().chunks) == 3


def test_what_another_document_says_word_for_word_is_not_shown_twice() -> None:
    packed = pack([passage(0, 100), passage(0, 100, 2, "copy.md"), passage(10, 50, 3)], 5_000, estimate_text)
    assert len(packed.blocks) == 1
    assert packed.repeated == ("chk_copy.md_0", "chk_a.md_10")


def test_a_passage_without_room_is_left_out_and_a_smaller_one_behind_it_is_shown() -> None:
    packed = pack([passage(0, 400), passage(600, 2_400, 2), passage(500, 560, 3, "b.md")], 250, estimate_text)
    assert [b.document for b in packed.blocks] == ["a.md", "b.md"]
    assert packed.left_out == ("chk_a.md_600",)


def test_the_best_passage_is_cut_after_a_sentence_when_it_alone_is_too_long() -> None:
    packed = pack([passage(0, 2_400)], 200, estimate_text)
    (block,) = packed.blocks
    assert block.tokens <= 200
    assert block.text == TEXT[: block.end]
    assert block.text.endswith("say.")


def test_a_single_word_without_end_is_cut_too() -> None:
    packed = pack([passage(0, 50_000, text="x" * 50_000)], 200, estimate_text)
    assert 0 < packed.tokens <= 200


@given(
    spans=st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 400)), min_size=1, max_size=12),
    budget=st.integers(60, 2_000),
)
def test_what_is_shown_is_the_document_within_the_budget_and_can_be_shown_again(
    spans: list[tuple[int, int]], budget: int
) -> None:
    passages = [passage(s, min(len(TEXT), s + n), rank) for rank, (s, n) in enumerate(spans, 1)]
    packed = pack(passages, budget, estimate_text)
    assert packed.tokens == sum(b.tokens for b in packed.blocks) <= budget
    for block in packed.blocks:
        assert block.text == TEXT[block.start : block.end]
    for one, other in zip(packed.blocks, packed.blocks[1:], strict=False):
        assert one.end <= other.start or other.end <= one.start
    ids = [(p.chunk_id, p.end) for p in passages]
    if packed.blocks and len({i for i, _ in ids}) == len(ids):
        again = repack(passages, [b.shown() for b in packed.blocks])
        assert again is not None
        assert [(b.number, b.text) for b in again.blocks] == [(b.number, b.text) for b in packed.blocks]


def test_what_is_shown_does_not_depend_on_the_order_of_equal_ranks() -> None:
    one, other = passage(0, 100, 1, "a.md"), passage(200, 300, 1, "b.md")
    assert pack([one, other], 5_000, estimate_text) == pack([other, one], 5_000, estimate_text)
