"""What an example may hold, how it is kept, and the digest that follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, NamedTuple

from groundwork.core.digest import canonical_json, digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError, TooLargeError
from groundwork.core.ids import derived_id
from groundwork.core.json_writer import json_writer
from groundwork.datasets.types import SPLITS, Example, ExampleOrigin

MOST_EXAMPLES = 200_000
MOST_CHARS = 1_000_000
"""Of an example as JSON: a question with a long context fits, a whole book does not."""
MOST_ID = 200
MOST_TAGS = 64
MOST_TAG = 100
MOST_WORDS = 500
MOST_DEPTH = 32
_ORIGIN = frozenset(f.name for f in fields(ExampleOrigin))
_FIELDS = frozenset(f.name for f in fields(Example))
_NONE = ExampleOrigin()
_write = json_writer(sort_keys=True)
_HINT = "an example is `{id, input, expected, …}`; see docs/guides/datasets.md"


def body_of(example: Example) -> dict[str, Any]:
    """Return what is kept of an example beside its id and split; what is empty is left out."""
    body: dict[str, Any] = {"input": example.input}
    if example.expected is not None:
        body["expected"] = list(example.expected) if isinstance(example.expected, tuple) else example.expected
    if example.impossible:
        body["impossible"] = True
    if example.context:
        body["context"] = list(example.context)
    if example.relevant:
        body["relevant"] = dict(example.relevant)
    if example.tools is not None:
        body["tools"] = [dict(call) for call in example.tools]
    if example.cluster:
        body["cluster"] = example.cluster
    if example.tags:
        body["tags"] = list(example.tags)
    if example.licence:
        body["licence"] = example.licence
    if example.weight != 1.0:
        body["weight"] = example.weight
    if example.metadata:
        body["metadata"] = dict(example.metadata)
    if example.origin != _NONE:
        body["origin"] = {k: v for k, v in asdict(example.origin).items() if v}
    return body


def from_body(identifier: str, split: str, body: Mapping[str, Any]) -> Example:
    """Return the example that was kept as `body_of` says."""
    tools = body.get("tools")
    origin = body.get("origin")
    return Example(
        id=identifier,
        input=body["input"],
        expected=body.get("expected"),
        impossible=body.get("impossible", False),
        context=tuple(body.get("context", ())),
        relevant=body.get("relevant", {}),
        tools=None if tools is None else tuple(tools),
        cluster=body.get("cluster", ""),
        tags=tuple(body.get("tags", ())),
        split=split,  # type: ignore[arg-type]
        origin=_NONE if origin is None else ExampleOrigin(**origin),
        licence=body.get("licence", ""),
        weight=body.get("weight", 1.0),
        metadata=body.get("metadata", {}),
    )


def digest_of(body: Mapping[str, Any]) -> str:
    """Return the digest of an example's content, its origin included."""
    return digest_bytes(_write(body).encode())


def version_digest(members: Sequence[tuple[str, str, str]]) -> str:
    """Return the digest of a version: of `(id, digest of the content, split)` of its examples in their order."""
    return digest_json([list(m) for m in members])


def same_words(body: Mapping[str, Any]) -> str:
    """Return the digest of an example's content without its origin: what people would call the same example."""
    return digest_bytes(canonical_json({k: v for k, v in body.items() if k != "origin"}))


def own_id(example: Example, taken: int = 0) -> str:
    """Return the id of an example whose file gives it none: it follows from its input.

    Args:
        taken: how many examples with this input came before it in the file.
    """
    return derived_id("exm", canonical_json(example.input).decode(), taken)


def read_example(values: Mapping[str, Any], where: str = "the example") -> Example:
    """Return the example of an object in our own form, checked.

    Args:
        values: the fields of `Example`; an unknown one is an error. A missing id is derived from the input.
        where: what messages call it, such as `golden.jsonl, line 3`.

    Raises:
        InvalidInputError: a field has a value that it cannot have; the message names it.
    """
    unknown = sorted(set(values) - _FIELDS)
    if unknown:
        raise InvalidInputError(f"{where}: an example has no `{_cut(unknown[0])}`", hint=_HINT)
    if "input" not in values:
        raise InvalidInputError(f"{where}: there is no `input`", hint=_HINT)
    origin = values.get("origin") or {}
    if not isinstance(origin, Mapping) or set(origin) - _ORIGIN or not _texts(origin.values()):
        raise InvalidInputError(f"{where}: `origin` is an object of texts: {', '.join(sorted(_ORIGIN))}")
    example = Example(
        id=_text(values.get("id"), "id", where),
        input=values["input"],
        expected=values.get("expected"),
        impossible=_flag(values.get("impossible", False), where),
        context=_context(values.get("context"), where),
        relevant=_relevant(values.get("relevant"), where),
        tools=_tools(values.get("tools"), where),
        cluster=_text(values.get("cluster"), "cluster", where),
        tags=_tags(values.get("tags"), where),
        split=values.get("split") or "test",
        origin=ExampleOrigin(**origin),
        licence=_text(values.get("licence"), "licence", where),
        weight=_weight(values.get("weight", 1.0), where),
        metadata=_object(values.get("metadata"), "metadata", where),
    )
    return checked(example if example.id else replace(example, id=own_id_or_say(example, where)), where)


def own_id_or_say(example: Example, where: str, taken: int = 0) -> str:
    """Return `own_id`, or say in an InvalidInputError that the input is no JSON."""
    _refuse_odd(example.input, where)
    try:
        return own_id(example, taken)
    except UnicodeError as error:
        raise InvalidInputError(
            f"{where}: a text holds half a character (a lone surrogate)", hint="write the file as UTF-8"
        ) from error


