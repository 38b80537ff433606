"""Read a file of examples with the importer that knows it: every bad line is named, and nothing is made of half a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.datasets.content import MOST_EXAMPLES, own_id_or_say, read_example
from groundwork.datasets.importers import IMPORTERS, Fault, Importer
from groundwork.datasets.importers._source import Source
from groundwork.datasets.types import Example, ExampleOrigin, Split

MOST_SHOWN = 5
Told = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds.

    Attributes:
        format: the importer that read it.
        examples: in the order of the file, ids unique.
        faults: lines that are none, in their order.
        notes: what could not be taken along, with how often.
    """

    name: str
    format: str
    examples: tuple[Example, ...]
    faults: tuple[Fault, ...]
    notes: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.name,
            "format": self.format,
            "examples": len(self.examples),
            "skipped": len(self.faults),
            "faults": [{"line": f.line, "message": f.message} for f in self.faults[:100]],
            "notes": dict(self.notes),
        }


def read_file(
    content: Path | bytes,
    name: str = "",
    *,
    format: str = "",
    columns: Mapping[str, str] | None = None,
    split: Split | None = None,
    licence: str = "",
    skip_bad: bool = False,
    principal: str = "",
    told: Told = lambda n: None,
) -> Reading:
    """Read examples.

    Args:
        content: a path or the bytes, which may be compressed with gzip. name: what the file is called; of a path, its name.
        format: a name on the shelf; empty: the first importer that recognises the file.
        columns: field of an example to column of the file, where the names do not tell.
        split: the split of all of them, whatever the file says. licence: where the file says none.
        skip_bad: leave bad lines out instead of refusing the file.
        told: called with the number of lines read, now and then.

    Raises:
        InvalidInputError: a line is no example (the first few are named), there is none at all, or no importer knows it.
        NotFoundError: there is no such file or format. TooLargeError: it is over a limit.
    """
    source = Source(name or (content.name if isinstance(content, Path) else "file"), content, told)
    importer, found = _importer(source, format)
    examples: list[Example] = []
    faults: list[Fault] = []
    notes: Counter[str] = Counter()
    lines: dict[str, tuple[int, Example]] = {}
    inputs: Counter[str] = Counter()
    for row in importer.rows(source, columns or {}):
        if isinstance(row, Fault):
            faults.append(row)
            continue
        where = f"line {row.line}"
        try:
            example = read_example(row.values, where)
            example = _completed(example, source.name, row.line, split, licence, principal)
            if not row.values.get("id"):
                taken = inputs[example.id]
                inputs[example.id] += 1
                example = replace(example, id=own_id_or_say(example, where, taken)) if taken else example
            if example.id in lines:
                first, other = lines[example.id]
                same = replace(example, origin=other.origin) == other
                raise InvalidInputError(
                    f"the id `{example.id[:80]}` stands on line {first} already"
                    + (", with the same content" if same else ", with other content")
                )
        except InvalidInputError as error:
            message = error.message.removeprefix(f"{where}: ")
            faults.append(Fault(row.line, f"{message} ({error.hint})" if error.hint else message))
            continue
        if len(examples) >= MOST_EXAMPLES:
            raise TooLargeError(
                f"{source.name} has more than {MOST_EXAMPLES:,} examples",
                hint="split it into several datasets",
            )
        lines[example.id] = row.line, example
        notes.update(row.notes)
        examples.append(example)
    faults.sort(key=lambda f: f.line)
    if faults and not skip_bad:
        raise InvalidInputError(_refusal(source.name, faults), hint=_hint(faults), faults=len(faults))
    if not examples:
        raise InvalidInputError(
            f"{source.name} holds no example" + (f": {len(faults):,} lines are none" if faults else ""),
            hint=_hint(faults) if faults else "an empty set is not imported",
        )
    return Reading(source.name, found, tuple(examples), tuple(faults), dict(notes))


def formats() -> list[str]:
    """Return the names of all formats that can be imported."""
    return IMPORTERS.names()


def _importer(source: Source, format: str) -> tuple[Importer, str]:
    if format:
        return IMPORTERS.make(format), format
    made = sorted(
        ((IMPORTERS.make(n), n) for n in IMPORTERS.names()), key=lambda pair: (pair[0].rank, pair[1])
    )
    for importer, name in made:
        if importer.recognises(source):
            return importer, name
    raise InvalidInputError(
        f"no importer knows {source.name}", hint=f"say which: --format {' | '.join(formats())}"
    )


def _completed(
    example: Example, name: str, line: int, split: Split | None, licence: str, principal: str
) -> Example:
    origin = example.origin
    if not origin.kind:
        origin = ExampleOrigin(kind="file", source=f"{name}:{line}", principal=origin.principal or principal)
    return replace(example, origin=origin, split=split or example.split, licence=example.licence or licence)


def _refusal(name: str, faults: list[Fault]) -> str:
    shown = "; ".join(f"line {f.line}: {f.message}" for f in faults[:MOST_SHOWN])
    more = f"; and {len(faults) - MOST_SHOWN:,} more" if len(faults) > MOST_SHOWN else ""
    return f"{name}: {shown}{more}"


def _hint(faults: list[Fault]) -> str:
    wrong = "the line" if len(faults) == 1 else f"the {len(faults):,} lines"
    return f"nothing was stored; correct {wrong}, or leave bad ones out with --skip-bad"
