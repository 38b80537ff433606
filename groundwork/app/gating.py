"""Comparisons and gates of a workspace, introduced to evaluations, judges and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundwork.core.errors import ForbiddenError, GroundworkError
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.comparing import Comparisons
    from groundwork.evaluation.gates.gates import Gates
    from groundwork.evaluation.running import Progress
    from groundwork.jobs import JobContext

JOB = "gate"


def make_comparisons(workspace: Workspace) -> Comparisons:
    """Return what compares the evaluations of a workspace."""
    from groundwork.evaluation.comparing import Comparisons

    return Comparisons(workspace.evaluation.book)


def make_gates(workspace: Workspace) -> Gates:
    """Return the gates of the workspace's spec."""
    from groundwork.evaluation.gates.gates import Gates
    from groundwork.evaluation.judges.types import Trust

    room = workspace.evaluation

    def trust(principal: Principal, judge: str) -> Trust:
        return room.judges.trust(principal, judge)

    def judge_version(judge: str) -> str:
        return room.judges.asker(judge).version

    def standing(principal: Principal, app: str, environment: str) -> str:
        try:
            served = workspace.releases.serving(principal, app, environment=environment)
        except GroundworkError:
            return ""
        return served.release.ref if served.release is not None else ""

    rooms = workspace.rooms
    return Gates(
        rooms.database, rooms.clock, workspace.spec.gates, room.runner, trust, judge_version, standing
    )


def refuse_files(*words: str) -> None:
    """Refuse words that name a file of this machine, for doors through which others ask.

    Raises:
        ForbiddenError: one of them does.
    """
    if any(w.strip().startswith("file:") for w in words):
        raise ForbiddenError(
            "a file of the server's machine cannot be named here",
            hint="import it on the machine with `groundwork evaluate file:…` and name the evaluation",
        )


def start_gate(
    workspace: Workspace,
    principal: Principal,
    name: str = "",
    *,
    candidate: str = "",
    baseline: str = "",
    environment: str = "",
    posthoc: bool = False,
    idempotency_key: str | None = None,
) -> str:
    """Store the plan, queue the gate and return the job's id; it goes on after a crash in the next process.

    Raises:
        As `Gates.plan`: what cannot be planned is refused at once. ForbiddenError: a file is named.
    """
    refuse_files(candidate, baseline)
    plan = workspace.evaluation.gates.plan(
        principal, name, candidate=candidate, baseline=baseline, environment=environment
    )
    arguments = {
        "gate": plan.gate,
        "candidate": plan.candidate,
        "baseline": plan.baseline,
        "environment": plan.environment,
        "posthoc": posthoc,
    }
    return workspace.rooms.jobs(workspace).enqueue(JOB, arguments, principal, idempotency_key=idempotency_key)


def work(workspace: Workspace, context: JobContext) -> dict[str, Any]:
    """Run a gate as a job; its result names the verdict."""
    a = context.arguments

    def told(side: str, at: Progress) -> None:
        context.progress({"stage": side, "done": at.done, "total": at.of})

    found = workspace.evaluation.gates.run(
        context.principal,
        str(a["gate"]),
        candidate=str(a["candidate"]),
        baseline=str(a["baseline"]),
        environment=str(a["environment"]),
        posthoc=bool(a["posthoc"]),
        progress=told,
        cancelled=context.cancelled,
    )
    return {"verdict": found.id, "outcome": found.outcome, "cost_usd": found.cost_usd}
