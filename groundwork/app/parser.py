"""The sandboxed parser in the form that ingest asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundwork.knowledge.parsing import Limits, Parser, Quarantine, loader_for, media_type
from groundwork.knowledge.types import Parsed


class SandboxParser:
    """Reads documents in limited child processes; a context manager, since it owns them."""

    def __init__(self, workers: int, max_bytes: int) -> None:
        self._parser = Parser(workers=workers, limits=Limits(max_bytes=max_bytes))

    def __enter__(self) -> SandboxParser:
        self._parser.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._parser.__exit__(*exc)

    def kind(self, data: bytes, name: str) -> tuple[str, str, int]:
        kind = media_type(data, name)
        chosen = loader_for(kind)
        return (kind, *chosen) if chosen else (kind, "", 0)

    def parse(
        self, items: Iterator[tuple[int, bytes, str, str]]
    ) -> Iterator[tuple[int, Parsed | Quarantine]]:
        return self._parser.parse_many(items)
