"""Gates, verdicts and comparisons: `/api/gates`, `/api/verdicts`, `/api/compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from groundwork.server.bodies import JobBody, Limit
from groundwork.server.described import PROBLEMS
from groundwork.server.gate_bodies import (
    ComparisonBody,
    GateBody,
    GateIn,
    GateRunIn,
    OverrideBody,
    OverrideIn,
    PairBody,
    PlanBody,
    VerdictBody,
    VerdictLine,
)
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun, VerdictsOverride

if TYPE_CHECKING:
    from groundwork.core.principal import Principal

router = APIRouter(prefix="/api", tags=["gates"], responses=PROBLEMS)
Ref = Annotated[
    str, Query(max_length=300, description="An evaluation, `last`, or an app or release for its newest one.")
]
Word = Annotated[str, Query(max_length=120)]
MEDIA = {
    "html": "text/html", "markdown": "text/markdown", "json": "application/json", "junit": "application/xml",
    "sarif": "application/sarif+json", "github": "text/plain", "gitlab": "application/json",
}  # fmt: skip


@router.get("/gates", response_model=list[GateBody])
def list_gates(house: House, principal: EvaluationsRead) -> Any:
    """List the gates of the spec with their last verdicts."""
    return [_gate(house, principal, name) for name in house.evaluation.gates.specs()]


@router.get("/gates/{name}", response_model=GateBody)
def get_gate(name: str, house: House, principal: EvaluationsRead) -> Any:
    """Return a gate of the spec with its last verdict."""
    return _gate(house, principal, name)


@router.post("/gates/{name}/plan", response_model=PlanBody)
def plan_gate(name: str, body: GateIn, house: House, principal: EvaluationsRun) -> Any:
    """Write down what the gate will decide, with power and cost, and keep it; nothing runs."""
    from groundwork.app.gating import refuse_files

    refuse_files(body.candidate, body.baseline)
    return house.evaluation.gates.plan(principal, name, **body.model_dump())


@router.post("/gates/{name}/run", status_code=202, response_model=JobBody)
def run_gate(
    name: str,
    body: GateRunIn,
    house: House,
    principal: EvaluationsRun,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Any:
    """Plan, evaluate what is missing and decide, in the background; the result of the job names the verdict."""
    from groundwork.app.gating import start_gate

    job = start_gate(house, principal, name, idempotency_key=idempotency_key, **body.model_dump())
    return house.job(job, principal)


@router.get("/verdicts", response_model=list[VerdictLine])
def list_verdicts(
    house: House,
    principal: EvaluationsRead,
    gate: Word = "",
    app: Word = "",
    candidate: Word = "",
    release: Word = "",
    limit: Limit = 50,
    before: Word = "",
) -> Any:
    """List verdicts, newest first; `before` is the id of the last one seen."""
    return house.evaluation.gates.verdicts(
        principal,
        gate=gate,
        app=app,
        candidate=candidate,
        release=release,
        limit=limit,
        before=before or None,
    )


@router.get("/verdicts/{verdict_id}", response_model=VerdictBody)
def get_verdict(verdict_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return a verdict: what had to be shown, what was, and how sure that is."""
    return house.evaluation.gates.verdict(principal, verdict_id)


@router.get("/verdicts/{verdict_id}/plan", response_model=PlanBody)
def get_plan(verdict_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return the plan that a verdict was decided by, as it was stored before the run."""
    gates = house.evaluation.gates
    return gates.stored_plan(principal, gates.verdict(principal, verdict_id).plan)


@router.get(
    "/verdicts/{verdict_id}/report",
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string"}} for kind in sorted({*MEDIA.values()})}}
    },
)
def get_report(
    verdict_id: str,
    house: House,
    principal: EvaluationsRead,
    format: Annotated[
        str, Query(max_length=20, description="html, markdown, json, junit, sarif, github, gitlab")
    ] = "html",
) -> Response:
    """Return a verdict as a file that stands alone."""
    from groundwork.evaluation.reports.formats import format_of, write_verdict

    form = format_of(format, "")
    gates = house.evaluation.gates
    found = gates.verdict(principal, verdict_id)
    text = write_verdict(found, form, plan=gates.stored_plan(principal, found.plan))
    ending = {"html": "html", "markdown": "md", "junit": "xml", "sarif": "sarif", "github": "txt"}.get(
        form, "json"
    )
    named = {"Content-Disposition": f'attachment; filename="{found.id}.{ending}"'}
    return Response(text, media_type=MEDIA[form], headers=named)


@router.post("/verdicts/{verdict_id}/override", status_code=201, response_model=OverrideBody)
def override_verdict(verdict_id: str, body: OverrideIn, house: House, principal: VerdictsOverride) -> Any:
    """Let a release pass in spite of a verdict; who, when and why is kept and shown with it."""
    return house.evaluation.gates.override(principal, verdict_id, body.reason)


@router.get("/compare", response_model=ComparisonBody)
def compare(
    house: House,
    principal: EvaluationsRead,
    a: Ref,
    b: Ref,
    metric: Annotated[
        list[str] | None, Query(max_length=20, description="None: all that both report.")
    ] = None,
    shared: bool = False,
) -> Any:
    """Say what differs from evaluation `a` to `b`: per metric with interval and test, per slice, per example."""
    return house.evaluation.comparisons.compare(principal, a, b, metric, shared=shared)


@router.get("/compare/pairs", response_model=list[PairBody])
def compare_pairs(
    house: House,
    principal: EvaluationsRead,
    a: Ref,
    b: Ref,
    metric: Word,
    shared: bool = False,
    limit: Limit = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Any:
    """Return both sides of every example for one metric: what got worse first, then what got better."""
    found = house.evaluation.comparisons.pairs(principal, a, b, metric, shared=shared)
    return found[offset : offset + limit]


def _gate(house: House, principal: Principal, name: str) -> dict[str, Any]:
    gates = house.evaluation.gates
    name, spec = gates.spec(name)
    last = gates.verdicts(principal, gate=name, limit=1)
    return {"name": name, "spec": spec.model_dump(mode="json"), "last": last[0] if last else None}
