"""Importers bring prompts of other tools in: each reads one form of file and yields prompts, changed ones with a note.

Contract: `reads(path)` looks at name and content and never raises; `prompts(path)` yields everything it finds, and what it
cannot take as a `Left` with the reason, so nothing is dropped silently. Files are data: nothing in them is executed, made
into an object or fetched, and no file outside the named folder is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from groundwork.core.digest import digest_text
from groundwork.core.errors import GroundworkError, InvalidInputError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.core.shelf import Shelf
from groundwork.prompts.types import PromptTemplate

if TYPE_CHECKING:
    from groundwork.prompts.store import Prompts

MAX_FILE_BYTES = 2 * 2**20
MAX_PROMPTS = 2000
ORDER = ("directory", "promptfoo", "langchain", "dotprompt", "prompty")


@dataclass(frozen=True, slots=True)
class Taken:
    """A prompt that could be read; `notes` say what is not as it was."""

    prompt: PromptTemplate
    origin: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """Something that could not be taken, and why."""

    name: str
    origin: str
    reason: str


class Importer(Protocol):
    """Reads prompts out of the files of one tool."""

    def reads(self, path: Path) -> bool:
        """Say whether this is a file (or folder) of the tool."""
        ...

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        """Yield the prompts of a file or folder.

        Raises:
            InvalidInputError: it cannot be read at all.
        """
        ...


IMPORTERS = Shelf[Importer]("prompt-importer", home="groundwork.prompts.importing")


@dataclass(frozen=True, slots=True)
class ImportedPrompt:
    """What became of one prompt.

    Attributes:
        outcome: `written`; `unchanged` (it is there already); `kept` (another one of that name is there, and it stays);
            `skipped` (it could not be taken).
    """

    name: str
    origin: str
    outcome: Literal["written", "unchanged", "kept", "skipped"]
    notes: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What an import took, changed and left out, in the order it was found."""

    source: str
    kind: str
    dry_run: bool
    items: tuple[ImportedPrompt, ...] = field(default_factory=tuple)

    @property
    def written(self) -> int:
        return sum(i.outcome == "written" for i in self.items)

    @property
    def skipped(self) -> tuple[ImportedPrompt, ...]:
        return tuple(i for i in self.items if i.outcome in ("skipped", "kept"))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "written": self.written, "skipped": len(self.skipped)}


def import_prompts(
    prompts: Prompts,
    principal: Principal,
    path: Path,
    *,
    kind: str = "",
    overwrite: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Bring the prompts of a file or folder into the workspace.

    Args:
        kind: name of the importer; empty: found out.
        overwrite: replace files of the same name; otherwise they are kept, and the report says so.
        dry_run: write nothing.

    Raises:
        NotFoundError: there is nothing at the path, or no importer of that name.
        InvalidInputError: it cannot be read at all.
    """
    if not path.exists():
        raise NotFoundError(f"there is nothing at {path}", hint="name a folder or a file")
    chosen = kind or importer_of(path)
    if not chosen:
        raise InvalidInputError(
            f"{path} is no file of prompts that is known",
            hint=f"say what it is with --from: {', '.join(ORDER)}",
        )
    items: list[ImportedPrompt] = []
    taken: set[str] = set()
    for found in IMPORTERS.make(chosen).prompts(path):
        if len(items) >= MAX_PROMPTS:
            raise InvalidInputError(
                f"{path} holds more than {MAX_PROMPTS:,} prompts", hint="import a part of it"
            )
        if isinstance(found, Left):
            items.append(ImportedPrompt(found.name, found.origin, "skipped", (found.reason,)))
        elif found.prompt.name in taken:
            reason = "another prompt of this import has the same name"
            items.append(ImportedPrompt(found.prompt.name, found.origin, "skipped", (reason,)))
        else:
            taken.add(found.prompt.name)
            items.append(_write(prompts, principal, found, overwrite, dry_run))
    return ImportReport(str(path), chosen, dry_run, tuple(items))


def importer_of(path: Path) -> str:
    """Return the name of the first importer that reads a path, empty when none does."""
    names = [*ORDER, *(n for n in IMPORTERS.names() if n not in ORDER)]
    return next((n for n in names if IMPORTERS.make(n).reads(path)), "")


def _write(
    prompts: Prompts, principal: Principal, found: Taken, overwrite: bool, dry_run: bool
) -> ImportedPrompt:
    prompt = found.prompt
    item = ImportedPrompt(prompt.name, found.origin, "written", found.notes, prompt.digest)
    try:
        standing = prompts.folder.read(prompt.name)
        if standing == prompt.source:
            return replace(item, outcome="unchanged")
        if standing is not None and not overwrite:
            note = "a prompt of that name is there already; --overwrite replaces it"
            return replace(item, outcome="kept", notes=(*found.notes, note))
        if not dry_run:
            expected = "" if standing is None else digest_text(standing)
            prompts.write(principal, prompt.name, prompt.source, expected=expected)
    except GroundworkError as error:
        return replace(item, outcome="skipped", notes=(*found.notes, error.message))
    return item
