"""Outputs that were made elsewhere, in a file of JSON lines: they are scored as if they had been made now, for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.digest import digest_bytes
from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example
from groundwork.evaluation.rows import output_of
from groundwork.evaluation.types import Output

MOST_BYTES = 2**30
IDS = ("example_id", "id")
TEXTS = ("text", "output", "answer", "response", "completion")
MISSING = "missing_output"


@dataclass(frozen=True)
class RecordedSubject:
    """Recorded outputs by example id; several lines of one id are its repeats, in order.

    A line is `{"id": …, "output": "…"}`; every field of `Output` may stand beside them. Where a line has no id, `input` is
    compared with the question.
    """

    path: Path
    digest: str
    by_id: Mapping[str, Sequence[Output]] = field(repr=False)
    by_input: Mapping[str, Sequence[Output]] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> RecordedSubject:
        """Return the outputs of a file of JSON lines.

        Raises:
            InvalidInputError: it cannot be read, or a line is no output.
        """
        try:
            if path.stat().st_size > MOST_BYTES:
                raise InvalidInputError(f"`{path}` is larger than {MOST_BYTES // 2**20:,} MiB")
            raw = path.read_bytes()
        except OSError as error:
            raise InvalidInputError(
                f"`{path}` cannot be read: {error.strerror}",
                hint="give a file of JSON lines: `file:outputs.jsonl`",
            ) from None
        by_id: dict[str, list[Output]] = {}
        by_input: dict[str, list[Output]] = {}
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
            if not line.strip():
                continue
            table = _line(path, number, line)
            name = next((str(table[k]) for k in IDS if table.get(k) not in (None, "")), "")
            asked = table.get("input", table.get("question"))
            if not name and not isinstance(asked, str):
                raise InvalidInputError(
                    f"{path}:{number} names no example", hint="give each line the `id` of its example"
                )
            held = by_id if name else by_input
            held.setdefault(name or str(asked).strip(), []).append(_output(path, number, table))
        if not by_id and not by_input:
            raise InvalidInputError(f"`{path}` holds no output", hint='a line is {"id": "…", "output": "…"}')
        return cls(path.absolute(), digest_bytes(raw), by_id, by_input)

    def describe(self) -> Mapping[str, Any]:
        pins = {"file": self.digest}
        return {
            "kind": "recorded",
            "name": self.path.name,
            "word": f"file:{self.path}",
            "pins": pins,
            "digest": self.digest,
        }

    def run(self, example: Example, scope: str) -> Output:
        """Return the recorded output; one that is not in the file is a failed one."""
        found = self.by_id.get(example.id) or self.by_input.get(example.question.strip()) or ()
        repeat = int(scope.rpartition("/")[2] or 0)
        if repeat < len(found):
            return found[repeat]
        return Output(error=MISSING, message=f"{self.path.name} holds no output {repeat + 1} of this example")

    def estimate(self, examples: Sequence[Example]) -> float | None:
        return 0.0


def _line(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        table = json.loads(line, parse_constant=lambda word: None)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{path}:{number} is no JSON", hint="each line is one object") from None
    if not isinstance(table, dict):
        raise InvalidInputError(f"{path}:{number} is no object", hint='a line is {"id": "…", "output": "…"}')
    return table


def _output(path: Path, number: int, table: Mapping[str, Any]) -> Output:
    nested = table.get("output")
    fields: dict[str, Any] = {**table, **(nested if isinstance(nested, Mapping) else {})}
    fields.pop("output", None)
    said = next((table[k] for k in TEXTS if isinstance(table.get(k), str)), None)
    if said is not None:
        fields["text"] = said
    elif nested is not None and not isinstance(nested, Mapping):
        fields["value"] = nested
    try:
        return output_of({k: v for k, v in fields.items() if v is not None})
    except (TypeError, ValueError, KeyError, AttributeError):
        raise InvalidInputError(f"{path}:{number} is no output", hint="see the fields of `Output`") from None
