"""Evaluations that are asked for from afar: planned, queued, and what may be evaluated so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.running import start_evaluation
from groundwork.app.subjects_evaluated import FILE
from groundwork.core.errors import InvalidInputError
from groundwork.core.principal import Principal
from groundwork.evaluation.planning import RunPlan
from groundwork.evaluation.types import Evaluation

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


def planned(
    workspace: Workspace,
    principal: Principal,
    *,
    subject: str,
    dataset: str,
    split: str = "test",
    scorers: Sequence[str | Mapping[str, Any]] | None = None,
    repeats: int = 1,
    limit: int | None = None,
    title: str = "",
) -> RunPlan:
    """Return the plan of an evaluation that somebody asks for over the network; see `Runner.plan`.

    Raises:
        InvalidInputError: a file of this machine is named.
    """
    if subject.strip().startswith(FILE):
        raise InvalidInputError(
            "a file of the server cannot be evaluated from here",
            hint="run `groundwork evaluate file:outputs.jsonl` where the file is",
        )
    return workspace.evaluation.runner.plan(
        principal,
        subject,
        dataset=dataset,
        split=split,
        scorers=scorers,
        repeats=repeats,
        limit=limit,
        title=title,
    )


def queued(workspace: Workspace, principal: Principal, what: RunPlan | Evaluation) -> Evaluation:
    """Queue a plan or what is missing of an evaluation; one that is done, or being run, is returned as it is.

    Raises:
        InvalidInputError: it is of a file that only the command line reads.
    """
    room = workspace.evaluation
    if isinstance(what, RunPlan):
        found = room.runner.start(principal, what)
    else:
        found = what
        if found.word.startswith(FILE) and found.state != "done":
            raise InvalidInputError(
                "this evaluation reads a file and cannot be resumed from here",
                hint=f"resume it where the file is: `groundwork evaluation resume {found.id}`",
            )
        if found.state == "done" or room.runner.owner(principal, found.id):
            return found
        room.book.change(principal, found.id, state="planned", finished_at=None, error=None)
    start_evaluation(workspace, principal, found.id)
    return room.book.get(principal, found.id)
