"""Where prompts lie: `prompts/*.md` of the workspace, and the built-in ones beside this module. Names go in, never paths."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from groundwork.core.errors import InvalidInputError, NotFoundError, TooLargeError
from groundwork.prompts.files import MAX_BYTES, NAME, check_name
from groundwork.storage.faults import explain_os_error

BUILT_IN = Path(__file__).parent / "builtin"
SUFFIX = ".md"
_UNNAMED = ("README", "readme")


class Folder:
    """The files of prompts below one folder; links may point within it, as mounted configuration has them, not out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> tuple[list[str], list[str]]:
        """Return the names of the prompts, sorted, and the files whose names are none."""
        try:
            found = sorted(e.name for e in os.scandir(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        except OSError as error:
            raise explain_os_error(error, f"the folder of prompts {self.path} cannot be read") from error
        stems = [
            f[: -len(SUFFIX)] for f in found if f.endswith(SUFFIX) and not f.startswith(".") and f != SUFFIX
        ]
        good = [s for s in stems if NAME.match(s)]
        odd = [s for s in stems if not NAME.match(s) and s not in _UNNAMED]
        return good, [os.fsencode(s).decode("utf-8", "replace") + SUFFIX for s in odd]

    def read(self, name: str) -> str | None:
        """Return the text of a prompt's file, None where there is none.

        Raises:
            InvalidInputError: it is no text, no file, too large, or leads out of the folder.
        """
        check_name(name)
        path = self.path / f"{name}{SUFFIX}"
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InvalidInputError(
                f"the prompt `{name}` cannot be read: {error.strerror}", hint=f"look at {path}"
            ) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise InvalidInputError(f"{path} is no file", hint="a prompt is a Markdown file")
        with os.fdopen(handle, "rb") as file:
            if not path.resolve().is_relative_to(self.path.resolve()):
                raise InvalidInputError(
                    f"{path} leads out of the folder of prompts", hint="put the file itself there"
                )
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TooLargeError(
                f"the prompt `{name}` is larger than {MAX_BYTES // 1024} KiB",
                hint="give long texts as inputs",
            )
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise InvalidInputError(
                f"prompt `{name}`, line {line}: the file is not UTF-8", hint="save it as UTF-8", line=line
            ) from None

    def write(self, name: str, source: str) -> Path:
        """Put a prompt's file in its place, whole or not at all, and on the disk before this returns."""
        check_name(name)
        path = self.path / f"{name}{SUFFIX}"
        aside = self.path / f".{name}.{secrets.token_hex(6)}.tmp"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                with aside.open("x", encoding="utf-8", newline="") as file:
                    file.write(source)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(path)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
            self._sync()
        except OSError as error:
            raise explain_os_error(error, f"the prompt `{name}` cannot be written to {self.path}") from error
        return path

    def remove(self, name: str) -> None:
        """Take a prompt's file away.

        Raises:
            NotFoundError: there is none.
        """
        check_name(name)
        try:
            (self.path / f"{name}{SUFFIX}").unlink()
            self._sync()
        except FileNotFoundError:
            raise NotFoundError(
                f"there is no file `{name}{SUFFIX}` in {self.path}",
                hint="`groundwork prompt list` shows what there is",
            ) from None
        except OSError as error:
            raise explain_os_error(
                error, f"the prompt `{name}` cannot be removed from {self.path}"
            ) from error

    def _sync(self) -> None:
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
