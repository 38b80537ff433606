"""Prompts: files, versions, labels, differences, tests: `/api/prompts`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from groundwork.server.described import PROBLEMS
from groundwork.server.house import House
from groundwork.server.permissions import PromptsRead, PromptsWrite
from groundwork.server.prompt_bodies import (
    MoveBody,
    PromptDiffBody,
    PromptEntryBody,
    PromptLabelIn,
    PromptRef,
    PromptRenderBody,
    PromptRenderIn,
    PromptVersionBody,
    PromptVersionLine,
    PromptWriteIn,
    TestReportBody,
)

if TYPE_CHECKING:
    from groundwork.prompts.store import PromptEntry
    from groundwork.prompts.types import PromptVersion

router = APIRouter(prefix="/api/prompts", tags=["prompts"], responses=PROBLEMS)
VersionRef = Annotated[
    str, Query(max_length=64, description="A label, a digest, or at least 4 digits of one.")
]


@router.get("", response_model=list[PromptEntryBody])
def list_prompts(house: House, principal: PromptsRead) -> Any:
    """List the prompts; a file that cannot be read is listed with its error."""
    return [entry_body(e) for e in house.prompts.sync(principal)]


@router.get("/{name}", response_model=PromptVersionBody)
def get_prompt(name: str, house: House, principal: PromptsRead, version: VersionRef = "latest") -> Any:
    """Return one version of a prompt; `latest` is what the file is now."""
    return version_body(house.prompts.get(principal, name, version))


@router.put("/{name}", response_model=PromptVersionBody)
def write_prompt(name: str, body: PromptWriteIn, house: House, principal: PromptsWrite) -> Any:
    """Write a prompt's file and record the version it is; what is no prompt is refused and changes nothing."""
    return version_body(house.prompts.write(principal, name, body.source, expected=body.expected))


@router.delete("/{name}", status_code=204, response_class=Response)
def remove_prompt(name: str, house: House, principal: PromptsWrite) -> Response:
    """Take a prompt's file away; its versions, labels and runs stay."""
    house.prompts.remove(principal, name)
    return Response(status_code=204)


@router.get("/{name}/versions", response_model=list[PromptVersionLine])
def list_versions(name: str, house: House, principal: PromptsRead) -> Any:
    """List the recorded versions of a prompt, newest first."""
    return [_line(v) for v in house.prompts.versions(principal, name)]


@router.get("/{name}/diff", response_model=PromptDiffBody)
def diff_versions(
    name: str, house: House, principal: PromptsRead, old: VersionRef, new: VersionRef = "latest"
) -> Any:
    """Say what differs between two versions: messages line by line, inputs and hints."""
    return house.prompts.diff(principal, name, old, new).as_dict()


@router.post("/{name}/render", response_model=PromptRenderBody)
def render_prompt(name: str, body: PromptRenderIn, house: House, principal: PromptsRead) -> Any:
    """Return the messages that a version makes of values, as a model would get them."""
    from groundwork.prompts.template import render

    found = house.prompts.get(principal, name, body.version)
    messages = [asdict(m) for m in render(found.template, body.inputs)]
    return {"name": name, "digest": found.digest, "messages": messages, "hints": found.template.hints}


@router.put("/{name}/labels/{label}", response_model=PromptVersionLine)
def move_label(name: str, label: str, body: PromptLabelIn, house: House, principal: PromptsWrite) -> Any:
    """Point a label at a version; `latest` follows the file and cannot be moved."""
    more = {} if body.expected is None else {"expected": body.expected or None}
    found = house.prompts.label(principal, name, body.version, label, reason=body.reason, **more)
    return _line(found)


@router.get("/{name}/labels/{label}/moves", response_model=list[MoveBody])
def list_moves(name: str, label: str, house: House, principal: PromptsRead) -> Any:
    """List the moves of a label, newest first."""
    return house.prompts.moves(principal, name, label)


@router.post("/{name}/test", response_model=TestReportBody)
def test_prompt(name: str, body: PromptRef, house: House, principal: PromptsWrite) -> Any:
    """Run the tests of a version offline and record how they came out; no model is asked."""
    return house.prompts.test(principal, name, body.version).as_dict()


@router.get("/{name}/runs", response_model=list[TestReportBody])
def list_runs(
    name: str, house: House, principal: PromptsRead, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> Any:
    """List the runs of a prompt's tests, newest first."""
    return [r.as_dict() for r in house.prompts.runs(principal, name, limit)]


def entry_body(entry: PromptEntry) -> dict[str, Any]:
    """Return a prompt at a glance as JSON."""
    latest, error = entry.latest, entry.error
    return {
        "name": entry.name,
        "origin": entry.origin,
        "latest": _line(latest) if latest else None,
        "description": latest.template.description if latest else "",
        "labels": dict(entry.labels),
        "versions": entry.versions,
        "tests": len(latest.template.tests) if latest else 0,
        "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
        "source_digest": entry.source_digest,
    }


def version_body(found: PromptVersion) -> dict[str, Any]:
    """Return a version as JSON."""
    from groundwork.prompts.records import as_json

    return {**_line(found), **as_json(found.template), "source": found.template.source}


def _line(found: PromptVersion) -> dict[str, Any]:
    return {
        "name": found.name,
        "digest": found.digest,
        "created_at": found.created_at,
        "created_by": found.created_by,
        "labels": list(found.labels),
    }
