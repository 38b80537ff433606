"""Read human labels and judge verdicts that were recorded elsewhere: CSV or JSON lines, one item a line.

| column | holds |
| --- | --- |
| `item` (or `id`, `idx`) | what names it; without one the number of the line |
| `human`, `human_1` …, `annotator1` …, `annotation_1` …, `rater…` | what each person said; empty: nothing |
| `verdict` (or `judge`, `judge_verdict`) | what the judge said |
| `swapped` (or `verdict_swapped`) | of a pair: which of the same two outputs it preferred in the other order |
| `length`, or `length_first` and `length_second` | of the output, or of both outputs of a pair, in characters |
| `family`, or `family_first` and `family_second` | whose model wrote it |

No text is taken in. Verdicts of pairs are `first`, `second`, `tie`; 1, 2, 0 and a, b are read as these.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.evaluation.judges.asking import PAIR_LABELS, majority
from groundwork.evaluation.judges.cards import Judged
from groundwork.evaluation.judges.labelling import checked_label

MOST_BYTES = 64 * 1024 * 1024
MOST_ROWS = 100_000
_ITEM = ("item", "id", "idx")
_VERDICT = ("verdict", "judge", "judge_verdict")
_SWAPPED = ("swapped", "verdict_swapped")
_PEOPLE = ("human", "annotator", "annotation_", "rater")
_PAIR_WORDS: Mapping[str, str] = {
    "first": "first", "1": "first", "a": "first", "output_1": "first", "response1": "first",
    "second": "second", "2": "second", "b": "second", "output_2": "second", "response2": "second",
    "tie": "tie", "0": "tie", "draw": "tie", "equal": "tie",
}  # fmt: skip


def read_file(path: Path, labels: Sequence[str]) -> list[Judged]:
    """Return the items of a file in its order, each with at least one human label.

    Raises:
        InvalidInputError: the file cannot be read, lacks a column, names an item twice, or a human label is no label;
            the message names the line. What the judge said and is none of them counts as unreadable, not as an error.
        TooLargeError: it is over 64 MiB or 100,000 lines.
    """
    found: list[Judged] = []
    seen: set[str] = set()
    for number, row in rows(path):
        try:
            one = read_row(row, labels, number)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{path.name}, line {number}: {error.message}", hint=error.hint, line=number
            ) from None
        if one.item in seen:
            raise InvalidInputError(
                f"{path.name}, line {number}: the item `{one.item[:80]}` is there twice",
                hint="put what several people said into several columns of one line",
                line=number,
            )
        seen.add(one.item)
        if one.people:
            found.append(one)
        if len(seen) > MOST_ROWS:
            raise TooLargeError(f"{path.name} has more than {MOST_ROWS:,} lines")
    if not found:
        raise InvalidInputError(f"{path.name} holds no item with a human label", hint=_columns())
    return found


def read_row(row: Mapping[str, Any], labels: Sequence[str], number: int = 0) -> Judged:
    """Return one item; raises InvalidInputError."""
    pairs = tuple(labels) == PAIR_LABELS
    people = {
        name: _human(value, labels, pairs)
        for name, value in row.items()
        if name and name.lower().startswith(_PEOPLE) and _text(value)
    }
    said = next((row[n] for n in _VERDICT if n in row), None)
    if said is None and not any(n in row for n in _VERDICT):
        raise InvalidInputError("there is no column `verdict`", hint=_columns())
    verdict = _said(said, labels, pairs)
    swapped = _said(next((row[n] for n in _SWAPPED if n in row), None), labels, pairs)
    preference = verdict if pairs else ""
    if pairs and verdict and swapped and verdict != swapped:
        verdict = "tie"
    return Judged(
        item=_text(next((row[n] for n in _ITEM if n in row), "")) or str(number),
        people=people,
        verdict=verdict,
        preference=preference,
        swapped=swapped if pairs else "",
        error="" if verdict else "judge_garbage",
        log_ratio=_log_ratio(row, pairs),
        family=_text(row.get("family_first" if pairs else "family")),
        other_family=_text(row.get("family_second")) if pairs else "",
    )


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the rows of a CSV or JSON lines file, also gzipped, each with the number of its line."""
    text = _read(path)
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        reader = csv.DictReader(io.StringIO(text), delimiter="\t" if name.endswith(".tsv") else ",")
        try:
            for row in reader:
                yield reader.line_num, {k: v for k, v in row.items() if k is not None}
        except csv.Error as error:
            raise InvalidInputError(f"{path.name}, line {reader.line_num}: {error}") from None
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise InvalidInputError(
                f"{path.name}, line {number}: this is no JSON object",
                hint="a line holds one item",
                line=number,
            )
        yield number, value


def jury_label(said: Sequence[str], labels: Sequence[str]) -> str:
    """Return the majority of several recorded verdicts; empty where nobody said anything."""
    return majority(said, labels) if said else ""


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if path.name.endswith(".gz"):
            with gzip.open(io.BytesIO(raw)) as unpacked:
                raw = unpacked.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise InvalidInputError(
            f"`{path}` cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if len(raw) > MOST_BYTES:
        raise TooLargeError(f"{path.name} is larger than {MOST_BYTES // 2**20} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path.name} is not UTF-8", hint="save it as UTF-8") from None


def _human(value: Any, labels: Sequence[str], pairs: bool) -> str:
    if pairs:
        word = _PAIR_WORDS.get(_text(value).lower())
        if word is None:
            raise InvalidInputError(
                f"`{_text(value)[:60]}` is no preference", hint="one of: first, second, tie (or 1, 2, 0)"
            )
        return word
    return checked_label(_text(value), labels)


def _said(value: Any, labels: Sequence[str], pairs: bool) -> str:
    """Return what the judge said as one of the labels; empty where it is none."""
    plain = _text(value)
    if pairs:
        return _PAIR_WORDS.get(plain.lower(), "")
    return next((w for w in labels if w.casefold() == plain.casefold()), "")


def _log_ratio(row: Mapping[str, Any], pairs: bool) -> float | None:
    if pairs:
        first, second = _number(row.get("length_first")), _number(row.get("length_second"))
        return None if first is None or second is None else math.log((first + 1) / (second + 1))
    length = _number(row.get("length"))
    return None if length is None else math.log(length + 1)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _columns() -> str:
    return "columns: item, human (or human_1, human_2 …), verdict; of pairs also swapped"
