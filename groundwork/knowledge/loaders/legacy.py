"""Word, Excel and PowerPoint of 1997 to 2003, and encrypted new ones: not read, and told truly which of that it is."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._cfb import MAGIC, CompoundFile
from groundwork.knowledge.types import Parsed

_NAMES = {
    "WordDocument": ("Word 97-2003 (.doc)", ".docx"),
    "Workbook": ("Excel 97-2003 (.xls)", ".xlsx"),
    "Book": ("Excel 5 (.xls)", ".xlsx"),
    "PowerPoint Document": ("PowerPoint 97-2003 (.ppt)", ".pptx"),
}
_FILEPASS, _BOF, _EOF = 0x2F, 0x809, 0x0A
_PPT_ENCRYPTED = 0xF3D1C4DF


class Legacy:
    """Say what stands in the way of an OLE document; none of them is read."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/x-ole-storage",
        "application/x-encrypted-ooxml",
    )

    def load(self, data: bytes, name: str) -> Parsed:
        """Raise `Unreadable`: `encrypted`, `broken` or `unsupported`."""
        if not data.startswith(MAGIC):
            raise Unreadable("broken", "its name says Office 97-2003, its content is no OLE file")
        file = CompoundFile(data)
        if "EncryptedPackage" in file or "EncryptionInfo" in file:
            raise Unreadable("encrypted", "the Office document is encrypted; only its password opens it")
        for stream, (what, current) in _NAMES.items():
            if stream in file:
                if _is_encrypted(file, stream):
                    raise Unreadable(
                        "encrypted", f"the {what} document is encrypted; only its password opens it"
                    )
                raise Unreadable(
                    "unsupported", f"no loader reads {what}; save it as {current} and ingest it again"
                )
        raise Unreadable(
            "unsupported", "it is an OLE file, but no document of Word, Excel, PowerPoint or Outlook"
        )


def _is_encrypted(file: CompoundFile, stream: str) -> bool:
    """Return whether a document says it is encrypted ([MS-DOC] 2.5.1, [MS-XLS] 2.4.117, [MS-PPT] 2.3.2)."""
    if stream == "PowerPoint Document":
        user = file.read("Current User")
        return "EncryptedSummary" in file or (
            len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _PPT_ENCRYPTED
        )
    data = file.read(stream)
    if stream == "WordDocument":
        return len(data) >= 12 and bool(struct.unpack_from("<H", data, 10)[0] & 0x0100)
    place = 0
    for _ in range(50):
        if place + 4 > len(data):
            return False
        record, length = struct.unpack_from("<HH", data, place)
        if record == _FILEPASS:
            return True
        if record == _EOF:
            return False
        place += 4 + length
    return False


plugin = Legacy
