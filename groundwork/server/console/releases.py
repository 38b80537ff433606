"""Pages of releases: what stands where, one release, two side by side, canaries, and the forms that move things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import ConflictError, ForbiddenError, GroundworkError, InvalidInputError
from groundwork.server.console import pins
from groundwork.server.console.evidence import compared
from groundwork.server.console.release_plots import course
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, ReleasesPromote, ReleasesRead, ReleasesWrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundwork.core.principal import Principal
    from groundwork.releases.diff import ReleaseDiff
    from groundwork.releases.types import Deployment, Promotion, Release, Standing

router = APIRouter(prefix="/releases", include_in_schema=False)
Word = Annotated[str, Query(max_length=200)]
PER_PAGE = 30
SHOWN_REQUESTS = 30
STATES = {
    "active": ("warn", "runs"),
    "done": ("good", "done"),
    "promoted": ("good", "promoted"),
    "rolled_back": ("bad", "taken back"),
    "ended": ("plain", "ended"),
}
OUTCOMES = {
    "win": ("good", "candidate better"),
    "loss": ("bad", "candidate worse"),
    "tie": ("plain", "alike"),
    "": ("warn", "no pair"),
}
REFUSED = (ConflictError, ForbiddenError, InvalidInputError)


@router.get("")
def releases_page(
    request: Request, house: House, principal: ReleasesRead, app: Word = "", before: Word = ""
) -> Response:
    return _releases(request, house, principal, app, before)


@router.post("")
def create(request: Request, form: Posted, house: House, principal: ReleasesWrite) -> Response:
    app = text_of(form, "app") or "default"
    snapshot, note = text_of(form, "snapshot")[:100], text_of(form, "note")
    try:
        found, _ = house.releases.create(app, snapshot=snapshot, note=note, principal=principal)
    except GroundworkError as error:
        return _releases(
            request, house, principal, "", "", error, {"app": app, "snapshot": snapshot, "note": note}
        )
    return RedirectResponse(f"/releases/{found.id}", 303)


@router.get("/history")
def history_page(
    request: Request,
    house: House,
    principal: ReleasesRead,
    app: Word = "",
    environment: Word = "",
    before: Word = "",
) -> Response:
    room = house.releases
    found = room.promotions.history(
        principal, app=app, environment=environment, limit=PER_PAGE + 1, before=before or None
    )
    return page(
        request,
        "release_history.html",
        room="releases",
        moves=_moves(house, principal, found[:PER_PAGE]),
        next=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        app=app,
        environment=environment,
        apps=room.apps(principal),
        environments=list(house.spec.environments),
        states=STATES,
    )


@router.get("/compare")
def compare_page(request: Request, house: House, principal: ReleasesRead, a: Word, b: Word) -> Response:
    return _compare(request, house, principal, a, b)


@router.post("/compare")
def ask_both(request: Request, form: Posted, house: House, principal: AnswersAsk) -> Response:
    a, b, question = (text_of(form, name) for name in ("a", "b", "question"))
    try:
        one, other = house.releases.ask_both(principal, a[:200], b[:200], question)
    except InvalidInputError as error:
        return _compare(request, house, principal, a[:200], b[:200], error, question)
    return RedirectResponse(address("/answers/compare", a=one.id, b=other.id), 303)


@router.get("/rollback")
def rollback_page(
    request: Request, house: House, principal: ReleasesPromote, app: Word = "default", environment: Word = ""
) -> Response:
    return _rollback(request, house, principal, app, environment or house.settings.environment)


@router.post("/rollback")
def roll_back(request: Request, form: Posted, house: House, principal: ReleasesPromote) -> Response:
    app, environment = text_of(form, "app"), text_of(form, "environment")
    try:
        found = house.releases.promotions.rollback(
            principal, app, environment, to=text_of(form, "to")[:200], reason=text_of(form, "reason")
        )
    except REFUSED as error:
        return _rollback(request, house, principal, app, environment, error)
    if not found.promoted:
        return _rollback(request, house, principal, app, environment, None, found)
    return RedirectResponse(address("/releases", moved=found.environment), 303)


@router.get("/trials/{trial_id}")
def trial_page(
    request: Request, trial_id: str, house: House, principal: ReleasesRead, only: Word = "", before: Word = ""
) -> Response:
    return _trial(request, house, principal, trial_id, only, before)


@router.post("/trials/{trial_id}/end")
def end_trial(
    request: Request, trial_id: str, form: Posted, house: House, principal: ReleasesPromote
) -> Response:
    room = house.releases
    found = room.promotions.trial(principal, trial_id)
    try:
        room.trials.end(principal, found.app, found.environment, text_of(form, "reason"), deployment=found.id)
    except GroundworkError as error:
        return _trial(request, house, principal, trial_id, fault=error)
    return RedirectResponse(f"/releases/trials/{found.id}", 303)


@router.post("/trials/{trial_id}/promote")
def promote_candidate(
    request: Request, trial_id: str, form: Posted, house: House, principal: ReleasesPromote
) -> Response:
    room = house.releases
    found = room.promotions.trial(principal, trial_id)
    try:
        made = room.trials.promote(
            principal, found.app, found.environment, text_of(form, "reason"), deployment=found.id
        )
    except GroundworkError as error:
        return _trial(request, house, principal, trial_id, fault=error)
    if not made.promoted:
        return _trial(request, house, principal, trial_id, refused=made)
    return RedirectResponse(f"/releases/{found.release}", 303)


@router.get("/{release_ref}")
def release_page(request: Request, release_ref: str, house: House, principal: ReleasesRead) -> Response:
    return _release(request, house, principal, house.releases.book.get(principal, release_ref))


@router.get("/{release_ref}/promote")
def promote_page(
    request: Request, release_ref: str, house: House, principal: ReleasesPromote, to: Word = ""
) -> Response:
    release = house.releases.book.get(principal, release_ref)
    return _promote(request, house, principal, release, to or next(iter(house.spec.environments)))


@router.post("/{release_ref}/promote")
def promote(
    request: Request, release_ref: str, form: Posted, house: House, principal: ReleasesPromote
) -> Response:
    """Promote, or begin a canary or shadow: what the form's `how` says."""
    room = house.releases
    release = room.book.get(principal, release_ref)
    to, how, reason = text_of(form, "to"), text_of(form, "how"), text_of(form, "reason")
    try:
        if how in ("canary", "shadow"):
            share = text_of(form, "share")
            changes = {"share": _share(share)} if share and how == "canary" else {}
            begun = room.trials.begin(principal, release.id, to, how, changes=changes, reason=reason)  # type: ignore[arg-type]
            if begun.deployment is not None:
                return RedirectResponse(f"/releases/trials/{begun.deployment.id}", 303)
            return _promote(request, house, principal, release, to, None, begun)
        found = room.promotions.promote(
            principal, release.id, to, reason=reason, expected=text_of(form, "expected")
        )
    except REFUSED as error:
        return _promote(request, house, principal, release, to, error)
    if not found.promoted:
        return _promote(request, house, principal, release, to, None, found)
    return RedirectResponse(f"/releases/{release.id}", 303)


