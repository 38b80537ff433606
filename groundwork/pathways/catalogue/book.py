"""The book of catalogues of a workspace: what is in force, what is wrong with the team's files, older versions by digest."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from groundwork.core.clock import Clock
from groundwork.core.errors import GroundworkError, NotFoundError, SettingsError
from groundwork.core.principal import Principal
from groundwork.pathways.catalogue import shipped
from groundwork.pathways.catalogue.loaded import Loaded
from groundwork.pathways.catalogue.merging import Merged, flaw_error
from groundwork.pathways.catalogue.reading import Document, read_file
from groundwork.pathways.catalogue.references import Flaw, flaws
from groundwork.pathways.types import Catalogue
from groundwork.storage.database import Database
from groundwork.storage.pathway_tables import catalogue_versions

MAX_FILES = 100
t = catalogue_versions.c

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a team's file, which is left out because of it.

    Attributes:
        file: its name below the folder. line: from 1; 0 when none is to blame. code: of the error.
    """

    file: str
    line: int
    message: str
    hint: str
    code: str = "invalid_settings"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class CatalogueBook:
    """The catalogue in force: the shipped one with what the files of a folder add or override by id.

    A file that cannot be used is left out whole and named by `problems`; it never stops the rest. Safe to use from
    several threads.

    Args:
        folder: of the team's files, `pathways/*.yaml` in the workspace; it need not exist.
    """

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[Stamp, Loaded, tuple[Problem, ...]] | None = None
        self._pinned: set[tuple[str, str]] = set()

    def current(self) -> Loaded:
        """Return the catalogue in force; read anew only after a file of the team has changed."""
        return self._read()[1]

    def problems(self) -> list[Problem]:
        """Return what is wrong with the team's files, in the order of files; empty when all are in force."""
        return list(self._read()[2])

    def pin(self, principal: Principal) -> Loaded:
        """Return the catalogue in force, its version stored so that plans and proofs can be read with it later."""
        loaded = self.current()
        key = (principal.tenant, loaded.digest)
        if key not in self._pinned:
            with self.database.write() as connection:
                query = select(t.digest).where(t.tenant == principal.tenant, t.digest == loaded.digest)
                if connection.execute(query).first() is None:
                    row = {
                        "tenant": principal.tenant,
                        "digest": loaded.digest,
                        "content": loaded.content,
                        "created_at": self._clock.now().isoformat(),
                    }
                    connection.execute(insert(catalogue_versions).values(row))
            self._pinned.add(key)
        return loaded

    def version(self, principal: Principal, digest: str) -> Loaded:
        """Return a stored version by its digest.

        Raises:
            NotFoundError: nothing was planned, proven or walked with it here.
        """
        loaded = self.current()
        if loaded.digest == digest:
            return loaded
        with self.database.read() as connection:
            query = select(t.content).where(t.tenant == principal.tenant, t.digest == digest)
            content = connection.execute(query).scalar()
        if content is None:
            raise NotFoundError(
                f"no catalogue `{digest[:12]}` was used in this workspace",
                hint=f"the one in force is `{loaded.digest[:12]}`",
            )
        return Loaded(Catalogue.model_validate(content))

    def _read(self) -> tuple[Stamp, Loaded, tuple[Problem, ...]]:
        paths = sorted(self.folder.glob("*.yaml")) + sorted(self.folder.glob("*.yml"))
        stamp = _stamp(paths)
        with self._lock:
            if self._known is None or self._known[0] != stamp:
                self._known = (stamp, *in_force(self.folder.name, paths))
            return self._known


def in_force(folder: str, paths: list[Path]) -> tuple[Loaded, tuple[Problem, ...]]:
    """Return the shipped catalogue with the usable ones of some files, and what is wrong with the others.

    Files are taken in the order of their names. Where entries do not fit together, the file that wrote them is left out
    and the rest is looked at again.
    """
    problems: dict[str, Problem] = {}
    documents: list[Document] = []
    for path in paths[:MAX_FILES]:
        name = f"{folder}/{path.name}"
        try:
            documents.append(read_file(path, name))
        except GroundworkError as error:
            problems[name] = _problem(name, error)
    for path in paths[MAX_FILES:]:
        name = f"{folder}/{path.name}"
        problems[name] = Problem(
            name, 0, f"{name} is over the limit of {MAX_FILES} files", "join some of them"
        )
    while True:
        merged, built, failed = _together(documents)
        if not failed:
            break
        problems.update(failed)
        documents = [d for d in documents if d.name not in failed]
    written = {key: doc.name for key, (doc, _) in merged.places.items() if doc in documents}
    return Loaded(built, written), tuple(problems[name] for name in sorted(problems))


