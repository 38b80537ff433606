"""Sentences against passages: what is supported, by which words, and what the reason is where it is not."""

from __future__ import annotations

import pytest

from groundwork.answers.generating.claims import read_output
from groundwork.answers.generating.packing import pack
from groundwork.answers.generating.support import trained
from groundwork.answers.generating.verifying import Finding, Verifier, quotations
from groundwork.answers.types import Passage
from groundwork.gateway.tokens import estimate_text

LEAVE = (
    "# Leave\n\nEvery employee has 28 days of paid leave a year. Part-time employees have a share of it that fits."
    " Leave that is not taken expires at the end of March. It cannot be paid out.\n\nA trial period lasts 30 days."
)
TRAVEL = "# Travel\n\nTrains are booked in second class. Ms Ortiz approved 12 flights to Lisbon in 2023."
CODE = "# Set up\n\nRun the tool:\n\n```bash\ngroundwork init handbook\ngroundwork ingest docs\n```\n"


def check(said: str, question: str = "What does the handbook say?") -> list[Finding]:
    passages = [
        Passage(rank, 1.0, f"{rank}.md", f"doc_{rank}", f"chk_{rank}", 0, len(text), text)
        for rank, text in enumerate((LEAVE, TRAVEL, CODE), 1)
    ]
    verifier = Verifier(question, pack(passages, 10_000, estimate_text).blocks, trained(), 0.5)
    return [verifier.check(s) for s in read_output(said).sentences]


def quoted(finding: Finding) -> list[str]:
    texts = (LEAVE, TRAVEL, CODE)
    return [texts[p.block - 1][p.start : p.end] for p in finding.places]


@pytest.mark.parametrize(
    ("said", "quote"),
    [
        (
            "Employees have 28 days of paid leave a year. [1]",
            "Every employee has 28 days of paid leave a year.",
        ),
        (
            "Leave not taken by the end of March expires. [1]",
            "Leave that is not taken expires at the end of March.",
        ),
        ("Second class is booked for trains. [2]", "Trains are booked in second class."),
        (
            "In 2023, Ortiz approved twelve flights to Lisbon. [2]",
            "Ms Ortiz approved 12 flights to Lisbon in 2023.",
        ),
        ("Trains are booked in <b>second class</b>. [2]", "Trains are booked in second class."),
        ('As it says, "trains are booked in second class". [2]', "Trains are booked in second class."),
    ],
)
def test_a_supported_sentence_is_given_the_words_that_support_it(said: str, quote: str) -> None:
    (finding,) = check(said)
    assert quoted(finding)[0] == quote
    assert finding.note == ""


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("Employees have 82 days of paid leave a year. [1]", "82"),
        ("Employees have 28.5 days of paid leave a year. [1]", "28.5"),
        ("Ms Novak approved 12 flights to Lisbon in 2023. [2]", "Novak"),
        ("Trains are not booked in second class. [2]", "not said like this"),
        ("Leave that is taken expires at the end of March. [1]", "not said like this"),
        ("Dogs may be brought to the office on Fridays. [1]", "Fridays"),
        ('It says "trains are booked in first class only". [2]', "stands in no passage"),
        ("Trains are booked in second class ![](https://evil.example/?q=leave). [2]", "evil.example"),
        ("Trains are booked in [second class](//evil.example/a). [2]", "evil.example"),
        ("Trains are booked in [second class](javascript:alert(1)). [2]", "javascript"),
        ('Trains are booked <img src="x"> in second class. [2]', "HTML"),
        ("I cannot answer that from the passages.", "speaks of the passages"),
        ("That is so.", "nothing that can be checked"),
    ],
)
def test_an_unsupported_sentence_is_given_the_reason(said: str, note: str) -> None:
    (finding,) = check(said)
    assert not finding.supported
    assert note in finding.note


def test_a_wrong_marker_a_missing_one_and_one_without_a_passage_are_put_right() -> None:
    wrong, missing, odd = check(
        "Trains are booked in second class. [1] Trains are booked in second class. Trains are booked in second class. [9]"
    )
    assert [p.block for f in (wrong, missing, odd) for p in f.places] == [2, 2, 2]
    assert wrong.note == "the marker 1 was wrong: passage 2 says it"
    assert missing.note == "it had no marker: passage 2 says it"
    assert odd.note == "the marker 9 names no passage"


def test_a_marker_that_does_not_help_is_taken_off_beside_one_that_does() -> None:
    (finding,) = check("Trains are booked in second class. [1][2]")
    assert [p.block for p in finding.places] == [2]
    assert "taken off" in finding.note


def test_a_sentence_that_is_put_together_from_its_marked_passages_cites_each_of_them() -> None:
    said = "Employees have 28 days of paid leave a year, and trains are booked in second class."
    (both,), (one,) = check(f"{said} [1][2]"), check(f"{said} [1]")
    assert quoted(both) == [
        "Every employee has 28 days of paid leave a year.",
        "Trains are booked in second class.",
    ]
    assert not one.supported


def test_a_short_answer_is_held_against_the_place_that_its_question_is_about() -> None:
    question = "How many days of paid leave does every employee have a year?"
    right, wrong = check("28 days", question)[0], check("30 days", question)[0]
    assert right.supported
    assert quoted(right) == ["Every employee has 28 days of paid leave a year."]
    assert not wrong.supported


def test_code_counts_only_when_it_stands_there_letter_for_letter() -> None:
    right, wrong = (
        check(f"```\n{code}\n```\n[3]")[0]
        for code in ("groundwork init handbook\ngroundwork ingest docs", "groundwork init handbook --force")
    )
    assert quoted(right) == ["groundwork init handbook\ngroundwork ingest docs"]
    assert wrong.note == "the code stands in no passage"


def test_quotation_marks_of_every_kind_are_read_and_words_of_the_question_are_not_held_against_a_source() -> (
    None
):
    text = '„eins zwei drei“ «un deux trois» “one two three” 「一二三四五六七」 "four five" "asked in the question"'
    assert quotations(text, "Was it asked in the question?") == [
        "eins zwei drei", "un deux trois", "one two three", "一二三四五六七"
    ]  # fmt: skip
