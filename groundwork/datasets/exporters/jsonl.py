"""JSON lines in our own form: every field that says something, one example a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundwork.datasets.content import body_of
from groundwork.datasets.types import Example


@dataclass(frozen=True)
class JsonLines:
    """Write everything, the origin too."""

    suffix: str = ".jsonl"

    def lines(self, examples: Iterable[Example]) -> Iterator[str]:
        for x in examples:
            yield (
                json.dumps({"id": x.id, **body_of(x), "split": x.split}, ensure_ascii=False, allow_nan=False)
                + "\n"
            )


plugin = JsonLines
