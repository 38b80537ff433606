"""Pages of gates: the gates with their last verdict, a verdict with all that is behind it, two evaluations side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.evaluation.gates import wording
from groundwork.evaluation.reports.page import words
from groundwork.evaluation.reports.plots import interval
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun, VerdictsOverride

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.evaluation.gates.types import Check, MetricDifference, Pair

router = APIRouter(include_in_schema=False)
Ref = Annotated[str, Query(max_length=300)]
VERDICTS = 20
CHOICES = 50
ROWS = 50
ORDERS = {"worse": "what got worse first", "better": "what got better first", "example": "by example"}
SLUGS = {
    "promote": "good",
    "reject": "bad",
    "insufficient": "warn",
    "pass": "good",
    "fail": "bad",
    "undecided": "warn",
}
MEANT = {"primary": "decides", "guard": "must not get worse", "limit": "limit"}


@router.get("/gates")
def gates_page(request: Request, house: House, principal: EvaluationsRead, gate: Ref = "") -> Response:
    return _gates(request, house, principal, gate)


@router.post("/gates")
def run_gate(request: Request, form: Posted, house: House, principal: EvaluationsRun) -> Response:
    """Store the plan and queue the gate; what cannot be planned is said beside the form."""
    from groundwork.app.gating import start_gate

    given = {name: text_of(form, name)[:300] for name in ("candidate", "baseline", "environment")}
    gate = text_of(form, "gate")
    try:
        job = start_gate(house, principal, gate, posthoc=text_of(form, "posthoc") == "yes", **given)
    except (InvalidInputError, ConflictError, NotFoundError, ForbiddenError) as error:
        return _gates(request, house, principal, "", {"gate": gate, **given}, error)
    return RedirectResponse(f"/jobs/{job}", 303)


@router.get("/gates/verdicts/{verdict_id}")
def verdict_page(request: Request, verdict_id: str, house: House, principal: EvaluationsRead) -> Response:
    return _verdict(request, house, principal, verdict_id)


@router.post("/gates/verdicts/{verdict_id}/override")
def override(
    request: Request, verdict_id: str, form: Posted, house: House, principal: VerdictsOverride
) -> Response:
    reason = text_of(form, "reason")
    try:
        house.evaluation.gates.override(principal, verdict_id, reason)
    except (InvalidInputError, ConflictError) as error:
        return _verdict(request, house, principal, verdict_id, reason, error)
    return RedirectResponse(f"/gates/verdicts/{verdict_id}", 303)


@router.get("/compare")
def compare_page(
    request: Request,
    house: House,
    principal: EvaluationsRead,
    a: Ref = "",
    b: Ref = "",
    metric: Ref = "",
    order: Annotated[str, Query(max_length=20)] = "worse",
    shared: bool = False,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Two evaluations side by side; without both of them a form to choose them."""
    choices = [e for e in house.evaluation.book.list(principal, limit=CHOICES) if e.state == "done"]
    context: dict[str, Any] = {
        "choices": choices,
        "a": a,
        "b": b,
        "shared": shared,
        "found": None,
        "fault": None,
    }
    if not (a and b):
        return page(request, "compare_evaluations.html", room="evaluations", **_told(), **context)
    comparisons = house.evaluation.comparisons
    try:
        found = comparisons.compare(principal, a, b, shared=shared)
    except (ConflictError, InvalidInputError) as error:
        context |= {"fault": error}
        return page(
            request, "compare_evaluations.html", error.status, room="evaluations", **_told(), **context
        )
    named = [m.metric for m in found.metrics]
    metric = metric if metric in named else named[0]
    order = order if order in ORDERS else "worse"
    pairs = _ordered(
        comparisons.pairs(principal, a, b, metric, shared=shared), found.metrics[named.index(metric)], order
    )
    context |= {
        "found": found,
        "metric": metric,
        "order": order,
        "orders": ORDERS,
        "offset": offset,
        "rows": ROWS,
    }
    context |= {"pairs": pairs[offset : offset + ROWS], "total": len(pairs), "plot": _difference_plot}
    context |= {"higher": found.metrics[named.index(metric)].higher_is_better}
    return page(request, "compare_evaluations.html", room="evaluations", **_told(), **context)


