"""Pages of the room `datasets`: the list, a version with its examples, one example, what differs, what waits for review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import ConflictError, GroundworkError, InvalidInputError, NotFoundError
from groundwork.datasets.types import SPLITS, Example, ExampleOrigin
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import DatasetsRead, DatasetsWrite

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from groundwork.core.principal import Principal
    from groundwork.datasets.types import DatasetVersion

router = APIRouter(prefix="/datasets", include_in_schema=False)
PER_PAGE = 50
SHOWN = 20
MOST_DIFF = 100
EXPORTS = (("jsonl", "JSON lines"), ("csv", "CSV"), ("promptfoo", "promptfoo"), ("inspect", "Inspect"))
Short = Annotated[str, Query(max_length=200)]
Place = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("")
def datasets_page(request: Request, house: House, principal: DatasetsRead) -> Response:
    return _list(request, house, principal)


@router.post("")
def new_dataset(request: Request, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    """Begin a dataset with its first example."""
    from groundwork.datasets import changing

    name = text_of(form, "dataset")
    try:
        example = _written(form, principal)
        if any(v.name == name for v in house.datasets.list(principal)):
            raise ConflictError(
                f"there is a dataset `{name}` already", hint="open it and add the example there"
            )
        made = changing.put(
            house.datasets, principal, name, [example], note="written in the console", new=True
        )
    except (InvalidInputError, ConflictError) as error:
        return _list(request, house, principal, error.status, new_fault=error, given=_given(form), name=name)
    return RedirectResponse(f"/datasets/{made.name}", 303)


@router.post("/-/import")
def import_file(request: Request, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    """Make the next version of a dataset of an uploaded file."""
    from groundwork.datasets import changing
    from groundwork.datasets.importing import read_file
    from groundwork.server.routes.datasets import read_upload

    file = form.get("file")
    name = text_of(form, "dataset")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise InvalidInputError("no file was chosen", hint="choose a CSV, JSON, JSON-lines or YAML file")
        columns = {
            field: column
            for field in ("input", "expected", "cluster", "tags")
            if (column := text_of(form, f"map-{field}"))
        }
        reading = read_file(
            read_upload(file),  # type: ignore[arg-type]
            file.filename[:200],
            columns=columns,
            skip_bad=bool(text_of(form, "skip_bad")),
            principal=principal.name,
        )
        summary = {"source": reading.name, "format": reading.format, "skipped": len(reading.faults)}
        note = f"imported from {reading.name}"
        if text_of(form, "add"):
            made = changing.put(house.datasets, principal, name, reading.examples, note=note, summary=summary)
        else:
            made = house.datasets.create(principal, name, reading.examples, note=note, summary=summary)
        if "duplicates" not in made.summary:
            house.datasets.check(principal, made.ref)
    except (InvalidInputError, ConflictError) as error:
        return _list(request, house, principal, error.status, import_fault=error, import_name=name)
    return RedirectResponse(address(f"/datasets/{made.name}", skipped=len(reading.faults) or None), 303)


@router.get("/-/review")
def review_page(
    request: Request,
    house: House,
    principal: DatasetsRead,
    dataset: Short = "",
    state: Short = "proposed",
    before: Short = "",
) -> Response:
    state = state if state in ("proposed", "accepted", "rejected") else "proposed"
    found = house.datasets.candidates(
        principal,
        dataset,
        state=state,  # type: ignore[arg-type]
        limit=SHOWN + 1,
        before=before or None,
    )
    names = sorted({v.name for v in house.datasets.list(principal)} | set(house.datasets.waiting(principal)))
    return page(
        request,
        "dataset_review.html",
        room="datasets",
        candidates=[(c, text_of_value(c.example.input), expected_of(c.example)) for c in found[:SHOWN]],
        next=found[SHOWN - 1].id if len(found) > SHOWN else "",
        first=not before,
        dataset=dataset,
        state=state,
        names=names,
    )


@router.post("/-/propose")
def propose(form: Posted, house: House, principal: DatasetsWrite) -> Response:
    """Propose an answer, a trace or a span of it for a dataset, and go to the candidate."""
    from groundwork.app import datasets as promoting

    found = promoting.propose(
        house,
        text_of(form, "dataset"),
        text_of(form, "what"),
        expected=text_of(form, "expected") or None,
        span=text_of(form, "span"),
        principal=principal,
    )
    return RedirectResponse(f"/datasets/-/candidates/{found.id}", 303)


@router.get("/-/candidates/{candidate_id}")
def candidate_page(request: Request, candidate_id: str, house: House, principal: DatasetsRead) -> Response:
    return _candidate(request, house, principal, candidate_id)


@router.post("/-/candidates/{candidate_id}")
def decide(
    request: Request, candidate_id: str, form: Posted, house: House, principal: DatasetsWrite
) -> Response:
    """Save, accept or reject, with what the form says of the example now."""
    datasets = house.datasets
    found = datasets.candidate(principal, candidate_id)
    decision = text_of(form, "decision")
    reason = text_of(form, "reason")
    try:
        if decision == "reject":
            datasets.decide(principal, candidate_id, False, reason=reason)
        else:
            example = _written(form, principal, found.example)
            if decision == "save":
                datasets.edit(principal, candidate_id, example)
                return RedirectResponse(f"/datasets/-/candidates/{candidate_id}", 303)
            datasets.decide(principal, candidate_id, True, reason=reason, example=example)
            if decision == "publish":
                made = datasets.publish(principal, found.dataset)
                return RedirectResponse(f"/datasets/{made.name}", 303)
    except (InvalidInputError, ConflictError) as error:
        return _candidate(request, house, principal, candidate_id, error.status, error, _given(form))
    return RedirectResponse(address("/datasets/-/review", dataset=found.dataset), 303)


@router.get("/{dataset}")
def dataset_page(
    request: Request,
    dataset: str,
    house: House,
    principal: DatasetsRead,
    split: Short = "",
    tag: Short = "",
    contains: Short = "",
    offset: Place = 0,
    skipped: Place = 0,
) -> Response:
    datasets = house.datasets
    split = split if split in SPLITS else ""
    try:
        found = datasets.get(principal, dataset)
    except NotFoundError:
        if dataset not in datasets.waiting(principal) and not datasets.candidates(
            principal, dataset, state="", limit=1
        ):
            raise
        return RedirectResponse(address("/datasets/-/review", dataset=dataset), 303)
    items, total = datasets.page(
        principal, found.ref, split=split, tag=tag, contains=contains, limit=PER_PAGE, offset=offset
    )
    filters = {"split": split, "tag": tag, "contains": contains}
    versions = datasets.versions(principal, found.name)
    return page(
        request,
        "dataset.html",
        room="datasets",
        v=found,
        newest=versions[0],
        versions=versions[:SHOWN],
        more_versions=max(0, len(versions) - SHOWN),
        rows=[(x, text_of_value(x.question or x.input), expected_of(x)) for x in items],
        total=total,
        offset=offset,
        per_page=PER_PAGE,
        filters=filters,
        filtered=any(filters.values()),
        splits=SPLITS,
        looks=datasets.holdout_looks(principal, found.ref),
        waiting=datasets.waiting(principal).get(found.name, 0),
        accepted=len(datasets.candidates(principal, found.name, state="accepted", limit=1)),
        skipped=skipped,
        exports=EXPORTS,
    )


@router.get("/{dataset}/new")
def new_page(request: Request, dataset: str, house: House, principal: DatasetsWrite) -> Response:
    found = house.datasets.get(principal, dataset)
    return _new(request, found)


@router.post("/{dataset}/new")
def add_example(
    request: Request, dataset: str, form: Posted, house: House, principal: DatasetsWrite
) -> Response:
    from groundwork.datasets import changing

    found = house.datasets.get(principal, dataset)
    try:
        example = _written(form, principal)
        said = f"`{example.id[:80]}` added"
        changing.put(house.datasets, principal, found.name, [example], note=said, new=True)
    except (InvalidInputError, ConflictError) as error:
        return _new(request, found, error.status, error, _given(form))
    return RedirectResponse(address(f"/datasets/{found.name}/example", id=example.id), 303)


@router.get("/{dataset}/example")
def example_page(
    request: Request,
    dataset: str,
    house: House,
    principal: DatasetsRead,
    id: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    return _example(request, house, principal, dataset, id or _first(house, principal, dataset))


@router.post("/{dataset}/example")
def edit_example(
    request: Request, dataset: str, form: Posted, house: House, principal: DatasetsWrite
) -> Response:
    from groundwork.datasets import changing

    found = house.datasets.get(principal, dataset)
    example_id = text_of(form, "id")
    held = house.datasets.example(principal, found.name, example_id)
    try:
        if text_of(form, "remove"):
            changing.take(house.datasets, principal, found.name, [held.id])
            return RedirectResponse(f"/datasets/{found.name}", 303)
        example = _written(form, principal, held)
        said = f"`{held.id[:80]}` edited"
        changing.put(house.datasets, principal, found.name, [example], note=said)
    except (InvalidInputError, ConflictError) as error:
        return _example(request, house, principal, found.name, held.id, error.status, error, _given(form))
    return RedirectResponse(address(f"/datasets/{found.name}/example", id=held.id), 303)


@router.get("/{dataset}/diff")
def diff_page(
    request: Request, dataset: str, house: House, principal: DatasetsRead, old: Short = ""
) -> Response:
    from groundwork.server.routes.datasets import before

    new = house.datasets.get(principal, dataset)
    diff = house.datasets.diff(principal, old or before(house, principal, new.ref), new.ref)
    changed = [
        (c, [(f.name, text_of_value(f.was), text_of_value(f.now)) for f in c.fields])
        for c in diff.changed[:MOST_DIFF]
    ]
    return page(
        request,
        "dataset_diff.html",
        room="datasets",
        diff=diff,
        changed=changed,
        sides=[
            ("Added", diff.added[:MOST_DIFF], len(diff.added), diff.new),
            ("Removed", diff.removed[:MOST_DIFF], len(diff.removed), diff.old),
        ],
        most=MOST_DIFF,
        shown=lambda x: text_of_value(x.question or x.input),
        versions=house.datasets.versions(principal, new.name),
    )


@router.post("/{dataset}/split")
def split_dataset(dataset: str, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    from groundwork.datasets import changing

    name = house.datasets.get(principal, dataset).name
    written = {split: text_of(form, split) or "0" for split in SPLITS}
    try:
        ratios = {str(split): float(share) for split, share in written.items()}
        seed = int(text_of(form, "seed") or "0")
    except ValueError:
        raise InvalidInputError("a ratio or the seed is no number", hint="such as 70, 15, 15, 0") from None
    made = changing.split(house.datasets, principal, name, ratios, seed=seed)
    return RedirectResponse(f"/datasets/{made.name}", 303)


@router.post("/{dataset}/check")
def check_dataset(dataset: str, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    found = house.datasets.get(principal, dataset)
    house.datasets.check(principal, found.ref)
    return RedirectResponse(f"/datasets/{dataset}#found", 303)


@router.post("/{dataset}/publish")
def publish(dataset: str, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    made = house.datasets.publish(principal, dataset, note=text_of(form, "note"))
    return RedirectResponse(f"/datasets/{made.name}", 303)


@router.get("/{dataset}/remove")
def remove_page(request: Request, dataset: str, house: House, principal: DatasetsWrite) -> Response:
    found = house.datasets.get(principal, dataset)
    versions = house.datasets.versions(principal, found.name)
    return page(request, "dataset_remove.html", room="datasets", v=found, versions=len(versions))


@router.post("/{dataset}/remove")
def remove(dataset: str, form: Posted, house: House, principal: DatasetsWrite) -> Response:
    name = house.datasets.get(principal, dataset).name
    house.datasets.remove(principal, name, force=bool(text_of(form, "force")))
    return RedirectResponse("/datasets", 303)


def text_of_value(value: Any) -> str:
    """Return an input or another value as text: messages below their roles, other objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(m, Mapping) and "role" in m for m in value):
        return "\n".join(f"{m['role']}: {m.get('content', '')}" for m in value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def expected_of(example: Example) -> str:
    """Return what is expected in words."""
    return "to decline" if example.impossible else " or ".join(example.references)


def _list(request: Request, house: House, principal: Principal, status: int = 200, **more: Any) -> Response:
    context: dict[str, Any] = {
        "new_fault": None, "import_fault": None, "import_name": "", "name": "", "given": _fields(None), **more,
    }  # fmt: skip
    found = house.datasets.list(principal)
    waiting = house.datasets.waiting(principal)
    fresh = {n: w for n, w in waiting.items() if n not in {v.name for v in found}}
    return page(
        request,
        "datasets.html",
        status,
        room="datasets",
        datasets=found,
        waiting=waiting,
        fresh=fresh,
        splits=SPLITS,
        **context,
    )


def _new(
    request: Request,
    found: DatasetVersion,
    status: int = 200,
    fault: GroundworkError | None = None,
    given: Mapping[str, Any] | None = None,
) -> Response:
    return page(
        request,
        "dataset_new.html",
        status,
        room="datasets",
        v=found,
        fault=fault,
        given=given or _fields(None),
        splits=SPLITS,
    )


def _example(
    request: Request,
    house: House,
    principal: Principal,
    dataset: str,
    example_id: str,
    status: int = 200,
    fault: GroundworkError | None = None,
    given: Mapping[str, Any] | None = None,
) -> Response:
    datasets = house.datasets
    found = datasets.get(principal, dataset)
    one = datasets.example(principal, found.ref, example_id)
    newest = datasets.get(principal, found.name)
    return page(
        request,
        "dataset_example.html",
        status,
        room="datasets",
        v=found,
        x=one,
        asked=text_of_value(one.input),
        expected=expected_of(one),
        newest=newest.number == found.number,
        given=given or _fields(one),
        fault=fault,
        splits=SPLITS,
        metadata=text_of_value(dict(one.metadata)) if one.metadata else "",
        tools=text_of_value(list(one.tools)) if one.tools is not None else "",
    )


def _candidate(
    request: Request,
    house: House,
    principal: Principal,
    candidate_id: str,
    status: int = 200,
    fault: GroundworkError | None = None,
    given: Mapping[str, Any] | None = None,
) -> Response:
    found = house.datasets.candidate(principal, candidate_id)
    return page(
        request,
        "dataset_candidate.html",
        status,
        room="datasets",
        c=found,
        asked=text_of_value(found.example.input),
        expected=expected_of(found.example),
        given=given or _fields(found.example),
        fault=fault,
        splits=SPLITS,
    )


def _first(house: House, principal: Principal, dataset: str) -> str:
    found = house.datasets.examples(principal, dataset, limit=1)
    if not found:
        raise NotFoundError("the version has no example any more: all were erased")
    return found[0].id


def _fields(example: Example | None) -> dict[str, Any]:
    """Return what the form of an example begins with."""
    if example is None:
        return {
            "id": "", "input": "", "expected": "", "impossible": False, "tags": "", "split": "test", "cluster": "",
            "context": "", "licence": "",
        }  # fmt: skip
    return {
        "id": example.id,
        "input": _editable(example.input),
        "expected": _editable(example.expected),
        "impossible": example.impossible,
        "tags": ", ".join(example.tags),
        "split": example.split,
        "cluster": example.cluster,
        "context": "\n\n".join(example.context),
        "licence": example.licence,
    }


def _given(form: FormData) -> dict[str, Any]:
    """Return what was written into the form, to be shown again."""
    names = ("id", "input", "expected", "tags", "split", "cluster", "context", "licence")
    return {**{n: _text(form, n) for n in names}, "impossible": bool(text_of(form, "impossible"))}


def _written(form: FormData, principal: Principal, held: Example | None = None) -> Example:
    """Return the example that a form says; what the form does not show stays as it was."""
    from groundwork.datasets.content import read_example

    given = _given(form)
    before = _fields(held)
    values: dict[str, Any] = {
        "id": given["id"],
        "impossible": given["impossible"],
        "tags": [t.strip() for t in given["tags"].split(",") if t.strip()],
        "split": given["split"] or "test",
        "cluster": given["cluster"],
        "licence": given["licence"],
        "origin": {"kind": "console", "principal": principal.name},
    }
    for name, read in (("input", _read), ("expected", _read), ("context", _passages)):
        kept = held is not None and given[name] == before[name]
        values[name] = getattr(held, name) if kept else read(given[name])
    example = read_example(values)
    if held is None:
        return example
    return replace(
        example,
        id=held.id,
        origin=held.origin if held.origin != ExampleOrigin() else example.origin,
        relevant=held.relevant,
        tools=held.tools,
        weight=held.weight,
        metadata=held.metadata,
    )


def _editable(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _read(text: str) -> Any:
    """Return the list or object that a text is the JSON of, else the text; nothing for an empty one."""
    if not text.strip():
        return None
    if text.lstrip().startswith(("[", "{")):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return found
    return text


def _passages(text: str) -> list[str]:
    return [p.strip() for p in text.split("\n\n") if p.strip()]


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
