"""Pictures of text, through Tesseract where it is installed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable, _ocr
from groundwork.knowledge.loaders._text import TextBuilder
from groundwork.knowledge.types import Parsed

MAX_PIXELS = 50_000_000


class Image:
    """Recognise the text in a picture."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = (
        "image/png",
        "image/jpeg",
        "image/tiff",
        "image/bmp",
        "image/gif",
        "image/webp",
    )

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the picture; the text is as good as the program's eyes, which a warning says."""
        size = dimensions(data)
        if size is not None and (not size[0] or not size[1]):
            raise Unreadable("broken", "the picture's header is damaged")
        if size is not None and size[0] * size[1] > MAX_PIXELS:
            raise Unreadable(
                "too_large", f"the picture has {size[0]:,} x {size[1]:,} pixels; the limit is {MAX_PIXELS:,}"
            )
        out = TextBuilder()
        out.add(_ocr.read_picture(data))
        if not len(out):
            raise Unreadable("no_text", "no text was recognised in the picture")
        out.warn("the text was recognised in a picture and may hold errors")
        return out.build()


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the header of a PNG, GIF or JPEG, (0, 0) when that is damaged, None for other formats."""
    if data.startswith(b"\x89PNG"):
        return struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" and len(data) >= 24 else (0, 0)
    if data.startswith(b"GIF8"):
        return struct.unpack("<HH", data[6:10]) if len(data) >= 10 else (0, 0)
    return _jpeg_dimensions(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_dimensions(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, place + 1)
        if marker == 0xFF:  # padding
            place += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        else:
            place += 2 + length
    return 0, 0


plugin = Image
