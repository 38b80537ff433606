"""The YAML at the head of a prompt: read into plain JSON values within limits, and written so that it reads back equal.

Only what JSON knows is read, as YAML 1.2's core has it: `no`, `on`, dates and `12:30` are texts. Aliases, tags, merge keys
and double keys are refused, so a small file cannot become a large value.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from groundwork.core.errors import InvalidInputError

MAX_CHARS = 64 * 1024
MAX_DEPTH = 24
_SCALARS = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]{1,300}$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?$", list("-+.0123456789")),
)


_BREAKS = re.compile("[\r\x85\u2028\u2029\ufeff]")


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own class attribute
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.events.AliasEvent):
            raise _refused("an alias (`*name`) is not allowed", event.start_mark)
        if getattr(event, "anchor", None):
            raise _refused("an anchor (`&name`) is not allowed", event.start_mark)
        if getattr(event, "tag", None):
            raise _refused("a tag (`!name`) is not allowed", event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(f"it is nested more than {MAX_DEPTH} deep", event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key must be a text", key.start_mark)
            if key.value in seen:
                raise _refused(f"the key `{key.value[:60]}` stands twice", key.start_mark)
            seen.add(key.value)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def construct_yaml_map(self, node: Any) -> Any:
        yield self.construct_mapping(node)

    def construct_yaml_int(self, node: Any) -> int:
        return int(node.value)

    def construct_yaml_float(self, node: Any) -> float:
        value = float(node.value)
        if not math.isfinite(value):
            raise _refused("a number is too large", node.start_mark)
        return value

    def construct_yaml_str(self, node: Any) -> str:
        try:
            node.value.encode()
        except UnicodeEncodeError:
            raise _refused("a text holds half a character", node.start_mark) from None
        return str(node.value)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own class attribute

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> Any:
    block = "\n" in value.strip("\n") and not value.startswith((" ", "\n"))
    # YAML 1.1 breaks lines at these too, and a reader would fold them away.
    style = '"' if _BREAKS.search(value) else "|" if block else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


for _kind, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), _first)
for _kind, _method in (
    ("map", _Loader.construct_yaml_map),
    ("int", _Loader.construct_yaml_int),
    ("float", _Loader.construct_yaml_float),
    ("str", _Loader.construct_yaml_str),
):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _method)
_Dumper.add_representer(str, _text)


def read_yaml(text: str, what: str = "the front matter", max_chars: int = MAX_CHARS) -> Any:
    """Return the value that a YAML text stands for, made of what JSON knows.

    Raises:
        InvalidInputError: it cannot be read, or goes over a limit; `details["line"]` counts from 1 within the text.
    """
    if len(text) > max_chars:
        raise InvalidInputError(
            f"{what} is longer than {max_chars:,} characters", hint="make it shorter", line=1
        )
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        problem = " ".join(str(error.problem or "it is no YAML").split())
        raise InvalidInputError(
            f"{what} cannot be read: {problem}", hint="it is YAML, such as `description: A text.`", line=line
        ) from None
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())[:200]
        raise InvalidInputError(f"{what} cannot be read: {problem}", hint="it is YAML", line=1) from None
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{what} holds a value that is too large", line=1) from None
    finally:
        if loader is not None:
            loader.dispose()


def write_yaml(value: Any) -> str:
    """Return a JSON value as YAML that `read_yaml` reads back equal."""
    return str(
        yaml.dump(
            value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False
        )
    )


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
