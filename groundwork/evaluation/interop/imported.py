"""What a file of another tool held, in our words, and what both readers share."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.datasets.content import body_of, own_id, read_example
from groundwork.datasets.types import Example
from groundwork.evaluation.rows import output_of
from groundwork.evaluation.types import Output, Result, Score

LARGEST = 512 * 1024 * 1024
NOTED = 20
_EMPTY = Output()
_NUMBERS = ("latency_ms", "cost_usd", "input_tokens", "output_tokens")
_TEXTS = ("text", "reason", "model", "answer_id", "trace_id", "error", "message")


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file of another tool held, in our words.

    Attributes:
        name: of the task or suite. model: who answered, as the file says.
        examples: in the order of the file.
        results: with scores, one for each example and repeat; `seq` is the example's place.
        notes: what could not be taken over, in sentences. metadata: whatever else the file says of the run.
    """

    name: str
    model: str
    examples: tuple[Example, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def document(source: Path | str | Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Return the JSON object of a file, a text, or as it is. NaN and infinities in it become None.

    Raises:
        InvalidInputError: it cannot be read, or is no JSON object. TooLargeError: it is over 512 MiB.
    """
    if isinstance(source, Mapping):
        return source
    try:
        text = text_of(source) if isinstance(source, Path) else source
        found = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{what} cannot be read as JSON: {error}", hint=f"give {what} as it was written"
        ) from None
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"{what} is no JSON object")
    return found


def text_of(path: Path) -> str:
    """Return the text of a file in UTF-8."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise TooLargeError(f"`{path}` has {size:,} bytes; at most {LARGEST:,} are read")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"`{path}` cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"`{path}` is no text in UTF-8") from None


class Gathering:
    """Examples and results as they are read, with what could not be taken over; examples are kept once."""

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self.results: list[Result] = []
        self._notes: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._repeats: dict[str, int] = {}

    def note(self, sentence: str) -> None:
        """Say once that something was left out; how often it happened is counted."""
        self._notes[sentence] = self._notes.get(sentence, 0) + 1

    @property
    def notes(self) -> tuple[str, ...]:
        said = [s if n == 1 else f"{s} ({n} times)" for s, n in self._notes.items()]
        return (*said[:NOTED], f"and {len(said) - NOTED} more") if len(said) > NOTED else tuple(said)

    def add(self, key: str, example: Example, output: Output, scores: Mapping[str, Score]) -> None:
        """Take one result in; `key` names its example within the file."""
        if key not in self._places:
            self._places[key] = len(self.examples)
            self.examples.append(example)
        seq = self._places[key]
        repeat = self._repeats.get(key, 0)
        self._repeats[key] = repeat + 1
        state = "failed" if output.failed else "done"
        self.results.append(Result(seq, repeat, self.examples[seq].id, state, output, scores))  # type: ignore[arg-type]


def ours_of(example: Example, output: Output, scores: Mapping[str, Score]) -> dict[str, Any]:
    """Return what the other tool has no word for, so that reading the file brings back the same values.

    The scores without a value are in it; those with one are in the file in the tool's own form.
    """
    kept = asdict(output)
    empty = asdict(_EMPTY)
    return {
        "example": {"id": example.id, "split": example.split, **body_of(example)},
        "output": {k: v for k, v in kept.items() if v != empty[k]},
        "unscored": {name: asdict(s) for name, s in scores.items() if s.value is None},
    }


def example_of(values: Mapping[str, Any], where: str) -> Example:
    """Return a checked example of fields; without an id it gets the one that follows from its input."""
    given = {k: v for k, v in values.items() if v is not None}
    return read_example(given, where)


def output_from(stored: Any) -> Output | None:
    """Return an output that `ours_of` wrote, or None where it is none."""
    if not isinstance(stored, Mapping):
        return None
    try:
        made = output_of(stored)
    except (TypeError, KeyError, AttributeError, ValueError):
        return None
    texts = all(isinstance(getattr(made, name), str) for name in _TEXTS)
    figures = all(number(getattr(made, name)) is not None for name in _NUMBERS)
    return made if texts and figures else None


def score_from(stored: Any) -> Score | None:
    """Return a score that `ours_of` wrote, or None where it is none."""
    if not isinstance(stored, Mapping):
        return None
    value = number(stored.get("value"))
    parts = stored.get("parts")
    return Score(
        value,
        label=str(stored.get("label") or ""),
        reason=str(stored.get("reason") or ""),
        parts=parts if isinstance(parts, Mapping) else {},
        applies=stored.get("applies") is not False,
        error=str(stored.get("error") or ""),
        cost_usd=number(stored.get("cost_usd")) or 0.0,
    )


def number(value: Any) -> float | None:
    """Return a finite number, or None for what is none; True and False are 1 and 0."""
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def written(value: Any) -> str:
    """Return a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def derived(input_: Any) -> str:
    """Return the id that an example of this input gets."""
    return own_id(Example(id="", input=input_))


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, or an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> Sequence[Any]:
    """Return a list, or an empty one for what is none."""
    return value if isinstance(value, list | tuple) else ()