def _gates(
    request: Request,
    house: House,
    principal: Principal,
    gate: str,
    given: dict[str, str] | None = None,
    fault: GroundworkError | None = None,
) -> Response:
    gates = house.evaluation.gates
    specs = gates.specs()
    rows = []
    for name, spec in specs.items():
        last = gates.verdicts(principal, gate=name, limit=1)
        rows.append({"name": name, "spec": spec, "last": last[0] if last else None})
    listed = gates.verdicts(principal, gate=gate if gate in specs else "", limit=VERDICTS)
    filled = given or {"gate": "", "candidate": "", "baseline": "", "environment": "production"}
    return page(
        request,
        "gates.html",
        fault.status if fault else 200,
        room="gates",
        gates=rows,
        verdicts=listed,
        only=gate,
        given=filled,
        fault=fault,
        environments=[*dict.fromkeys((*house.spec.environments, "dev", "staging", "production"))],
        **_told(),
    )


def _verdict(
    request: Request,
    house: House,
    principal: Principal,
    verdict_id: str,
    reason: str = "",
    fault: GroundworkError | None = None,
) -> Response:
    gates = house.evaluation.gates
    found = gates.verdict(principal, verdict_id)
    try:
        plan = gates.stored_plan(principal, found.plan)
    except NotFoundError:
        plan = None
    mine = any(o.principal == principal.name for o in found.overrides)
    return page(
        request,
        "verdict.html",
        fault.status if fault else 200,
        room="gates",
        verdict=found,
        plan=plan,
        plot=_check_plot,
        needs=_needs,
        mine=mine,
        reason=reason,
        fault=fault,
        compare=address("/compare", a=found.baseline, b=found.candidate),
        **_told(),
    )


def _told() -> dict[str, Any]:
    """What the templates say numbers with."""
    return {
        "figure": wording.figure,
        "signed": wording.signed,
        "span": wording.span,
        "around": wording.around,
        "p_words": wording.p_words,
        "percent": wording.percent,
        "slice_words": wording.slice_sentence,
        "outcomes": wording.OUTCOMES,
        "states": wording.STATES,
        "slugs": SLUGS,
        "meant": MEANT,
        "said": lambda text: Markup(words(text)),  # noqa: S704 - `words` escapes
    }


def _check_plot(c: Check) -> Markup:
    value = c.candidate if c.kind == "limit" else c.difference
    label = f"{c.metric}: {wording.figure(value) if c.kind == 'limit' else wording.signed(value)}, {wording.around(c)}"
    drawn = interval(
        value, c.low, c.high, threshold=c.threshold, zero=c.kind != "limit", state=c.state, label=label
    )
    return Markup(drawn)  # noqa: S704 - numbers, and a label that is escaped


def _difference_plot(m: MetricDifference) -> Markup:
    d = m.difference
    state = {"candidate": "pass", "baseline": "fail", "neither": ""}[m.better]
    label = f"{m.metric}: {wording.signed(d.value)}, {wording.span(d.low, d.high)}"
    return Markup(interval(d.value, d.low, d.high, state=state, label=label))  # noqa: S704


def _needs(c: Check) -> str:
    if c.kind == "limit":
        return f"{'at least' if c.higher_is_better else 'at most'} {wording.figure(c.threshold)}"
    return (
        f"{'more than' if c.higher_is_better else 'less than'} {wording.signed(c.threshold).replace('±', '')}"
    )


def _ordered(pairs: list[Pair], metric: MetricDifference, order: str) -> list[Pair]:
    """Return pairs in an order of the page; they come with what got worse first."""
    sign = 1 if metric.higher_is_better else -1
    if order == "better":
        return sorted(pairs, key=lambda p: (-(p.difference or 0.0) * sign, p.example_id))
    return sorted(pairs, key=lambda p: p.example_id) if order == "example" else pairs
