"""Quizzes: what is drawn follows from who draws for the how-manieth time, and the same answers always score the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.principal import LOCAL, Principal
from groundwork.pathways.types import Question, Quiz
from groundwork.pathways.walking.quizzes import Draw, Quizzes, drawn
from tests.workspaces import light_workspace

BOB = Principal(name="user:bob", owner=True)
WHO = ("default", "local")


def quiz(questions: int = 6, draw: int = 4, options: int = 3) -> Quiz:
    return Quiz(
        id="sums",
        title="Sums",
        draw=draw,
        questions=tuple(
            Question(
                id=f"q{n}",
                ask=f"What is {n} and {n}?",
                options=tuple(str(2 * n + k) for k in range(options)),
                answer=0,
                because="That is how adding goes.",
            )
            for n in range(questions)
        ),
    )


@pytest.fixture(scope="module")
def quizzes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quizzes]:
    workspace: Workspace = light_workspace(tmp_path_factory.mktemp("quizzes"))
    yield workspace.pathways.quizzes
    workspace.close()


def rights(quizzes: Quizzes, drawn_id: str, principal: Principal = LOCAL) -> list[int]:
    """Return the right places of a draw, as its row has them."""
    with quizzes._database.read() as connection:
        return [q["right"] for q in quizzes._row(connection, principal, drawn_id).draw["questions"]]


def test_a_draw_can_be_repeated_and_differs_by_person_and_by_number() -> None:
    made = drawn(quiz(), WHO, [])
    assert made == drawn(quiz(), WHO, [])
    others = [drawn(quiz(), ("default", f"user:{n}"), []) for n in range(20)]
    assert len({str(d) for d in others}) > 15
    before: list[Draw] = []
    for _ in range(30):
        before.append(drawn(quiz(), WHO, before))
        assert len({q["question"] for q in before[-1]["questions"]}) == 4
    assert all(a["questions"] != b["questions"] for a, b in pairwise(before))


def test_a_new_draw_differs_also_where_a_quiz_has_a_single_question_of_two_options() -> None:
    small = quiz(1, 1, 2)
    before: list[Draw] = []
    for _ in range(12):
        before.append(drawn(small, WHO, before))
    assert all(a["questions"] != b["questions"] for a, b in pairwise(before))


def test_questions_come_round_before_one_comes_twice() -> None:
    before: list[Draw] = []
    for _ in range(3):
        before.append(drawn(quiz(), WHO, before))
    often = Counter(q["question"] for d in before for q in d["questions"])
    assert set(often.values()) == {2}


def test_the_right_option_stands_where_the_draw_put_it_and_everywhere_in_time() -> None:
    places = Counter()
    for n in range(200):
        for asked in drawn(quiz(), ("default", f"user:{n}"), [])["questions"]:
            number = int(asked["question"][1:])
            assert asked["options"][asked["right"]] == str(2 * number)
            places[asked["right"]] += 1
    assert min(places.values()) > 200


def test_a_draw_waits_for_its_answers_and_shows_none_of_them(quizzes: Quizzes) -> None:
    first = quizzes.draw(LOCAL, "ethics")
    assert quizzes.draw(LOCAL, "ethics") == first == quizzes.show(LOCAL, first.id)
    assert all(set(q) == {"question", "ask", "options"} for q in first.questions)
    with pytest.raises(ConflictError):
        quizzes.result(LOCAL, first.id)


def test_right_answers_pass_wrong_ones_do_not_and_a_draw_is_scored_once(quizzes: Quizzes) -> None:
    first = quizzes.draw(LOCAL, "ethics")
    right = rights(quizzes, first.id)
    result = quizzes.hand_in(LOCAL, first.id, right)
    assert (result.score, result.passed) == (result.total, True)
    assert all(i["because"] and i["chosen"] == i["right"] for i in result.items)
    with pytest.raises(ConflictError):
        quizzes.hand_in(LOCAL, first.id, right)
    second = quizzes.draw(LOCAL, "ethics")
    assert second.id != first.id
    assert second.questions != first.questions
    wrong = [
        (r + 1) % len(q["options"]) for r, q in zip(rights(quizzes, second.id), second.questions, strict=True)
    ]
    failed = quizzes.hand_in(LOCAL, second.id, wrong)
    assert (failed.score, failed.passed) == (0, False)
    assert [r.id for r in quizzes.results(LOCAL)] == [second.id, first.id]
    assert quizzes.result(LOCAL, first.id) == result


@pytest.mark.parametrize("answers", [[], [0], [0] * 99, [0, 0, 0, 0, 9], [0, 0, 0, 0, -1]])
def test_answers_that_do_not_fit_are_refused_and_the_draw_still_waits(
    quizzes: Quizzes, answers: list[int]
) -> None:
    waiting = quizzes.draw(LOCAL, "python-basics")
    with pytest.raises(InvalidInputError):
        quizzes.hand_in(LOCAL, waiting.id, answers)
    assert quizzes.draw(LOCAL, "python-basics") == waiting


def test_nobody_hands_in_for_another(quizzes: Quizzes) -> None:
    mine = quizzes.draw(LOCAL, "data-basics")
    for call in (lambda: quizzes.show(BOB, mine.id), lambda: quizzes.hand_in(BOB, mine.id, [0] * 5)):
        with pytest.raises(NotFoundError):
            call()
    assert quizzes.results(BOB) == []


def test_an_unknown_quiz_is_answered_with_the_nearest(quizzes: Quizzes) -> None:
    with pytest.raises(NotFoundError) as caught:
        quizzes.draw(LOCAL, "etics")
    assert "`ethics`" in caught.value.hint
