"""Content-addressed files: what goes in is named by its SHA-256, and what comes out is checked against it.

A blob lies at `ab/cdef…`, the first two digits of its digest apart. In a folder it is written aside, synced,
renamed, and its folder synced before `put` answers; an object store keeps whole objects by itself. Nothing
refers to a blob before `put` has answered, so what a crash leaves behind is a blob without a reference, which
`sweep` takes away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import DamagedError, GroundworkError, InvalidInputError, NotFoundError
from groundwork.storage.faults import explain_os_error

HEX = frozenset("0123456789abcdef")


class Swept(NamedTuple):
    """What a sweep removed: blobs nobody referred to, and files of unfinished writes."""

    blobs: int
    unfinished: int
    bytes: int


class BlobStore(Protocol):
    """Where the files of `Blobs` lie. Digests are well formed; contents are not checked here."""

    def write(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Store contents under their digests durably, leaving out what is there in full size."""
        ...

    def write_file(self, source: IO[bytes]) -> str:
        """Store the content of an open file in bounded memory and return its digest."""
        ...

    def read(self, digest: str) -> bytes:
        """Return a content; raises FileNotFoundError."""
        ...

    def size(self, digest: str) -> int:
        """Return the size in bytes; raises FileNotFoundError."""
        ...

    def digests(self) -> Iterator[str]:
        """Give every digest, sorted."""
        ...

    def delete(self, digests: Iterable[str]) -> int:
        """Remove blobs and return how many there were."""
        ...

    def sweep(self, wanted: Callable[[str], bool], grace_seconds: float) -> Swept:
        """Remove blobs that are not wanted and older than the grace time, and what unfinished writes left."""
        ...


class Blobs:
    """The content-addressed files of a workspace.

    Args:
        place: a folder, or an fsspec URL such as `s3://bucket/prefix` or `memory://name`.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = str(place)
        self._store = _open(place)

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its digest; what is there already costs a look.

        Raises:
            StorageFullError: no space is left; nothing is left behind.
            UnavailableError: the place cannot be written.
        """
        return self.put_many([data])[0]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Store many contents with one wait for the disk; return their digests in order; errors as `put`."""
        digests = [digest_bytes(data) for data in contents]
        self._store.write(list(dict(zip(digests, contents, strict=True)).items()))
        return digests

    def put_file(self, path: str | Path) -> str:
        """Store the content of a file in bounded memory and return its digest; errors as `put`."""
        try:
            source = Path(path).open("rb")  # noqa: SIM115 - only opening it may say that it cannot be read
        except OSError as error:
            raise explain_os_error(error, f"the file `{path}` cannot be read") from error
        with source:
            return self._store.write_file(source)

    def get(self, digest: str) -> bytes:
        """Return the content that was stored.

        Raises:
            NotFoundError: there is no such blob.
            DamagedError: its bytes are no longer the ones that were written.
        """
        try:
            data = self._store.read(_checked(digest))
        except FileNotFoundError as error:
            raise _absent(digest, self.place) from error
        found = digest_bytes(data)
        if found != digest:
            raise _damaged(digest, f"its bytes have the digest {found}")
        return data

    def get_many(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return the contents by digest; errors as `get`."""
        return {digest: self.get(digest) for digest in dict.fromkeys(digests)}

    def exists(self, digest: str) -> bool:
        """Say whether there is a blob of this digest, without reading it."""
        try:
            self._store.size(_checked(digest))
        except FileNotFoundError:
            return False
        return True

    def size(self, digest: str) -> int:
        """Return the size in bytes; raises NotFoundError."""
        try:
            return self._store.size(_checked(digest))
        except FileNotFoundError as error:
            raise _absent(digest, self.place) from error

    def digests(self) -> Iterator[str]:
        """Give the digest of every blob, sorted."""
        return self._store.digests()

    def delete(self, *digests: str) -> int:
        """Remove blobs for good and return how many there were; absent ones are no error."""
        return self._store.delete([_checked(digest) for digest in digests])

    def sweep(self, referenced: set[str], grace_seconds: float = 3600.0) -> Swept:
        """Remove blobs that nothing refers to, and what unfinished writes left behind.

        Args:
            referenced: every digest that is referred to.
            grace_seconds: blobs put within this time are kept, as their reference may be about to be stored.
        """
        return self._store.sweep(referenced.__contains__, grace_seconds)

    def verify(self) -> Iterator[tuple[str, str]]:
        """Read every blob and give `(digest, problem)` for each damaged one."""
        for digest in self._store.digests():
            try:
                self.get(digest)
            except NotFoundError:
                continue  # deleted meanwhile
            except GroundworkError as error:
                yield digest, error.message


def _open(place: str | Path) -> BlobStore:
    text = str(place)
    if "://" in text and not text.startswith("file://"):
        from groundwork.storage.blob_remote import RemoteBlobs

        return RemoteBlobs(text)
    from groundwork.storage.blob_folder import FolderBlobs

    return FolderBlobs(Path(text.removeprefix("file://")))


def _checked(digest: str) -> str:
    # A digest becomes a path: anything else is refused before it is one.
    if len(digest) != 64 or not HEX.issuperset(digest):
        raise InvalidInputError(f"`{digest[:80]}` is not a digest", hint="64 hexadecimal digits are expected")
    return digest


def _absent(digest: str, place: str) -> NotFoundError:
    return NotFoundError(
        f"there is no blob {digest} in {place}",
        hint="run `groundwork verify` to see what misses it",
        digest=digest,
    )


def _damaged(digest: str, problem: str) -> DamagedError:
    return DamagedError(
        f"the blob {digest} is damaged: {problem}",
        hint="ingest its file again or restore a backup; `groundwork verify` names every damaged thing",
        digest=digest,
    )
