"""Pathways: `/api/pathways` – the catalogue, one's plan and progress, quizzes, notes, proofs."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, UploadFile
from starlette.responses import Response

from groundwork.app import pathway_documents as documents
from groundwork.core.errors import ConflictError, TooLargeError
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.pathway_bodies import (
    AnswersIn,
    AttestationBody,
    AttestationIn,
    BundleBody,
    CatalogueBody,
    CatalogueCheckBody,
    CatalogueIn,
    CosignatureIn,
    DrawnBody,
    FactBody,
    ForecastBody,
    KindBody,
    NextBody,
    PlanBody,
    PlanIn,
    PlansBody,
    PortfolioIn,
    ProfileBody,
    ProfileIn,
    ProgressBody,
    ProofBody,
    ProofsBody,
    QuizLine,
    QuizResultBody,
    ReflectionBody,
    ReflectionIn,
    RoleBody,
    RoleComparisonBody,
    RolesBody,
    SubjectBody,
)
from groundwork.server.permissions import PathwaysRead, PathwaysWalk

router = APIRouter(prefix="/api/pathways", tags=["pathways"], responses=PROBLEMS)
Word = Annotated[str, Query(max_length=200)]
ZIP = {"schema": {"type": "string", "format": "binary"}}
NAMED = {"Content-Disposition": 'attachment; filename="portfolio.zip"'}
MAX_BUNDLE = 1 << 26


# -- the catalogue --------------------------------------------------------------------------------------------------
@router.get("/roles", response_model=RolesBody)
def list_roles(
    house: House,
    principal: PathwaysRead,
    all_: Annotated[
        bool, Query(alias="all", description="Also where people start, and the backgrounds.")
    ] = False,
) -> Any:
    """List the roles that one can plan for, with what they ask for."""
    loaded = house.pathways.catalogues.current()
    roles = loaded.catalogue.roles if all_ else loaded.targets()
    return {
        "roles": [documents.role_line(r, loaded) for r in roles],
        "backgrounds": [b.model_dump(mode="json") for b in loaded.catalogue.backgrounds] if all_ else [],
        "catalogue": loaded.digest,
    }


@router.get("/role", response_model=RoleBody)
def get_role(house: House, principal: PathwaysRead, name: Word) -> Any:
    """Return a role by its id or by words near its name, with everything it needs."""
    loaded = house.pathways.catalogues.current()
    return documents.role_document(loaded.role(name), loaded)


@router.get("/comparison", response_model=RoleComparisonBody)
def compare_roles(house: House, principal: PathwaysRead, one: Word, other: Word) -> Any:
    """Return two roles side by side: what both need, and what each needs alone."""
    loaded = house.pathways.catalogues.current()
    return documents.comparison(loaded.role(one), loaded.role(other), loaded)


@router.get("/catalogue", response_model=CatalogueBody)
def get_catalogue(house: House, principal: PathwaysRead) -> Any:
    """Return the catalogue in force: roles, skills, milestones, actions, resources, quizzes with their answers left out."""
    book = house.pathways.catalogues
    loaded = book.current()
    content = dict(loaded.content)
    content["quizzes"] = [
        {**quiz, "questions": [q["id"] for q in quiz["questions"]]} for quiz in content.get("quizzes", [])
    ]
    return {
        "digest": loaded.digest,
        "catalogue": content,
        "problems": [p.as_dict() for p in book.problems()],
        "attributions": list(loaded.attributions),
    }


@router.post("/catalogue/check", response_model=CatalogueCheckBody)
def check_catalogue(body: CatalogueIn, house: House, principal: PathwaysRead) -> Any:
    """Check a file of a team's catalogue without keeping it; each problem says its line."""
    from groundwork.pathways.catalogue.book import in_force

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / body.name
        file.write_text(body.text, encoding="utf-8", errors="replace")
        loaded, problems = in_force("pathways", [file])
    return {
        "usable": not problems,
        "problems": [p.as_dict() for p in problems],
        "counts": documents.counts_of(loaded),
    }


@router.get("/facts", response_model=list[FactBody])
def list_facts(house: House, principal: PathwaysRead, section: Word = "") -> Any:
    """List the facts of the founding documents: what each says, whose word it is, and where the product carries it."""
    return [f for f in house.pathways.catalogues.current().facts() if not section or f.section == section]


@router.get("/kinds", response_model=list[KindBody])
def list_kinds(house: House, principal: PathwaysRead) -> Any:
    """List the kinds of records that checks can ask about, with their fields; those that wait for a room, too."""
    return house.pathways.checker.kinds()


# -- a person on the way --------------------------------------------------------------------------------------------
@router.get("/profile", response_model=ProfileBody)
def get_profile(house: House, principal: PathwaysRead) -> Any:
    """Return what one said of oneself."""
    return house.pathways.walk.profile(principal)


