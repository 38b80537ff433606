"""Pages of evaluations: the list with what moved, a form to start one, the record with live progress, single results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.app.evaluating import planned, queued
from groundwork.app.evaluation_reports import corrected_of, report_of
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.datasets.types import SPLITS
from groundwork.evaluation.planning import DEFAULT_SCORERS, detectable, power
from groundwork.evaluation.scorers import SCORERS
from groundwork.evaluation.types import Evaluation
from groundwork.evaluation.worst import worst
from groundwork.server.console import evaluation_view as view
from groundwork.server.console import trace_links
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from groundwork.core.principal import Principal

router = APIRouter(prefix="/evaluations", include_in_schema=False)
PAGE = 50
SHOWN = 200
WORST = 10
EARLIER = 30
FIELDS = ("subject", "dataset", "split", "repeats", "limit", "title")
ONLY = {"": "all", "low": "not perfect", "failed": "without output"}
ORDERS = {"dataset": "as the dataset has them", "worst": "the worst first"}
Word = Annotated[str, Query(max_length=200)]


@router.get("")
def evaluations_page(
    request: Request,
    house: House,
    principal: EvaluationsRead,
    app: Word = "",
    dataset: Word = "",
    before: Word = "",
) -> Response:
    found = house.evaluation.book.list(
        principal, app=app, dataset=dataset, limit=SHOWN, before=before or None
    )
    lines = [_line(house, principal, e) for e in found[:PAGE]]
    return page(
        request,
        "evaluations.html",
        room="evaluations",
        lines=lines,
        trends=view.trends(found),
        app=app,
        dataset=dataset,
        narrowed=bool(app or dataset or before),
        older=address("/evaluations", app=app, dataset=dataset, before=found[PAGE - 1].id)
        if len(found) > PAGE
        else "",
        **_form(house, principal),
    )


@router.post("")
def start(request: Request, house: House, form: Posted, principal: EvaluationsRun) -> Response:
    """Show what a form would run and what it may cost; sent again from there, it is queued."""
    try:
        plan = planned(house, principal, **_given(form))
    except (InvalidInputError, NotFoundError) as error:
        return _plan_page(request, house, principal, form, None, error)
    if text_of(form, "run") != plan.digest:
        return _plan_page(request, house, principal, form, plan, None)
    found = queued(house, principal, plan)
    return RedirectResponse(f"/evaluations/{found.id}", 303)


@router.get("/{evaluation_id}")
def evaluation_page(
    request: Request, evaluation_id: str, house: House, principal: EvaluationsRead
) -> Response:
    """Show one evaluation; the same address answers the part that changes when the page itself asks for it."""
    book = house.evaluation.book
    found = book.get(principal, evaluation_id)
    moving = _moving(house, principal, found)
    if request.headers.get("hx-request") == "true":
        if found.state == "done" and not moving["moves"]:
            # The numbers are there now: the whole page shows them.
            return Response(headers={"HX-Refresh": "true"})
        return page(request, "evaluation_progress.html", room="evaluations", e=found, **moving)
    low = (
        [] if not found.progress.get("done") else worst(found.scorers, book.lines(principal, found.id), WORST)
    )
    asked = {x.id: x for x in _examples(house, principal, found)} if low else {}
    return page(
        request,
        "evaluation.html",
        room="evaluations",
        e=found,
        **moving,
        title=_title(found),
        metrics=view.metric_rows(found, corrected_of(house, principal, found)),
        slices=view.slice_rows(found),
        worst=[(w, asked.get(w.result.example_id)) for w in low],
        errors=sorted((found.progress.get("errors") or {}).items(), key=lambda x: (-x[1], x[0])),
        earlier=_earlier(house, principal, found),
        power=power(_detectable(found)),
        cost=view.cost_words(found),
        href=_subject_href(found),
        trace="" if moving["moves"] else trace_links.href_of(house, principal, found.job_id or found.id),
    )


@router.get("/{evaluation_id}/results")
def results_page(
    request: Request,
    evaluation_id: str,
    house: House,
    principal: EvaluationsRead,
    only: Word = "",
    tag: Word = "",
    order: Word = "dataset",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    book = house.evaluation.book
    found = book.get(principal, evaluation_id)
    examples = {x.id: x for x in _examples(house, principal, found)}
    ids = {i for i, x in examples.items() if tag in x.tags} if tag else None
    only, order = only if only in ONLY else "", order if order in ORDERS else "dataset"
    rows, total = book.page(
        principal, found.id, only=only, example_ids=ids, order=order, limit=PAGE, offset=offset
    )
    base = f"/evaluations/{found.id}/results"
    return page(
        request,
        "evaluation_results.html",
        room="evaluations",
        e=found,
        title=_title(found),
        rows=[(r, examples.get(r.example_id), view.score_line(found, r)) for r in rows],
        total=total,
        offset=offset,
        only=only,
        tag=tag,
        order=order,
        choices=ONLY,
        orders=ORDERS,
        tags=sorted({t for x in examples.values() for t in x.tags}),
        back=address(base, only=only, tag=tag, order=order, offset=max(0, offset - PAGE)) if offset else "",
        on=address(base, only=only, tag=tag, order=order, offset=offset + PAGE)
        if offset + PAGE < total
        else "",
    )


@router.get("/{evaluation_id}/report")
def report(evaluation_id: str, house: House, principal: EvaluationsRead) -> Response:
    """Answer the report as one file to keep or send on."""
    found = house.evaluation.book.get(principal, evaluation_id)
    text = report_of(house, principal, found, "html")
    headers = {"Content-Disposition": f'attachment; filename="{found.id}.html"'}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/{evaluation_id}/examples/{example_id:path}")
def result_page(
    request: Request,
    evaluation_id: str,
    example_id: str,
    house: House,
    principal: EvaluationsRead,
    repeat: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> Response:
    """Show one example beside what came out, with scores, reasons and sources."""
    book = house.evaluation.book
    found = book.get(principal, evaluation_id)
    rows, _ = book.page(principal, found.id, example_ids={example_id}, limit=1000)
    result = next((r for r in rows if r.repeat == repeat), None)
    if result is None:
        raise NotFoundError(
            f"the evaluation `{found.id}` has no result of the example `{example_id[:80]}`",
            hint="it may not be through yet",
        )
    example = next((x for x in _examples(house, principal, found) if x.id == example_id), None)
    return page(
        request,
        "evaluation_result.html",
        room="evaluations",
        e=found,
        title=_title(found),
        result=result,
        example=example,
        example_id=example_id,
        repeats=[r.repeat for r in rows],
        scores=view.score_rows(found, result),
        said=_sentences(result),
        trace=trace_links.href_of(house, principal, result.output.trace_id),
        index=str(found.subject.get("pins", {}).get("index", "")),
        snapshot=str(found.subject.get("pins", {}).get("snapshot", "")),
    )


@router.post("/{evaluation_id}/cancel")
def cancel(evaluation_id: str, _form: Posted, house: House, principal: EvaluationsRun) -> Response:
    found = house.evaluation.book.cancel(principal, evaluation_id)
    return RedirectResponse(f"/evaluations/{found.id}", 303)


@router.post("/{evaluation_id}/resume")
def resume(evaluation_id: str, _form: Posted, house: House, principal: EvaluationsRun) -> Response:
    found = queued(house, principal, house.evaluation.book.get(principal, evaluation_id))
    return RedirectResponse(f"/evaluations/{found.id}", 303)


def _line(house: House, principal: Principal, found: Evaluation) -> dict[str, Any]:
    owner = house.evaluation.runner.owner(principal, found.id) if found.state == "running" else ""
    return {
        "e": found,
        "title": _title(found),
        "state": view.state_of(found, owner),
        "number": view.headline(found),
    }


def _moving(house: House, principal: Principal, found: Evaluation) -> dict[str, Any]:
    """Return what changes while an evaluation runs."""
    owner = (
        house.evaluation.runner.owner(principal, found.id) if found.state in ("planned", "running") else ""
    )
    waiting = found.state == "planned" and bool(found.job_id)
    at = found.progress
    left = int(at.get("of", 0)) - int(at.get("done", 0))
    rate = float(at.get("rate") or 0)
    return {
        "owner": owner,
        "moves": bool(owner) or waiting,
        "state": view.state_of(found, owner),
        "left": f"about {max(1, round(left / rate / 60))} min left" if rate and left / rate > 90 else "",
    }


def _plan_page(
    request: Request,
    house: House,
    principal: Principal,
    form: FormData,
    plan: Any,
    error: GroundworkError | None,
) -> Response:
    kept = [(name, str(value)) for name, value in form.multi_items() if name not in ("_token", "run")]
    return page(
        request,
        "evaluation_plan.html",
        400 if error else 200,
        room="evaluations",
        plan=plan,
        error=error,
        kept=kept,
        power=power(plan.detectable) if plan else "",
        **_form(house, principal, dict(kept), [v for n, v in kept if n == "scorer"]),
    )


def _form(
    house: House,
    principal: Principal,
    written: Mapping[str, str] | None = None,
    scorers: list[str] | None = None,
) -> dict[str, Any]:
    """Return what the form to start an evaluation offers."""
    datasets = house.datasets.list(principal)
    return {
        "datasets": datasets,
        "apps": sorted(house.spec.apps),
        "splits": SPLITS,
        "scorers": SCORERS.names(),
        "chosen": DEFAULT_SCORERS if scorers is None else scorers,
        "written": {**dict.fromkeys(FIELDS, ""), **(written or {})},
    }


def _given(form: FormData) -> dict[str, Any]:
    split = text_of(form, "split") or "test"
    named = [str(v) for v in form.getlist("scorer") if str(v)]
    return {
        "subject": text_of(form, "subject") or "default",
        "dataset": text_of(form, "dataset"),
        "split": "" if split == "all" else split,
        "scorers": None if not named or set(named) == set(DEFAULT_SCORERS) else named,
        "repeats": _whole(text_of(form, "repeats"), "repeats") or 1,
        "limit": _whole(text_of(form, "limit"), "examples"),
        "title": text_of(form, "title")[:200],
    }


def _whole(written: str, what: str) -> int | None:
    if not written:
        return None
    try:
        return int(written)
    except ValueError:
        raise InvalidInputError(f"`{written[:20]}` is no number of {what}") from None


def _examples(house: House, principal: Principal, found: Evaluation) -> list[Any]:
    try:
        return house.evaluation.book.examples(principal, found.id)
    except NotFoundError:
        return []


def _earlier(house: House, principal: Principal, found: Evaluation) -> list[Evaluation]:
    """Return evaluations over the same dataset that this one may be held against, newest first."""
    others = house.evaluation.book.list(principal, dataset=found.dataset, limit=EARLIER + 1)
    return [e for e in others if e.id != found.id and e.state == "done"]


def _detectable(found: Evaluation) -> dict[str, Any]:
    return detectable(found.n, found.n) if found.n else {}


def _title(found: Evaluation) -> str:
    return found.title or f"{found.subject.get('name', found.word)} over {found.dataset}"


def _subject_href(found: Evaluation) -> str:
    pins = found.subject.get("pins", {})
    if not pins.get("index") or not pins.get("snapshot"):
        return ""
    return f"/knowledge/{pins['index']}@{str(pins['snapshot'])[:12]}"


def _sentences(result: Any) -> list[dict[str, Any]]:
    """Return the sentences of an output with the numbers of their sources; the whole text where it has none."""
    out = result.output
    if out.sentences:
        return [{"text": s.text, "sources": s.citations, "bare": s.supported is False} for s in out.sentences]
    return [{"text": out.text, "sources": (), "bare": False}] if out.text else []
