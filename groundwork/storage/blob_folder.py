"""Content-addressed files in a folder. Plain system calls, as fsspec's local files know no `fsync`."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from groundwork.core.errors import GroundworkError
from groundwork.storage.blobs import HEX, Swept
from groundwork.storage.failpoints import failpoint
from groundwork.storage.faults import explain_os_error

ASIDE = "tmp"
PIECE = 1 << 20
TOGETHER = 8
"""From so many files on, one `syncfs` is cheaper than an `fsync` each: 2,000 files of 4 kB took .24 s against
.32 s with eight threads on ext4, and the gap grows with the time the disk takes to flush."""
TOUCH_AFTER = 60.0
"""Seconds after which a blob that is put again counts as new, so that a sweep's grace time begins anew."""


class FolderBlobs:
    """Blobs in a folder of a POSIX file system; many processes may use it at once.

    A shared lock is held while blobs are put and an exclusive one while `sweep` removes them, so that no blob
    goes between being found there already and being counted as new.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.abspath(root))
        self._folders: set[str] = set()

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        with self._explained(writing=True), self._locked(fcntl.LOCK_SH):
            missing = [(digest, data) for digest, data in items if not self._renewed(digest, len(data), data)]
            if missing:
                self._write(missing)

    def write_file(self, source: IO[bytes]) -> str:
        with self._explained(writing=True), self._locked(fcntl.LOCK_SH):
            aside = self._aside()
            try:
                digest, size = _copy(source, aside)
                if self._renewed(digest, size):
                    os.unlink(aside)
                else:
                    self._publish([(aside, digest)])
            except BaseException:
                _remove([aside])
                raise
        return digest

    def read(self, digest: str) -> bytes:
        with self._explained():
            return self._path(digest).read_bytes()

    def size(self, digest: str) -> int:
        with self._explained():
            return self._path(digest).stat().st_size

    def digests(self) -> Iterator[str]:
        for folder in self._listed(self._root):
            if len(folder) == 2 and HEX.issuperset(folder):
                for name in self._listed(self._root / folder):
                    if len(name) == 62 and HEX.issuperset(name):
                        yield folder + name

    def delete(self, digests: Iterable[str]) -> int:
        folders: set[Path] = set()
        removed = 0
        with self._explained():
            for digest in digests:
                path = self._path(digest)
                with suppress(FileNotFoundError):
                    os.unlink(path)
                    folders.add(path.parent)
                    removed += 1
            if len(folders) < TOGETHER or not _syncfs(self._root):
                for folder in folders:
                    _sync_folder(folder)
        return removed

    def sweep(self, wanted: Callable[[str], bool], grace_seconds: float) -> Swept:
        blobs = unfinished = size = 0
        with self._explained():
            if not self._root.is_dir():
                return Swept(0, 0, 0)
            orphans = [digest for digest in self.digests() if not wanted(digest)]
            with self._locked(fcntl.LOCK_EX):
                now = time.time()
                old: list[str] = []
                for digest in orphans:
                    with suppress(FileNotFoundError):
                        status = self._path(digest).stat()
                        # A time in the future comes of a clock set back; waiting for it could take years.
                        if grace_seconds <= 0 or not -1 <= now - status.st_mtime < grace_seconds:
                            old.append(digest)
                            size += status.st_size
                blobs = self.delete(old)
                # Nobody is writing while the lock is held, so every file aside is what a crash left.
                for name in self._listed(self._root / ASIDE):
                    with suppress(FileNotFoundError):
                        size += os.stat(self._root / ASIDE / name).st_size
                        os.unlink(self._root / ASIDE / name)
                        unfinished += 1
        return Swept(blobs, unfinished, size)

    def _write(self, items: Sequence[tuple[str, bytes]]) -> None:
        together = len(items) >= TOGETHER
        written: list[tuple[str, str]] = []
        try:
            for digest, data in items:
                aside = self._aside()
                written.append((aside, digest))
                _write_new(aside, data, sync=not together)
            if together:
                _sync_all(self._root, [aside for aside, _ in written])
            self._publish(written)
        except BaseException:
            _remove([aside for aside, _ in written])
            raise

    def _publish(self, written: Sequence[tuple[str, str]]) -> None:
        """Give synced files their names and make the names durable."""
        failpoint("blobs.before_rename")
        folders: dict[str, None] = {}
        for aside, digest in written:
            self._need(digest[:2])
            os.rename(aside, self._path(digest))
            folders[digest[:2]] = None
        failpoint("blobs.after_rename")
        if len(folders) >= TOGETHER and _syncfs(self._root):
            return
        for folder in folders:
            _sync_folder(self._root / folder)
        _sync_folder(self._root)  # a folder of two digits may be new, made by us or by another process

    def _renewed(self, digest: str, size: int, data: bytes | None = None) -> bool:
        """Say whether the blob is there, whole where `data` is given to compare; its grace time then begins anew."""
        path = self._path(digest)
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        if status.st_size != size:
            return False  # cut short by a fault of the disk; the rename replaces it
        if data is not None and path.read_bytes() != data:
            return False  # damaged
        if not 0 <= time.time() - status.st_mtime < TOUCH_AFTER:
            os.utime(path)
        return True

    def _aside(self) -> str:
        self._need(ASIDE)
        return str(self._root / ASIDE / f"{os.getpid()}-{secrets.token_hex(8)}")

    def _need(self, folder: str) -> None:
        if folder in self._folders:
            return
        if not self._root.is_dir():
            self._root.mkdir(parents=True, exist_ok=True)
            _sync_folder(self._root.parent)
        (self._root / folder).mkdir(exist_ok=True)
        self._folders.add(folder)

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    @staticmethod
    def _listed(folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        self._need(ASIDE)
        handle = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _explained(self, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except GroundworkError:
            raise
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not writing:
                raise  # the blob is absent: the caller says what that means
            self._folders.clear()
            raise explain_os_error(error, f"the folder of blobs `{self._root}` cannot be used") from error


def _write_new(path: str, data: bytes, *, sync: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def _copy(source: IO[bytes], path: str) -> tuple[str, int]:
    """Copy to a new, synced file and return digest and size of the content."""
    hashed = hashlib.sha256()
    size = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        while piece := source.read(PIECE):
            hashed.update(piece)
            size += len(piece)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    return hashed.hexdigest(), size


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)


def _sync_all(root: Path, paths: Sequence[str]) -> None:
    if _syncfs(root):
        return
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no fsync of folders
            raise
    finally:
        os.close(handle)


def _syncfs(root: Path) -> bool:
    """Flush the whole file system of `root`; False where the system cannot or does not report errors of it.

    Linux reports write errors from `syncfs` since 5.8 (man 2 syncfs).
    """
    call = _find_syncfs()
    if call is None:
        return False
    handle = os.open(root, os.O_RDONLY)
    try:
        if call(handle) != 0:
            number = ctypes.get_errno()
            if number in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
                return False
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)
    return True


def _find_syncfs() -> Callable[[int], int] | None:
    if not hasattr(os, "uname") or os.uname().sysname != "Linux":
        return None
    release = os.uname().release.split(".")
    if (int(release[0]), int("".join(c for c in release[1] if c.isdigit()) or 0)) < (5, 8):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