def checked(example: Example, where: str = "the example") -> Example:
    """Return the example with sorted tags, or raise InvalidInputError when something in it cannot be kept."""
    return packed(example, where).example


class Packed(NamedTuple):
    """An example that can be kept, with what is kept of it and the digest of that."""

    example: Example
    body: dict[str, Any]
    digest: str


def packed(example: Example, where: str = "the example") -> Packed:
    """Return the example with sorted tags, its body and its digest; raises as `checked`."""
    if not example.id or len(example.id) > MOST_ID or not example.id.isprintable():
        raise InvalidInputError(
            f"{where}: `{_cut(example.id)}` is no id", hint=f"one line of 1 to {MOST_ID} characters"
        )
    if example.split not in SPLITS:
        raise InvalidInputError(
            f"{where}: `{_cut(str(example.split))}` is no split", hint=f"one of: {', '.join(SPLITS)}"
        )
    if not example.input:
        raise InvalidInputError(f"{where}: the input is empty", hint="say what is asked")
    if not isinstance(example.input, str | list | Mapping):
        raise InvalidInputError(f"{where}: the input is a text, a list of messages or an object")
    for name in ("cluster", "licence"):
        value = getattr(example, name)
        if len(value) > MOST_WORDS:
            raise TooLargeError(
                f"{where}: `{name}` has {len(value):,} characters", hint=f"at most {MOST_WORDS}"
            )
    weight = example.weight
    if weight != 1.0 and not (isinstance(weight, int | float) and math.isfinite(weight) and weight > 0):
        raise InvalidInputError(f"{where}: the weight {weight} is not above 0 and finite")
    tags = _tags(list(example.tags), where) if example.tags else ()
    if tags != example.tags or type(weight) is not float:
        example = replace(example, tags=tags, weight=float(weight))
    body = body_of(example)
    for value in body.values():
        _refuse_odd(value, where)
    try:
        written = _write(body).encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{where}: a text holds half a character (a lone surrogate)", hint="write the file as UTF-8"
        ) from error
    if len(written) > MOST_CHARS:
        raise TooLargeError(
            f"{where}: the example takes {len(written):,} bytes",
            hint=f"at most {MOST_CHARS:,}: cut its context or input",
        )
    return Packed(example, body, digest_bytes(written))


def _refuse_odd(value: Any, where: str, depth: int = 0) -> None:
    """Refuse what no JSON file could hold: NaN, other types, dozens of levels."""
    kind = type(value)
    if kind is str or value is None or kind is bool or kind is int:
        return
    if depth > MOST_DEPTH:
        raise InvalidInputError(f"{where}: more than {MOST_DEPTH} levels of objects and lists")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(f"{where}: {value} is no number that can be kept", hint="use null")
    elif isinstance(value, Mapping):
        if not _texts(value):
            raise InvalidInputError(f"{where}: the keys of an object are texts")
        for one in value.values():
            _refuse_odd(one, where, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_odd(one, where, depth + 1)
    else:
        raise InvalidInputError(f"{where}: a {kind.__name__} is no JSON value")


def _texts(values: Any) -> bool:
    return all(isinstance(v, str) for v in values)


def _text(value: Any, name: str, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInputError(f"{where}: `{name}` is a text, not {_kind(value)}")
    return str(value).strip()


def _flag(value: Any, where: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidInputError(f"{where}: `impossible` is true or false, not {_kind(value)}")
    return value


def _weight(value: Any, where: str) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise InvalidInputError(f"{where}: `weight` is a number above 0")
    return float(value)


def _context(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list | tuple) or not _texts(value):
        raise InvalidInputError(f"{where}: `context` is a list of texts")
    return tuple(value)


def _relevant(value: Any, where: str) -> dict[str, float]:
    if value is None:
        return {}
    if isinstance(value, list | tuple) and _texts(value):
        return dict.fromkeys(value, 1.0)
    fits = isinstance(value, Mapping) and _texts(value)
    if not fits or any(isinstance(g, bool) or not isinstance(g, int | float) for g in value.values()):
        raise InvalidInputError(f'{where}: `relevant` gives each document a grade: `{{"hours.md": 1}}`')
    for name, grade in value.items():
        if not math.isfinite(grade) or grade < 0:
            raise InvalidInputError(f"{where}: the grade {grade} of `{_cut(name)}` is not 0 or more")
    return {str(k): float(v) for k, v in value.items()}


def _tools(value: Any, where: str) -> tuple[Mapping[str, Any], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(
        isinstance(call, Mapping) and isinstance(call.get("name"), str) for call in value
    ):
        raise InvalidInputError(f"{where}: `tools` is a list of `{{name, arguments}}`")
    return tuple(dict(call) for call in value)


def _tags(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not _texts(value):
        raise InvalidInputError(f"{where}: `tags` is a list of texts")
    tags = sorted({tag.strip() for tag in value} - {""})
    if len(tags) > MOST_TAGS:
        raise TooLargeError(f"{where}: {len(tags):,} tags", hint=f"an example has at most {MOST_TAGS}")
    for tag in tags:
        if len(tag) > MOST_TAG or not tag.isprintable():
            raise InvalidInputError(
                f"{where}: `{_cut(tag)}` is no tag", hint=f"one line of at most {MOST_TAG} characters"
            )
    return tuple(tags)


def _object(value: Any, name: str, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{where}: `{name}` is an object, not {_kind(value)}")
    return dict(value)


def _kind(value: Any) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def _cut(text: str) -> str:
    return "".join(c if c.isprintable() else "·" for c in text[:60])
