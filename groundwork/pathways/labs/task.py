"""The text of a lab with its holes filled, and the sheet on which answers are written.

A hole is `{name}` with a name of small letters, digits and underscores; every other brace stands for itself, so that JSON
and TOML may be shown as they are. The first line of a text is its title (`# …`).
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from groundwork.core.digest import digest_json
from groundwork.core.errors import InternalError, InvalidInputError, NotFoundError
from groundwork.pathways.labs import LABS, Lab, Point, Sheet

FOLDER = "labs"
SHEET = "answers.toml"
TASK = "task.md"
MINUTES = "minutes"
"""Key of the sheet under which a learner says how long the work took."""
_HOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MAX_SHEET = 1 << 16


def lab_id(name: str) -> str:
    """Return a lab's name as people and the catalogue write it: `first-cited-answer`."""
    return name.strip().lower().replace("_", "-")


def module_of(lab: str) -> str:
    """Return a lab's name as its module and its folder have it: `first_cited_answer`."""
    return lab_id(lab).replace("-", "_")


def find_lab(name: str) -> Lab:
    """Return the lab of that name, written with hyphens or underscores.

    Raises:
        NotFoundError: there is none; the hint offers the nearest.
    """
    import difflib

    names = LABS.names()
    if module_of(name) not in names:
        known = [lab_id(n) for n in names]
        near = difflib.get_close_matches(lab_id(name), known, 3, 0.6)
        near += [k for k in known if lab_id(name) and lab_id(name) in k and k not in near]
        hint = f"did you mean {' or '.join(f'`{n}`' for n in near[:3])}? " if near else ""
        raise NotFoundError(
            f"there is no lab called `{name[:80]}`", hint=f"{hint}list them with `groundwork path labs`"
        )
    return LABS.make(module_of(name))


def source(lab: str) -> str:
    """Return the text of a lab as it was written, with its holes."""
    found = type(find_lab(lab))
    file = sys.modules[found.__module__].__file__
    path = Path(file or "").with_suffix(".md")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InternalError(
            f"the lab `{lab_id(lab)}` has no text: {path.name} is not beside its module"
        ) from error


def version(lab: str) -> str:
    """Return the digest of a lab's task and checks: another one is another lab."""
    found = type(find_lab(lab))
    module = import_module(found.__module__)
    code = Path(module.__file__ or "").read_text(encoding="utf-8")
    return digest_json({"text": source(lab), "code": code})


def values_of(lab: str, draw: Mapping[str, Any]) -> dict[str, str]:
    """Return what the holes of a lab's text are filled with: the draw, `{lab}` and `{folder}`."""
    base = {"lab": lab_id(lab), "folder": f"{FOLDER}/{module_of(lab)}"}
    return {**base, **{name: _said(value) for name, value in draw.items()}}


def filled(lab: str, draw: Mapping[str, Any]) -> str:
    """Return a lab's text with its holes filled.

    Raises:
        InternalError: the draw lacks a value.
    """
    return fill(source(lab), values_of(lab, draw), lab)


def fill(text: str, values: Mapping[str, str], lab: str = "") -> str:
    """Return `text` with each hole replaced by its value; see `filled`."""
    missing = sorted({name for name in _HOLE.findall(text) if name not in values})
    if missing:
        raise InternalError(f"the text of the lab `{lab}` has holes that nothing fills: {', '.join(missing)}")
    return _HOLE.sub(lambda m: values[m[1]], text)


def example_draw(lab: Lab) -> dict[str, Any]:
    """Return the draw that the documentation shows: of a seed that no workspace has."""
    return lab.draw(Random("the documentation"))  # noqa: S311 - nothing is secret here


def sheets(points: Sequence[Point]) -> list[tuple[Sheet, Point]]:
    """Return what the sheet asks for, in the order of the points."""
    return [(p.sheet, p) for p in points if p.sheet is not None]


# -- the sheet -------------------------------------------------------------------------------------------------------
def new_sheet(title: str, points: Sequence[Point]) -> str:
    """Return an empty `answers.toml`: each answer's key with what it is about."""
    lines = [f"# {title}: your answers. `groundwork path answer KEY VALUE` writes here, too.", ""]
    for sheet, point in sheets(points):
        lines += [f"# {point.title}", f'{sheet.key} = ""', ""]
    lines += [
        "# How long it took you, in minutes, where what was measured is not right. It counts then.",
        "# minutes = 0",
    ]
    return "\n".join(lines) + "\n"


def read_sheet(path: Path) -> dict[str, Any]:
    """Return the answers of a sheet; one that is not there has none.

    Raises:
        InvalidInputError: it is not valid TOML; nothing was changed.
    """
    try:
        if path.stat().st_size > _MAX_SHEET:
            raise InvalidInputError(f"{path} is larger than 64 KiB", hint="write only your answers there")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(
            f"{SHEET} is not valid TOML: {error}",
            hint=f'mend {path}; an answer is a line such as `key = "value"`',
        ) from error


def with_answer(text: str, key: str, value: str | float) -> str:
    """Return a sheet with one answer set; every other line stays as it is.

    Raises:
        InvalidInputError: the sheet is not valid TOML.
    """
    line = f"{key} = {_toml(value)}"
    pattern = re.compile(rf"^[ \t]*{re.escape(key)}[ \t]*=.*$", re.MULTILINE)
    changed = pattern.sub(lambda m: line, text, count=1) if pattern.search(text) else _appended(text, line)
    try:
        if tomllib.loads(changed).get(key) == value:
            return changed
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"{SHEET} is not valid TOML: {error}", hint="mend it by hand; nothing was changed"
        ) from error
    raise InvalidInputError(
        f"`{key}` cannot be set in {SHEET}", hint="write it there by hand; nothing was changed"
    )


def right(sheet: Sheet, given: Any) -> bool:
    """Say whether an answer is right; text without case and outer spaces, numbers within the tolerance."""
    if isinstance(given, bool):
        given = "yes" if given else "no"
    if isinstance(sheet.right, str):
        return " ".join(str(given).split()).casefold() == " ".join(sheet.right.split()).casefold()
    try:
        number = float(str(given).strip().replace(",", ""))
    except ValueError:
        return False
    return abs(number - sheet.right) <= sheet.within + 1e-9


def said_minutes(answers: Mapping[str, Any]) -> float | None:
    """Return the minutes that a learner says the work took; None where nothing useful is said."""
    said = answers.get(MINUTES)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 < said < 100_000:
        return None
    return float(said)


def _appended(text: str, line: str) -> str:
    """Add a line above the first table of the text, where it stands at the top of the document."""
    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    if table is None:
        return f"{text.rstrip()}\n{line}\n" if text.strip() else f"{line}\n"
    return f"{text[: table.start()]}{line}\n\n{text[table.start() :]}"


def _toml(value: str | float) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _said(value: Any) -> str:
    """Return a drawn value as the text of a task shows it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(_said(v) for v in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
