"""Rich text (.rtf): the text without its dress, tables as rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._text import TextBuilder
from groundwork.knowledge.types import Parsed

MAX_BYTES = 24 << 20
_FACT = re.compile(r"\{\\(title|author|subject)\s+((?:[^{}\\]|\\'[0-9a-f]{2}|\\u-?\d+\??)*)\}")
_PICTURE = re.compile(rb"\{\\(?:\*\\)?(?:pict|objdata|themedata|colorschememapping|datastore)\b[^{}]*\}")


class Rtf:
    """Read RTF; embedded pictures and objects are left out."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/rtf", "text/rtf")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the text; rows of tables become lines with `|` between their cells."""
        from striprtf.striprtf import rtf_to_text

        lean = _PICTURE.sub(b"", data)
        if len(lean) > MAX_BYTES:
            raise Unreadable(
                "too_large", f"the RTF has {len(lean):,} bytes without pictures; the limit is {MAX_BYTES:,}"
            )
        source = lean.decode("latin-1")
        out = TextBuilder()
        out.add(rtf_to_text(source, errors="replace"))
        facts = {
            k: str(rtf_to_text("{\\rtf1 " + v + "}", errors="replace"))
            for k, v in _FACT.findall(source[:65_536])
        }
        return out.build(title=facts.pop("title", ""), meta=facts)


plugin = Rtf
