"""A folder of prompts: plain texts, and the files of the other importers, however deep they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.prompts.files import parse_prompt
from groundwork.prompts.importing import IMPORTERS, ORDER, Left, Taken
from groundwork.prompts.importing._convert import CannotConvert, assemble, read_text, slug
from groundwork.prompts.template import literal

MAX_FILES = 5000
TEXTS = (".md", ".txt")


@dataclass(frozen=True)
class Directory:
    """Take every file that holds a prompt; its name is made of its path."""

    def reads(self, path: Path) -> bool:
        return path.is_dir() or path.suffix in TEXTS

    def prompts(self, path: Path) -> Iterator[Taken | Left]:
        if not path.is_dir():
            yield self._text(path, path.parent)
            return
        others = [IMPORTERS.make(n) for n in ORDER if n != "directory"]
        for file in _files(path):
            if file.suffix in TEXTS:
                if not file.stem.lower().startswith("readme"):
                    yield self._text(file, path)
                continue
            reader = next((o for o in others if o.reads(file)), None)
            if reader is not None:
                where = str(file.relative_to(path))
                try:
                    for found in reader.prompts(file):
                        yield replace(found, origin=f"{where}{_rest(found.origin, file)}")
                except GroundworkError as error:
                    yield Left(slug(file.stem), where, error.message)

    def _text(self, file: Path, root: Path) -> Taken | Left:
        relative = file.relative_to(root)
        name, where = slug(str(relative.with_suffix(""))), str(relative)
        try:
            text = read_text(file, root)
            if not text.strip():
                raise CannotConvert("it is empty")
            try:
                prompt = parse_prompt(name, text)
                return Taken(prompt, where)
            except InvalidInputError as error:
                if text.startswith("---"):
                    raise
                note = f"taken as plain text, without holes, since {error.message.partition(': ')[2]}"
                return Taken(assemble(name, [("user", literal(text))]), where, (note,))
        except GroundworkError as error:
            return Left(name or where, where, error.message)


def _files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            count += 1
            if count > MAX_FILES:
                raise InvalidInputError(
                    f"{root} holds more than {MAX_FILES:,} files", hint="import a part of it"
                )
            yield Path(folder) / name


def _rest(origin: str, file: Path) -> str:
    return origin.removeprefix(file.name)


plugin = Directory
