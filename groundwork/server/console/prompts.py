"""Pages of the room that keeps prompts: a list, one version, two side by side, and forms to try, edit, label and test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import ConflictError, GroundworkError, InvalidInputError, NotFoundError
from groundwork.server.console.evidence import compared
from groundwork.server.console.render import address, page
from groundwork.server.forms import Posted, text_of
from groundwork.server.house import House
from groundwork.server.permissions import PromptsRead, PromptsWrite

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from groundwork.core.principal import Principal
    from groundwork.prompts.types import PromptInput, PromptMessage, PromptTemplate, PromptVersion

router = APIRouter(prefix="/prompts", include_in_schema=False)
Ref = Annotated[str, Query(max_length=64)]
RUNS = 5


@router.get("")
def prompts_page(request: Request, house: House, principal: PromptsRead) -> Response:
    return page(request, "prompts.html", room="prompts", prompts=house.prompts.sync(principal), **_new())


@router.post("")
def new_prompt(request: Request, form: Posted, house: House, principal: PromptsWrite) -> Response:
    name, source = text_of(form, "name"), _source(form)
    try:
        house.prompts.write(principal, name, source, expected="")
    except (InvalidInputError, ConflictError) as error:
        context = {"prompts": house.prompts.sync(principal), **_new(name, source, error)}
        return page(request, "prompts.html", error.status, room="prompts", **context)
    return RedirectResponse(f"/prompts/{name}", 303)


@router.get("/{name}")
def prompt_page(request: Request, name: str, house: House, principal: PromptsRead) -> Response:
    bare, _, ref = name.partition("@")
    return _prompt(request, house, principal, bare, ref)


@router.post("/{name}/try")
def try_prompt(request: Request, name: str, form: Posted, house: House, principal: PromptsRead) -> Response:
    """Fill a version in with the values of the form; nothing is kept."""
    from groundwork.prompts.inputs import read_value
    from groundwork.prompts.template import render

    bare, _, ref = name.partition("@")
    template = house.prompts.get(principal, bare, ref or "latest").template
    written = {i.name: _written(form, i) for i in template.inputs}
    tried: dict[str, Any] = {"written": written, "messages": (), "fault": None}
    try:
        given = {i.name: read_value(bare, i, text) for i in template.inputs if (text := written[i.name])}
        tried["messages"] = render(template, given)
    except InvalidInputError as error:
        tried["fault"] = error
    return _prompt(request, house, principal, bare, ref, tried)


@router.get("/{name}/edit")
def edit_page(request: Request, name: str, house: House, principal: PromptsWrite) -> Response:
    entry = house.prompts.entry(principal, name)
    source = entry.source or (entry.latest.template.source if entry.latest else "")
    edited: dict[str, Any] = {"source": source, "expected": entry.source_digest, "fault": None}
    return page(request, "prompt_edit.html", room="prompts", entry=entry, **edited)


@router.post("/{name}/edit")
def edit_prompt(request: Request, name: str, form: Posted, house: House, principal: PromptsWrite) -> Response:
    source, expected = _source(form), text_of(form, "expected")
    edited: dict[str, Any]
    try:
        house.prompts.write(principal, name, source, expected=expected)
    except (InvalidInputError, ConflictError) as error:
        entry = house.prompts.entry(principal, name)
        edited = {"source": source, "expected": expected, "fault": error}
        return page(request, "prompt_edit.html", error.status, room="prompts", entry=entry, **edited)
    return RedirectResponse(f"/prompts/{name}", 303)


@router.get("/{name}/diff")
def diff_page(
    request: Request, name: str, house: House, principal: PromptsRead, old: Ref = "", new: Ref = "latest"
) -> Response:
    prompts = house.prompts
    ends = [
        prompts.get(principal, name, ref)
        for ref in (old or prompts.previous(principal, name), new or "latest")
    ]
    diff = prompts.diff(principal, name, ends[0].digest, ends[1].digest)
    pairs = []
    for m in diff.messages:
        left, right = compared(m.old.text if m.old else "", m.new.text if m.new else "")
        pairs.append({"old": m.old, "new": m.new, "left": left, "right": right, "changed": m.changed})
    return page(
        request,
        "prompt_diff.html",
        room="prompts",
        name=name,
        old=ends[0],
        new=ends[1],
        diff=diff,
        pairs=pairs,
    )


@router.get("/{name}/label")
def label_page(
    request: Request,
    name: str,
    house: House,
    principal: PromptsWrite,
    version: Ref = "latest",
    label: Ref = "",
) -> Response:
    found = house.prompts.get(principal, name, version)
    entry = house.prompts.entry(principal, name)
    labels = [k for k in entry.labels if k != "latest"]
    return page(
        request, "prompt_label.html", room="prompts", entry=entry, found=found, labels=labels, label=label
    )


@router.post("/{name}/label")
def move_label(name: str, form: Posted, house: House, principal: PromptsWrite) -> Response:
    label, version = text_of(form, "label"), text_of(form, "version")
    entry = house.prompts.entry(principal, name)
    stood = text_of(form, f"stood-{label}") or None
    reason = text_of(form, "reason")[:1000]
    if label in entry.labels and stood is None:
        # The page did not show this label: somebody else has made it since.
        raise ConflictError(
            f"the label `{label}` was made since this page was shown",
            hint="look at where it stands, and try again",
        )
    house.prompts.label(principal, name, version, label, expected=stood, reason=reason)
    return RedirectResponse(address(f"/prompts/{name}", moved=label), 303)


@router.post("/{name}/test")
def test_prompt(name: str, form: Posted, house: House, principal: PromptsWrite) -> Response:
    bare, mark, ref = name.partition("@")
    house.prompts.test(principal, bare, ref or "latest")
    return RedirectResponse(f"/prompts/{bare}{mark}{ref}#tests", 303)


@router.get("/{name}/remove")
def remove_page(request: Request, name: str, house: House, principal: PromptsWrite) -> Response:
    entry = house.prompts.entry(principal, name)
    if entry.origin != "file":
        raise NotFoundError(
            f"the prompt `{name}` has no file in this workspace", hint="there is nothing to remove"
        )
    return page(request, "prompt_remove.html", room="prompts", entry=entry)


@router.post("/{name}/remove")
def remove_prompt(name: str, form: Posted, house: House, principal: PromptsWrite) -> Response:
    house.prompts.remove(principal, name, expected=text_of(form, "expected") or None)
    return RedirectResponse("/prompts", 303)


def _prompt(
    request: Request,
    house: House,
    principal: Principal,
    name: str,
    ref: str,
    tried: Mapping[str, Any] | None = None,
) -> Response:
    prompts = house.prompts
    entry = prompts.entry(principal, name)
    found: PromptVersion | None
    try:
        found = prompts.get(principal, name, ref or "latest")
    except GroundworkError:
        # The file cannot be read or is gone: its last version is shown, and the page says why.
        if ref or (entry.latest is None and entry.error is None):
            raise
        found = entry.latest
    versions = prompts.versions(principal, name)
    runs = [r for r in prompts.runs(principal, name, 50) if found and r.digest == found.digest][:RUNS]
    status = 200 if not (tried and tried["fault"]) else 400
    return page(
        request,
        "prompt.html",
        status,
        room="prompts",
        entry=entry,
        found=found,
        at=f"{name}@{found.digest[:12]}" if ref and found else name,
        pinned=bool(ref)
        and found is not None
        and entry.latest is not None
        and found.digest != entry.latest.digest,
        versions=versions,
        hints={k: json.dumps(v, ensure_ascii=False) for k, v in found.template.hints.items()}
        if found
        else {},
        tests=_tests(found.template) if found else [],
        pieces=_parts,
        runs=runs,
        tried=tried,
        samples=_samples(found.template) if found else {},
        moved=request.query_params.get("moved", "")[:64],
    )


def _parts(message: PromptMessage) -> list[tuple[bool, str]]:
    """Return a template's text in pieces; True for a tag, so that holes are told from text at a glance."""
    import re

    pieces = re.split(r"(\{\{.*?\}\})", message.text, flags=re.S)
    return [(n % 2 == 1, p) for n, p in enumerate(pieces) if p]


def _tests(template: PromptTemplate) -> list[tuple[str, list[str]]]:
    from groundwork.prompts.expectations import words

    return [(t.name, [words(e) for e in t.expect]) for t in template.tests]


def _samples(template: PromptTemplate) -> dict[str, str]:
    """Return what the form to try begins with: the values of the first test, else the defaults."""
    given = template.tests[0].inputs if template.tests else {}
    values = {i.name: given.get(i.name, i.default) for i in template.inputs}
    return {
        name: ""
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }


def _written(form: FormData, input: PromptInput) -> str:
    value = form.get(f"in.{input.name}")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _source(form: FormData) -> str:
    value = form.get("source")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _new(name: str = "", source: str = "", fault: GroundworkError | None = None) -> dict[str, Any]:
    from groundwork.prompts.files import STARTER

    return {"name": name, "source": source or STARTER, "fault": fault}
