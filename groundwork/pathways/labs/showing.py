"""From rows to what people see: a run with its task, a lab in the list. Reads the lab's folder; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from groundwork.core.errors import ConflictError, InvalidInputError
from groundwork.pathways.labs import Lab, Point
from groundwork.pathways.labs import task as texts
from groundwork.pathways.labs.folder import LabFolder
from groundwork.pathways.labs.types import LabLine, LabRun
from groundwork.pathways.labs.verifying import total


def points_of(lab: Lab, row: Any) -> Sequence[Point]:
    """Return what is checked in a run.

    Raises:
        ConflictError: the lab was changed since the run was begun, so that what was drawn does not fit any more.
    """
    try:
        return lab.points(row.draw)
    except Exception as error:
        if row.version == texts.version(row.lab):
            raise
        raise ConflictError(
            f"the lab `{row.lab}` was changed since you began it on {row.started_at[:16]}",
            hint=f"begin the new one with `groundwork path reset {row.lab}`; nothing of yours is lost",
        ) from error


def run_of(root: Path, row: Any, events: Sequence[Any], notes: Sequence[str] = ()) -> LabRun:
    """Return a run as it stands, with its task and what is on its sheet; `notes` come first among those it has."""
    found, folder = texts.find_lab(row.lab), LabFolder(root, row.lab)
    told = [*notes, *_notes(row, events, folder)]
    task = ""
    hints: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    try:
        asked = tuple(sheet.key for sheet, _ in texts.sheets(points_of(found, row)))
        task = texts.filled(row.lab, row.draw)
        hints = tuple(found.hints(row.draw)[: sum(event.kind == "hint" for event in events)])
    except ConflictError as error:
        told.append(f"{error.message}; {error.hint}")
    answers: dict[str, Any] = {}
    try:
        answers = texts.read_sheet(folder.path / texts.SHEET) if row.state == "open" else {}
    except InvalidInputError as error:
        told.append(error.message)
    return LabRun(
        row.id,
        row.lab,
        row.version,
        row.state,
        bool(row.test_out),
        int(row.points),
        int(row.total),
        row.started_at,
        row.finished_at,
        None if row.minutes is None else float(row.minutes),
        folder.shown if folder.there() else "",
        task,
        hints,
        dict(row.draw),
        found.title,
        asked,
        answers,
        tuple(told),
    )


def line_of(name: str, rows: Sequence[Any]) -> LabLine:
    """Return a lab of the list with how far a person is; `rows` are that person's runs, oldest first."""
    found = texts.find_lab(name)
    own = [x for x in rows if x.lab == name]
    opened = next((x for x in reversed(own) if x.state == "open"), None)
    row = opened or next((x for x in reversed(own) if x.state == "passed"), None)
    state: Literal["new", "open", "passed"] = "new"
    if row is not None:
        state = "open" if row.state == "open" else "passed"
    return LabLine(
        name,
        found.title,
        found.summary,
        found.minutes,
        found.stream,
        tuple(found.skills),
        tuple(found.milestones),
        tuple(found.after),
        found.test_out,
        state,
        "" if row is None else row.id,
        0 if row is None else int(row.points),
        total(found.points(texts.example_draw(found))) if row is None else int(row.total),
    )


def _notes(row: Any, events: Sequence[Any], folder: LabFolder) -> list[str]:
    if row.state != "open":
        return []
    if not any(event.kind == "started" for event in events):
        return [f"its start was not laid out to its end; `groundwork path lab {row.lab}` does it again"]
    if not folder.there():
        return [f"its folder {folder.shown} is gone: put it back, or `groundwork path reset {row.lab}`"]
    return []
