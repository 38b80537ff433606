"""What labs add to the spec: `labs/<name>/groundwork.toml`, merged into the one of the workspace while it is read.

A fragment may name only what begins with `lab-`, and only in the sections below, so that it can change nothing that the
workspace lives by. One that is broken is left out as a whole and named by `groundwork doctor`, `groundwork path verify` and
`groundwork path reset`; the workspace goes on without it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.errors import SettingsError
from groundwork.core.settings import Layer, Spec, resolve

FOLDER = "labs"
FRAGMENT = "groundwork.toml"
PREFIX = "lab-"
"""As in `groundwork.pathways.labs`, which may not be installed while every spec is read through here."""
SECTIONS = ("indexes", "apps", "providers", "models", "gates", "judges")
MAX_BYTES = 1 << 20
_MODULE = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
"""Names of folders that are labs; `first_documents.1.bak`, which a reset leaves, is none."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the labs of a workspace add: the merged sections, and in words which fragments were left out and why."""

    values: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def read_parts(root: Path, spec: Mapping[str, Any]) -> Parts:
    """Return the fragments of the workspace at `root` that fit beside `spec`, the tables of its own file.

    Two fragments that name one thing: the first in the order of their folders counts, the other is left out.
    """
    merged: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for path in _fragments(root):
        where = path.relative_to(root).as_posix()
        try:
            values = checked(_read(path), where)
            _refuse_taken(values, spec, where, "groundwork.toml")
            _refuse_taken(values, merged, where, "the folder of another lab")
        except SettingsError as error:
            left_out.append(
                f"{where} is left out: {error.message}" + (f" ({error.hint})" if error.hint else "")
            )
            continue
        for section, tables in values.items():
            merged.setdefault(section, {}).update(tables)
    return Parts(merged, tuple(left_out))


def checked(values: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return a fragment's tables as they are when a workspace can live with them.

    Raises:
        SettingsError: a section or a name that a lab may not have, an unknown key, a value of the wrong kind.
    """
    for section, tables in values.items():
        if section not in SECTIONS:
            raise SettingsError(
                f"a lab cannot set `{section[:60]}`", hint=f"it may have the sections {', '.join(SECTIONS)}"
            )
        if not isinstance(tables, Mapping):
            raise SettingsError(f"`{section}` is no table", hint=f"write `[{section}.lab-…]`")
        for name in tables:
            if not name.startswith(PREFIX):
                raise SettingsError(
                    f"`[{section}.{name[:60]}]` does not begin with `lab-`",
                    hint=f"call it `lab-{name[:56]}`, or move it into the workspace's own groundwork.toml",
                )
    try:
        resolve([Layer("groundwork.toml", values)])
    except SettingsError as error:
        raise SettingsError(
            error.message.replace("in groundwork.toml", f"in {where}"), hint=error.hint
        ) from None
    return values


def taken(values: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    """Return what both name, as `[apps.lab-first]`, sorted."""
    return sorted(
        f"[{section}.{name}]"
        for section, tables in values.items()
        for name in tables
        if isinstance(spec.get(section), Mapping) and name in spec[section]
    )


def lab_names(spec: Spec) -> bool:
    """Say whether a lab added anything to the spec."""
    return any(name.startswith(PREFIX) for section in SECTIONS for name in getattr(spec, section))


def without_labs(spec: Spec) -> Spec:
    """Return the spec without what labs added, for the parts of a workspace that cannot be built with it."""
    kept = {
        section: {n: v for n, v in getattr(spec, section).items() if not n.startswith(PREFIX)}
        for section in SECTIONS
    }
    return spec.model_copy(update=kept)


def take_up(into: Spec, fresh: Spec) -> bool:
    """Bring what labs add up to date in a spec that is in use, so that every part that holds it sees it.

    Returns:
        Whether anything changed.
    """
    changed = False
    for section in SECTIONS:
        old, new = getattr(into, section), getattr(fresh, section)
        own = {n: v for n, v in old.items() if not n.startswith(PREFIX)}
        now = {**own, **{n: v for n, v in new.items() if n.startswith(PREFIX)}}
        if now == old:
            continue
        changed = True
        if section in ("gates", "judges"):  # their rooms were given the table itself
            old.update(now)
            for name in [n for n in old if n not in now]:
                del old[name]
        else:  # put in place at once: a request may be going through the old table
            into.__dict__[section] = now
    return changed


def _fragments(root: Path) -> list[Path]:
    """Return the fragments that are there, by name; links that lead out of the workspace are none."""
    folder = root / FOLDER
    if not folder.is_dir():
        return []
    inside = root.resolve()
    found = [p / FRAGMENT for p in sorted(folder.iterdir()) if _MODULE.match(p.name)]
    return [f for f in found if f.is_file() and f.resolve().is_relative_to(inside)]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError("it is larger than 1 MiB")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"it is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"it cannot be read: {error.strerror}") from None


def _refuse_taken(values: Mapping[str, Any], other: Mapping[str, Any], where: str, owner: str) -> None:
    both = taken(values, other)
    if both:
        raise SettingsError(
            f"{owner} has {', '.join(both)} as well", hint=f"keep it there or in {where}, not in both"
        )
