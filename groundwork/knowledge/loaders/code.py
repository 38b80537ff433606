"""Source code and XML as text: the whole file is one `code` mark that names the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from groundwork.knowledge.loaders._text import parsed
from groundwork.knowledge.loaders.text import stored_text
from groundwork.knowledge.types import Mark, Parsed

LANGUAGES = {
    "bash": "bash", "c": "c", "cc": "cpp", "cfg": "ini", "conf": "ini", "cpp": "cpp", "cs": "csharp", "css": "css",
    "dart": "dart", "diff": "diff", "ex": "elixir", "go": "go", "gradle": "groovy", "h": "c", "hpp": "cpp", "hs": "haskell",
    "ini": "ini", "java": "java", "jl": "julia", "js": "javascript", "jsx": "javascript", "kt": "kotlin", "lua": "lua",
    "m": "objectivec", "php": "php", "pl": "perl", "proto": "protobuf", "ps1": "powershell", "py": "python", "pyi": "python",
    "r": "r", "rb": "ruby", "rs": "rust", "scala": "scala", "sh": "bash", "sql": "sql", "svg": "xml", "swift": "swift",
    "tf": "hcl", "toml": "toml", "ts": "typescript", "tsx": "typescript", "vue": "vue", "xml": "xml", "xsd": "xml",
    "xsl": "xml", "yaml": "yaml", "yml": "yaml", "zig": "zig",
}  # fmt: skip
"""File endings that are source code or markup read as code, with the usual name of the language."""


class Code:
    """Keep source code and markup as it was written."""

    version: ClassVar[int] = 1
    media_types: ClassVar[Sequence[str]] = ("text/x-source", "application/xml", "image/svg+xml")

    def load(self, data: bytes, name: str) -> Parsed:
        """Read the characters; entities and addresses in XML are never resolved, because it is not parsed at all."""
        text, warnings = stored_text(data)
        ending = name.rsplit(".", 1)[-1].lower()
        language = LANGUAGES.get(ending, "xml" if text.startswith("<?xml") else "")
        marks = [Mark("code", 0, len(text), language)] if text else []
        return parsed(text, marks, warnings=warnings)


plugin = Code
