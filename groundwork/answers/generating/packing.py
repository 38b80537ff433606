"""Choose what a model is shown: whole passages, best first, until the budget of tokens is used up.

Passages of one document that overlap or touch become one block, so that nothing is shown twice and a sentence that a chunk
border cut is whole again. A passage that says what a block says already, in another document, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from groundwork.answers.sentences import split
from groundwork.answers.types import Passage, Shown

Count = Callable[[str], int]
"""Returns the tokens of a text."""

FRAME_TOKENS = 24
"""What the lines around a block cost, roughly."""


@dataclass(frozen=True)
class Block:
    """A stretch of one document under a number from 1; `passages` are the passages it was joined from, best first."""

    number: int
    text: str
    start: int
    end: int
    tokens: int
    passages: tuple[Passage, ...]

    @property
    def document(self) -> str:
        return self.passages[0].document

    @property
    def document_id(self) -> str:
        return self.passages[0].document_id

    @property
    def context(self) -> str:
        """The headings and the like that its best passage stands under."""
        return self.passages[0].context

    def shown(self) -> Shown:
        """Return what is recorded of it."""
        chunks = tuple(p.chunk_id for p in self.passages)
        return Shown(self.number, self.document, self.document_id, self.start, self.end, self.tokens, chunks)

    def passage(self) -> Passage:
        """Return the block as a passage; its chunk is that of its best passage."""
        return replace(self.passages[0], start=self.start, end=self.end, text=self.text)


@dataclass(frozen=True)
class Packed:
    """What is shown, and the chunks that are not: `repeated` say nothing new, `left_out` had no room."""

    blocks: tuple[Block, ...]
    tokens: int
    repeated: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def pack(passages: Sequence[Passage], budget: int, count: Count) -> Packed:
    """Return the blocks that fit into `budget` tokens; the best passage is cut short rather than left out.

    Args:
        passages: best first.
        count: tokens of a text, by the model's tokenizer where it is known.
    """
    blocks: list[Block] = []
    repeated: list[str] = []
    left_out: list[str] = []
    # Equal ranks may come in any order; what is shown must not depend on it.
    for passage in sorted(passages, key=lambda p: (p.rank, p.document_id, p.start)):
        if not passage.text.strip():
            repeated.append(passage.chunk_id)
            continue
        if _said(passage, blocks):
            repeated.append(passage.chunk_id)
            continue
        joined = _join(passage, blocks, count)
        if sum(b.tokens for b in joined) <= budget:
            blocks = joined
        elif not blocks:
            blocks = [_cut(joined[0], budget, count)]
        else:
            left_out.append(passage.chunk_id)
    numbered = tuple(replace(block, number=number) for number, block in enumerate(blocks, 1))
    return Packed(numbered, sum(b.tokens for b in numbered), tuple(repeated), tuple(left_out))


def repack(passages: Sequence[Passage], shown: Sequence[Shown]) -> Packed | None:
    """Return the blocks that were shown before, from their passages; None when these are not the same any more."""
    blocks: list[Block] = []
    for was in shown:
        parts = [p for p in passages if p.chunk_id in was.chunks and p.document_id == was.document_id]
        joined: list[Block] = []
        for part in parts:
            joined = _join(part, joined, lambda text: 0)
        if len(joined) != 1 or joined[0].start != was.start or joined[0].end < was.end:
            return None
        text = joined[0].text[: was.end - was.start]
        blocks.append(replace(joined[0], number=was.number, text=text, end=was.end, tokens=was.tokens))
    used = {chunk for was in shown for chunk in was.chunks}
    left_out = tuple(p.chunk_id for p in passages if p.chunk_id not in used)
    return Packed(tuple(blocks), sum(b.tokens for b in blocks), (), left_out) if blocks else None


def _said(passage: Passage, blocks: Sequence[Block]) -> bool:
    words = " ".join(passage.text.split())
    for block in blocks:
        if (
            block.document_id == passage.document_id
            and block.start <= passage.start
            and passage.end <= block.end
        ):
            return True
        if words == " ".join(block.text.split()):
            return True
    return False


def _join(passage: Passage, blocks: Sequence[Block], count: Count) -> list[Block]:
    """Return the blocks with the passage joined to those it overlaps or touches, or as a block of its own."""
    merged = Block(0, passage.text, passage.start, passage.end, 0, (passage,))
    rest: list[Block] = []
    place: int | None = None
    for block in blocks:
        together = _together(merged, block)
        if together is None:
            rest.append(block)
        else:
            merged = together
            place = len(rest) if place is None else place
    merged = replace(merged, tokens=count(merged.text) + FRAME_TOKENS)
    rest.insert(len(rest) if place is None else place, merged)
    return rest


def _together(one: Block, other: Block) -> Block | None:
    """Return two stretches of one document as one; None when they are apart or do not agree where they overlap."""
    if one.document_id != other.document_id or one.start > other.end or other.start > one.end:
        return None
    early, late = (one, other) if one.start <= other.start else (other, one)
    shared = early.end - late.start
    if shared >= len(late.text):
        text = early.text
    elif early.text[len(early.text) - shared :] == late.text[:shared]:
        text = early.text + late.text[shared:]
    else:
        return None
    passages = tuple(sorted((*one.passages, *other.passages), key=lambda p: p.rank))
    return Block(0, text, early.start, early.start + len(text), 0, passages)


def _cut(block: Block, budget: int, count: Count) -> Block:
    """Return the beginning of a block that fits, cut after a sentence where there is one."""
    room = max(1, budget - FRAME_TOKENS)
    best = 0
    for unit in split(block.text):
        if count(block.text[: unit.end]) > room:
            break
        best = unit.end
    while best == 0 or count(block.text[:best]) > room:
        best = len(block.text) if best == 0 else best // 2
        if best <= 1 or count(block.text[:best]) <= room:
            break
    text = block.text[: max(1, best)]
    return replace(block, text=text, end=block.start + len(text), tokens=count(text) + FRAME_TOKENS)
