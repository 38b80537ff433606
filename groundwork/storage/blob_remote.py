"""Content-addressed files behind an fsspec URL: object storage, memory, and whatever else fsspec knows."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from groundwork.core.errors import GroundworkError, MissingDependencyError, SettingsError, UnavailableError
from groundwork.storage.blobs import HEX, Swept
from groundwork.storage.faults import explain_os_error

ASIDE = "tmp"
PIECE = 1 << 20
WHOLE = frozenset({"abfs", "az", "gcs", "gs", "memory", "oss", "s3", "s3a"})
"""Protocols where an object appears whole or not at all; elsewhere it is written aside and moved."""


class RemoteBlobs:
    """Blobs under an fsspec URL. The connection is made on first use.

    Durability is what the storage promises for a finished write.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._protocol = url.partition("://")[0]
        self._shown = f"{self._protocol}://…"  # the rest may hold credentials
        self._opened: tuple[Any, str] | None = None

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        with self._explained():
            for digest, data in items:
                if self._size(digest) != len(data):
                    self._write(digest, data)

    def write_file(self, source: IO[bytes]) -> str:
        files, root = self._open()
        with self._explained():
            digest, size = _digest(source, None)
            if self._size(digest) == size:
                return digest
            aside = f"{root}/{ASIDE}/{secrets.token_hex(8)}"
            files.makedirs(f"{root}/{ASIDE}", exist_ok=True)
            source.seek(0)
            with files.open(aside, "wb") as target:
                # The file may have changed since: its name follows from the bytes that went over.
                digest, _ = _digest(source, target)
            self._move(aside, digest)
        return digest

    def read(self, digest: str) -> bytes:
        with self._explained():
            files, _ = self._open()
            return bytes(files.cat_file(self._path(digest)))

    def size(self, digest: str) -> int:
        with self._explained():
            found = self._size(digest)
        if found is None:
            raise FileNotFoundError(digest)
        return found

    def digests(self) -> Iterator[str]:
        with self._explained():
            files, root = self._open()
            names = files.find(root) if files.exists(root) else []
        parts = (name.rpartition("/") for name in sorted(names))
        for folder, _, name in parts:
            digest = folder[-2:] + name
            if len(digest) == 64 and HEX.issuperset(digest):
                yield digest

    def delete(self, digests: Iterable[str]) -> int:
        removed = 0
        with self._explained():
            files, _ = self._open()
            for digest in digests:
                if self._size(digest) is not None:
                    files.rm_file(self._path(digest))
                    removed += 1
        return removed

    def sweep(self, wanted: Callable[[str], bool], grace_seconds: float) -> Swept:
        blobs = unfinished = size = 0
        for digest in [digest for digest in self.digests() if not wanted(digest)]:
            with self._explained():
                age = self._age(self._path(digest))
                length = self._size(digest) or 0
            if age is None or age >= grace_seconds:
                blobs += self.delete([digest])
                size += length
        with self._explained():
            files, root = self._open()
            left = files.find(f"{root}/{ASIDE}") if files.exists(f"{root}/{ASIDE}") else []
            for name in left:
                age = self._age(name)
                if age is None or age >= grace_seconds:
                    size += int(files.size(name) or 0)
                    files.rm_file(name)
                    unfinished += 1
        return Swept(blobs, unfinished, size)

    def _write(self, digest: str, data: bytes) -> None:
        files, root = self._open()
        if self._protocol in WHOLE:
            files.pipe_file(self._path(digest), data)
            return
        aside = f"{root}/{ASIDE}/{secrets.token_hex(8)}"
        files.makedirs(f"{root}/{ASIDE}", exist_ok=True)
        files.pipe_file(aside, data)
        self._move(aside, digest)

    def _move(self, aside: str, digest: str) -> None:
        files, root = self._open()
        files.makedirs(f"{root}/{digest[:2]}", exist_ok=True)
        files.mv(aside, self._path(digest))

    def _size(self, digest: str) -> int | None:
        files, _ = self._open()
        try:
            return int(files.size(self._path(digest)))
        except FileNotFoundError:
            return None

    def _age(self, path: str) -> float | None:
        """Return the seconds since the last write, None where the storage does not tell."""
        files, _ = self._open()
        try:
            modified = files.modified(path)
        except (FileNotFoundError, NotImplementedError):
            return None
        return time.time() - modified.timestamp() if isinstance(modified, datetime) else None

    def _path(self, digest: str) -> str:
        return f"{self._open()[1]}/{digest[:2]}/{digest[2:]}"

    def _open(self) -> tuple[Any, str]:
        if self._opened is None:
            from fsspec.core import url_to_fs

            try:
                # Listings must not be cached: other processes write there too.
                files, root = url_to_fs(self._url, use_listings_cache=False)
            except ImportError as error:
                raise MissingDependencyError(
                    f"the place of blobs `{self._shown}` needs a library that is not installed: {error}",
                    hint="install what the message names, or leave `blobs` empty for a folder of the workspace",
                ) from error
            except ValueError as error:
                raise SettingsError(
                    f"the place of blobs `{self._shown}` cannot be used: {error}",
                    hint="give a folder or an fsspec URL such as `s3://bucket/prefix`",
                ) from error
            self._opened = (files, str(root).rstrip("/"))
        return self._opened

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (GroundworkError, FileNotFoundError):
            raise
        except OSError as error:
            raise explain_os_error(error, f"the place of blobs `{self._shown}` cannot be used") from error
        except Exception as error:  # each storage's client has errors of its own
            raise UnavailableError(
                f"the place of blobs `{self._shown}` does not answer ({type(error).__name__}: {error})",
                hint="check the address, the credentials and the network",
            ) from error


def _digest(source: IO[bytes], target: IO[bytes] | None) -> tuple[str, int]:
    """Return digest and size of what is left of the source, which is copied to the target."""
    hashed = hashlib.sha256()
    size = 0
    while piece := source.read(PIECE):
        hashed.update(piece)
        size += len(piece)
        if target is not None:
            target.write(piece)
    return hashed.hexdigest(), size
