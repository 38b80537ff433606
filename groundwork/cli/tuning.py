"""`groundwork tune`: search for a better configuration of an app, read what came out, write it into the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import tuning_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.cli.progress import Progress
    from groundwork.evaluation.tuning.types import Tuning

app = Commands(help="Search for a better configuration of an app.", default="run", named=True)
UNCHANGED = "nothing was changed"
KEPT = "what is done is kept; `groundwork tune --resume last` goes on"

TuningArgument = Annotated[
    str,
    typer.Argument(
        metavar="TUNING", help="The id of a tuning, its beginning, or `last`.", show_default=False
    ),
]


@app.add("run", interrupted=KEPT)
def run(
    door: Door,
    app_name: Annotated[str, typer.Argument(metavar="[APP]", help="The app.")] = "default",
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", metavar="NAME[@N]", help="The dataset.")
    ] = "golden",
    split_name: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="Which part of it; otherwise train and validation, or all but the holdout.",
            show_default=False,
        ),
    ] = "",
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            "-m",
            metavar="METRIC",
            help="What should become better; otherwise `correct`, or `ndcg` where no answers are expected.",
            show_default=False,
        ),
    ] = "",
    budget: Annotated[
        int, typer.Option("--budget", metavar="N", help="Try so many configurations, 2 to 48.")
    ] = 24,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PART",
            help="Change only strategy, chunker, passages, threshold, prompt or model. May be repeated.",
        ),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option("--prompt", metavar="NAME[@VERSION]", help="Try this prompt, too. May be repeated."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="MODEL", help="Try this model, too. May be repeated."),
    ] = None,
    alpha: Annotated[
        float, typer.Option("--alpha", metavar="P", help="How often chance alone may recommend a change.")
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the order of the examples.")] = 0,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", metavar="USD", help="Refuse to begin where it may cost more.", show_default=False
        ),
    ] = None,
    resume: Annotated[
        str, typer.Option("--resume", metavar="TUNING", help="Go on with a tuning that was stopped.")
    ] = "",
    background: Annotated[
        bool, typer.Option("--background", help="Queue it; the server does it. `tune show` tells.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be tried and what it may cost.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what is recommended into groundwork.toml.")
    ] = False,
) -> Reply:
    """Search for a configuration of an app that scores better on a dataset.

    Tries strategies, chunkers, passages, thresholds, prompts and models. The gain it reports is measured on
    examples that had no part in the choice; the holdout is never read. It recommends a change only where there
    is evidence for it, and shows the change as a patch. Ctrl-C keeps what is done.
    """
    with door.workspace() as workspace:
        tuner = workspace.evaluation.tuner
        if resume:
            found = tuner.book.get(principal(None), resume)
            return _done(door, workspace, found, apply)
        plan = tuner.plan(
            principal(None),
            app_name,
            dataset=dataset,
            split=split_name,
            metric=metric,
            budget=budget,
            parts=split(only or []),
            prompts=prompt or [],
            models=model or [],
            alpha=alpha,
            seed=seed,
        )
        _refuse_costly(plan.expected_cost_usd, max_cost)
        if dry_run:
            return Reply(plan.as_dict(), lambda screen: view.plan(plan, screen))
        door.say(view.plan(plan, door.screen))
        found = tuner.start(principal(None), plan)
        if background:
            return _queued(workspace, found)
        return _done(door, workspace, found, apply)


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    app_name: Annotated[str, typer.Option("--app", metavar="NAME", help="Only those of this app.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="So many.", min=1, max=1000)] = 20,
    before: Annotated[
        str, typer.Option("--before", metavar="TUNING", help="Go on from here, to older ones.")
    ] = "",
) -> Reply:
    """List tunings, newest first."""
    with door.workspace() as workspace:
        found = workspace.evaluation.tuner.book.list(
            principal(None), app=app_name, limit=limit, before=before or None
        )
    return Reply({"tunings": [t.as_dict() for t in found]}, lambda screen: view.listed(found, screen))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, tuning: TuningArgument = "last") -> Reply:
    """Show a tuning: the gain on unseen examples, every configuration with its interval, and the patch."""
    with door.workspace() as workspace:
        return _shown(workspace, workspace.evaluation.tuner.book.get(principal(None), tuning))


@app.add("apply", interrupted=UNCHANGED)
def apply_(door: Door, tuning: TuningArgument = "last") -> Reply:
    """Write what a tuning recommends into groundwork.toml; comments stay, and how to undo it is said."""
    with door.workspace() as workspace:
        return _applied(workspace, workspace.evaluation.tuner.book.get(principal(None), tuning))


def _done(door: Door, workspace: Workspace, found: Tuning, apply: bool) -> Reply:
    """Run what is missing with a bar, and answer the report."""
    from groundwork.app.running import owner_here

    asking = principal(None)
    try:
        with door.progress("tuning") as progress:
            ended = workspace.evaluation.tuner.run(
                asking, found.id, progress=_teller(progress), owner=owner_here(asking)
            )
    except KeyboardInterrupt:
        door.note(f"stopped; go on with: groundwork tune --resume {found.id}")
        raise
    if apply and ended.report is not None and ended.report["recommended"]:
        return _applied(workspace, ended)
    return _shown(workspace, ended)


def _teller(progress: Progress) -> Any:
    from groundwork.app.money import usd

    def tell(at: dict[str, Any]) -> None:
        progress.at("tuning", int(at["done"]), int(at["of"]), usd(at["cost_usd"]) if at["cost_usd"] else "")

    return tell


def _shown(workspace: Workspace, found: Tuning) -> Reply:
    from groundwork.app.tuning_patch import patch_of
    from groundwork.core.errors import GroundworkError

    try:
        patch = patch_of(workspace, found)
    except GroundworkError:
        patch = None
    document = {
        **found.as_dict(),
        "patch": patch.diff if patch else "",
        "then": list(patch.then) if patch else [],
    }
    return Reply(document, lambda screen: view.shown(found, patch, screen))


def _applied(workspace: Workspace, found: Tuning) -> Reply:
    from groundwork.app.tuning_patch import apply

    patch, kept = apply(workspace, found)
    document = {**found.as_dict(), "patch": patch.diff, "then": list(patch.then), "undo": str(kept)}
    return Reply(document, lambda screen: view.applied(found, patch, kept, workspace.root, screen))


def _queued(workspace: Workspace, found: Tuning) -> Reply:
    from groundwork.app.tuning import start_tuning

    job = start_tuning(workspace, principal(None), found.id)
    return Reply(
        {"tuning": found.id, "job": job},
        lambda screen: [
            f"queued as {screen.teal(job)}; a running `groundwork serve` does it",
            screen.soft(f"`groundwork tune show {found.id}` tells how far it is"),
        ],
    )


def _refuse_costly(expected: float | None, most: float | None) -> None:
    from groundwork.app.money import usd
    from groundwork.core.errors import BudgetExceededError

    if most is None:
        return
    if expected is None:
        raise BudgetExceededError(
            "nobody knows what it would cost", hint="give the models prices: `groundwork model price`"
        )
    if expected > most:
        raise BudgetExceededError(
            f"it may cost {usd(expected)}, more than {usd(most)}",
            hint="try fewer configurations with --budget",
        )
