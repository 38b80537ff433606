"""Samples of Inspect, a JSON object a line: `input`, `target`, `id`; what Inspect has no field for is in the metadata.

Source: inspect_ai's `Sample` and `json_dataset`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.datasets.content import body_of
from groundwork.datasets.types import Example

_BESIDE = ("input", "expected", "metadata", "origin")


@dataclass(frozen=True)
class Inspect:
    """Write samples whose targets are texts; an object that is asked becomes its JSON."""

    suffix: str = ".jsonl"

    def lines(self, examples: Iterable[Example]) -> Iterator[str]:
        for x in examples:
            yield json.dumps(_sample(x), ensure_ascii=False, allow_nan=False) + "\n"


def _sample(example: Example) -> dict[str, Any]:
    ours: dict[str, Any] = {k: v for k, v in body_of(example).items() if k not in _BESIDE}
    ours["split"] = example.split
    expected = example.expected
    texts = isinstance(expected, list | tuple) and all(isinstance(v, str) for v in expected)
    if expected is not None and not (texts or isinstance(expected, str)):
        ours["expected"] = expected
    asked = example.input
    if isinstance(asked, Mapping) or (isinstance(asked, list) and not all(_is_message(m) for m in asked)):
        ours["input"] = asked
        asked = example.question or json.dumps(asked, ensure_ascii=False)
    target = list(example.references)
    return {
        "input": asked,
        "target": target[0] if len(target) == 1 else target or "",
        "id": example.id,
        "metadata": {**example.metadata, "groundwork": ours},
    }


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and {"role", "content"} <= value.keys()


plugin = Inspect
