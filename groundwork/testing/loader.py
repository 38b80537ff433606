"""What every loader must do: normalised text, exact marks, equal results, and no way to take the process down."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.knowledge.loaders import Loader, Unreadable
from groundwork.knowledge.parsing import Limits, Parser, Quarantine
from groundwork.knowledge.types import MarkKind, Parsed

REASONS = frozenset(
    {
        "empty",
        "encrypted",
        "broken",
        "too_large",
        "timeout",
        "memory",
        "hostile",
        "unsupported",
        "no_text",
        "missing_program",
        "unreadable",
    }
)
"""Every reason but `crashed`, which no loader may bring about."""


@dataclass(frozen=True)
class LoaderSample:
    """Bytes that a loader reads, with words that must be in the text and kinds of marks that must be there.

    A loader that reads nothing, but tells truly why, names the `refused` reason instead.
    """

    data: bytes
    name: str
    says: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    title: str = ""
    refused: str = ""


class LoaderContract:
    """Subclass it beside fixtures `loader` (the loader under test) and `sample` (one of its samples)."""

    def test_it_says_what_it_reads_and_its_version(self, loader: Loader) -> None:
        assert isinstance(loader.version, int)
        assert loader.version >= 1
        assert loader.media_types
        assert all(kind.count("/") == 1 for kind in loader.media_types)

    def test_it_reads_its_sample(self, loader: Loader, sample: LoaderSample) -> None:
        if sample.refused:
            with pytest.raises(Unreadable) as caught:
                loader.load(sample.data, sample.name)
            assert caught.value.reason == sample.refused
            return
        document = loader.load(sample.data, sample.name)
        check_parsed(document)
        for words in sample.says:
            assert words in document.text
        assert set(sample.marks) <= {mark.kind for mark in document.marks}
        assert document.title == sample.title

    def test_equal_bytes_give_equal_results(self, loader: Loader, sample: LoaderSample) -> None:
        if not sample.refused:
            assert loader.load(sample.data, sample.name) == loader.load(sample.data, sample.name)

    def test_the_name_gives_hints_only(self, loader: Loader, sample: LoaderSample) -> None:
        if not sample.refused:
            assert loader.load(sample.data, "").text == loader.load(sample.data, sample.name).text

    @given(data=st.data())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_damaged_bytes_are_read_or_refused_and_crash_nothing(
        self, parser: Parser, loader: Loader, sample: LoaderSample, data: st.DataObject
    ) -> None:
        damaged = data.draw(damages(sample.data))
        check_outcome(parser.parse(damaged, sample.name, loader.media_types[0]))

    @pytest.fixture(scope="class")
    @classmethod
    def parser(cls) -> Iterator[Parser]:
        with Parser(1, Limits()) as parser:
            yield parser


@st.composite
def damages(draw: st.DrawFn, whole: bytes) -> bytes:
    """Draw bytes that were cut, overwritten, doubled in part, or made up."""
    kind = draw(st.sampled_from(["cut", "overwrite", "repeat", "random"]))
    if kind == "random" or not whole:
        return draw(st.binary(min_size=1, max_size=600))
    start = draw(st.integers(0, len(whole) - 1))
    if kind == "cut":
        return whole[:start]
    if kind == "repeat":
        end = draw(st.integers(start, min(start + 500, len(whole))))
        return whole[:end] + whole[start:end] * draw(st.integers(1, 20)) + whole[end:]
    noise = draw(st.binary(min_size=1, max_size=16))
    return whole[:start] + noise + whole[start + len(noise) :]


def check_outcome(outcome: Parsed | Quarantine) -> None:
    """Assert that parsing came to a proper end: a document, or a quarantine with a reason and words for people."""
    if isinstance(outcome, Quarantine):
        assert outcome.reason in REASONS, outcome
        assert len(outcome.message) > 10
    else:
        check_parsed(outcome)


def check_parsed(document: Parsed) -> None:
    """Assert that text and marks are as the contract says."""
    text = document.text
    assert "\r" not in text
    assert "\x00" not in text
    assert not any("\ud800" <= c <= "\udfff" for c in text)
    assert unicodedata.is_normalized("NFC", text)
    places = [(mark.start, -mark.end) for mark in document.marks]
    assert places == sorted(places)
    for mark in document.marks:
        assert 0 <= mark.start < mark.end <= len(text)
        assert mark.kind in get_args(MarkKind)
        if mark.kind == "heading":
            piece = "".join(c for c in text[mark.start : mark.end] if c.isalnum())
            assert "".join(c for c in mark.label if c.isalnum()) in piece
            assert 1 <= mark.level <= 9
    for value in (document.title, document.language, *document.meta.values(), *document.warnings):
        assert isinstance(value, str)
        assert "\n" not in value
