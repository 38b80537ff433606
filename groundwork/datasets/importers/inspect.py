"""Samples of Inspect: `input` (a text or messages), `target`, `id`, `choices`, `metadata`, as JSON, JSON lines or CSV.

Source: inspect_ai's `json_dataset` and `csv_dataset` with their default fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._columns import unguarded
from groundwork.datasets.importers._source import Source

_FIELDS = frozenset({"input", "target", "id", "choices", "metadata", "sandbox", "files", "setup"})
_OURS = (
    "input",
    "expected",
    "cluster",
    "tags",
    "split",
    "licence",
    "weight",
    "impossible",
    "relevant",
    "context",
    "tools",
)
"""What our own exporter puts into `metadata.groundwork`, to be read back."""


@dataclass(frozen=True)
class Inspect:
    """Read a sample an example; of choices, the letters of the target stay what is expected."""

    rank: int = 40

    def recognises(self, source: Source) -> bool:
        return source.first.keys() >= {"input", "target"} and source.first.keys() <= _FIELDS

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        for record in source.records():
            if isinstance(record, Fault):
                yield record
                continue
            line, sample = record
            try:
                yield Row(line, _values(sample, columns, source.kind == "table"))
            except InvalidInputError as error:
                yield Fault(line, error.message)


def _values(sample: Mapping[str, Any], columns: Mapping[str, str], table: bool) -> dict[str, Any]:
    def of(name: str) -> Any:
        value = sample.get(columns.get(name, name))
        if table and isinstance(value, str):
            value = unguarded(value)
            return _json(value) if name in ("input", "target", "choices", "metadata") else value
        return value

    asked, target, metadata = of("input"), of("target"), of("metadata") or {}
    if not asked:
        raise InvalidInputError("a sample without `input`")
    if not isinstance(metadata, Mapping):
        raise InvalidInputError("`metadata` is an object")
    metadata = dict(metadata)
    values: dict[str, Any] = {"input": _messages(asked) if isinstance(asked, list) else asked}
    ours = metadata.pop("groundwork", None)
    if isinstance(ours, Mapping):
        values |= {name: ours[name] for name in _OURS if name in ours}
    if target not in (None, "", []) and "expected" not in values:
        values["expected"] = target
    if of("id") not in (None, ""):
        values["id"] = str(of("id"))
    if of("choices"):
        metadata["choices"] = of("choices")
    for name in ("sandbox", "files", "setup"):
        if sample.get(name):
            metadata[name] = sample[name]
    return values | ({"metadata": metadata} if metadata else {})


def _messages(messages: list[Any]) -> list[dict[str, Any]]:
    """Return chat messages as `{role, content}`; parts of a content that are texts are joined."""
    found = []
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InvalidInputError("a message of `input` has no `role`")
        content = message.get("content", "")
        if isinstance(content, list):
            texts = [p.get("text") for p in content if isinstance(p, Mapping)]
            if not all(isinstance(t, str) for t in texts):
                raise InvalidInputError("a message of `input` holds more than text")
            content = "\n".join(str(t) for t in texts)
        found.append({**{k: v for k, v in message.items() if v is not None}, "content": content})
    return found


def _json(cell: str) -> Any:
    if not cell.lstrip().startswith(("[", "{")):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


plugin = Inspect
