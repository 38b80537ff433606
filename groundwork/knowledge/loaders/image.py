"""Pictures of text, through Tesseract where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable, _ocr
from groundwork.knowledge.loaders._text import TextBuilder
from groundwork.knowledge.types import Parsed


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
        out = TextBuilder()
        out.add(_ocr.read_picture(data))
        if not len(out):
            raise Unreadable("no_text", "no text was recognised in the picture")
        out.warn("the text was recognised in a picture and may hold errors")
        return out.build()


plugin = Image
