"""Numbers, dates and units in one form."""

from __future__ import annotations

import pytest

from groundwork.evaluation.groundedness.numbers import agrees, numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 March 2024", "2024-03-03"),
        ("March 3rd, 2024", "3.3.2024"),
        ("in March 2024", "on 3 March 2024"),
        ("in 2024", "on 2024-03-03"),
        ("1.2 million", "1,200,000"),
        ("twenty-one", "21"),
        ("$3.5bn", "3.5 billion dollars"),
        ("41.3 %", "41.3 percent"),
        ("7pm", "19:00"),
        ("the third", "3rd"),
        ("12 km", "12 kilometres"),
        ("2019", "2018-19"),
        ("3,500,000", "3,497,211"),
    ],
)
def test_the_same_in_other_words_agrees(one: str, other: str) -> None:
    given = numbers(other)
    assert numbers(one)
    assert all(any(agrees(n, g) for g in given) for n in numbers(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 March 2024", "4 March 2024"),
        ("12 km", "12 miles"),
        ("41 %", "41 dollars"),
        ("in 2023", "in 2024"),
        ("in 1710", "in 1709"),
        ("7am", "19:00"),
        ("1,201", "1,200"),
    ],
)
def test_what_differs_does_not_agree(one: str, other: str) -> None:
    assert not any(agrees(n, g) for n in numbers(one) for g in numbers(other))


def test_offsets_are_those_of_the_text() -> None:
    text = "It cost $ 5 in 2019, and twenty-one people paid 40 %."
    assert [text[n.start : n.end] for n in numbers(text)] == ["$ 5", "2019", "twenty-one", "40 %"]
