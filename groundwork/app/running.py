"""Evaluations meet the workspace: the runner is built of its rooms, and one call leads from a plan to its numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app.scoring import ActingServices
from groundwork.core.errors import CancelledError
from groundwork.core.principal import Principal
from groundwork.datasets.types import DatasetVersion, Example
from groundwork.evaluation.book import Evaluations
from groundwork.evaluation.running import OnProgress, Runner
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.types import Evaluation

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.jobs import JobContext

JOB = "evaluate"


def make_book(workspace: Workspace) -> Evaluations:
    """Return the book of a workspace, which reads examples of its datasets."""
    rooms = workspace.rooms

    def examples(principal: Principal, digest: str, split: str) -> list[Example]:
        return workspace.datasets.examples(principal, digest, split=split, purpose="evaluate")

    return Evaluations(rooms.database, rooms.clock, examples)


def make_runner(workspace: Workspace) -> Runner:
    """Return the runner of a workspace."""
    rooms, room = workspace.rooms, workspace.evaluation

    def dataset(principal: Principal, ref: str) -> DatasetVersion:
        return workspace.datasets.get(principal, ref)

    def examples(principal: Principal, digest: str, split: str) -> list[Example]:
        return workspace.datasets.examples(principal, digest, split=split, purpose="evaluate")

    def services(principal: Principal) -> Services:
        return ActingServices(room.services, room.judges, principal)

    return Runner(room.book, rooms.leases, rooms.clock, room.subjects, dataset, examples, services)


def evaluate(
    workspace: Workspace,
    principal: Principal,
    subject: str,
    *,
    dataset: str,
    split: str,
    scorers: Sequence[str | Mapping[str, Any]] | None,
    repeats: int,
    title: str,
    limit: int | None,
    progress: OnProgress | None,
    cancelled: Callable[[], bool] | None,
    resume: str,
) -> Evaluation:
    """Plan and run an evaluation, or go on with one; see `Workspace.evaluate`."""
    runner = workspace.evaluation.runner
    if resume:
        identifier = workspace.evaluation.book.get(principal, resume).id
    else:
        plan = runner.plan(
            principal,
            subject,
            dataset=dataset,
            split=split,
            scorers=scorers,
            repeats=repeats,
            title=title,
            limit=limit,
        )
        identifier = runner.start(principal, plan).id
    return runner.run(
        principal, identifier, progress=progress, cancelled=cancelled, owner=owner_here(principal)
    )


def start_evaluation(
    workspace: Workspace, principal: Principal, identifier: str, *, idempotency_key: str | None = None
) -> str:
    """Queue an evaluation that was planned and return the job's id; it goes on after a crash in the next process."""
    jobs = workspace.rooms.jobs(workspace)
    key = idempotency_key or None
    job = jobs.enqueue(JOB, {"evaluation": identifier}, principal, idempotency_key=key)
    workspace.evaluation.book.change(principal, identifier, job_id=job)
    return job


def work(workspace: Workspace, context: JobContext) -> dict[str, Any]:
    """Run an evaluation as a job. It may run twice: a second run finds what the first one wrote."""
    identifier = str(context.arguments["evaluation"])
    runner = workspace.evaluation.runner
    try:
        found = runner.run(
            context.principal,
            identifier,
            progress=lambda p: context.progress({**p.as_dict(), "stage": "evaluating", "total": p.of}),
            cancelled=context.cancelled,
            owner=f"job {context.id}",
        )
    except CancelledError:
        if context.cancelled():
            raise
        # The evaluation was cancelled, not the job: that is how it ended.
        found = workspace.evaluation.book.get(context.principal, identifier)
    return {"evaluation": found.id, "state": found.state, "cost_usd": found.cost_usd}


def owner_here(principal: Principal) -> str:
    """Return who runs an evaluation in this process, for others that want to."""
    return f"{principal.name} (process {os.getpid()})"