@router.patch("/profile", response_model=ProfileBody)
def change_profile(body: ProfileIn, house: House, principal: PathwaysWalk) -> Any:
    """Change what is given; every earlier state is kept."""
    return house.pathways.walk.set_profile(principal, **body.model_dump())


@router.post("/plans", status_code=201, response_model=PlanBody)
def make_plan(body: PlanIn, house: House, principal: PathwaysWalk) -> Any:
    """Make a dated plan from the profile, what is given here, and what is proven; equal inputs give an equal plan."""
    given = body.model_dump(exclude={"confidence", "store"})
    made = house.pathways.walk.plan(principal, store=body.store, confidence=body.confidence, **given)
    return documents.plan_document(made, house.pathways.catalogues.current())


@router.get("/plans", response_model=PlansBody)
def list_plans(house: House, principal: PathwaysRead) -> Any:
    """List one's plans, newest first."""
    return {"items": [documents.plan_line(p) for p in house.pathways.planner.plans(principal)]}


@router.get("/plans/{plan_id}", response_model=PlanBody)
def get_plan(plan_id: str, house: House, principal: PathwaysRead) -> Any:
    """Return one of one's plans."""
    found = house.pathways.planner.get(principal, plan_id)
    return documents.plan_document(found, house.pathways.catalogues.current())


@router.get("/plans/{plan_id}/diff", response_model=dict[str, Any])
def diff_plan(plan_id: str, house: House, principal: PathwaysRead, old: Word = "") -> Any:
    """Say what differs from an earlier plan; without `old`, from the one before it."""
    planner = house.pathways.planner
    new = planner.get(principal, plan_id)
    before = old or new.previous
    return planner.diff(planner.get(principal, before), new).as_dict() if before else {}


@router.get("/forecast", response_model=ForecastBody)
def get_forecast(house: House, principal: PathwaysRead) -> Any:
    """Return when one is likely to be done, by the pace of the labs one has finished; 404 without a plan."""
    return documents.plain(house.pathways.planner.forecast(principal))


@router.get("/progress", response_model=ProgressBody)
def get_progress(house: House, principal: PathwaysRead) -> Any:
    """Return how far one is; what is proven, declared and attested is counted apart."""
    return house.pathways.walk.progress(principal).as_dict()


@router.get("/next", response_model=NextBody)
def get_next(house: House, principal: PathwaysRead) -> Any:
    """Return the next best step and why it is that; nothing is begun by asking."""
    return house.pathways.walk.next(principal)


@router.get("/subjects/{subject_id}", response_model=SubjectBody)
def get_subject(subject_id: str, house: House, principal: PathwaysRead) -> Any:
    """Return how a milestone, action, skill or lab stands for oneself, with what is missing."""
    return house.pathways.walk.look(principal, subject_id).as_dict()


@router.post("/subjects/{subject_id}/check", response_model=SubjectBody)
def check_subject(subject_id: str, house: House, principal: PathwaysWalk) -> Any:
    """Ask the records, and sign a proof of what is proven; 200 also when it is not."""
    return house.pathways.walk.check(principal, subject_id)[0].as_dict()


@router.post("/check", response_model=list[SubjectBody])
def check_all(house: House, principal: PathwaysWalk) -> Any:
    """Ask the checks of every milestone and action, and sign a proof of what is proven."""
    return [s.as_dict() for s in house.pathways.walk.check(principal)]


# -- quizzes --------------------------------------------------------------------------------------------------------
@router.get("/quizzes", response_model=list[QuizLine])
def list_quizzes(house: House, principal: PathwaysRead) -> Any:
    """List the quizzes with one's results."""
    results = house.pathways.quizzes.results(principal)
    quizzes = house.pathways.catalogues.current().catalogue.quizzes
    return [documents.quiz_line(q, results) for q in quizzes]


@router.post("/quizzes/{quiz}/draws", status_code=201, response_model=DrawnBody)
def draw_quiz(quiz: str, house: House, principal: PathwaysWalk) -> Any:
    """Draw questions, or return the draw that still waits for its answers."""
    return house.pathways.quizzes.draw(principal, quiz).as_dict()


@router.get("/draws/{draw_id}", response_model=DrawnBody)
def get_draw(draw_id: str, house: House, principal: PathwaysRead) -> Any:
    """Return a draw of one's own, without its answers."""
    return house.pathways.quizzes.show(principal, draw_id).as_dict()


@router.post("/draws/{draw_id}/answers", response_model=QuizResultBody)
def hand_in(draw_id: str, body: AnswersIn, house: House, principal: PathwaysWalk) -> Any:
    """Hand a draw in; it is scored once, and the same answers always score the same."""
    return house.pathways.quizzes.hand_in(principal, draw_id, body.answers).as_dict()


