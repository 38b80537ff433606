"""A recommended configuration as a change of `groundwork.toml`: shown as a patch, or written with every comment kept."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from groundwork.app.config import DATA_FOLDER, SPEC_FILE
from groundwork.core.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.evaluation.tuning.types import Tuning


class Patch(NamedTuple):
    """What changes: the unified diff, the whole new text, and what has to be done besides."""

    diff: str
    text: str
    then: tuple[str, ...]


def patch_of(workspace: Workspace, tuning: Tuning) -> Patch:
    """Return how the spec changes to what a tuning chose, whether it recommends it or not.

    Raises:
        ConflictError: the tuning is not done, or chose the app as it is.
        InvalidInputError: the file is written in a way that cannot be changed line by line.
    """
    report = tuning.report
    if report is None:
        raise ConflictError(f"the tuning `{tuning.id}` is not done", hint="run it again with `--resume`")
    changes: dict[str, Any] = dict(report["chosen"]["changes"])
    if not changes:
        raise ConflictError(
            f"the tuning `{tuning.id}` found nothing better than the app as it is",
            hint="there is nothing to write",
        )
    old = (workspace.root / SPEC_FILE).read_text("utf-8")
    new, then = old, []
    chunker = changes.pop("chunker", None)
    if changes:
        new = with_values(new, ("apps", tuning.app), changes)
    if chunker is not None:
        index = workspace.app_spec(tuning.app).index
        new = with_values(new, ("indexes", index), {"chunker": chunker})
        then.append(f"groundwork ingest PATH --index {index} --rebuild")
    diff = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{SPEC_FILE}", f"b/{SPEC_FILE}"
    )
    return Patch("".join(diff), new, tuple(then))


def apply(workspace: Workspace, tuning: Tuning) -> tuple[Patch, Path]:
    """Write what a tuning recommends into the spec, and return the patch with the copy of the file as it was.

    Raises:
        ConflictError: it recommends nothing. InvalidInputError: see `patch_of`.
    """
    if tuning.report is not None and not tuning.report["recommended"]:
        raise ConflictError(
            f"the tuning `{tuning.id}` recommends no change: {tuning.report['reason']}",
            hint="`groundwork tune show` prints the patch, should you want to try it all the same",
        )
    patch = patch_of(workspace, tuning)
    spec = workspace.root / SPEC_FILE
    kept = workspace.root / DATA_FOLDER / "tunings" / f"{tuning.id}.toml"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        kept.write_bytes(spec.read_bytes())
    fresh = spec.with_name(f".{SPEC_FILE}.{os.getpid()}")
    fresh.write_text(patch.text, "utf-8")
    os.replace(fresh, spec)
    return patch, kept


def with_values(text: str, table: tuple[str, str], values: Mapping[str, Any]) -> str:
    """Return the text of a TOML file with values of one table set; everything else is as it was, comments too.

    Raises:
        InvalidInputError: the table or a value is written in another way than `[a.b]` with one line for each key.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    begin, end = _table(lines, table)
    if begin is None:
        lines += ["\n", f"[{table[0]}.{_key(table[1])}]\n"]
        begin, end = len(lines), len(lines)
    for name, value in values.items():
        begin, end = _set(lines, begin, end, name, value)
    new = "".join(lines)
    _check(text, new, table, values)
    return new


def _table(lines: list[str], table: tuple[str, str]) -> tuple[int | None, int]:
    """Return the first line after the header of a table, and the line that ends it."""
    names = "|".join(re.escape(f"{mark}{table[1]}{mark}") for mark in ("", '"', "'"))
    header = re.compile(rf"^\s*\[\s*{re.escape(table[0])}\s*\.\s*(?:{names})\s*\]\s*(#.*)?$")
    begin = next((i + 1 for i, line in enumerate(lines) if header.match(line.rstrip("\r\n"))), None)
    if begin is None:
        return None, len(lines)
    end = next((i for i in range(begin, len(lines)) if re.match(r"^\s*\[", lines[i])), len(lines))
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return begin, max(end, begin)


def _set(lines: list[str], begin: int, end: int, name: str, value: Any) -> tuple[int, int]:
    assigned = re.compile(rf"^(\s*)({re.escape(name)})(\s*=\s*)(.*?)(\s*#[^\"']*)?(\r?\n)$")
    for place in range(begin, end):
        found = assigned.match(lines[place])
        if found:
            lines[place] = f"{found[1]}{found[2]}{found[3]}{_written(value)}{found[5] or ''}{found[6]}"
            return begin, end
    lines.insert(end, f"{name} = {_written(value)}\n")
    return begin, end + 1


def _check(old: str, new: str, table: tuple[str, str], values: Mapping[str, Any]) -> None:
    wanted = tomllib.loads(old)
    wanted.setdefault(table[0], {}).setdefault(table[1], {}).update(_plain(values))
    try:
        made = tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        made = {}
    if made != wanted:
        lines = "; ".join(f"{k} = {_written(v)}" for k, v in values.items())
        raise InvalidInputError(
            f"{SPEC_FILE} writes [{table[0]}.{table[1]}] in a way that cannot be changed line by line",
            hint=f"set it by hand: {lines}",
        )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_written(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    return repr(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
