"""Inputs: what may stand in the holes of a prompt, checked before anything is filled in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.prompts.types import InputType, PromptInput

MAX_JSON_DEPTH = 32
WORDS: dict[InputType, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "json": "a JSON value",
}


def check_values(prompt: str, inputs: Sequence[PromptInput], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plain JSON value for every input, defaults filled in; an optional one that is absent is None.

    Raises:
        InvalidInputError: names the input and what is expected of it.
    """
    known = {i.name: i for i in inputs}
    unknown = [str(name) for name in values if name not in known]
    if unknown:
        raise InvalidInputError(
            f"the prompt `{prompt}` has no input {_listed(unknown)}",
            hint=f"it takes {_listed(known)}" if known else "it takes no inputs",
            inputs=unknown,
        )
    missing = [i for i in inputs if i.name not in values and i.required and i.default is None]
    if missing:
        wanted = ", ".join(f"`{i.name}` ({WORDS[i.type]})" for i in missing)
        raise InvalidInputError(
            f"the prompt `{prompt}` needs {wanted}",
            hint="give every input that has no default",
            inputs=[i.name for i in missing],
        )
    return {i.name: _checked(prompt, i, values.get(i.name, i.default)) for i in inputs}


def fits(kind: InputType, value: Any) -> bool:
    """Say whether a plain JSON value is of a type."""
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    kinds = {"text": str, "boolean": bool, "list": list, "json": object}
    return isinstance(value, kinds[kind])


def plain_json(value: Any, depth: int = 0) -> Any:
    """Return `value` as plain dicts, lists, texts, finite numbers, booleans and None.

    Raises:
        ValueError: says what in it is no JSON.
    """
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if value.bit_length() > 1024:
            raise ValueError("it holds a number that is too large")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("it holds a number that is not finite")
        return float(value)
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise ValueError("it holds an object with a key that is no text")
        return {str(k): plain_json(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(v, depth + 1) for v in value]
    raise ValueError(f"it holds a {type(value).__name__}")


def read_value(prompt: str, input: PromptInput, written: str) -> Any:
    """Return the value that somebody wrote on a command line or in a form; all but text is read as JSON.

    Raises:
        InvalidInputError: it is not of the input's type.
    """
    if input.type == "text":
        return written
    try:
        value = json.loads(written)
    except (ValueError, RecursionError):
        raise _wrong(prompt, input, f"`{written[:60]}`") from None
    return _checked(prompt, input, value)


def _checked(prompt: str, input: PromptInput, value: Any) -> Any:
    if value is None and (not input.required or input.type == "json"):
        return None
    try:
        plain = plain_json(value)
    except ValueError as error:
        raise InvalidInputError(
            f"the input `{input.name}` of the prompt `{prompt}` cannot be used: {error}",
            hint=f"it takes {WORDS[input.type]}",
            input=input.name,
        ) from None
    if not fits(input.type, plain):
        raise _wrong(prompt, input, _kind(plain))
    return plain


def _wrong(prompt: str, input: PromptInput, got: str) -> InvalidInputError:
    example = {"list": '["one", "two"]', "json": '{"key": "value"}', "number": "3", "boolean": "true"}
    hint = input.description or (f"such as `{example[input.type]}`" if input.type in example else "")
    return InvalidInputError(
        f"the input `{input.name}` of the prompt `{prompt}` takes {WORDS[input.type]}, not {got}",
        hint=hint,
        input=input.name,
    )


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = ((bool, "a boolean"), (str, "a text"), (int | float, "a number"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{n[:60]}`" for n in names)
