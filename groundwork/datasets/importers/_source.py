"""A file to import: its lines, records or one value, read within limits; a bad line is a value, a bad file an error."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

from groundwork.core.errors import InvalidInputError, NotFoundError, TooLargeError
from groundwork.datasets.importers import Fault

Kind = Literal["table", "lines", "document"]
MOST_BYTES = 512 * 2**20
MOST_DOCUMENT = 256 * 2**20
MOST_YAML = 16 * 2**20
MOST_LINE = 8 * 2**20
MOST_COLUMNS = 500
MOST_DEPTH = 64
MOST_EXPANDED = 10
"""How many times as much the aliases of a YAML file may stand for as is written in it."""
_KINDS: dict[str, Kind] = {
    ".csv": "table", ".tsv": "table", ".jsonl": "lines", ".ndjson": "lines", ".json": "document", ".yaml": "document",
    ".yml": "document",
}  # fmt: skip
csv.field_size_limit(MOST_LINE)
Records = Iterator[tuple[int, Mapping[str, Any]] | Fault]


@dataclass
class Source:
    """What is imported.

    Args:
        name: of the file, for messages and to tell its form by.
        content: a path, or the bytes themselves. Both may be compressed with gzip.
        told: called with the number of lines or entries read, now and then.
    """

    name: str
    content: Path | bytes
    told: Callable[[int], object] = field(default=lambda n: None)

    @property
    def suffix(self) -> str:
        """The ending of the name in lower case, without that of gzip."""
        path = Path(self.name.lower())
        return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix

    @cached_property
    def kind(self) -> Kind:
        """How the file is laid out: by its name; where that says nothing, and for JSON, by how it begins."""
        known = _KINDS.get(self.suffix)
        if known in ("table", "lines") or self.suffix in (".yaml", ".yml"):
            return known  # type: ignore[return-value]
        with self._open() as stream:
            head = stream.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n")
        first, mark, rest = head.partition(b"\n")
        if not head.startswith((b"{", b"[")):
            return known or ("table" if b"," in first or b"\t" in first else "document")
        one_line = not mark or not rest.strip()
        return "lines" if first.startswith(b"{") and not one_line and _is_json(first) else "document"

    @cached_property
    def first(self) -> Mapping[str, Any]:
        """The first record; empty where there is none that can be read."""
        for record in self.records():
            return {} if isinstance(record, Fault) else record[1]
        return {}

    @cached_property
    def document(self) -> Any:
        """The whole file as one value of JSON or YAML.

        Raises:
            InvalidInputError: it is none, or too large.
        """
        yaml = self.suffix in (".yaml", ".yml")
        most = MOST_YAML if yaml else MOST_DOCUMENT
        with self._open() as stream:
            raw = self._read(stream, most)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise InvalidInputError(f"{self.name}, line {line}: not UTF-8", hint="save it as UTF-8") from None
        if yaml or (self.suffix != ".json" and not text.lstrip().startswith(("{", "["))):
            return _yaml(text, self.name)
        try:
            return json.loads(text, parse_constant=_constant)
        except RecursionError:
            raise InvalidInputError(f"{self.name}: nested too deep to be read") from None
        except json.JSONDecodeError as error:
            raise InvalidInputError(
                f"{self.name}, line {error.lineno}: no JSON: {error.msg}",
                hint="look at this line of the file",
            ) from None
        except ValueError as error:
            raise InvalidInputError(f"{self.name}: no JSON: {error}") from None

    def records(self) -> Records:
        """Yield the objects of the file with the lines they begin on; of a document, the entries of its list."""
        if self.kind == "table":
            yield from self._table()
        elif self.kind == "lines":
            yield from self._lines()
        else:
            found = self.document
            for n, one in enumerate(found if isinstance(found, list) else [found], 1):
                if n % 1000 == 0:
                    self.told(n)
                yield (n, one) if isinstance(one, Mapping) else Fault(n, f"no object but {_kind(one)}")

    def _lines(self) -> Records:
        for n, line in self._decoded():
            if isinstance(line, Fault):
                yield line
                continue
            if not line.strip():
                continue
            try:
                found = json.loads(line, parse_constant=_constant)
            except RecursionError:
                yield Fault(n, "nested too deep to be read")
            except json.JSONDecodeError as error:
                yield Fault(n, f"no JSON: {error.msg} at character {error.pos + 1}")
            except ValueError as error:
                yield Fault(n, f"no JSON: {error}")
            else:
                yield (n, found) if isinstance(found, Mapping) else Fault(n, f"no object but {_kind(found)}")

    def _table(self) -> Records:
        faults: list[Fault] = []
        place = [0]

        def text() -> Iterator[str]:
            for n, line in self._decoded():
                place[0] = n
                if isinstance(line, Fault):
                    faults.append(line)
                else:
                    yield line

        rows = csv.reader(text(), delimiter=self._delimiter(), strict=True)
        try:
            head = [h.strip() for h in next(rows, [])]
        except csv.Error as error:
            raise InvalidInputError(f"{self.name}, line 1: {error}") from None
        if not any(head):
            return
        if len(head) > MOST_COLUMNS:
            raise TooLargeError(f"{self.name} has {len(head):,} columns", hint=f"at most {MOST_COLUMNS}")
        twice = next((h for n, h in enumerate(head) if h and h in head[:n] and not h.startswith("__")), None)
        if twice is not None:
            raise InvalidInputError(
                f"{self.name}: the column `{twice[:60]}` stands twice", hint="rename one of them"
            )
        while True:
            start = place[0] + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield Fault(start, f"no row: {error}")
                continue
            while faults:
                yield faults.pop(0)
            if row is None:
                return
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(head):
                yield Fault(start, f"{len(row)} cells under {len(head)} columns")
                continue
            cells: dict[str, Any] = {}
            for name, cell in zip(head, row, strict=False):
                if name.startswith("__") and name in cells:
                    cells[name] = [*(cells[name] if isinstance(cells[name], list) else [cells[name]]), cell]
                elif name:
                    cells[name] = cell
            yield start, cells

    def _delimiter(self) -> str:
        if self.suffix == ".tsv":
            return "\t"
        for _, line in self._decoded():
            counts = {d: line.count(d) for d in ",;\t"} if isinstance(line, str) else {}
            return max(counts, key=lambda d: counts[d]) if counts and any(counts.values()) else ","
        return ","

    def _decoded(self) -> Iterator[tuple[int, str | Fault]]:
        """Yield the lines with their numbers, each decoded for itself."""
        read = 0
        with self._open() as stream:
            n = 0
            while raw := self._readline(stream):
                n += 1
                read += len(raw)
                if read > MOST_BYTES:
                    raise TooLargeError(
                        f"{self.name} has more than {MOST_BYTES // 2**20} MiB", hint="split it"
                    )
                if n % 1000 == 0:
                    self.told(n)
                if len(raw) > MOST_LINE:
                    while raw and not raw.endswith(b"\n"):
                        raw = self._readline(stream)
                        read += len(raw)
                        if read > MOST_BYTES:
                            break
                    yield n, Fault(n, f"longer than {MOST_LINE // 2**20} MiB")
                    continue
                try:
                    yield n, raw.decode("utf-8-sig" if n == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    yield n, Fault(n, f"not UTF-8 at byte {error.start + 1}")

    def _readline(self, stream: IO[bytes]) -> bytes:
        try:
            return stream.readline(MOST_LINE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInputError(
                f"{self.name} cannot be unpacked: {error}", hint="it is damaged"
            ) from None

    def _read(self, stream: IO[bytes], most: int) -> bytes:
        try:
            raw = stream.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInputError(
                f"{self.name} cannot be unpacked: {error}", hint="it is damaged"
            ) from None
        if len(raw) > most:
            raise TooLargeError(
                f"{self.name} has more than {most // 2**20} MiB", hint="split it, or bring it as JSON lines"
            )
        return raw

    def _open(self) -> IO[bytes]:
        if isinstance(self.content, bytes):
            stream: IO[bytes] = io.BytesIO(self.content)
            packed = self.content.startswith(b"\x1f\x8b")
        else:
            try:
                stream = self.content.open("rb")
                packed = stream.read(2) == b"\x1f\x8b"
                stream.seek(0)
            except FileNotFoundError:
                raise NotFoundError(f"there is no file `{self.content}`", hint="check the path") from None
            except OSError as error:
                raise InvalidInputError(f"`{self.content}` cannot be read: {error.strerror}") from None
        return gzip.GzipFile(fileobj=stream) if packed else stream  # type: ignore[return-value]


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number that can be kept; write null")


def _yaml(text: str, name: str) -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        # YAML 1.2 and the tools of today take `no`, `on` and `y` for texts.
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
            letter: [r for r in found if letter not in "yYnNoO" or not r[0].endswith(":bool")]
            for letter, found in base.yaml_implicit_resolvers.items()
        }

    try:
        # The composer is recursive and in C: what is nested too deep ends the process, not the call.
        depth = written = 0
        for event in yaml.parse(text, Loader):
            written += 1
            depth += isinstance(event, yaml.events.CollectionStartEvent)
            depth -= isinstance(event, yaml.events.CollectionEndEvent)
            if depth > MOST_DEPTH:
                raise InvalidInputError(f"{name}: nested too deep to be read")
        return _plain(yaml.load(text, Loader), name, [10_000 + MOST_EXPANDED * written])  # noqa: S506 - made of the safe loader
    except RecursionError:
        raise InvalidInputError(f"{name}: nested too deep to be read") from None
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise InvalidInputError(
            f"{name}{where}: no YAML: {getattr(error, 'problem', None) or error}", hint="look at this line"
        ) from None
    except ValueError as error:
        raise InvalidInputError(f"{name}: no YAML: {error}") from None


def _plain(value: Any, name: str, left: list[int], depth: int = 0) -> Any:
    """Return the value with texts as keys, and texts for what JSON does not know, such as dates.

    Aliases are written out, so `left` counts how many values may come of a file.
    """
    left[0] -= 1
    if left[0] < 0 or depth > MOST_DEPTH:
        raise InvalidInputError(
            f"{name}: its aliases stand for too much"
            if left[0] < 0
            else f"{name}: nested too deep to be read"
        )
    if isinstance(value, dict):
        return {str(k): _plain(v, name, left, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, name, left, depth + 1) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(f"{name}: {value} is no number that can be kept", hint="write null")
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "null" if value is None else f"a {type(value).__name__}"
