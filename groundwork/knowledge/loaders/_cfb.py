"""Compound files (OLE): the small file system inside .msg, .doc, .xls and .ppt, read with every chain guarded.

Source: [MS-CFB] Compound File Binary File Format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from groundwork.knowledge.loaders import Unreadable

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _FREE, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF
MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class CompoundFile:
    """The streams of a compound file by path, such as `__attach_version1.0_#00000000/__substg1.0_37010102`.

    Raises:
        Unreadable: `broken`.
    """

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC) or len(data) < 512:
            raise Unreadable("broken", "the OLE header is damaged")
        self._data = data
        shift, small_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or small_shift != 6:
            raise Unreadable("broken", f"the OLE header names sectors of 2^{shift} and 2^{small_shift} bytes")
        self._sector = 1 << shift
        directory, self._cutoff, small_fat = struct.unpack_from("<I4xII", data, 48)
        self._fat = self._read_fat()
        self._entries = self._read_entries(self._chain(directory))
        self._small_fat = _integers(self._chain(small_fat)) if small_fat < _END else ()
        root = self._entries[0]
        self._small = self._chain(root.start) if root.start < _END else b""
        self.streams: dict[str, _Entry] = {}
        self._walk(root.child, "", 0, set())

    def __contains__(self, path: str) -> bool:
        return path in self.streams

    def read(self, path: str) -> bytes:
        """Return a stream's bytes; empty when there is none."""
        entry = self.streams.get(path)
        if entry is None or entry.size == 0:
            return b""
        if entry.size > len(self._data):
            raise Unreadable("broken", f"the stream `{path}` says it has more bytes than the file")
        if entry.size >= self._cutoff:
            return self._chain(entry.start, entry.size)[: entry.size]
        return self._small_chain(entry.start, entry.size)[: entry.size]

    def _read_fat(self) -> tuple[int, ...]:
        places = [p for p in struct.unpack_from("<109I", self._data, 76) if p < _END]
        following, left = struct.unpack_from("<II", self._data, 68)
        seen: set[int] = set()
        while following < _END and following not in seen and left:
            seen.add(following)
            numbers = _integers(self._block(following))
            places += [p for p in numbers[:-1] if p < _END]
            following = numbers[-1] if numbers else _END
        return tuple(
            n for p in places[: len(self._data) // self._sector + 1] for n in _integers(self._block(p))
        )

    def _block(self, number: int) -> bytes:
        start = (number + 1) * self._sector
        return self._data[start : start + self._sector]

    def _chain(self, number: int, most: int = 1 << 62) -> bytes:
        blocks: list[bytes] = []
        seen: set[int] = set()
        while number < _END and len(blocks) * self._sector < most:
            if number in seen or number >= len(self._fat):
                raise Unreadable("broken", "a chain of sectors in the OLE file is damaged")
            seen.add(number)
            blocks.append(self._block(number))
            number = self._fat[number]
        return b"".join(blocks)

    def _small_chain(self, number: int, most: int) -> bytes:
        blocks: list[bytes] = []
        seen: set[int] = set()
        while number < _END and len(blocks) * 64 < most:
            if number in seen or number >= len(self._small_fat):
                raise Unreadable("broken", "a chain of small sectors in the OLE file is damaged")
            seen.add(number)
            blocks.append(self._small[number * 64 : number * 64 + 64])
            number = self._small_fat[number]
        return b"".join(blocks)

    def _read_entries(self, directory: bytes) -> list[_Entry]:
        entries: list[_Entry] = []
        for place in range(0, min(len(directory), MAX_ENTRIES * 128) - 127, 128):
            length = struct.unpack_from("<H", directory, place + 64)[0]
            name = directory[place : place + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
            kind = directory[place + 66]
            left, right, below = struct.unpack_from("<III", directory, place + 68)
            start, size = struct.unpack_from("<II", directory, place + 116)
            entries.append(_Entry(name, kind, left, right, below, start, size))
        if not entries:
            raise Unreadable("broken", "the OLE file has no directory")
        return entries

    def _walk(self, first: int, folder: str, depth: int, seen: set[int]) -> None:
        """Collect the streams of a storage; siblings form a tree that is walked without recursion."""
        waiting = [first]
        while waiting:
            number = waiting.pop()
            if number >= len(self._entries) or number in seen:
                continue
            seen.add(number)
            entry = self._entries[number]
            waiting += [entry.left, entry.right]
            if entry.kind == 2:
                self.streams[folder + entry.name] = entry
            elif entry.kind == 1 and depth < 8:
                self._walk(entry.child, folder + entry.name + "/", depth + 1, seen)


def _integers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
