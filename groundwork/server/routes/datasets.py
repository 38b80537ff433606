"""Datasets: versions, examples, what waits for review: `/api/datasets`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, File, Query, UploadFile
from starlette.responses import Response, StreamingResponse

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.server.bodies import MAX_OFFSET
from groundwork.server.dataset_bodies import (
    CandidateBody,
    DatasetBody,
    DatasetCheckBody,
    DatasetDiffBody,
    DatasetImportBody,
    DatasetIn,
    DatasetListBody,
    DatasetVersionBody,
    DecisionIn,
    ExampleBody,
    ExampleChangeIn,
    ExampleIn,
    ExamplesBody,
    ExamplesIn,
    ProposalIn,
    PublishIn,
    SplitIn,
    SplitName,
)
from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import DatasetsRead, DatasetsWrite

if TYPE_CHECKING:
    from groundwork.core.principal import Principal
    from groundwork.datasets.types import Example

router = APIRouter(prefix="/api/datasets", tags=["datasets"], responses=PROBLEMS)
IMPORT_BYTES = 128 * 1024 * 1024
Ref = Annotated[str, Query(max_length=140, description="Such as `golden@3`.")]


@router.get("", response_model=DatasetListBody)
def list_datasets(house: House, principal: DatasetsRead) -> Any:
    """List the newest version of every dataset, and how many candidates wait."""
    found = house.datasets.list(principal)
    return {"datasets": found, "waiting": house.datasets.waiting(principal)}


@router.post("", response_model=DatasetVersionBody, status_code=201)
def create_dataset(body: DatasetIn, house: House, principal: DatasetsWrite) -> Any:
    """Make a dataset, or the next version of one; the same examples as the newest version has make none."""
    from groundwork.datasets import changing

    examples = [_example(x, principal, n) for n, x in enumerate(body.examples, 1)]
    if body.mode == "add":
        return changing.put(house.datasets, principal, body.name, examples, note=body.note)
    return house.datasets.create(principal, body.name, examples, note=body.note)


@router.post("/-/import", response_model=DatasetImportBody, status_code=201)
def import_dataset(
    house: House,
    principal: DatasetsWrite,
    file: Annotated[
        UploadFile, File(description="CSV, JSON, JSON lines or YAML, gzipped or not; at most 128 MiB.")
    ],
    name: Annotated[str, Query(max_length=63, description="The dataset.")],
    format: Annotated[str, Query(pattern="^[a-z_]{0,40}$", description="Empty: it is found out.")] = "",
    map: Annotated[list[str] | None, Query(description="`field=column`, where names do not tell.")] = None,
    split: Annotated[SplitName | None, Query(description="The split of all of them.")] = None,
    licence: Annotated[str, Query(max_length=200, description="Where the file says none.")] = "",
    mode: Annotated[
        Literal["replace", "add"], Query(description="`add` keeps the newest version's.")
    ] = "replace",
    skip_bad: Annotated[bool, Query(description="Leave bad lines out instead of refusing the file.")] = False,
    note: Annotated[str, Query(max_length=2000)] = "",
) -> Any:
    """Make the next version of a dataset of a file; a bad line refuses it, with its number, and nothing is stored."""
    from groundwork.datasets import changing
    from groundwork.datasets.importing import read_file

    reading = read_file(
        read_upload(file),
        (file.filename or "upload")[:200],
        format=format,
        columns=_columns(map or []),
        split=split,
        licence=licence,
        skip_bad=skip_bad,
        principal=principal.name,
    )
    summary = {"source": reading.name, "format": reading.format, "skipped": len(reading.faults)}
    said = note or f"imported from {reading.name}"
    if mode == "add":
        made = changing.put(house.datasets, principal, name, reading.examples, note=said, summary=summary)
    else:
        made = house.datasets.create(principal, name, reading.examples, note=said, summary=summary)
    if "duplicates" not in made.summary:
        house.datasets.check(principal, made.ref)
        made = house.datasets.get(principal, made.ref)
    return {**reading.as_dict(), "version": made}


@router.get("/-/candidates", response_model=list[CandidateBody])
def list_candidates(
    house: House,
    principal: DatasetsRead,
    dataset: Annotated[str, Query(max_length=63)] = "",
    state: Literal["proposed", "accepted", "rejected", "all"] = "proposed",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    before: Annotated[str, Query(max_length=40, description="Only older than this candidate.")] = "",
) -> Any:
    """List candidates, newest first."""
    wanted: Any = "" if state == "all" else state
    return house.datasets.candidates(principal, dataset, state=wanted, limit=limit, before=before or None)


@router.post("/-/candidates", response_model=CandidateBody, status_code=201)
def propose_candidate(body: ProposalIn, house: House, principal: DatasetsWrite) -> Any:
    """Propose an answer, a trace, feedback, or an example as it stands; the same origin is proposed once."""
    from groundwork.app import datasets as promoting

    if (body.example is None) == (not body.what):
        raise InvalidInputError("either `what` or `example` is proposed", hint="give one of them")
    if body.example is not None:
        example = _example(body.example, principal, 1)
        return house.datasets.propose(principal, body.dataset, example, reason=body.reason)
    return promoting.propose(
        house, body.dataset, body.what, expected=body.expected, span=body.span, reason=body.reason, principal=principal
    )  # fmt: skip


@router.get("/-/candidates/{candidate_id}", response_model=CandidateBody)
def get_candidate(candidate_id: str, house: House, principal: DatasetsRead) -> Any:
    """Return one candidate."""
    return house.datasets.candidate(principal, candidate_id)


@router.patch("/-/candidates/{candidate_id}", response_model=CandidateBody)
def edit_candidate(
    candidate_id: str, house: House, principal: DatasetsWrite, body: ExampleChangeIn | None = None
) -> Any:
    """Change what an undecided candidate says; fields that are left out stay."""
    found = house.datasets.candidate(principal, candidate_id)
    return house.datasets.edit(principal, candidate_id, _changed(found.example, body))


@router.post("/-/candidates/{candidate_id}/accept", response_model=CandidateBody)
def accept_candidate(
    candidate_id: str, house: House, principal: DatasetsWrite, body: DecisionIn | None = None
) -> Any:
    """Accept a candidate; it stands in the next version that is published."""
    said = body or DecisionIn()
    found = house.datasets.candidate(principal, candidate_id)
    example = _changed(found.example, said.example) if said.example else None
    decided = house.datasets.decide(principal, candidate_id, True, reason=said.reason, example=example)
    if said.publish:
        house.datasets.publish(principal, decided.dataset)
    return decided


@router.post("/-/candidates/{candidate_id}/reject", response_model=CandidateBody)
def reject_candidate(
    candidate_id: str, house: House, principal: DatasetsWrite, body: DecisionIn | None = None
) -> Any:
    """Reject a candidate; what it was made from is not proposed again."""
    return house.datasets.decide(principal, candidate_id, False, reason=(body or DecisionIn()).reason)


@router.get("/{dataset}", response_model=DatasetBody)
def get_dataset(dataset: str, house: House, principal: DatasetsRead) -> Any:
    """Return a version: `golden` is the newest, `golden@3` the third."""
    found = house.datasets.get(principal, dataset)
    return {
        **found.as_dict(),
        "holdout_looks": house.datasets.holdout_looks(principal, found.ref),
        "erased": house.datasets.erased(principal, found.ref),
    }


@router.delete("/{dataset}", status_code=204, response_class=Response)
def delete_dataset(
    dataset: str,
    house: House,
    principal: DatasetsWrite,
    force: Annotated[bool, Query(description="Also where evaluations were made of it.")] = False,
) -> Response:
    """Take a dataset away with its review queue, or with `@` one version that is not the newest."""
    house.datasets.remove(principal, dataset, force=force)
    return Response(status_code=204)


@router.get("/{dataset}/versions", response_model=list[DatasetVersionBody])
def list_versions(dataset: str, house: House, principal: DatasetsRead) -> Any:
    """List the versions of a dataset, newest first."""
    return house.datasets.versions(principal, dataset.partition("@")[0])


@router.get("/{dataset}/examples", response_model=ExamplesBody)
def list_examples(
    dataset: str,
    house: House,
    principal: DatasetsRead,
    split: SplitName | None = None,
    tag: Annotated[str, Query(max_length=100)] = "",
    contains: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
) -> Any:
    """List examples of a version in their order."""
    version = house.datasets.get(principal, dataset)
    items, total = house.datasets.page(
        principal, version.ref, split=split, tag=tag, contains=contains, limit=limit, offset=offset
    )
    shown = [ExampleBody.model_validate(x) for x in items]
    return {"version": version.ref, "items": shown, "total": total, "limit": limit, "offset": offset}


@router.post("/{dataset}/examples", response_model=DatasetVersionBody, status_code=201)
def change_examples(
    dataset: str, house: House, principal: DatasetsWrite, body: ExamplesIn | None = None
) -> Any:
    """Make the next version of a dataset with examples put in, replaced by id, or taken out."""
    from groundwork.datasets import changing

    said = body or ExamplesIn()
    found = house.datasets.get(principal, dataset)
    if not said.examples and not said.remove:
        raise InvalidInputError("nothing is to be changed", hint="give `examples` or `remove`")
    fresh = [_example(x, principal, n) for n, x in enumerate(said.examples, 1)]
    for gone in said.remove:
        house.datasets.example(principal, found.name, gone)

    def change(held: list[Example]) -> Iterable[Example]:
        kept = {x.id: x for x in held if x.id not in set(said.remove)}
        return (kept | {x.id: x for x in fresh}).values()

    return changing.change(house.datasets, principal, found.name, change, said.note)


@router.get("/{dataset}/examples/{example:path}", response_model=ExampleBody)
def get_example(dataset: str, example: str, house: House, principal: DatasetsRead) -> Any:
    """Return one example of a version."""
    return house.datasets.example(principal, dataset, example)


@router.patch("/{dataset}/examples/{example:path}", response_model=DatasetVersionBody)
def edit_example(
    dataset: str, example: str, house: House, principal: DatasetsWrite, body: ExampleChangeIn | None = None
) -> Any:
    """Change an example in the next version; fields that are left out stay, and so does its origin."""
    from groundwork.datasets import changing

    name = house.datasets.get(principal, dataset).name
    fields = {} if body is None else body.model_dump(exclude_unset=True)
    return changing.edit(house.datasets, principal, name, example, fields)


@router.delete("/{dataset}/examples/{example:path}", response_model=DatasetVersionBody)
def remove_example(dataset: str, example: str, house: House, principal: DatasetsWrite) -> Any:
    """Make the next version without an example; earlier versions keep it."""
    from groundwork.datasets import changing

    name = house.datasets.get(principal, dataset).name
    return changing.take(house.datasets, principal, name, [example])


@router.get("/{dataset}/diff", response_model=DatasetDiffBody)
def diff_versions(dataset: str, house: House, principal: DatasetsRead, old: Ref = "") -> Any:
    """Say what was added, removed and changed up to this version; `old`: otherwise the version before it."""
    new = house.datasets.get(principal, dataset)
    return house.datasets.diff(principal, old or before(house, principal, new.ref), new.ref).as_dict()


@router.post("/{dataset}/split", response_model=DatasetVersionBody)
def split_dataset(dataset: str, house: House, principal: DatasetsWrite, body: SplitIn | None = None) -> Any:
    """Deal the examples to splits anew: whole clusters, tags in like shares, the same each time for a seed."""
    from groundwork.datasets import changing

    said = body or SplitIn()
    name = house.datasets.get(principal, dataset).name
    ratios = {str(name): share for name, share in said.ratios.items()}
    return changing.split(
        house.datasets, principal, name, ratios, seed=said.seed, keep_holdout=said.keep_holdout, note=said.note
    )  # fmt: skip


@router.get("/{dataset}/check", response_model=DatasetCheckBody)
def check_dataset(
    dataset: str,
    house: House,
    principal: DatasetsRead,
    similarity: Annotated[
        float, Query(gt=0, le=1, description="From which inputs are near-duplicates.")
    ] = 0.8,
) -> Any:
    """Look for duplicates, leaks between splits, personal data and secrets."""
    version = house.datasets.get(principal, dataset)
    found = house.datasets.check(principal, version.ref, threshold=similarity)
    return {"version": version.ref, **found.as_dict()}


@router.post("/{dataset}/publish", response_model=DatasetVersionBody)
def publish_dataset(
    dataset: str, house: House, principal: DatasetsWrite, body: PublishIn | None = None
) -> Any:
    """Make the next version with everything that was accepted since the last one."""
    return house.datasets.publish(principal, dataset, note=(body or PublishIn()).note)


@router.get(
    "/{dataset}/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                kind: {"schema": {"type": "string"}}
                for kind in ("application/jsonl", "text/csv", "application/yaml")
            }
        }
    },
)
def export_dataset(
    dataset: str,
    house: House,
    principal: DatasetsRead,
    format: Literal["jsonl", "csv", "promptfoo", "inspect"] = "jsonl",
    split: SplitName | None = None,
) -> Response:
    """Write the examples of a version as JSON lines, CSV, promptfoo tests or Inspect samples."""
    from groundwork.datasets.exporters import EXPORTERS

    version = house.datasets.get(principal, dataset)
    exporter = EXPORTERS.make(format)
    found = house.datasets.examples(principal, version.ref, split=split, purpose="export")
    kinds = {"csv": "text/csv", "promptfoo": "application/yaml"}
    name = f"{version.name}-{version.number}{exporter.suffix}"
    return StreamingResponse(
        (piece.encode() for piece in exporter.lines(found)),
        media_type=f"{kinds.get(format, 'application/jsonl')}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def before(house: House, principal: Principal, ref: str) -> str:
    """Return the version before one, or itself where it is the first."""
    found = house.datasets.get(principal, ref)
    older = [v for v in house.datasets.versions(principal, found.name) if v.number < found.number]
    return older[0].ref if older else found.ref


def read_upload(file: UploadFile) -> bytes:
    """Return the bytes of an uploaded file; raises TooLargeError."""
    content = file.file.read(IMPORT_BYTES + 1)
    if len(content) > IMPORT_BYTES:
        raise TooLargeError(
            f"the file has more than {IMPORT_BYTES // 2**20} MiB",
            hint="import it with `groundwork dataset import`, or split it",
        )
    return content


def _example(body: ExampleIn, principal: Principal, n: int) -> Example:
    from groundwork.datasets.content import read_example

    values = {**body.model_dump(), "origin": {"kind": "api", "principal": principal.name}}
    return read_example(values, f"example {n}")


def _changed(example: Example, body: ExampleChangeIn | None) -> Example:
    from groundwork.datasets.content import read_example

    fields = {} if body is None else body.model_dump(exclude_unset=True)
    return read_example({**example.as_dict(), **fields})


def _columns(given: list[str]) -> dict[str, str]:
    found = {}
    for pair in given:
        field, mark, column = pair.partition("=")
        if not mark:
            raise InvalidInputError(f"`{pair[:60]}` maps nothing", hint="such as `map=input=Frage`")
        found[field.strip()] = column.strip()
    return found