def _together(documents: list[Document]) -> tuple[Merged, Catalogue, Mapping[str, Problem]]:
    """Return the files put together with the shipped catalogue, and those that have to be left out before it is whole."""
    if not documents:
        return shipped.merged(), shipped.catalogue(), {}
    merged = shipped.merged().copy()
    failed: dict[str, Problem] = {}
    owners: dict[tuple[str, str], str] = {}
    for document in documents:
        try:
            trial = merged.copy()
            trial.add(document)
            mine = {key for key, (written, _) in trial.places.items() if written is document}
            _check_owners(document, mine, owners)
            trial_built = trial.build()
        except GroundworkError as error:
            failed[document.name] = _problem(document.name, error)
            continue
        merged, built = trial, trial_built
        owners.update(dict.fromkeys(mine, document.name))
    if failed:
        return merged, shipped.catalogue(), failed
    for document in documents:
        failed.update(_wrong_checks(document, merged, built))
    names = {document.name for document in documents}
    for flaw in flaws(built):
        flaw = _blamed(merged, flaw, names)
        blamed = merged.places[flaw.kind, flaw.id][0].name
        if blamed not in names:
            blamed = documents[-1].name
        failed.setdefault(blamed, _problem(blamed, flaw_error(merged, flaw)))
    return merged, built, failed


def _wrong_checks(document: Document, merged: Merged, built: Catalogue) -> Mapping[str, Problem]:
    """Return a check or a lab in the entries of a file that nothing here understands; the first one is enough."""
    from groundwork.evidence.parse import read_predicate
    from groundwork.pathways.labs import LABS

    labs = {name.replace("_", "-") for name in LABS.names()}
    for kind in ("skills", "milestones", "actions"):
        for entry in getattr(built, kind):
            written, place = merged.places[kind, entry.id]
            if written is not document:
                continue
            try:
                if kind != "skills":
                    read_predicate(entry.check)
            except GroundworkError as error:
                where = document.where((*place, "check"))
                line = document.line((*place, "check"))
                message = f"{where}: the check of `{entry.id}` cannot be used: {error.message}"
                return {document.name: Problem(document.name, line, message, error.hint)}
            unknown = sorted(set(entry.labs) - labs)
            if unknown:
                where, line = document.where((*place, "labs")), document.line((*place, "labs"))
                near = difflib.get_close_matches(unknown[0], sorted(labs), 3, 0.5) or sorted(labs)
                hint = "known: " + ", ".join(f"`{name}`" for name in near)
                message = f"{where}: `{entry.id}` names the lab `{unknown[0]}`, which is not installed"
                return {document.name: Problem(document.name, line, message, hint)}
    return {}


def _blamed(merged: Merged, flaw: Flaw, names: set[str]) -> Flaw:
    """Return the flaw as one of the entry of a team that has a part in it, where there is one."""
    for identifier in (flaw.id, *flaw.others):
        if merged.places[flaw.kind, identifier][0].name in names:
            return replace(flaw, id=identifier)
    return flaw


def _check_owners(
    document: Document, mine: set[tuple[str, str]], owners: Mapping[tuple[str, str], str]
) -> None:
    """Refuse an entry that two files of a team write, since which of them counts would hang on their names."""
    for kind, identifier in sorted(mine & set(owners)):
        raise SettingsError(
            f"{document.name}: `{identifier}` of {kind} stands in {owners[kind, identifier]} too",
            hint="keep it in one of the two files",
            file=document.name,
            line=0,
        )


def _problem(name: str, error: GroundworkError) -> Problem:
    line = error.details.get("line", 0)
    return Problem(name, line if isinstance(line, int) else 0, error.message, error.hint, error.code)


def _stamp(paths: list[Path]) -> Stamp:
    found = []
    for path in paths:
        try:
            state = path.stat()
            found.append((path.name, state.st_mtime_ns, state.st_size))
        except OSError:
            found.append((path.name, 0, -1))
    return tuple(found)