@router.get("/quiz-results", response_model=list[QuizResultBody])
def list_quiz_results(house: House, principal: PathwaysRead) -> Any:
    """List the draws that one has handed in, newest first."""
    return [r.as_dict() for r in house.pathways.quizzes.results(principal)]


# -- what people say ------------------------------------------------------------------------------------------------
@router.get("/attestations", response_model=list[AttestationBody])
def list_attestations(house: House, principal: PathwaysRead) -> Any:
    """List one's own attestations that stand, newest first."""
    return house.pathways.notes.attestations(principal)


@router.post("/attestations", status_code=201, response_model=AttestationBody)
def attest(body: AttestationIn, house: House, principal: PathwaysWalk) -> Any:
    """Say that one did what no record can show; it never counts as proven."""
    return house.pathways.notes.attest(principal, body.subject, body.statement, body.link, body.by)


@router.post("/attestations/{attestation_id}/withdraw", response_model=AttestationBody)
def withdraw_attestation(attestation_id: str, house: House, principal: PathwaysWalk) -> Any:
    """Take an attestation of one's own back."""
    return house.pathways.notes.withdraw(principal, attestation_id)


@router.get("/reflections", response_model=list[ReflectionBody])
def list_reflections(house: House, principal: PathwaysRead) -> Any:
    """List one's own notes, newest first; nobody else's, whatever one's role."""
    return house.pathways.notes.reflections(principal)


@router.post("/reflections", status_code=201, response_model=ReflectionBody)
def reflect(body: ReflectionIn, house: House, principal: PathwaysWalk) -> Any:
    """Keep a private note."""
    return house.pathways.notes.reflect(principal, body.question, body.text)


@router.delete("/reflections/{note_id}", status_code=204)
def forget_reflection(note_id: str, house: House, principal: PathwaysWalk) -> None:
    """Delete a note of one's own for good."""
    house.pathways.notes.forget(principal, note_id)


# -- proofs and portfolio -------------------------------------------------------------------------------------------
@router.get("/proofs", response_model=ProofsBody)
def list_proofs(house: House, principal: PathwaysRead) -> Any:
    """List one's proofs as they stand now, newest first, and what is wrong with the workspace's chain of proofs."""
    room = house.pathways.proofs
    return {
        "items": [documents.proof_line(s) for s in room.list(principal)],
        "problems": room.verify_chain(principal),
    }


@router.get("/proofs/{proof_id}", response_model=ProofBody)
def get_proof(proof_id: str, house: House, principal: PathwaysRead) -> Any:
    """Return a proof of one's own with every record behind it, looked at again."""
    state = house.pathways.proofs.show(principal, proof_id)
    return {**documents.proof_document(state), "envelope": dict(state.proof.envelope)}


@router.post("/portfolio", response_class=Response, responses={200: {"content": {"application/zip": ZIP}}})
def export_portfolio(body: PortfolioIn, house: House, principal: PathwaysWalk) -> Response:
    """Return one's portfolio as a ZIP: site, JSON Resume, badges, bundle; 409 with the places of what must not leave."""
    with tempfile.TemporaryDirectory() as folder:
        report = house.pathways.portfolio.export(principal, Path(folder), **body.model_dump())
        if report.stopped:
            raise ConflictError(
                f"nothing was written: {len(report.stopped)} secrets or personal data were found",
                hint="take them out at the places that `stopped` names, or leave the system out",
                stopped=[{"place": s.place, "kind": s.kind, "advice": s.advice} for s in report.stopped],
            )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
                archive.write(file, file.relative_to(folder))
    return Response(packed.getvalue(), media_type="application/zip", headers=NAMED)


@router.post("/bundles/check", response_model=BundleBody)
def check_bundle(
    principal: PathwaysRead,
    file: Annotated[UploadFile, File(description="The bundle of a portfolio; at most 64 MiB.")],
    issuer: Word = "",
) -> Any:
    """Check a bundle of anybody's; nothing of it is kept."""
    from groundwork.pathways.portfolio.verify import verify_bundle

    data = file.file.read(MAX_BUNDLE + 1)
    if len(data) > MAX_BUNDLE:
        raise TooLargeError(
            f"the bundle is larger than {MAX_BUNDLE >> 20} MiB", hint="check it with the command line"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        path.write_bytes(data)
        return verify_bundle(path, issuer=issuer).as_dict()


@router.post("/cosignatures", status_code=201, response_model=ProofsBody)
def add_cosignature(body: CosignatureIn, house: House, principal: PathwaysWalk) -> Any:
    """Keep what another workspace signed about one's proofs; adding it twice adds it once."""
    room = house.pathways.proofs
    kept = {p.id for p in room.add_cosignature(principal, body.envelope)}
    lines = [documents.proof_line(s) for s in room.list(principal) if s.proof.id in kept]
    return {"items": lines, "problems": []}
