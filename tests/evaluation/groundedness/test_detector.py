"""Whether a sentence is supported, why not, and where the nearest sentence stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.evaluation.groundedness.detector import Detector, default

PASSAGES = (
    "Anna bought 14 apples in Rome on 3 March 2024. The shop is 12 km away. Peter sold more pears than plums.",
    "The red house is not for sale. It was built by Magnus Berg in 1911, and has 1,200,000 visitors a year.",
)


@pytest.mark.parametrize(
    ("claim", "kind", "says"),
    [
        ("Anna bought 41 apples in Rome on 3 March 2024.", "number", "number 41 is not in the passages"),
        ("Anna bought 14 apples in Rome on 4 March 2024.", "number", "4 March 2024"),
        ("The shop is 12 miles away.", "number", "the passages say 12 in km"),
        ("It was built by Olaf Berg in 1911.", "entity", "entity Olaf is not in the passages"),
        ("Peter bought 14 apples in Rome.", "entity", "entity Peter"),
        ("The red house is for sale.", "polarity", "denied in the passages"),
        ("The shop is not 12 km away.", "polarity", "denied here"),
        ("Peter sold fewer pears than plums.", "comparison", "fewer where the passages say more"),
        ("The bananas dissolve under moonlight.", "unsupported", "unsupported words"),
    ],
)  # fmt: skip
def test_each_reason_is_found_and_said(claim: str, kind: str, says: str) -> None:
    finding = default().sentence(claim, PASSAGES)
    assert not finding.supported
    assert finding.kind == kind
    assert says in finding.reason
    assert all(claim[p.start : p.end] == p.text for p in finding.parts)


@pytest.mark.parametrize(
    "claim",
    [
        "Anna bought 14 apples in Rome.",
        "Anna bought fourteen apples in Rome on 2024-03-03.",
        "Peter sold more pears than plums.",
        "The shop is 12 kilometres away.",
        "It has 1.2 million visitors a year.",
    ],
)
def test_what_says_the_same_is_supported(claim: str) -> None:
    finding = default().sentence(claim, PASSAGES)
    assert (finding.supported, finding.kind) == (True, "supported"), finding


def test_the_nearest_sentence_comes_with_its_place() -> None:
    source = default().sentence("A house was built by Magnus Berg.", PASSAGES).source
    assert source is not None
    assert source.passage == 1
    assert PASSAGES[1][source.start : source.end] == source.text
    assert "Magnus Berg" in source.text


JSON = (
    '{"name": "Bluebird", "outdoor_seating": false, "stars": 4.5, "seats": [{"tables": 12}, {"tables": 30}]}'
)
TABLE = "| city | population |\n|---|---|\n| Oslo | 700,000 |\n| Bergen | 290,000 |"


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("Bluebird has outdoor seating.", False),
        ("Bluebird has no outdoor seating.", True),
        ("It has 3 stars.", False),
        ("It has 4.5 stars.", True),
        ("There are 30 tables.", True),
        ("The population of Bergen is 700,000.", False),
        ("The population of Oslo is 700,000.", True),
    ],
)
def test_fields_of_json_and_tables_are_looked_up(claim: str, supported: bool) -> None:
    finding = default().sentence(claim, [JSON, TABLE])
    assert finding.supported is supported, finding
    assert supported or finding.kind == "field"
    assert (default().score(claim, [JSON, TABLE]) >= default().threshold) is supported


def test_a_text_is_judged_sentence_by_sentence_with_offsets_into_it() -> None:
    text = "Anna bought 14 apples in Rome.\n\nShe flew home with 99 friends."
    response = default().respond(text, PASSAGES)
    assert [f.supported for f in response.findings] == [True, False]
    assert all(text[f.start : f.end] == f.text for f in response.findings)
    assert all(text[p.start : p.end] == p.text for f in response.findings for p in f.parts)
    assert response.probability < default().score(text[:30], PASSAGES)
    assert not response.truncated


@pytest.mark.parametrize("text", ["", " \n ", "...", "---", "🙂🙂", "It is."])
def test_what_claims_nothing_is_let_pass(text: str) -> None:
    response = default().respond(text, PASSAGES)
    assert response.probability == 0.5
    assert response.supported
    assert all(f.kind == "empty" for f in response.findings)


def test_without_passages_nothing_is_supported() -> None:
    for passages in ((), ("",), (" \n ",)):
        finding = default().sentence("Anna bought 14 apples.", passages)
        assert not finding.supported
        assert finding.source is None


VOCABULARY = (
    "Anna",
    "Rome",
    "bought",
    "sold",
    "apples",
    "seven",
    "14",
    "1911",
    "house",
    "shop",
    "built",
    "river",
    "green",
)
_WORDS = st.lists(
    st.sampled_from(VOCABULARY),
    min_size=5,
    max_size=14,
).map(lambda words: " ".join(words) + ".")


@settings(max_examples=40, deadline=None)
@given(st.lists(_WORDS, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_a_verbatim_sentence_is_supported_whatever_the_order_of_passages(
    passages: list[str], chance: object
) -> None:
    claim = passages[0]
    first = default().sentence(claim, passages)
    assert first.supported
    assert first.probability > 0.8
    turned = list(reversed(passages))
    assert (
        abs(
            default().score(claim + " Peter left.", passages)
            - default().score(claim + " Peter left.", turned)
        )
        < 0.02
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=3))
def test_any_text_gets_a_probability(text: str, passages: list[str]) -> None:
    response = default().respond(text, passages)
    assert 0.0 <= response.probability <= 1.0
    assert all(0.0 <= f.probability <= 1.0 and text[f.start : f.end] == f.text for f in response.findings)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1,",
        "1.1.",
        "One may ",
        "$ ",
        "not ",
        "| a | b |\n",
        "{",
        "[",
        "Anna Berg ",
        "\u05d0\u05d1 ",
        "🙂",
        "字",
        "- ",
        "May 5 ",
    ],
)
def test_huge_input_takes_bounded_work(piece: str) -> None:
    text = (piece * (100_000 // len(piece)))[:100_000]
    assert 0.0 <= default().score(text, [text]) <= 1.0
    assert 0.0 <= default().sentence(text, PASSAGES).probability <= 1.0


def test_a_context_beyond_the_limit_is_cut_and_said_so() -> None:
    response = default().respond("Anna bought 14 apples.", ["word " * 120_000, "Anna bought 14 apples."])
    assert response.truncated


def test_an_encoder_sees_the_best_sentences_alone() -> None:
    seen: list[list[str]] = []

    def embed(texts: list[str]) -> np.ndarray:
        seen.append(list(texts))
        return np.eye(1, 4).repeat(len(texts), 0)

    long = " ".join(f"House number {n} was built in {1800 + n}." for n in range(100))
    finding = Detector(embed=embed).sentence("House number 42 was built in 1842.", [long])  # type: ignore[arg-type]
    assert finding.similarity == pytest.approx(1.0)
    assert len(seen) == 1
    assert len(seen[0]) <= 7
