"""Quizzes: draw questions, hand answers in, see what was right and why. The same answers always score the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from groundwork.core.digest import digest_json
from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.pathways.walking.types import DrawnQuiz, QuizResult
from groundwork.storage.database import exclusive
from groundwork.storage.pathway_tables import quiz_results

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.core.principal import Principal
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.pathways.types import Quiz
    from groundwork.storage.database import Database

q = quiz_results.c
Draw = dict[str, Any]


class Quizzes:
    """Draws of one person.

    A draw keeps its questions as they were, so that a catalogue that changes meanwhile changes no score. It has to be handed
    in before there is another, so that nobody draws until the questions please them.
    """

    def __init__(self, database: Database, clock: Clock, catalogues: CatalogueBook) -> None:
        self._database = database
        self._clock = clock
        self._catalogues = catalogues

    def draw(self, principal: Principal, quiz: str) -> DrawnQuiz:
        """Return the draw that waits for its answers, or make a new one.

        What is drawn follows from tenant, owner, quiz and the number of the draw; questions that were drawn least often come
        first, and a new draw differs from the one before it.

        Raises:
            NotFoundError: there is no such quiz; the hint offers the nearest.
        """
        found = self._catalogues.current().quiz(quiz)
        with self._database.write() as connection:
            exclusive(connection, f"quiz {principal.tenant} {principal.name}")
            rows = self._rows(connection, principal, found.id)
            if rows and rows[-1].answers is None:
                return _drawn(rows[-1])
            before = [row.draw for row in rows]
            row = {
                "id": new_id("qzr"),
                "tenant": principal.tenant,
                "owner": principal.name,
                "quiz": found.id,
                "catalogue": self._catalogues.current().digest,
                "draw": drawn(found, (principal.tenant, principal.name), before),
                "answers": None,
                "score": 0,
                "total": min(found.draw, len(found.questions)),
                "created_at": self._now(),
                "finished_at": None,
            }
            connection.execute(insert(quiz_results).values(row))
            stored = connection.execute(select(quiz_results).where(q.id == row["id"])).one()
        return _drawn(stored)

    def show(self, principal: Principal, id: str) -> DrawnQuiz:
        """Return a draw of the principal, with its questions and without its answers.

        Raises:
            NotFoundError: there is none of this id.
        """
        with self._database.read() as connection:
            return _drawn(self._row(connection, principal, id))

    def hand_in(self, principal: Principal, id: str, answers: Sequence[int]) -> QuizResult:
        """Score a draw: one place among the options, from 0, for each question in order.

        Raises:
            NotFoundError: there is no such draw. ConflictError: it was handed in before.
            InvalidInputError: there are too few or too many answers, or one is no option.
        """
        with self._database.write() as connection:
            row = self._row(connection, principal, id)
            if row.answers is not None:
                raise ConflictError(
                    f"`{id}` was handed in at {row.finished_at}",
                    hint=f"draw anew: `groundwork path quiz {row.quiz}`",
                )
            chosen = _checked(row.draw["questions"], answers)
            score = sum(c == x["right"] for c, x in zip(chosen, row.draw["questions"], strict=True))
            changes = {"answers": chosen, "score": score, "finished_at": self._now()}
            connection.execute(update(quiz_results).where(q.id == row.id).values(changes))
            stored = connection.execute(select(quiz_results).where(q.id == row.id)).one()
        return _result(stored)

    def results(self, principal: Principal) -> list[QuizResult]:
        """Return the draws that were handed in, newest first."""
        mine = (q.tenant == principal.tenant, q.owner == principal.name, q.finished_at.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(select(quiz_results).where(*mine).order_by(q.id.desc())).all()
        return [_result(row) for row in rows]

    def result(self, principal: Principal, id: str) -> QuizResult:
        """Return a draw that was handed in.

        Raises:
            NotFoundError: there is none of this id. ConflictError: it still waits for its answers.
        """
        with self._database.read() as connection:
            row = self._row(connection, principal, id)
        if row.answers is None:
            raise ConflictError(
                f"`{id}` waits for its answers", hint=f"`groundwork path quiz {row.quiz}` goes on with it"
            )
        return _result(row)

    def _rows(self, connection: Connection, principal: Principal, quiz: str) -> Sequence[Any]:
        mine = (q.tenant == principal.tenant, q.owner == principal.name, q.quiz == quiz)
        return connection.execute(select(quiz_results).where(*mine).order_by(q.id)).all()

    def _row(self, connection: Connection, principal: Principal, id: str) -> Any:
        mine = (q.tenant == principal.tenant, q.owner == principal.name, q.id == id)
        row = connection.execute(select(quiz_results).where(*mine)).first()
        if row is None:
            raise NotFoundError(
                f"there is no draw `{id[:60]}` of yours", hint="`groundwork path quiz` lists the quizzes"
            )
        return row

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def drawn(quiz: Quiz, whose: tuple[str, str], before: Sequence[Draw]) -> Draw:
    """Return draw number `len(before) + 1` of a quiz: its questions with their options in a drawn order.

    Args:
        whose: tenant and owner. before: the earlier draws, oldest first.
    """
    often = Counter(x["question"] for draw in before for x in draw["questions"])
    last = [(x["question"], x["options"]) for x in before[-1]["questions"]] if before else None
    attempt = 0
    while True:
        random = Random(digest_json([*whose, quiz.id, len(before) + 1, attempt]))  # noqa: S311 - a draw that can be repeated
        chosen = sorted(quiz.questions, key=lambda x: (often[x.id], random.random()))[: quiz.draw]
        questions = []
        for x in chosen:
            order = random.sample(range(len(x.options)), len(x.options))
            questions.append(
                {
                    "question": x.id,
                    "ask": x.ask,
                    "options": [x.options[i] for i in order],
                    "right": order.index(x.answer),
                    "because": x.because,
                }
            )
        if [(x["question"], x["options"]) for x in questions] != last or attempt > 20:
            return {"title": quiz.title, "pass_share": quiz.pass_share, "questions": questions}
        attempt += 1


def _checked(questions: Sequence[Draw], answers: Sequence[int]) -> list[int]:
    if len(answers) != len(questions):
        raise InvalidInputError(
            f"there are {len(questions)} questions and {len(answers)} answers",
            hint="answer each question once",
        )
    for number, (question, answer) in enumerate(zip(questions, answers, strict=True), 1):
        if not 0 <= answer < len(question["options"]):
            raise InvalidInputError(
                f"question {number} has {len(question['options'])} options; there is none at place {answer}",
                hint="places are counted from 0; on the command line options are letters",
            )
    return list(answers)


def _drawn(row: Any) -> DrawnQuiz:
    shown = ("question", "ask", "options")
    questions = tuple({k: x[k] for k in shown} for x in row.draw["questions"])
    return DrawnQuiz(row.id, row.quiz, row.draw["title"], questions)


def _result(row: Any) -> QuizResult:
    items = tuple(
        {**x, "chosen": chosen} for x, chosen in zip(row.draw["questions"], row.answers, strict=True)
    )
    passed = row.total > 0 and row.score / row.total >= row.draw["pass_share"] - 1e-9
    return QuizResult(row.id, row.quiz, int(row.score), int(row.total), passed, items, row.finished_at)
