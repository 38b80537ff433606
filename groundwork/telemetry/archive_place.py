"""Where archived files lie: a folder, or an fsspec URL beside the blobs. A file is there whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from groundwork.core.errors import GroundworkError, NotFoundError, UnavailableError
from groundwork.storage.blob_remote import WHOLE
from groundwork.storage.failpoints import failpoint
from groundwork.storage.faults import explain_os_error

ASIDE = "tmp"


def beside(blobs: str) -> str:
    """Return the place of archived spans that belongs to a remote place of blobs; empty for a folder or none.

    `s3://bucket/team/blobs` has them at `s3://bucket/team/spans`, any other URL at itself with `-spans` behind it.
    """
    if "://" not in blobs or blobs.startswith("file://"):
        return ""
    bare = blobs.rstrip("/")
    return f"{bare.removesuffix('/blobs')}/spans" if bare.endswith("/blobs") else f"{bare}-spans"


class ArchivePlace:
    """Files under names such as `default/2026-11-20/13-1.parquet`.

    Args:
        place: a folder, or an fsspec URL; nothing is opened or made before the first use.
    """

    def __init__(self, place: str | Path) -> None:
        text = str(place)
        self.remote = "://" in text and not text.startswith("file://")
        self.url = text if self.remote else str(Path(text.removeprefix("file://")).absolute())
        self._shown = f"{text.partition('://')[0]}://…" if self.remote else self.url
        self._opened: tuple[Any, str] | None = None

    @property
    def root(self) -> str:
        """What stands before the names of files, for whoever opens them with a file system of their own."""
        return self._open()[1] if self.remote else self.url

    def write(self, name: str, write: Callable[[Any], None]) -> tuple[int, str]:
        """Store what `write` writes to the binary file it is given, durably, and return its size and SHA-256.

        Raises:
            StorageFullError, UnavailableError: the place does not take it; nothing is there under the name.
        """
        with self._explained("cannot be written"):
            return self._write_remote(name, write) if self.remote else self._write_local(name, write)

    @contextmanager
    def open(self, name: str) -> Iterator[Any]:
        """Give a stored file as `pyarrow.parquet.ParquetFile`.

        Raises:
            NotFoundError: there is none of this name.
        """
        import pyarrow.parquet as pq

        with self._explained("cannot be read"):
            try:
                source = self._reading(name)
            except FileNotFoundError as error:
                raise NotFoundError(
                    f"the archived file `{name}` is gone", hint="restore it from a backup of the workspace"
                ) from error
            with source, pq.ParquetFile(source) as opened:
                yield opened

    def remove(self, name: str) -> None:
        """Remove a file for good; one that is not there is no error."""
        with self._explained("cannot be written"):
            try:
                if self.remote:
                    files, root = self._open()
                    files.rm_file(f"{root}/{name}")
                else:
                    path = Path(self.url) / name
                    path.unlink()
                    _sync(path.parent)
            except FileNotFoundError:
                pass

    def names(self) -> Iterator[tuple[str, float]]:
        """Give the name and the age in seconds of every file, also of unfinished ones; an unknown age is 0."""
        with self._explained("cannot be read"):
            found = list(self._remote_names() if self.remote else self._local_names())
        yield from found

    def _reading(self, name: str) -> Any:
        if not self.remote:
            return Path(self.url, name).open("rb")
        files, root = self._open()
        return files.open(f"{root}/{name}", "rb")

    def _write_local(self, name: str, write: Callable[[Any], None]) -> tuple[int, str]:
        target = Path(self.url) / name
        aside = Path(self.url) / ASIDE / secrets.token_hex(8)
        for folder in (target.parent, aside.parent):
            _make(folder, Path(self.url))
        try:
            with aside.open("xb") as file:
                written = _Hashing(file)
                write(written)
                file.flush()
                os.fsync(file.fileno())
            failpoint("archive.written")
            aside.rename(target)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        failpoint("archive.renamed")
        _sync(target.parent)
        return written.size, written.digest

    def _write_remote(self, name: str, write: Callable[[Any], None]) -> tuple[int, str]:
        files, root = self._open()
        whole = self.url.partition("://")[0] in WHOLE
        path = f"{root}/{name}" if whole else f"{root}/{ASIDE}/{secrets.token_hex(8)}"
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        with files.open(path, "wb") as file:
            written = _Hashing(file)
            write(written)
        failpoint("archive.written")
        if not whole:
            files.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
            files.mv(path, f"{root}/{name}")
        failpoint("archive.renamed")
        return written.size, written.digest

    def _local_names(self) -> Iterator[tuple[str, float]]:
        now = time.time()
        for folder, _, names in os.walk(self.url):
            for name in names:
                path = Path(folder) / name
                try:
                    yield path.relative_to(self.url).as_posix(), now - path.stat().st_mtime
                except FileNotFoundError:
                    continue

    def _remote_names(self) -> Iterator[tuple[str, float]]:
        files, root = self._open()
        for path in files.find(root) if files.exists(root) else ():
            try:
                modified = files.modified(path)
            except (FileNotFoundError, NotImplementedError):
                modified = None
            age = time.time() - modified.timestamp() if isinstance(modified, datetime) else 0.0
            yield str(path).removeprefix(root).lstrip("/"), age

    def _open(self) -> tuple[Any, str]:
        if self._opened is None:
            from fsspec.core import url_to_fs

            files, root = url_to_fs(self.url, use_listings_cache=False)
            self._opened = (files, str(root).rstrip("/"))
        return self._opened

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except GroundworkError:
            raise
        except OSError as error:
            raise explain_os_error(error, f"the place of archived spans `{self._shown}` {what}") from error
        except Exception as error:
            if not self.remote:
                raise
            raise UnavailableError(  # each storage's client has errors of its own
                f"the place of archived spans `{self._shown}` does not answer ({type(error).__name__}: {error})",
                hint="check the address, the credentials and the network",
            ) from error


class _Hashing:
    """A file that is written to, with the size and digest of what went in."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._sha = hashlib.sha256()
        self.size = 0
        self.closed = False

    @property
    def digest(self) -> str:
        return self._sha.hexdigest()

    def write(self, data: Any) -> int:
        self._sha.update(data)
        self._file.write(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self.size

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""


def _make(folder: Path, root: Path) -> None:
    """Make a folder below the root, so that its names endure."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        if folder == root:
            break
        folder = folder.parent
    for made in reversed(missing):
        made.mkdir(parents=made == root, exist_ok=True)
        _sync(made.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
