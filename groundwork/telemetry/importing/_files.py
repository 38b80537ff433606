"""Records out of files: JSON lines, JSON documents, CSV and Parquet, gzipped or not; what cannot be read is named."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from groundwork.core.errors import InvalidInputError, MissingDependencyError, TooLargeError
from groundwork.telemetry.plain import plain

MIB = 1024 * 1024
LINE_BYTES = 64 * MIB
DOCUMENT_BYTES = 512 * MIB
_LEVELS = -100  # OTLP's JSON takes four levels for one of an attribute, so records may be deeper than values
_LISTS = ("data", "traces", "spans", "items")


class Unreadable:
    """A record that could not be read, and why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


Record = Mapping[str, Any] | Unreadable


def records(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield `(number from 1, record)` of a file.

    Raises:
        InvalidInputError: the file cannot be opened, or its form is none of those.
        TooLargeError: a JSON document that is one value is larger than 512 MiB.
    """
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
            yield from of_stream(stream, csv_named=".csv" in path.suffixes)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from None
    except EOFError:
        raise InvalidInputError(f"{path} is cut off") from None
    except zlib.error as error:
        raise InvalidInputError(f"{path} is broken: {error}") from None


def upload(file: IO[bytes], name: str, most: int) -> Iterator[tuple[int, Record]]:
    """Yield the records of an uploaded file; `most` bytes of it are read, packed or unpacked.

    Raises:
        InvalidInputError: its form is none that is read. Parquet is not among them here: what parses it is not made for
            files that anybody may have written.
        TooLargeError: it is larger.
    """
    if name.lower().endswith(".parquet"):
        raise InvalidInputError(
            "Parquet is not read from uploads",
            hint="use `groundwork trace import` on the machine itself, or JSON lines",
        )
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream: Any = _Bounded(gzip.GzipFile(fileobj=file, mode="rb") if packed else file, most)
    try:
        yield from of_stream(stream, csv_named=".csv" in name.lower())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInputError(f"the file is broken: {error}") from None


class _Bounded(io.RawIOBase):
    """A stream that ends with an error when it is longer than it may be, which also ends what unpacks to very much."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._most = self._left = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._count(self._stream.read(size if 0 <= size <= self._left else self._left + 1))

    def readline(self, size: int | None = -1) -> bytes:
        wanted = -1 if size is None else size
        return self._count(self._stream.readline(wanted if 0 <= wanted <= self._left else self._left + 1))

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise TooLargeError(f"the file has more than {self._most // MIB} MiB", hint="split it")
        return piece


def of_stream(stream: IO[bytes], *, csv_named: bool = False) -> Iterator[tuple[int, Record]]:
    """Yield the records of an open file that is not compressed."""
    if csv_named:
        yield from _csv(stream)
        return
    first = b""
    while not first.strip():
        first = stream.readline(LINE_BYTES + 1)
        if not first:
            return
    if first.lstrip()[:1] == b"{" and (whole := _line(first)) is not None:
        yield from _numbered(_opened(whole), 1)
        yield from _lines(stream, 2)
        return
    document = first + stream.read(DOCUMENT_BYTES - len(first) + 1)
    if len(document) > DOCUMENT_BYTES:
        raise TooLargeError("a JSON document of more than 512 MiB", hint="export it as JSON lines")
    try:
        value = json.loads(document.decode("utf-8", "replace"), parse_constant=str)
    except RecursionError:
        raise InvalidInputError("the document is nested too deep") from None
    except ValueError as error:
        if first.lstrip()[:1] == b"{":  # a first line that is broken, and others that may not be
            yield 1, Unreadable("a line that is no JSON")
            yield from _lines(io.BytesIO(document[len(first) :]), 2)
            return
        raise InvalidInputError(f"neither JSON nor JSON lines: {str(error)[:200]}") from None
    yield from _numbered(_opened(value), 1)


def _lines(stream: IO[bytes], number: int) -> Iterator[tuple[int, Record]]:
    while line := stream.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES:
            yield number, Unreadable("a line of more than 64 MiB")
            while line and not line.endswith(b"\n"):
                line = stream.readline(LINE_BYTES)
        elif line.strip():
            value = _line(line)
            if value is None:
                yield number, Unreadable("a line that is no JSON")
            else:
                for record in _opened(value):
                    yield number, record
        number += 1


def _line(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "replace"), parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _opened(value: Any) -> Iterator[Record]:
    """Yield the records in a value: itself, or the elements of the list that it is or wraps."""
    if isinstance(value, Mapping):
        inner = next(
            (value[n] for n in _LISTS if isinstance(value.get(n), list) and "info" not in value), None
        )
        if (
            inner is None
            or "resourceSpans" in value
            or "context" in value
            or "traceId" in value
            or "observations" in value
        ):
            yield plain(value, _LEVELS)
            return
        value = inner
    if not isinstance(value, list):
        yield Unreadable("a value that is no object")
        return
    for item in value:
        yield plain(item, _LEVELS) if isinstance(item, Mapping) else Unreadable("a value that is no object")


def _numbered(found: Iterator[Record], number: int) -> Iterator[tuple[int, Record]]:
    for at, record in enumerate(found):
        yield number + at, record


def _csv(stream: IO[bytes]) -> Iterator[tuple[int, Record]]:
    text = io.TextIOWrapper(stream, "utf-8", errors="replace", newline="")
    csv.field_size_limit(16 * MIB)
    try:
        for number, row in enumerate(csv.DictReader(text), 2):
            yield number, {str(k): v for k, v in row.items() if k is not None and v not in ("", None, "nan")}
    except csv.Error as error:
        raise InvalidInputError(f"no CSV: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[int, Record]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet needs the library `pyarrow`", hint="install it with `pip install pyarrow`"
        ) from error
    try:
        table = parquet.ParquetFile(path)
        number = 1
        for batch in table.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                yield number, row
                number += 1
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path} is no Parquet file: {str(error)[:200]}") from None
