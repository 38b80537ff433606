"""The judges of a workspace, introduced to the gateway, the prompts and the evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal
    from groundwork.evaluation.judges.judges import Judges
    from groundwork.jobs import JobContext
    from groundwork.prompts.types import PromptVersion

JOB = "judge"


def make_judges(workspace: Workspace) -> Judges:
    """Return the judges of the workspace's spec."""
    from groundwork.evaluation.judges.judges import Asking, Judges
    from groundwork.prompts.store import split_ref

    rooms = workspace.rooms

    def prompt(principal: Principal, written: str) -> PromptVersion:
        return workspace.prompts.get(principal, *split_ref(written))

    return Judges(
        rooms.database,
        rooms.clock,
        workspace.spec.judges,
        Asking(lambda: workspace.gateway, prompt, lambda model: identity_of(workspace, model)),
        lambda: workspace.evaluation.book,
    )


def identity_of(workspace: Workspace, model: str) -> Any:
    """Return what a model's name stands for: a name of `[models]` with its routes, else the name alone.

    A judge whose name stays while another model stands behind it is another judge.
    """
    named = workspace.spec.models.get(model)
    return model if named is None else [model, named.model_dump(mode="json", exclude_defaults=True)]


def start_judging(
    workspace: Workspace,
    principal: Principal,
    name: str,
    what: Literal["card", "check"],
    *,
    samples: Sequence[str] = (),
    items: int = 50,
    idempotency_key: str | None = None,
) -> str:
    """Queue the making of a judge's card, or a check of it, and return the job's id.

    Raises:
        NotFoundError: there is no such judge or sample.
    """
    judges = workspace.evaluation.judges
    judges.asker(name, principal)
    for sample in samples:
        judges.sample(principal, sample)
    arguments = {"judge": name, "what": what, "samples": list(samples), "items": items}
    return workspace.rooms.jobs(workspace).enqueue(JOB, arguments, principal, idempotency_key=idempotency_key)


def work(workspace: Workspace, context: JobContext) -> dict[str, Any]:
    """Make a card or a check as a job; a second run finds in the cache what the judge said in the first."""
    a = context.arguments
    judges, name = workspace.evaluation.judges, str(a["judge"])

    def told(done: int, of: int) -> None:
        context.progress({"stage": "asking the judge", "done": done, "total": of})

    if a["what"] == "check":
        made = judges.check(context.principal, name, int(a["items"]), progress=told)
    else:
        made = judges.make_card(
            context.principal, name, tuple(a["samples"]), progress=told, cancelled=context.cancelled
        )
    return {"judge": name, "card": made.id, "kind": made.kind, "n": made.n}
