"""Ask an app every question of a labelled file, and find the threshold that keeps its promise.

A cascade is calibrated in two rounds, each on its own half of the questions, so that the promise is tested on questions that
had no part in a choice: first its cheap model alone, which gives the confidence under which the next one is asked; then the
whole, going on from that confidence, as it will be used. With too few questions for two rounds it goes on under one half.
An app that asks models pays for every question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.answers import store
from groundwork.answers.calibration import (
    MIN_QUESTIONS,
    MIN_UNANSWERABLE,
    Calibration,
    Labelled,
    Scored,
    calibrate,
    holds_answer,
    read_labelled,
)
from groundwork.answers.pipeline import ESCALATE, Recipe, first_tier, holds_for
from groundwork.answers.readers.generative import ESCALATE_BELOW
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


def calibrate_app(
    workspace: Workspace,
    path: Path,
    app: str,
    target_risk: float | None,
    delta: float,
    principal: Principal,
    progress: Callable[[int, int], None],
) -> Calibration:
    """Ask every question at the head, without recording answers, and keep the calibration if a threshold passes.

    Raises:
        InvalidInputError: the file cannot be read, or holds fewer than 100 questions or 30 without an answer.
    """
    spec = workspace.app_spec(app)
    labelled = read_labelled(path)
    pipeline = workspace.rooms.pipeline
    recipe = replace(pipeline.recipe(principal, app, spec), threshold=0.0, escalate_below=None)
    held = holds_for(spec, recipe.reader)
    risk = spec.risk if target_risk is None else target_risk
    questions = labelled.questions
    tiers = first_tier(recipe)

    def ask_all(asked: Recipe, chosen: Sequence[Labelled], before: int = 0) -> list[Scored]:
        rows: list[Scored] = []
        for done, question in enumerate(chosen, 1):
            outcome = pipeline.produce(principal, question.question, asked, None)
            right = question.answerable and holds_answer(outcome.text, question.answers)
            # What cannot be answered at any threshold is no wrong answer: it counts as never given.
            confidence = 0.0 if outcome.abstained else outcome.confidence
            rows.append(Scored(confidence, right, question.answerable))
            progress(before + done, len(labelled.questions))
        return rows

    halves = _halves(questions) if tiers is not None else None
    if tiers is not None and halves is not None:
        first, questions = halves
        cheap = calibrate(ask_all(tiers, first), app=app, target_risk=risk, delta=delta)
        escalate = ESCALATE_BELOW if cheap.threshold is None else cheap.threshold
        recipe, held = replace(recipe, escalate_below=escalate), {**held, ESCALATE: str(escalate)}
    now = workspace.rooms.clock.now().isoformat()
    calibration = calibrate(
        ask_all(recipe, questions, len(labelled.questions) - len(questions)),
        app=app,
        target_risk=risk,
        delta=delta,
        data_digest=labelled.digest,
        holds_for=held,
        created_at=now,
    )
    if calibration.threshold is not None:
        with workspace.rooms.database.write() as connection:
            store.put_calibration(
                connection,
                principal.tenant,
                app,
                calibration.id,
                calibration.as_dict(),
                calibration.created_at,
            )
    return calibration


def _halves(questions: Sequence[Labelled]) -> tuple[tuple[Labelled, ...], tuple[Labelled, ...]] | None:
    """Return the questions in two parts with alike shares of unanswerable ones; None when there are too few for two."""
    with_answer = [q for q in questions if q.answerable]
    without = [q for q in questions if not q.answerable]
    one, other = (tuple(with_answer[at::2] + without[at::2]) for at in (0, 1))
    if len(without) // 2 < MIN_UNANSWERABLE or len(questions) // 2 < MIN_QUESTIONS:
        return None
    return one, other
