"""What every chunker must do: spans that rebuild the text, torn nowhere, found in time linear in the text."""

from __future__ import annotations

import itertools
import time
from typing import Any
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.knowledge.chunkers import Chunker
from groundwork.knowledge.types import Mark, MarkKind, Span

LONGEST_CLUSTER = 16
"""Graphemes up to this many code points are never torn, at any size of chunk."""

_PLAIN = [
    "word",
    "Sentence one. ",
    "Is it? ",
    "Dr. No said 3.14. ",
    "\n",
    "\n\n",
    "\n\n\n",
    "    ",
    "\t",
    "\r\n",
]
_MARKUP = [
    "# Heading\n",
    "- item\n",
    "1. first\n",
    "| a | b |\n",
    "def f(x):\n    return x\n",
    "```\n",
    "\x00",
]
_CLUSTERS = [
    "a\u0301",
    "e\u0301\u0323",
    " \u0308",
    "e\ufe0f",
    "\u1100\u1161\u11a8",
    "\u200b",
    "\u00a0",
    "\ud83d\ude00",
]
_EMOJI = ["👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "🇫🇷🇩🇪"]
_SCRIPTS = ["क्षि", "กำ", "สวัสดีครับ ผม", "今天天气很好。", "「はい。」", "مرحبا؟ ", "ﬀ", "각"]
_RUNS = ["x" * 90, "." * 70, " " * 80, "\n" * 70]
_PIECES = [*_PLAIN, *_MARKUP, *_CLUSTERS, *_EMOJI, *_SCRIPTS, *_RUNS]
_KINDS: list[MarkKind] = ["heading", "table", "list", "code", "page", "row", "slide"]

texts = st.lists(st.sampled_from(_PIECES) | st.text(max_size=8), max_size=80).map("".join)


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, tuple[Mark, ...]]:
    """Draw a text with marks as a loader would set them: in order of start, within the text, never empty."""
    text = draw(texts)
    if not text:
        return "", ()
    marks: list[Mark] = []
    for kind in draw(st.lists(st.sampled_from(_KINDS), max_size=8)):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, min(len(text), start + 200)))
        marks.append(
            Mark(kind, start, end, text[start:end], draw(st.integers(1, 4)) if kind == "heading" else 0)
        )
    return text, tuple(sorted(marks, key=lambda m: (m.start, -m.end)))


class ChunkerContract:
    """Subclass it beside a module-scoped fixture `chunker` that gives the chunker under test."""

    @given(marked_texts())
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def test_spans_rebuild_the_text_and_are_torn_nowhere(
        self, chunker: Chunker, drawn: tuple[str, tuple[Mark, ...]]
    ) -> None:
        text, marks = drawn
        check_spans(chunker, text, chunker.split(text, marks))

    @given(marked_texts())
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    def test_equal_input_gives_equal_spans(
        self, chunker: Chunker, drawn: tuple[str, tuple[Mark, ...]]
    ) -> None:
        text, marks = drawn
        assert chunker.split(text, marks) == type(chunker)(**vars_of(chunker)).split(text, list(marks))

    @pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u200b\u200b", "\ufeff\n", "\u00a0\u2003", "\x00"])
    def test_a_text_without_a_visible_character_gives_no_span(self, chunker: Chunker, text: str) -> None:
        assert chunker.split(text) == []

    @pytest.mark.parametrize(
        "piece",
        [
            "a",
            " ",
            "\n",
            ".",
            "ab\n",
            "\U0001f1e6",
            "\u0301",
            "今天。",
            "ครับ ผม",
            '."""',
            "This is it. ",
            "a\r\n",
            "- x\n",
            "\u200d",
            "| a | b\n",
        ],
    )
    def test_a_long_text_of_anything_is_cut_in_linear_time(self, chunker: Chunker, piece: str) -> None:
        text = "x" + piece * (250_000 // len(piece))
        marks = [Mark("heading", i, i + 1, "x", 1) for i in range(0, len(text) - 1, 500)]
        begun = time.process_time()
        spans = chunker.split(text, marks)
        took = time.process_time() - begun
        assert spans[0].start == 0
        assert spans[-1].end == len(text)
        assert took < 3, f"{took:.1f} s of processor time for 250,000 characters"


def check_spans(chunker: Chunker, text: str, spans: list[Span]) -> None:
    """Assert every promise of `Chunker.split` about `spans` of `text`."""
    if not spans:
        assert not any(category(c)[0] in "LNPS" for c in text), "a text with visible characters gave no span"
        return
    assert spans[0].start == 0
    assert spans[-1].end == len(text)
    for one, other in itertools.pairwise(spans):
        assert one.start < other.start <= one.end < other.end, "spans stand in order and leave no gap"
    if not getattr(chunker, "overlaps", False):
        assert "".join(s.of(text) for s in spans) == text
    longest = getattr(chunker, "max_chars", len(text))
    for span in spans:
        assert 0 < span.end - span.start <= longest
        for at in (span.start, span.end):
            assert not tears(text, at), f"torn at {at}: {text[max(0, at - 8) : at]!r} | {text[at : at + 8]!r}"


def tears(text: str, at: int) -> bool:
    """Say whether a cut at `at` surely tears a character; long runs of combining marks may be torn."""
    if at in (0, len(text)):
        return False
    before, after = text[at - 1], text[at]
    if (before, after) == ("\r", "\n") or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"):
        return True
    if before == "\u200d" or category(after) in ("Mn", "Me", "Mc"):
        return category(before) not in ("Cc", "Cs") and _cluster_is_short(text, at)
    return False


def _cluster_is_short(text: str, at: int) -> bool:
    first = at
    while (
        first
        and at - first <= LONGEST_CLUSTER
        and (text[first - 1] == "\u200d" or category(text[first])[0] == "M" or text[first] == "\u200d")
    ):
        first -= 1
    last = at
    while (
        last < len(text)
        and last - at <= LONGEST_CLUSTER
        and (text[last] == "\u200d" or category(text[last])[0] == "M")
    ):
        last += 1
    return last - first <= LONGEST_CLUSTER


def vars_of(chunker: Any) -> dict[str, Any]:
    """Return the parameters a chunker was made with."""
    return dict(vars(chunker))
