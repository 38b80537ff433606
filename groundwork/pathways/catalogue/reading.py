"""Read YAML of a catalogue: safely, within limits, and knowing in which line everything stands.

Text is read as text: no dates, no `yes`, no tags, no anchors. What comes back are plain mappings, lists, text and numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from groundwork.core.errors import GroundworkError, SettingsError, TooLargeError

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 24

_YAML = "tag:yaml.org,2002:"
_PLAIN = frozenset(_YAML + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map"))

Path_ = tuple[str | int, ...]
"""Where something stands: keys and indexes from the top."""


@dataclass(frozen=True)
class Document:
    """One file as read.

    Attributes:
        name: of the file, for people. content: its mapping. lines: the line, from 1, of every place in it.
    """

    name: str
    content: Mapping[str, Any]
    lines: Mapping[Path_, int] = field(repr=False)

    def line(self, place: Path_) -> int:
        """Return the line of a place, or of the nearest one around it that is there."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def where(self, place: Path_) -> str:
        """Return file, line and path for a message: `onboarding.yaml line 12, skills[3].hours.p50`."""
        path = shown(place)
        return f"{self.name} line {self.line(place)}" + (f", {path}" if path else "")


def shown(place: Path_) -> str:
    """Return a place as people write it: `skills[3].hours.p50`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_file(path: Path, name: str = "") -> Document:
    """Return the content of a YAML file.

    Args:
        name: what messages call it; its file name when empty.

    Raises:
        TooLargeError: over 1 MB, 100,000 values, or 24 levels.
        SettingsError: it cannot be read, is no UTF-8 or no YAML, its top is no mapping, a key stands twice, or it uses
            anchors, aliases or tags.
    """
    name = name or path.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TooLargeError(
                f"{name} has {size:,} bytes",
                hint=f"a catalogue's file has at most {MAX_BYTES:,}; split it in several",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}", hint=f"look at {path}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{name} is not UTF-8: byte {error.start} does not fit", hint="save it as UTF-8"
        ) from error
    return read_text(text, name)


def read_text(text: str, name: str) -> Document:
    """Return the content of YAML text; raises as `read_file` does."""
    import yaml

    try:
        _check_depth(text, name)
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(
            f"{name} line {line} is not valid YAML: {error.problem or error.context}",
            hint="mend that line",
            line=line,
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingsError(f"{name} is not valid YAML: {error}", hint="mend the file") from error
    if node is None:
        return Document(name, {}, {})
    reader = _Reader(name)
    content = reader.value(node, ())
    if not isinstance(content, dict):
        raise SettingsError(
            f"{name} holds no mapping at its top",
            hint="begin with `format: 1` and `skills:`, `roles:` …",
            line=1,
        )
    return Document(name, content, reader.lines)


def _check_depth(text: str, name: str) -> None:
    """Refuse what is too deep before it is composed, which takes quadratic time in the depth."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark: Any = event.start_mark
                raise _too_large(name, mark.line + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_large(name: str, line: int) -> TooLargeError:
    return TooLargeError(
        f"{name} line {line} is over the limit of {MAX_NODES:,} values or {MAX_DEPTH} levels",
        hint="split the file, or write it flatter",
        line=line,
    )


class _Reader:
    """Turns the nodes of one file into values, and remembers their lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path_, int] = {}
        self._seen: set[int] = set()

    def value(self, node: Any, place: Path_) -> Any:
        import yaml

        line = node.start_mark.line + 1
        if id(node) in self._seen:
            raise self._refused(line, place, "is an alias", "write it out; anchors and aliases are not read")
        self._seen.add(id(node))
        if len(self._seen) > MAX_NODES:
            raise _too_large(self.name, line)
        self.lines[place] = line
        if node.tag not in _PLAIN:
            raise self._refused(
                line, place, f"has the tag `{node.tag}`", "tags are not read; write plain values"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, place: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            word, line = getattr(key, "value", None), key.start_mark.line + 1
            if not isinstance(word, str):
                raise self._refused(line, place, "has a key that is no word", "use plain words as keys")
            if word in found:
                raise self._refused(line, place, f"has the key `{word}` twice", "keep one of the two")
            found[word] = self.value(item, (*place, word))
        return found

    def _scalar(self, node: Any) -> Any:
        kind, text = node.tag.removeprefix(_YAML), node.value
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text)
        except ValueError:
            pass
        return text

    def _refused(self, line: int, place: Path_, what: str, hint: str) -> GroundworkError:
        path = shown(place) or "the top"
        return SettingsError(f"{self.name} line {line}: {path} {what}", hint=hint, line=line)


@cache
def _loader() -> Any:
    """Return a loader that only composes nodes and knows numbers, true, false and null."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Plain(base):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own name

    for tag, pattern, first in (
        ("null", r"(?:~|null)?\Z", ["~", "n", ""]),
        ("bool", r"(?:true|false|True|False)\Z", list("tfTF")),
        ("int", r"[-+]?(?:0|[1-9][0-9]{0,15})\Z", list("-+0123456789")),
        (
            "float",
            r"[-+]?(?:[0-9]{1,15}\.[0-9]*|\.[0-9]+|[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]{1,3})\Z",
            list("-+.0123456789"),
        ),
    ):
        Plain.add_implicit_resolver(_YAML + tag, re.compile(pattern), first)
    return Plain
