"""Find the files of a folder and tell which changed since the last ingest, without reading the unchanged ones."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundwork.core.errors import InvalidInputError, NotFoundError

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "venv", "site-packages"})
RACY_NS = 2_000_000_000
"""A file changed within this time of being looked at may change again without its times moving (as in git's index)."""


@dataclass(frozen=True)
class Stamp:
    """What the file system says of a file; equal stamps mean equal content unless the stamp was taken too soon."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True)
class Found:
    """A file: its absolute path, the name people see (relative to the folder's parent), and its stamp.

    `problem` is set instead of raising when the file cannot be looked at.
    """

    path: str
    name: str
    stamp: Stamp
    problem: str = ""

    @property
    def key(self) -> str:
        """The path as storable text: bytes that are not UTF-8 stand as escapes."""
        return self.path.encode("utf-8", "backslashreplace").decode()

    @property
    def label(self) -> str:
        """The name as storable text."""
        return self.name.encode("utf-8", "backslashreplace").decode()


def scan(paths: Sequence[Path], exclude: Sequence[str] = ()) -> tuple[list[Found], list[str]]:
    """Return the files under `paths`, sorted by path, and the absolute roots that were looked at.

    Hidden files and folders, links that lead out of the root, and folders that hold installed code are left out.

    Raises:
        NotFoundError: a path does not exist.
        InvalidInputError: no path was given, or there is no file at all.
    """
    if not paths:
        raise InvalidInputError(
            "there is nothing to ingest", hint="name a file or folder: `groundwork ingest docs/`"
        )
    found: dict[str, Found] = {}
    roots: list[str] = []
    for path in paths:
        absolute = Path(os.path.abspath(path.expanduser()))
        try:
            is_folder = stat.S_ISDIR(absolute.stat().st_mode)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file or folder `{path}`", hint="check the path") from error
        except OSError as error:
            raise InvalidInputError(
                f"`{path}` cannot be opened: {error.strerror}", hint="check its permissions"
            ) from error
        if not os.access(absolute, os.R_OK):
            raise InvalidInputError(
                f"`{path}` cannot be opened: permission denied",
                hint="check who owns it and its permissions; nothing was changed",
            )
        roots.append(str(absolute))
        files = _walk(absolute, exclude) if is_folder else iter([_look(str(absolute), absolute.name)])
        found.update((f.path, f) for f in files)
    if not found:
        names = ", ".join(str(p) for p in paths)
        raise InvalidInputError(
            f"there are no files in {names}",
            hint="nothing was changed; hidden files and what `exclude` names are left out; "
            "`groundwork knowledge remove` takes documents out of an index",
        )
    return [found[p] for p in sorted(found)], roots


def is_under(path: str, roots: Sequence[str]) -> bool:
    """Say whether `path` is one of the roots or inside one."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _walk(root: Path, exclude: Sequence[str]) -> Iterator[Found]:
    base = root.name or root.anchor
    pending = [(str(root), base)]
    while pending:
        folder, shown = pending.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield Found(folder, shown, Stamp(0, 0, 0, 0), f"the folder cannot be opened: {error.strerror}")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = f"{shown}/{entry.name}"
            inner = name.partition("/")[2]
            if any(
                fnmatch.fnmatch(inner, pattern) or fnmatch.fnmatch(entry.name, pattern) for pattern in exclude
            ):
                continue
            if entry.is_symlink() and not os.path.realpath(entry.path).startswith(
                os.path.realpath(root) + os.sep
            ):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED_FOLDERS:
                    pending.append((entry.path, name))
            elif not (entry.is_symlink() and entry.is_dir()):
                yield _look(entry.path, name)


def _look(path: str, name: str) -> Found:
    try:
        status = os.stat(path)
    except OSError as error:
        return Found(path, name, Stamp(0, 0, 0, 0), f"the file cannot be opened: {error.strerror}")
    stamp = Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    problem = "" if stat.S_ISREG(status.st_mode) else "this is not a regular file"
    return Found(path, name, stamp, problem)
