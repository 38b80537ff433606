"""Jupyter notebooks: Markdown cells with their headings, code cells as code, and the text of outputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from groundwork.knowledge.loaders import Unreadable
from groundwork.knowledge.loaders._decode import decode
from groundwork.knowledge.loaders._text import TextBuilder, normalise, parsed
from groundwork.knowledge.loaders.markdown import first_title, marks_of
from groundwork.knowledge.types import Parsed

MAX_OUTPUT_CHARS = 4000


class Notebook:
    """Read notebooks (nbformat 4)."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("application/x-ipynb+json",)

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the cells in order; long outputs are cut."""
        try:
            book = json.loads(decode(data).text)
            cells = book["cells"]
            language = str(book.get("metadata", {}).get("kernelspec", {}).get("language", "python"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable("broken", f"it is no notebook of nbformat 4: {error}") from error
        out = TextBuilder()
        for cell in cells if isinstance(cells, list) else ():
            if isinstance(cell, dict):
                _cell(out, cell, language)
        result = out.build()
        return parsed(result.text, result.marks, title=first_title(result.marks), warnings=result.warnings)


def _cell(out: TextBuilder, cell: dict[str, Any], language: str) -> None:
    source = _joined(cell.get("source"))
    if cell.get("cell_type") == "markdown":
        text = normalise(source).strip("\n")
        out.embed(parsed(text, marks_of(text)))
        return
    out.block("code", source, language if cell.get("cell_type") == "code" else "")
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            data = output.get("data")
            shown = output.get("text") or (data.get("text/plain") if isinstance(data, dict) else "")
            out.add(_joined(shown)[:MAX_OUTPUT_CHARS])


def _joined(source: Any) -> str:
    return "".join(str(line) for line in source) if isinstance(source, list) else str(source or "")


plugin = Notebook