@router.post("/{release_ref}/approvals")
def decide(
    request: Request, release_ref: str, form: Posted, house: House, principal: ReleasesPromote
) -> Response:
    room = house.releases
    release = room.book.get(principal, release_ref)
    decision: Literal["approve", "refuse"] = "refuse" if text_of(form, "decision") == "refuse" else "approve"
    try:
        room.promotions.decide(
            principal, release.id, text_of(form, "environment"), decision, text_of(form, "comment")
        )
    except REFUSED as error:
        return _release(request, house, principal, release, error)
    return RedirectResponse(f"/releases/{release.id}#approvals", 303)


# -- pages -------------------------------------------------------------------------------------------------------------
def _releases(
    request: Request,
    house: House,
    principal: Principal,
    app: str,
    before: str,
    fault: GroundworkError | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    room = house.releases
    found = room.book.list(principal, app=app, limit=PER_PAGE + 1, before=before or None)
    standing = room.standings(principal)
    by_app: dict[str, list[Standing]] = {}
    for s in standing:
        by_app.setdefault(s.app, []).append(s)
    recent = room.promotions.history(principal, app=app, limit=6)
    return page(
        request,
        "releases.html",
        fault.status if fault else 200,
        room="releases",
        found=found[:PER_PAGE],
        next=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        first=not before,
        places=_places(standing),
        by_app=by_app,
        environments=house.spec.environments,
        here_served=house.settings.environment,
        app=app,
        apps=room.apps(principal),
        specs=sorted(house.spec.apps),
        moves=_moves(house, principal, recent),
        states=STATES,
        fault=fault,
        given=given or {"app": app or "default", "snapshot": "", "note": ""},
    )


def _release(
    request: Request,
    house: House,
    principal: Principal,
    release: Release,
    fault: GroundworkError | None = None,
) -> Response:
    room = house.releases
    evaluations, verdicts = room.evidence(principal, release)
    standing = room.standings(principal, release.app)
    deployments = room.promotions.history(principal, app=release.app, release=release.id, limit=PER_PAGE)
    return page(
        request,
        "release.html",
        fault.status if fault else 200,
        room="releases",
        release=release,
        pins=release_pins(release),
        signature=room.book.verify(release),
        evaluations=evaluations,
        verdicts=verdicts,
        approvals=room.promotions.approvals(principal, release),
        standing=[s for s in standing if s.release is not None and s.release.id == release.id],
        environments=list(house.spec.environments),
        others=[r for r in room.book.list(principal, app=release.app, limit=8) if r.id != release.id],
        moves=_moves(house, principal, deployments),
        states=STATES,
        drift=room.drift(release),
        fault=fault,
    )


def _promote(
    request: Request,
    house: House,
    principal: Principal,
    release: Release,
    to: str,
    fault: GroundworkError | None = None,
    refused: Promotion | None = None,
) -> Response:
    room = house.releases
    checks = refused.checks if refused else room.promotions.checks(principal, release.id, to)
    stands = next(s for s in room.standings(principal, release.app) if s.environment == to)
    return page(
        request,
        "release_promote.html",
        fault.status if fault else 409 if refused else 200,
        room="releases",
        release=release,
        pins=release_pins(release),
        to=to,
        environments=list(house.spec.environments),
        canary=house.spec.environments[to].canary,
        checks=checks,
        stands=stands,
        missing=[c for c in checks if c.blocks and not c.passed],
        refused=refused,
        fault=fault,
    )


def _rollback(
    request: Request,
    house: House,
    principal: Principal,
    app: str,
    environment: str,
    fault: GroundworkError | None = None,
    refused: Promotion | None = None,
) -> Response:
    from groundwork.releases.environments import environment_of

    environment_of(house.spec.environments, environment)
    room = house.releases
    stands = next(s for s in room.standings(principal, app) if s.environment == environment)
    former = room.promotions.former(principal, app, environment)
    return page(
        request,
        "release_rollback.html",
        fault.status if fault else 409 if refused else 200,
        room="releases",
        app=app,
        environment=environment,
        stands=stands,
        former=former,
        refused=refused,
        fault=fault,
    )


def _compare(
    request: Request,
    house: House,
    principal: Principal,
    a: str,
    b: str,
    fault: GroundworkError | None = None,
    question: str = "",
) -> Response:
    found = house.releases.diff(principal, a, b)
    sides = [{"release": r, "pins": release_pins(r)} for r in (found.old, found.new)]
    return page(
        request,
        "release_compare.html",
        fault.status if fault else 200,
        room="releases",
        diff=found,
        sides=sides,
        prompt=_prompt_sides(found),
        limit=house.settings.max_question_chars,
        fault=fault,
        question=question,
    )


def _trial(
    request: Request,
    house: House,
    principal: Principal,
    trial_id: str,
    only: str = "",
    before: str = "",
    *,
    fault: GroundworkError | None = None,
    refused: Promotion | None = None,
) -> Response:
    room = house.releases
    deployment = room.promotions.trial(principal, trial_id)
    only = only if only in ("win", "loss", "tie") else ""
    found = room.trials.requests(
        principal,
        deployment.id,
        only=only,
        limit=SHOWN_REQUESTS + 1,
        before=int(before) if before.isdecimal() and len(before) < 10 else None,
    )
    status = room.trials.status(principal, deployment)
    return page(
        request,
        "release_trial.html",
        fault.status if fault else 409 if refused else 200,
        room="releases",
        trial=status,
        deployment=deployment,
        state=STATES[deployment.state],
        refs=room.refs(principal, [deployment]),
        drawn=course(room.trials.course(principal, deployment), status.spec),
        requests=found[:SHOWN_REQUESTS],
        next=found[SHOWN_REQUESTS - 1].seq if len(found) > SHOWN_REQUESTS else None,
        only=only,
        outcomes=OUTCOMES,
        fault=fault,
        refused=refused,
    )


def released_apps(house: House, principal: Principal) -> list[str]:
    """Return what else than the apps themselves can be asked: `app@environment`, where another environment has a release."""
    if not house.spec.environments or not hasattr(house, "releases"):
        return []
    own = house.settings.environment
    standing = house.releases.standings(principal)
    return [f"{s.app}@{s.environment}" for s in standing if s.release is not None and s.environment != own]


def release_pins(release: Release) -> Sequence[pins.Pin]:
    """Return the chips of a release, in a fixed order."""
    m = release.manifest
    model = ", ".join(sorted(m.models)) or str(m.recipe["model"].get("name", ""))
    found = [
        pins.pin("release", release.digest, f"/releases/{release.id}"),
        pins.pin("snapshot", m.snapshot, f"/knowledge/{m.index}@{m.snapshot[:12]}"),
        pins.pin("prompt", m.prompt, pins.prompt_href(m.prompt)) if m.prompt else None,
        pins.pin("model", f"{model}@{m.reader}"),
        pins.pin("settings", m.settings),
    ]
    return [p for p in found if p is not None]


def _moves(house: House, principal: Principal, found: Sequence[Deployment]) -> list[dict[str, Any]]:
    refs = house.releases.refs(principal, found)
    return [
        {"move": d, "release": refs.get(d.release, d.release), "previous": refs.get(d.previous, "")}
        for d in found
    ]


def _places(standing: Sequence[Standing]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for s in standing:
        if s.release is not None:
            found.setdefault(s.release.id, []).append(s.environment)
    return found


def _prompt_sides(found: ReleaseDiff) -> list[dict[str, Any]]:
    """Return the messages of two prompts side by side, with the words that only one has marked."""
    if found.prompt is None:
        return []
    sides = []
    for m in found.prompt.messages:
        old, new = (m.old.text if m.old else ""), (m.new.text if m.new else "")
        left, right = compared(old, new)
        sides.append({"old": m.old, "new": m.new, "left": left, "right": right, "changed": m.changed})
    return sides


def _share(written: str) -> float:
    try:
        return float(written) / 100
    except ValueError:
        raise InvalidInputError(
            f"`{written[:20]}` is no share", hint="a share of the traffic in percent, such as 10"
        ) from None
