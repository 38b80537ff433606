"""Ask an app every question of a labelled file, and find the threshold that keeps its promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.answers import store
from groundwork.answers.calibration import Calibration, Scored, calibrate, holds_answer, read_labelled
from groundwork.answers.pipeline import holds_for
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
    recipe = replace(pipeline.recipe(principal, app, spec), threshold=0.0)
    rows: list[Scored] = []
    for done, question in enumerate(labelled.questions, 1):
        outcome = pipeline.produce(principal, question.question, recipe, None)
        right = question.answerable and holds_answer(outcome.text, question.answers)
        # What cannot be answered at any threshold is no wrong answer: it counts as never given.
        confidence = 0.0 if outcome.abstained else outcome.confidence
        rows.append(Scored(confidence, right, question.answerable))
        progress(done, len(labelled.questions))
    now = workspace.rooms.clock.now().isoformat()
    calibration = calibrate(
        rows,
        app=app,
        target_risk=spec.risk if target_risk is None else target_risk,
        delta=delta,
        data_digest=labelled.digest,
        holds_for=holds_for(spec, recipe.reader),
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
