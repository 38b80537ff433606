"""The folder of a lab, `labs/<name>/` in the workspace: written whole, moved aside whole, nothing in it ever lost."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from groundwork.core.errors import ConflictError, InternalError
from groundwork.pathways.labs.task import FOLDER, module_of
from groundwork.storage.faults import explain_os_error


@dataclass(frozen=True)
class LabFolder:
    """The folder of one lab.

    Args:
        root: of the workspace. lab: the lab's name.
    """

    root: Path
    lab: str

    @property
    def path(self) -> Path:
        return self.root / FOLDER / module_of(self.lab)

    @property
    def shown(self) -> str:
        """The folder as people see it, relative to the workspace."""
        return f"{FOLDER}/{module_of(self.lab)}"

    def there(self) -> bool:
        """Say whether there is a folder with anything in it."""
        return self.path.is_dir() and any(self.path.iterdir())

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file by its relative name, whole or not at all; folders are made.

        Raises:
            InternalError: the name leads out of the folder. StorageFullError, UnavailableError: it cannot be written.
        """
        target = self.path / name
        parts = Path(name).parts
        if not parts or Path(name).is_absolute() or ".." in parts:
            raise InternalError(f"a lab wrote to `{name}`, which leads out of its folder")
        aside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(target)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise explain_os_error(error, f"{self.shown}/{name} cannot be written") from error
        return target

    def remove(self) -> None:
        """Take away what was laid out just now, before anybody worked on it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def move_aside(self) -> str:
        """Move what is there to `labs/<name>.<n>.bak` with the lowest free number; return where it lies now, or "".

        Raises:
            ConflictError: something else than a folder has its name.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConflictError(
                f"{self.shown} is a file", hint="move it away; a lab needs a folder of that name"
            )
        if not self.there():
            return ""
        n = 1
        while (target := self.path.with_name(f"{self.path.name}.{n}.bak")).exists():
            n += 1
        try:
            self.path.rename(target)
        except OSError as error:
            raise explain_os_error(error, f"{self.shown} cannot be moved aside") from error
        return f"{FOLDER}/{target.name}"
