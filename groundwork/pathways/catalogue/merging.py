"""Put files of a catalogue together: what has a new id is added, what has a known id is overridden field by field."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from groundwork.core.errors import GroundworkError, SettingsError, WorkspaceVersionError
from groundwork.pathways.catalogue.reading import Document, Path_
from groundwork.pathways.catalogue.references import KINDS, Flaw
from groundwork.pathways.types import Catalogue

FORMAT = 1
"""The newest format of a catalogue that this program reads."""
MAX_ENTRIES = 5000

Places = dict[tuple[str, str], tuple[Document, Path_]]
"""Where the entry of a kind and id was last written."""


@dataclass
class Merged:
    """Raw entries by kind and id, in the order in which they were first written, and where each was last written."""

    entries: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    places: Places = field(default_factory=dict)
    name: str = "groundwork"

    def copy(self) -> Merged:
        """Return one that can be added to without changing this."""
        entries = {kind: dict(rows) for kind, rows in self.entries.items()}
        return Merged(entries, dict(self.places), self.name)

    def add(self, document: Document) -> None:
        """Add or override the entries of a file.

        Raises:
            WorkspaceVersionError: its format is newer than the program.
            SettingsError: an unknown word, an entry without an id, or an id that stands twice in it.
        """
        content = document.content
        _check_format(document)
        for word in content:
            if word not in KINDS and word not in ("format", "name"):
                near = difflib.get_close_matches(word, list(KINDS), 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(KINDS)}"
                raise _error(document, (word,), "is no part of a catalogue", hint)
        self.name = str(content.get("name") or self.name)
        for kind in KINDS:
            for identifier, (place, entry) in _rows(document, kind).items():
                base = self.entries[kind].get(identifier, {})
                self.entries[kind][identifier] = {**base, **entry}
                self.places[kind, identifier] = (document, place)
        if sum(len(rows) for rows in self.entries.values()) > MAX_ENTRIES:
            raise _error(document, (), f"brings the catalogue over {MAX_ENTRIES:,} entries", "take some out")

    def overlay(self, document: Document, kinds: Sequence[str]) -> None:
        """Override entries named by id at the top of a file (or below `checks:`), in whichever of the kinds they are.

        Raises:
            SettingsError: an id that is in none of them.
        """
        below = document.content.get("checks", document.content)
        prefix: Path_ = ("checks",) if "checks" in document.content else ()
        for identifier, changes in below.items():
            if identifier == "format":
                continue
            kind = next((k for k in kinds if identifier in self.entries[k]), None)
            if kind is None or not isinstance(changes, Mapping):
                raise _error(document, (*prefix, identifier), "is no milestone or action", "use its id")
            self.entries[kind][identifier] = {**self.entries[kind][identifier], **changes}

    def build(self) -> Catalogue:
        """Return the catalogue.

        Raises:
            SettingsError: an entry does not fit the schema; the message names file, line and path.
        """
        raw = {kind: list(rows.values()) for kind, rows in self.entries.items()}
        try:
            return Catalogue.model_validate({"format": FORMAT, "name": self.name, **raw})
        except ValidationError as error:
            raise self._explain(error) from error

    def _explain(self, error: ValidationError) -> GroundworkError:
        found = error.errors(include_url=False, include_input=False)
        # A misspelt word is also a missing one; the misspelling is what helps.
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
        location: Path_ = tuple(first["loc"])
        kind = str(location[0])
        number = location[1] if len(location) > 1 and isinstance(location[1], int) else 0
        identifier = list(self.entries[kind])[number]
        document, place = self.places[kind, identifier]
        inner = tuple(part for part in location[2:] if part != "[key]")
        if first["type"] == "extra_forbidden":
            entry = self.entries[kind][identifier]
            said, hint = "is not a word of it", _nearest_word(kind, inner, entry)
        elif first["type"] == "missing":
            said, hint = "is missing", f"add `{inner[-1]}:`"
        else:
            said, hint = f"does not fit: {first['msg']}", "see `schema.json` of the catalogue"
        raised = _error(document, (*place, *inner), said, hint)
        raised.details.update(kind=kind, id=identifier, more=error.error_count() - 1)
        return raised


def flaw_error(merged: Merged, flaw: Flaw) -> GroundworkError:
    """Return what does not fit together as an error with file and line."""
    document, place = merged.places[flaw.kind, flaw.id]
    where = document.where((*place, *flaw.place))
    line = document.line((*place, *flaw.place))
    return SettingsError(
        f"{where}: {flaw.message}", hint=flaw.hint, file=document.name, line=line, kind=flaw.kind, id=flaw.id
    )


def _check_format(document: Document) -> None:
    wanted = document.content.get("format", FORMAT)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
        raise _error(document, ("format",), f"is {wanted!r}", f"write `format: {FORMAT}`")
    if wanted > FORMAT:
        raise WorkspaceVersionError(
            f"{document.where(('format',))} is {wanted}; this program reads up to {FORMAT}",
            hint="update Groundwork, or write the file in the older format",
            file=document.name,
            line=document.line(("format",)),
        )


def _rows(document: Document, kind: str) -> dict[str, tuple[Path_, dict[str, Any]]]:
    rows = document.content.get(kind)
    if rows is None:
        return {}
    if not isinstance(rows, list):
        raise _error(document, (kind,), "is no list", f"write `{kind}:` and below it lines with `- id: …`")
    found: dict[str, tuple[Path_, dict[str, Any]]] = {}
    for number, entry in enumerate(rows):
        place: Path_ = (kind, number)
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise _error(document, place, "has no `id`", "every entry begins with `- id: some-name`")
        identifier = entry["id"]
        if identifier in found:
            first = document.line(found[identifier][0])
            raise _error(
                document, place, f"has the id `{identifier}` again, first in line {first}", "rename one"
            )
        found[identifier] = (place, entry)
    return found


def _nearest_word(kind: str, inner: Path_, entry: Mapping[str, Any]) -> str:
    if len(inner) != 1:
        return "see `schema.json` of the catalogue for what is known there"
    model: Any = Catalogue.model_fields[kind].annotation
    known = list(model.__args__[0].model_fields)
    near = difflib.get_close_matches(str(inner[0]), [k for k in known if k not in entry], 1)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"


def _error(document: Document, place: Path_, said: str, hint: str) -> GroundworkError:
    subject = "" if not place else " "
    return SettingsError(
        f"{document.where(place)}{subject or ': '}{said}",
        hint=hint,
        file=document.name,
        line=document.line(place),
    )
