"""Quizzes that a person handed in; they see their own alone."""

from __future__ import annotations

from sqlalchemy import Double, cast, func

from groundwork.evidence.records import Kind, described, number, text, time
from groundwork.storage import pathway_tables as t

q = t.quiz_results.c


class QuizResults(Kind):
    """One draw of a quiz, handed in."""

    title = "quizzes handed in"
    room = "pathways"
    made_by = "groundwork path quiz NAME"
    table = t.quiz_results
    id = q.id
    at = q.finished_at
    fields = described(
        id=text(q.id, "its id"),
        quiz=text(q.quiz, "which one"),
        score=number(q.score, "right answers"),
        total=number(q.total, "questions"),
        share=number(cast(q.score, Double) / func.nullif(q.total, 0), "right answers, 0 to 1"),
        at=time(q.finished_at, "when it was handed in"),
    )
    owner = q.owner
    only = q.finished_at.is_not(None)
    page = "/pathways"


plugin = QuizResults
