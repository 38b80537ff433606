"""Expectations: what a completion, or the prompt itself, must be like. Each is one key with what it takes.

Patterns are matched in linear time (no look-around, no back-references), and a JSON Schema refers to nothing outside itself,
so a test from somebody else can neither hang nor fetch.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from groundwork.core.errors import InvalidInputError

MAX_EXPECTATIONS = 100
MAX_PATTERN_CHARS = 2000
MAX_PATTERN_BYTES = 4 * 2**20
_CASELESS = "ignore_case"
_STEP = re.compile(r"(?:\.|^)([^.\[\]]+)|\[([0-9]{1,9})\]")


def read(found: Any, test: str) -> tuple[Mapping[str, Any], ...]:
    """Return the expectations of a test, each with one key (and `ignore_case` where it applies).

    Written as a list of tables or as one table; a table with several keys stands for several expectations.

    Raises:
        InvalidInputError: names the test and the expectation.
    """
    tables = [found] if isinstance(found, dict) else found
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise InvalidInputError(
            f"the test `{test}` expects nothing", hint="such as `expect: [{contains: some words}]`"
        )
    out: list[Mapping[str, Any]] = []
    for table in tables:
        caseless = table.get(_CASELESS, False)
        keys = [k for k in table if k != _CASELESS]
        if not keys or not isinstance(caseless, bool):
            raise InvalidInputError(f"an expectation of the test `{test}` is empty", hint=_known())
        for key in keys:
            _check_one(key, table[key], caseless, test)
            out.append({key: table[key], **({_CASELESS: True} if caseless else {})})
    if len(out) > MAX_EXPECTATIONS:
        raise InvalidInputError(f"the test `{test}` has more than {MAX_EXPECTATIONS} expectations")
    return tuple(out)


def fault(expectation: Mapping[str, Any], output: str, prompt: str) -> str:
    """Return why an expectation is not met, in words; an empty text when it is met."""
    key = next(k for k in expectation if k != _CASELESS)
    value = expectation[key]
    text, what = (prompt, "the prompt") if key.startswith("prompt_") else (output, "the completion")
    if expectation.get(_CASELESS):
        text, value = text.casefold(), _folded(value)
    return _KINDS[key][1](value, text, what)


def words(expectation: Mapping[str, Any]) -> str:
    """Return an expectation in a line, for lists."""
    key = next(k for k in expectation if k != _CASELESS)
    value = expectation[key]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    note = " (upper or lower case)" if expectation.get(_CASELESS) else ""
    return f"{key.replace('_', ' ')} {shown[:200]}{note}"


# -- the kinds ---------------------------------------------------------------------------------------------------------
def _contains(value: Any, text: str, what: str) -> str:
    missing = next((t for t in _texts(value) if t not in text), None)
    return "" if missing is None else f"{what} does not contain `{_cut(missing)}`: {_shown(text)}"


def _contains_any(value: Any, text: str, what: str) -> str:
    if any(t in text for t in _texts(value)):
        return ""
    return f"{what} contains none of {', '.join(f'`{_cut(t)}`' for t in _texts(value))}: {_shown(text)}"


def _not_contains(value: Any, text: str, what: str) -> str:
    found = next((t for t in _texts(value) if t in text), None)
    return "" if found is None else f"{what} contains `{_cut(found)}`"


def _equals(value: Any, text: str, what: str) -> str:
    return "" if text.strip() == value.strip() else f"{what} is {_shown(text)}, not `{_cut(value)}`"


def _starts(value: Any, text: str, what: str) -> str:
    return "" if text.lstrip().startswith(value) else f"{what} begins otherwise: {_shown(text)}"


def _ends(value: Any, text: str, what: str) -> str:
    return "" if text.rstrip().endswith(value) else f"{what} ends otherwise: …{_shown(text[-80:])}"


def _matches(value: Any, text: str, what: str) -> str:
    found = _search(value, text)
    if isinstance(found, str):
        return found
    return "" if found else f"{what} does not match `{_cut(value)}`: {_shown(text)}"


def _not_matches(value: Any, text: str, what: str) -> str:
    found = _search(value, text)
    if isinstance(found, str):
        return found
    return f"{what} matches `{_cut(value)}`: {_shown(text)}" if found else ""


def _max_chars(value: Any, text: str, what: str) -> str:
    return "" if len(text) <= value else f"{what} has {len(text):,} characters, more than {value:,}"


def _min_chars(value: Any, text: str, what: str) -> str:
    return "" if len(text) >= value else f"{what} has {len(text):,} characters, fewer than {value:,}"


def _json(value: Any, text: str, what: str) -> str:
    problem = _load(text)[1]
    if value:
        return f"{what} {problem}" if problem else ""
    return "" if problem else f"{what} is JSON"


def _json_schema(value: Any, text: str, what: str) -> str:
    found, problem = _load(text)
    if problem:
        return f"{what} {problem}"
    try:
        validator = _validator(value)
        errors = [e.message for _, e in zip(range(3), validator.iter_errors(found), strict=False)]
    except ValueError as error:
        return f"the schema cannot be used: {_cut(str(error), 200)}"
    return f"{what} does not fit the schema: {_cut('; '.join(errors), 300)}" if errors else ""


def _json_path(value: Any, text: str, what: str) -> str:
    found, problem = _load(text)
    if problem:
        return f"{what} {problem}"
    for key, index in _STEP.findall(value["path"]):
        try:
            found = found[int(index)] if index and isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError):
            return f"{what} has nothing at `{value['path']}`"
    if "equals" in value and not _same(found, value["equals"]):
        return f"`{value['path']}` is {_shown(json.dumps(found, ensure_ascii=False))}"
    return ""


def _is_texts(value: Any) -> bool:
    texts = [value] if isinstance(value, str) else value
    return isinstance(texts, list) and bool(texts) and all(isinstance(t, str) and t for t in texts)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_PATTERN_CHARS


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_path(value: Any) -> bool:
    if (
        not isinstance(value, dict)
        or set(value) - {"path", "equals"}
        or not isinstance(value.get("path"), str)
    ):
        return False
    path = value["path"]
    return bool(path) and "".join(m[0] for m in _STEP.finditer(path)) == path


_Kind = tuple[Callable[[Any], bool], Callable[[Any, str, str], str], str]
_TEXTS = "a text or a list of texts"
_KINDS: dict[str, _Kind] = {
    "contains": (_is_texts, _contains, _TEXTS),
    "contains_any": (_is_texts, _contains_any, _TEXTS),
    "not_contains": (_is_texts, _not_contains, _TEXTS),
    "equals": (_is_text, _equals, "a text"),
    "starts_with": (_is_text, _starts, "a text"),
    "ends_with": (_is_text, _ends, "a text"),
    "matches": (_is_pattern, _matches, f"a pattern of at most {MAX_PATTERN_CHARS} characters"),
    "not_matches": (_is_pattern, _not_matches, f"a pattern of at most {MAX_PATTERN_CHARS} characters"),
    "max_chars": (_is_length, _max_chars, "a whole number"),
    "min_chars": (_is_length, _min_chars, "a whole number"),
    "json": (lambda v: isinstance(v, bool), _json, "true or false"),
    "json_schema": (lambda v: isinstance(v, dict), _json_schema, "a JSON Schema"),
    "json_path": (_is_path, _json_path, "a table with `path`, such as `items[0].name`, and `equals`"),
    "prompt_contains": (_is_texts, _contains, _TEXTS),
    "prompt_not_contains": (_is_texts, _not_contains, _TEXTS),
    "prompt_max_chars": (_is_length, _max_chars, "a whole number"),
}
KINDS = tuple(_KINDS)
_CASED = ("contains", "contains_any", "not_contains", "equals", "starts_with", "ends_with", "prompt_contains",
          "prompt_not_contains")  # fmt: skip


def _check_one(key: str, value: Any, caseless: bool, test: str) -> None:
    if key not in _KINDS:
        near = difflib.get_close_matches(key, KINDS, 1)
        raise InvalidInputError(
            f"the test `{test}` has the unknown expectation `{key[:60]}`",
            hint=f"did you mean `{near[0]}`?" if near else _known(),
        )
    if not _KINDS[key][0](value):
        raise InvalidInputError(f"`{key}` of the test `{test}` takes {_KINDS[key][2]}")
    if caseless and key not in _CASED:
        raise InvalidInputError(
            f"`ignore_case` does not go with `{key}` in the test `{test}`",
            hint=f"it goes with {', '.join(_CASED)}",
        )
    if key == "json_schema" and (outside := _outside(value)):
        raise InvalidInputError(
            f"the schema of the test `{test}` refers to `{outside[:60]}`", hint="refer to `#/$defs/…` alone"
        )


def _known() -> str:
    return f"expectations are {', '.join(KINDS)}"


# -- helpers -----------------------------------------------------------------------------------------------------------
def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else [v.casefold() for v in value]


def _load(text: str) -> tuple[Any, str]:
    """Read a completion as JSON, also from within a fence of code; the second value says why it is none."""
    bare = text.strip()
    fenced = re.match(r"```(?:json)?\s*\n(.*)\n```\Z", bare, re.S)
    try:
        return json.loads(fenced[1] if fenced else bare), ""
    except (ValueError, RecursionError):
        return None, f"is no JSON: {_shown(text)}"


def _same(found: Any, wanted: Any) -> bool:
    # In Python `True == 1`; in JSON they differ.
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True) or (
        not isinstance(found, bool) and not isinstance(wanted, bool) and found == wanted
    )


def _search(pattern: str, text: str) -> bool | str:
    """Say whether a pattern occurs, or why it cannot be used."""
    try:
        # `\A…\z` would be the schema's own anchors; a pattern of JSON Schema is searched, not matched from the start.
        return bool(_validator({"type": "string", "pattern": pattern}).is_valid(text))
    except ValueError as error:
        return f"the pattern `{_cut(pattern)}` cannot be used: {_cut(str(error), 200)}"


def _validator(schema: Any) -> Any:
    import jsonschema_rs

    def nothing(uri: str) -> Any:
        raise ValueError(f"`{uri}` is not fetched")

    options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=MAX_PATTERN_BYTES)
    return jsonschema_rs.validator_for(schema, pattern_options=options, retriever=nothing)


def _outside(schema: Any) -> str:
    """Return a reference that leads out of the schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                if not value.startswith("#"):
                    return value
            elif outside := _outside(value):
                return outside
    elif isinstance(schema, list):
        return next((o for v in schema if (o := _outside(v))), "")
    return ""


def _cut(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _shown(text: str) -> str:
    return f"`{_cut(text)}`" if text.strip() else "nothing"
