"""Releases, environments, deployments: `/api/releases`, `/api/environments`, `/api/deployments`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse

from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import AnswersAsk, ReleasesPromote, ReleasesRead, ReleasesWrite
from groundwork.server.release_bodies import (
    ApprovalBody,
    ApprovalIn,
    BothBody,
    CheckBody,
    DeploymentBody,
    EnvironmentBody,
    PromoteIn,
    PromotionBody,
    RefIn,
    ReleaseBody,
    ReleaseIn,
    ReleaseMade,
    ReleaseRollbackIn,
    ReleasesBody,
    StandingBody,
    TrialEndIn,
    TrialIn,
    TrialRequestsBody,
)

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.releases.types import Release

router = APIRouter(prefix="/api", tags=["releases"], responses=PROBLEMS)
Before = Annotated[str | None, Query(max_length=100, description="`next` of the page before.")]
PageLimit = Annotated[int, Query(ge=1, le=200)]
Word = Annotated[str, Query(max_length=100)]


@router.get("/releases", response_model=ReleasesBody)
def list_releases(
    house: House, principal: ReleasesRead, app: Word = "", limit: PageLimit = 50, before: Before = None
) -> Any:
    """List releases, newest first; with `app` only its own."""
    found = house.releases.book.list(principal, app=app, limit=limit + 1, before=before)
    places = _places(house, principal)
    return {
        "items": [line(r, places) for r in found[:limit]],
        "next": found[limit - 1].id if len(found) > limit else None,
    }


@router.post("/releases", status_code=201, response_model=ReleaseMade)
def create_release(body: ReleaseIn, house: House, principal: ReleasesWrite) -> Any:
    """Pin what an app answers with now, signed; equal pins are one release."""
    found, new = house.releases.create(
        body.app, snapshot=body.snapshot, note=body.note, evaluation=body.evaluation, principal=principal
    )
    return {"new": new, "release": line(found, _places(house, principal))}


@router.get("/releases/key", response_class=PlainTextResponse)
def get_release_key(house: House, principal: ReleasesRead) -> PlainTextResponse:
    """Return the public key that releases are signed with, in PEM."""
    return PlainTextResponse(house.releases.key.public_pem(), media_type="text/plain")


@router.post("/releases/ask", status_code=201, response_model=BothBody)
def ask_both(body: RefIn, house: House, principal: AnswersAsk) -> Any:
    """Ask two releases the same question; both answers are recorded."""
    return {"answers": list(house.releases.ask_both(principal, body.old, body.new, body.question))}


@router.get("/releases/{release_ref}", response_model=ReleaseBody)
def get_release(release_ref: str, house: House, principal: ReleasesRead) -> Any:
    """Return one release: what it pins, its signature, what was measured of it, where it stands."""
    room = house.releases
    found = room.book.get(principal, release_ref)
    evaluations, verdicts = room.evidence(principal, found)
    return {
        **line(found, _places(house, principal)),
        "manifest": found.manifest.as_dict(),
        "envelope": found.envelope,
        "signature": room.book.verify(found).as_dict(),
        "evaluations": evaluations,
        "verdicts": verdicts,
        "approvals": room.promotions.approvals(principal, found),
    }


@router.get("/releases/{release_ref}/diff", response_model=dict[str, Any])
def diff_releases(
    release_ref: str, house: House, principal: ReleasesRead, old: Annotated[str, Query(max_length=200)] = ""
) -> Any:
    """Say what differs from `old`: settings, the prompt's text, documents; without it, from the release before."""
    return house.releases.diff(
        principal, old or house.releases.before(principal, release_ref), release_ref
    ).as_dict()


@router.get("/releases/{release_ref}/checks", response_model=list[CheckBody])
def check_release(release_ref: str, house: House, principal: ReleasesRead, environment: Word = "") -> Any:
    """Say what an environment asks for before it serves a release, and what of it is missing; changes nothing."""
    return list(
        house.releases.promotions.checks(principal, release_ref, environment or house.settings.environment)
    )


@router.post("/releases/{release_ref}/approvals", status_code=201, response_model=ApprovalBody)
def approve_release(release_ref: str, body: ApprovalIn, house: House, principal: ReleasesPromote) -> Any:
    """Approve or refuse a release for an environment; of one person the last word counts."""
    return house.releases.promotions.decide(
        principal, release_ref, body.environment, body.decision, body.comment
    )


@router.get("/environments", response_model=list[EnvironmentBody])
def list_environments(house: House, principal: ReleasesRead) -> Any:
    """List the environments in the spec's order: what each asks for, and what stands there."""
    standing = house.releases.standings(principal)
    own = house.settings.environment
    return [
        {
            "name": name,
            "own": name == own,
            **spec.model_dump(mode="json"),
            "stands": [s.as_dict() for s in standing if s.environment == name],
        }
        for name, spec in house.spec.environments.items()
    ]


