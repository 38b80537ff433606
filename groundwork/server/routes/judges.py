"""Judges: samples, labels and cards: `/api/judges`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query

from groundwork.app.judging import start_judging
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.evaluation.judges.types import Shown
from groundwork.server.bodies import JobBody
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.judge_bodies import (
    CardIn,
    CheckIn,
    CorrectedBody,
    DrawIn,
    DriftBody,
    ItemBody,
    JudgeBody,
    JudgeCardBody,
    LabelBody,
    LabelsIn,
    SampleBody,
    SampleDetailBody,
    TryIn,
    VerdictOut,
)
from groundwork.server.permissions import EvaluationsRead, EvaluationsRun, JudgesLabel

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.evaluation.judges.judges import JudgeInfo

router = APIRouter(prefix="/api/judges", tags=["judges"], responses=PROBLEMS)
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
Word = Annotated[str, Query(max_length=200)]


@router.get("", response_model=list[JudgeBody])
def list_judges(house: House, principal: EvaluationsRead) -> Any:
    """List the judges and how far each may be trusted."""
    return [_judge(info) for info in house.evaluation.judges.overview(principal)]


@router.get("/corrected", response_model=CorrectedBody)
def corrected_rate(
    house: House, principal: EvaluationsRead, evaluation: Word, scorer: Word = "judge", sample: Word = ""
) -> Any:
    """Return a judged rate of an evaluation, corrected by people's labels of a drawn part of it."""
    return house.evaluation.judges.corrected(principal, evaluation, scorer, sample).as_dict()


@router.get("/cards/{card_id}", response_model=JudgeCardBody)
def get_card(card_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return one card or check."""
    return house.evaluation.judges.card_by_id(principal, card_id)


@router.get("/samples/{sample_id}", response_model=SampleDetailBody)
def get_sample(sample_id: str, house: House, principal: EvaluationsRead) -> Any:
    """Return a sample: what was drawn, from what, in which order, and how far it is labelled."""
    judges = house.evaluation.judges
    sample = judges.sample(principal, sample_id)
    words: tuple[str, ...] = ()
    if sample.judge in judges.specs:
        words = judges.words(principal, sample.judge)
    return {"sample": sample, "progress": judges.progress(principal, sample_id), "labels": words}


@router.get("/samples/{sample_id}/items", response_model=list[ItemBody])
def list_items(sample_id: str, house: House, principal: JudgesLabel) -> Any:
    """List the items of a sample as a labeller sees them: without the judge's verdict."""
    return house.evaluation.judges.items(principal, sample_id)


@router.get("/samples/{sample_id}/labels", response_model=list[LabelBody])
def list_labels(sample_id: str, house: House, principal: EvaluationsRead) -> Any:
    """List what everybody said of the items of a sample, in the order it was said."""
    judges = house.evaluation.judges
    judges.sample(principal, sample_id)
    return judges.labels(principal, sample_id)


@router.post("/samples/{sample_id}/labels", response_model=list[LabelBody], status_code=201)
def label_items(sample_id: str, body: LabelsIn, house: House, principal: JudgesLabel) -> Any:
    """Keep what the asking person says of items; said again, it takes the place of what they said before."""
    given = [(x.item, x.label, x.comment) for x in body.labels]
    return house.evaluation.judges.label_all(principal, sample_id, given)


@router.delete("/samples/{sample_id}/labels/last", response_model=LabelBody)
def undo_label(sample_id: str, house: House, principal: JudgesLabel) -> Any:
    """Take back what the asking person said last, and return it."""
    taken = house.evaluation.judges.undo(principal, sample_id)
    if taken is None:
        raise NotFoundError("you have labelled nothing in this sample", hint="there is nothing to take back")
    return taken


@router.get("/{name}", response_model=JudgeBody)
def get_judge(name: str, house: House, principal: EvaluationsRead) -> Any:
    """Return one judge."""
    return _judge(house.evaluation.judges.info(principal, name))


@router.get("/{name}/cards", response_model=list[JudgeCardBody])
def list_cards(name: str, house: House, principal: EvaluationsRead) -> Any:
    """List the cards of a judge, of every version, newest first."""
    house.evaluation.judges.info(principal, name)
    return house.evaluation.judges.cards(principal, name)


@router.get("/{name}/samples", response_model=list[SampleBody])
def list_samples(name: str, house: House, principal: EvaluationsRead) -> Any:
    """List the samples of a judge, newest first."""
    return house.evaluation.judges.info(principal, name).samples


@router.get("/{name}/drift", response_model=DriftBody)
def get_drift(name: str, house: House, principal: EvaluationsRead) -> Any:
    """Say whether a judge still agrees with people as its card says."""
    house.evaluation.judges.info(principal, name)
    return house.evaluation.judges.drift(principal, name)


@router.post("/{name}/try", response_model=VerdictOut)
def try_judge(name: str, body: TryIn, house: House, principal: EvaluationsRun) -> Any:
    """Ask a judge about one output, or two; it may cost money."""
    asker = house.evaluation.judges.asker(name, principal)
    if asker.is_pairwise != bool(body.other):
        what = "compares two outputs" if asker.is_pairwise else "judges one output"
        raise InvalidInputError(f"the judge `{name}` {what}", hint="send `other` for a pair, and only then")
    return asker.ask(Shown(body.input, body.output, body.expected, tuple(body.contexts), body.other))


@router.post("/{name}/samples", response_model=SampleBody, status_code=201)
def draw_sample(name: str, body: DrawIn, house: House, principal: JudgesLabel) -> Any:
    """Draw outputs of an evaluation for people to label; seed, population and order are recorded."""
    return house.evaluation.judges.draw(
        principal, name, body.evaluation, body.size, body.seed, against=body.against, strata=body.strata
    )


@router.post("/{name}/card", response_model=JobBody, status_code=202)
def make_card(name: str, body: CardIn, house: House, principal: EvaluationsRun, key: Key = None) -> Any:
    """Queue the making of a judge's card: it is asked for every labelled item, which may cost money."""
    return _queued(house, principal, name, "card", key, samples=body.samples)


@router.post("/{name}/check", response_model=JobBody, status_code=202)
def check_judge(name: str, body: CheckIn, house: House, principal: EvaluationsRun, key: Key = None) -> Any:
    """Queue a check: the judge is asked again, past the cache, for items of its card."""
    return _queued(house, principal, name, "check", key, items=body.items)


def _queued(house: House, principal: Principal, name: str, what: Any, key: str | None, **more: Any) -> Any:
    job = start_judging(house, principal, name, what, idempotency_key=key, **more)
    return house.job(job, principal)


def _judge(info: JudgeInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "kind": info.kind,
        "version": info.version,
        "labels": info.labels,
        "passing": info.passing,
        "gates": info.trust.gates,
        "unattended": info.trust.unattended,
        "reason": info.trust.reason,
        "card": info.trust.card_id,
        "stale": info.stale,
        "problem": info.problem,
    }
