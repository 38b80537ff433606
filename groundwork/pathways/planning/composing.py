"""A request and its tasks to a plan: pure, so that equal inputs give an equal plan, byte for byte."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date

from groundwork.core.digest import digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.pathways.planning import montecarlo, pace
from groundwork.pathways.planning.changes import OtherTarget, changes
from groundwork.pathways.planning.dating import WorkingTime, reviews
from groundwork.pathways.planning.explain import items_of
from groundwork.pathways.planning.fitting import Laid, Life, lay, what_fits
from groundwork.pathways.planning.types import Change, Forecast, Plan, PlanItem, PlanRequest, Task, plain

ALGORITHM = 1
"""Of the planner; part of what a plan follows from, so that a better planner makes a new plan."""
BUFFER = 0.8


def check_request(request: PlanRequest, today: date) -> None:
    """Raise InvalidInputError when a request cannot be planned, whatever the target."""
    start, by = request.calendar.start, request.by
    WorkingTime(request.calendar)
    if not 0 < request.confidence < 1:
        raise InvalidInputError(
            f"a confidence of {request.confidence:g} cannot be", hint="between 0 and 1, such as .8"
        )
    if by is not None and by < today:
        raise InvalidInputError(
            f"the wished day {by.isoformat()} is in the past", hint=f"today is {today.isoformat()}"
        )
    if by is not None and by < start:
        raise InvalidInputError(
            f"the wished day {by.isoformat()} is before the start {start.isoformat()}",
            hint="begin earlier, or wish for a later day",
        )
    if request.money is not None and not 0 <= request.money < float("inf"):
        raise InvalidInputError(
            f"{request.money:g} is no limit of money",
            hint="0 takes only what costs nothing; leave it out for no limit",
        )


def inputs_of(request: PlanRequest, tasks: Sequence[Task], catalogue: str) -> str:
    """Return the digest of everything that a plan follows from."""
    return digest_json(
        {
            "algorithm": ALGORITHM,
            "catalogue": catalogue,
            "request": plain(asdict(request)),
            "tasks": [plain(asdict(task)) for task in tasks],
        }
    )


def compose(
    request: PlanRequest,
    tasks: Sequence[Task],
    *,
    catalogue: str = "",
    transition: str = "",
    others: Iterable[OtherTarget] = (),
    labs: Mapping[str, str] | None = None,
    resources: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> Plan:
    """Return the plan for some tasks; without tasks an empty one, which says that nothing is left to do.

    Args:
        request: its `pace` is what is believed of the person, its `sigma` the spread of the way (the default without).
        others: roles that may be offered instead when the wished day cannot be held.
        labs, resources: for ids of tasks, the lab to open and the resources chosen.
        notes: to be shown with it, before its own.

    Raises:
        InvalidInputError: the calendar, a circle of needs, or a plan beyond three hundred years.
    """
    time = WorkingTime(request.calendar)
    shared = montecarlo.DEFAULT_SIGMA if request.sigma is None else request.sigma
    life = Life(request.pace, shared, request.seed)
    laid = lay(tasks, time, life)
    forecast = _forecast(laid, request)
    said = list(notes)
    kept = laid
    offered: tuple[Change, ...] = ()
    fits: Forecast | None = None
    by, confidence = request.by, request.confidence
    if by is not None and tasks and (forecast.by_probability or 0.0) < confidence:
        kept = what_fits(tasks, time, life, by, confidence)
        offered = changes(laid, request.calendar, life, by, confidence, others)
        fits = _forecast(kept, request) if kept.tasks else None
        said.append(_missed(forecast, by, confidence, kept, len(tasks)))
    items = _completed(items_of(kept.tasks, kept.ordered, time), labs or {}, resources or {})
    if not tasks:
        said.append("Nothing is left to do: everything that the target needs is held.")
    elif request.pace.n:
        said.append(pace.sentence(request.pace))
    if len(items) > 1 and not _idle(kept):
        said.append(
            "No hour is left idle, so the order does not move the last day; it decides how early you have something to show."
        )
    last = max((item.done for item in items), default=time.start)
    ids = {task.id for task in kept.tasks}
    inputs = inputs_of(request, tasks, catalogue)
    return Plan(
        id="",
        inputs=inputs,
        catalogue=catalogue,
        request=plain(asdict(request)),
        items=items,
        forecast=forecast,
        method=kept.ordered.method,
        bound=round(kept.ordered.bound, 6),
        dropped=tuple(task.id for task in tasks if task.id not in ids),
        changes=offered,
        reviews=reviews(time, time.offset(last)) if items else (),
        buffer_until=time.day(kept.lives.day(BUFFER)) if items else None,
        transition=transition,
        notes=tuple(said),
        hours=round(sum(item.hours for item in items), 2),
        declared=request.declared,
        fits=fits,
    )


def _forecast(laid: Laid, request: PlanRequest) -> Forecast:
    return montecarlo.forecast(laid.lives, by=request.by, pace=request.pace, seed=request.seed)


def _missed(forecast: Forecast, by: date, confidence: float, kept: Laid, total: int) -> str:
    likely, wished = math.floor(100 * (forecast.by_probability or 0.0)), round(100 * confidence)
    head = f"All of it is done by {by.day} {by:%B %Y} with {likely} %, less than the {wished} % wished"
    if not kept.tasks:
        return f"{head}; nothing at all fits before that day."
    rest = math.floor(100 * kept.lives.probability(by))
    keeps = f"The plan keeps the {len(kept.tasks)} of {total} items that are worth most"
    return f"{head}. {keeps}; they are done by then with {rest} %."


def _idle(laid: Laid) -> bool:
    """Say whether the person has to wait with nothing to do."""
    played = laid.ordered.played
    spent = sum(laid.ordered.work.hours)
    return max(played.finishes, default=0.0) > spent + 1e-6


def _completed(
    items: Sequence[PlanItem], labs: Mapping[str, str], resources: Mapping[str, Sequence[str]]
) -> tuple[PlanItem, ...]:
    return tuple(
        replace(item, lab=labs.get(item.milestone, ""), resources=tuple(resources.get(item.milestone, ())))
        for item in items
    )