@router.get("/environments/{environment}/{app}", response_model=StandingBody)
def get_standing(environment: str, app: str, house: House, principal: ReleasesRead) -> Any:
    """Return what stands in an environment for one app."""
    from groundwork.releases.environments import environment_of

    environment_of(house.spec.environments, environment)
    if app not in house.releases.apps(principal):
        house.app_spec(app)
    found = house.releases.standings(principal, app)
    return next(s.as_dict() for s in found if s.environment == environment)


@router.post("/environments/{environment}/promote", response_model=PromotionBody)
def promote_release(environment: str, body: PromoteIn, house: House, principal: ReleasesPromote) -> Any:
    """Serve a release from the next request on, or say what is missing; nothing was changed then."""
    return house.releases.promotions.promote(
        principal, body.release, environment, reason=body.reason, expected=body.expected
    ).as_dict()


@router.post("/environments/{environment}/rollback", response_model=PromotionBody)
def roll_back_release(
    environment: str, body: ReleaseRollbackIn, house: House, principal: ReleasesPromote
) -> Any:
    """Serve the release that stood there before, from the next request on; no gate is asked."""
    return house.releases.promotions.rollback(
        principal, body.app, environment, to=body.to, reason=body.reason
    ).as_dict()


@router.post("/environments/{environment}/trials", status_code=201, response_model=PromotionBody)
def begin_trial(environment: str, body: TrialIn, house: House, principal: ReleasesPromote) -> Any:
    """Try a release beside the one that stands there: as a canary, or unseen as a shadow."""
    return house.releases.trials.begin(
        principal, body.release, environment, body.kind, changes=body.changes, reason=body.reason
    ).as_dict()


@router.get("/deployments", response_model=list[DeploymentBody])
def list_deployments(
    house: House,
    principal: ReleasesRead,
    app: Word = "",
    environment: Word = "",
    limit: PageLimit = 50,
    before: Before = None,
) -> Any:
    """List what was put where, newest first; canaries and shadows included. `before` is the id to go on from."""
    found = house.releases.promotions.history(
        principal, app=app, environment=environment, limit=limit, before=before
    )
    return [d.as_dict() for d in found]


@router.get("/deployments/{deployment_id}", response_model=DeploymentBody)
def get_deployment(deployment_id: str, house: House, principal: ReleasesRead) -> Any:
    """Return one deployment."""
    return house.releases.promotions.deployment(principal, deployment_id).as_dict()


@router.get("/deployments/{trial_id}/status", response_model=dict[str, Any])
def get_trial(trial_id: str, house: House, principal: ReleasesRead) -> Any:
    """Return how a canary or shadow stands: arms with intervals, the two bets, the sample-ratio test."""
    room = house.releases
    return room.trials.status(principal, room.promotions.trial(principal, trial_id)).as_dict()


@router.get("/deployments/{trial_id}/requests", response_model=TrialRequestsBody)
def list_trial_requests(
    trial_id: str,
    house: House,
    principal: ReleasesRead,
    only: Annotated[str, Query(pattern="^(|win|loss|tie)$")] = "",
    limit: PageLimit = 50,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Any:
    """List the requests of a canary or shadow, newest first, with both answers."""
    room = house.releases
    found = room.trials.requests(
        principal,
        room.promotions.trial(principal, trial_id).id,
        only=only,
        limit=limit + 1,
        before=before,
    )
    return {"items": found[:limit], "next": found[limit - 1].seq if len(found) > limit else None}


@router.post("/deployments/{trial_id}/end", response_model=DeploymentBody)
def end_trial(trial_id: str, body: TrialEndIn, house: House, principal: ReleasesPromote) -> Any:
    """End a canary or shadow; nobody is served by the candidate from the next request on."""
    room = house.releases
    found = room.promotions.trial(principal, trial_id)
    return room.trials.end(
        principal, found.app, found.environment, body.reason, deployment=found.id
    ).as_dict()


@router.post("/deployments/{trial_id}/promote", response_model=PromotionBody)
def promote_candidate(trial_id: str, body: TrialEndIn, house: House, principal: ReleasesPromote) -> Any:
    """Promote the candidate of a canary; the canary ends with it."""
    room = house.releases
    found = room.promotions.trial(principal, trial_id)
    return room.trials.promote(
        principal, found.app, found.environment, body.reason, deployment=found.id
    ).as_dict()


def line(release: Release, places: dict[str, list[str]]) -> dict[str, Any]:
    """Return a release as lists show it."""
    m = release.manifest
    return {
        "ref": release.ref,
        "id": release.id,
        "digest": release.digest,
        "app": release.app,
        "number": release.number,
        "index": m.index,
        "snapshot": m.snapshot,
        "prompt": m.prompt,
        "models": sorted(m.models),
        "note": release.note,
        "redacted": release.redacted,
        "created_at": release.created_at,
        "created_by": release.created_by,
        "environments": places.get(release.id, []),
    }


def _places(house: House, principal: Principal) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for s in house.releases.standings(principal):
        if s.release is not None:
            found.setdefault(s.release.id, []).append(s.environment)
    return found
