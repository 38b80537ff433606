"""Pages of judges: the list with what each may do, a judge with its card, the labelling of a sample."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.app.judging import start_judging
from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.evaluation.judges.labelling import SAMPLE_SIZE
from groundwork.server.console import judge_view as view
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun, JudgesLabel

router = APIRouter(prefix="/judges", include_in_schema=False)
EVALUATIONS = 30
CARDS = 20
KEYS = "1234567890-"
Place = Annotated[int, Query(ge=0, le=100_000)]


@router.get("")
def judges_page(request: Request, house: House, principal: EvaluationsRead) -> Response:
    found = house.evaluation.judges.overview(principal)
    lines = [(i, view.state_of(i), view.kappa_words(i.card)) for i in found]
    return page(request, "judges.html", room="judges", lines=lines, said=view.said)


@router.get("/samples/{sample_id}")
def label_page(
    request: Request, sample_id: str, house: House, principal: JudgesLabel, place: Place = 0
) -> Response:
    """Show one item of a sample to label: the next one without a label of this person, or the one at a place."""
    judges = house.evaluation.judges
    sample = judges.sample(principal, sample_id)
    items = judges.items(principal, sample_id)
    words = judges.words(principal, sample.judge) if sample.judge in judges.specs else ()
    left = [i for i in items if not i.label and not i.gone]
    item = items[place - 1] if 1 <= place <= len(items) else (left[0] if left else None)
    after = next((i.place for i in left if item and i.place > item.place), 0)
    return page(
        request,
        "judge_label.html",
        room="judges",
        sample=sample,
        item=item,
        after=after,
        labels=list(zip(KEYS, words, strict=False)),
        progress=judges.progress(principal, sample_id),
        rubric=judges.specs[sample.judge].rubric if sample.judge in judges.specs else "",
        last=next(
            (x for x in reversed(judges.labels(principal, sample_id)) if x.rater == principal.name), None
        ),
        items=items,
    )


@router.post("/samples/{sample_id}/labels")
def label_item(sample_id: str, form: Posted, house: House, principal: JudgesLabel) -> Response:
    """Keep a label and go to the next item."""
    house.evaluation.judges.label(
        principal, sample_id, text_of(form, "item"), text_of(form, "label"), text_of(form, "comment")
    )
    return RedirectResponse(f"/judges/samples/{sample_id}", 303)


@router.post("/samples/{sample_id}/undo")
def undo(sample_id: str, form: Posted, house: House, principal: JudgesLabel) -> Response:
    """Take the last label back and show its item again."""
    judges = house.evaluation.judges
    taken = judges.undo(principal, sample_id)
    place = next((i.place for i in judges.items(principal, sample_id) if taken and i.item == taken.item), 0)
    return RedirectResponse(address(f"/judges/samples/{sample_id}", place=place or None), 303)


@router.get("/{name}")
def judge_page(request: Request, name: str, house: House, principal: EvaluationsRead) -> Response:
    return _judge(request, house, principal, name)


@router.get("/{name}/disagreements")
def disagreements_page(
    request: Request,
    name: str,
    house: House,
    principal: EvaluationsRead,
    card: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """List the items of a card on which judge and people differ."""
    judges = house.evaluation.judges
    info = judges.info(principal, name)
    found = judges.card_by_id(principal, card) if card else info.card
    if found is not None and (found.judge != name or found.kind != "card"):
        found = info.card
    rows = view.disagreements(found.record) if found else []
    return page(request, "judge_disagreements.html", room="judges", info=info, card=found, rows=rows)


@router.post("/{name}/samples")
def draw(request: Request, name: str, form: Posted, house: House, principal: JudgesLabel) -> Response:
    """Draw a sample and open it for labelling; what cannot be drawn is said beside the form."""
    try:
        seed = _whole(text_of(form, "seed"), "the seed")
        sample = house.evaluation.judges.draw(
            principal,
            name,
            text_of(form, "evaluation"),
            _whole(text_of(form, "size"), "the size") or SAMPLE_SIZE,
            seed,
            against=text_of(form, "against"),
            strata=text_of(form, "strata"),
        )
    except GroundworkError as error:
        if error.status not in (400, 404, 410):
            raise
        if name not in house.evaluation.judges.specs:
            raise
        return _judge(request, house, principal, name, error)
    return RedirectResponse(f"/judges/samples/{sample.id}", 303)


@router.post("/{name}/card")
def make_card(name: str, form: Posted, house: House, principal: EvaluationsRun) -> Response:
    """Queue the making of the judge's card."""
    chosen = [s for s in [text_of(form, "sample")] if s]
    return RedirectResponse(f"/jobs/{start_judging(house, principal, name, 'card', samples=chosen)}", 303)


@router.post("/{name}/check")
def check(name: str, form: Posted, house: House, principal: EvaluationsRun) -> Response:
    """Queue a check of the judge."""
    return RedirectResponse(f"/jobs/{start_judging(house, principal, name, 'check')}", 303)


def _judge(
    request: Request, house: House, principal: Any, name: str, fault: GroundworkError | None = None
) -> Response:
    judges = house.evaluation.judges
    info, counts = judges.info(principal, name), judges.counts(principal)
    record = info.card.record if info.card else None
    drift = judges.drift(principal, name)
    return page(
        request,
        "judge.html",
        status=fault.status if fault else 200,
        room="judges",
        said=view.said,
        info=info,
        state=view.state_of(info),
        card=info.card,
        figures=view.figures(record) if record else [],
        leanings=view.leanings(record) if record else [],
        confusion=view.confusion(record) if record else None,
        differing=len(view.disagreements(record)) if record else 0,
        samples=[(s, counts.get(s.id, (0, 0))) for s in info.samples],
        labelled=any(counts.get(s.id, (0, 0))[0] for s in info.samples),
        cards=judges.cards(principal, name)[:CARDS],
        drift=drift,
        drift_plot=view.path_plot(drift.cusum),
        evaluations=_evaluations(house, principal),
        size=SAMPLE_SIZE,
        fault=fault,
    )


def _evaluations(house: House, principal: Any) -> list[Any]:
    found = house.evaluation.book.list(principal, limit=EVALUATIONS)
    return [e for e in found if e.state == "done" and not e.redacted]


def _whole(written: str, what: str) -> int | None:
    if not written:
        return None
    if not written.isascii() or not written.isdigit() or len(written) > 18:
        raise InvalidInputError(f"{what} is a whole number, not `{written[:40]}`")
    return int(written)
