"""From a mapping (YAML, JSON, TOML) to a predicate: strict, so that a mistake is an error with its place, never a silent no.

The kinds and fields that a predicate names must exist, and a test must fit the type of its field. A kind that waits for its
room has no fields yet; what is asked of it is read and kept as it stands.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.evidence.kinds.waiting import WAITING
from groundwork.evidence.records import KINDS, Field, content_digest
from groundwork.evidence.tree import (
    AllOf,
    AnyOf,
    Attest,
    Find,
    Op,
    Predicate,
    Ref,
    Share,
    Test,
    meaning,
    plain,
)

DEEPEST = 8
MOST = 100
"""Parts of one list, tests of one mapping, and values of one test."""
LONGEST = 1000
_REF = re.compile(r"\$([a-z][a-z0-9_]{0,31})\.([a-z][a-z0-9_]{0,31})\Z")
_REF_INSIDE = re.compile(r"\$([a-z][a-z0-9_]{0,31})\.([a-z][a-z0-9_]{0,31})")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_FIND = ("find", "as", "where", "count", "spread", "span", "share", "each", "per", "because", "do")
_OPS: Mapping[str, tuple[str, ...]] = {
    "text": ("not", "prefix", "exists"),
    "number": ("not", "at_least", "at_most", "above", "below", "exists"),
    "flag": ("not", "exists"),
    "time": ("after", "before", "exists"),
    "list": ("has", "exists"),
}
_EVERY = ("not", "at_least", "at_most", "above", "below", "after", "before", "prefix", "has", "exists")

Scope = dict[str, str]
"""Kind by name, for the records that were found before; "" for a parameter, whose fields are its own."""


def read_predicate(mapping: Mapping[str, Any], *, known: Collection[str] = ()) -> Predicate:
    """Return the predicate that a mapping says.

    Args:
        known: names of parameters that will be filled in later, such as `lab`; `$lab.app` is then no error.

    Raises:
        InvalidInputError: a key, kind, field, test or name that is not there, or a value that does not fit; the message
            says where (`all[1].where.state`), the hint names the nearest.
    """
    return _read(mapping, "", dict.fromkeys(known, ""), 0)[0]


def predicate_digest(predicate: Predicate | Mapping[str, Any]) -> str:
    """Return the digest of what a predicate means; its sentences and commands are no part of it."""
    read = read_predicate(predicate) if isinstance(predicate, Mapping) else predicate
    return content_digest(meaning(read))


def filled(value: Any, parameters: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a predicate's mapping with `$NAME.field` of parameters replaced by their values, in sentences too.

    Raises:
        InvalidInputError: a parameter has no such field.
    """
    if not parameters:
        return value
    if isinstance(value, Mapping):
        return {k: filled(v, parameters) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [filled(v, parameters) for v in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    whole = _REF.match(value)
    if whole and whole[1] in parameters:
        return _parameter(parameters, whole[1], whole[2])
    return _REF_INSIDE.sub(
        lambda m: str(_parameter(parameters, m[1], m[2])) if m[1] in parameters else m[0], value
    )


def _parameter(parameters: Mapping[str, Mapping[str, Any]], name: str, field: str) -> Any:
    values = plain(parameters[name])
    if field not in values:
        raise InvalidInputError(
            f"the parameter `{name}` has no `{field}`", hint=_nearest(field, values, "it has")
        )
    return values[field]


# ---- predicates ----


def _read(value: Any, path: str, scope: Scope, depth: int) -> tuple[Predicate, Scope]:
    """Return the predicate and the names that are known after it."""
    here = path or "the predicate"
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            f"{here} is {_what(value)}, not a mapping", hint="write `all`, `any`, `attest` or `find`"
        )
    if depth > DEEPEST:
        raise InvalidInputError(
            f"{here} is nested more than {DEEPEST} deep", hint="write it flatter, or as two predicates"
        )
    heads = [key for key in ("all", "any", "attest", "find") if key in value]
    if len(heads) != 1:
        named = f"has {' and '.join(f'`{h}`' for h in heads)}" if heads else _unknown_head(value)
        raise InvalidInputError(
            f"{here} {named}", hint="write exactly one of `all`, `any`, `attest` and `find`"
        )
    if heads[0] == "find":
        return _find(value, path, scope)
    _only(value, (heads[0],), path)
    if heads[0] == "attest":
        return Attest(_sentence(value["attest"], _at(path, "attest"))), scope
    return _parts(value[heads[0]], heads[0], path, scope, depth)


def _unknown_head(value: Mapping[Any, Any]) -> str:
    keys = [str(k) for k in value]
    return f"has none of them but {', '.join(f'`{k[:40]}`' for k in keys[:5])}" if keys else "is empty"


def _parts(value: Any, word: str, path: str, scope: Scope, depth: int) -> tuple[Predicate, Scope]:
    at = _at(path, word)
    if not isinstance(value, list | tuple) or not value or len(value) > MOST:
        raise InvalidInputError(
            f"{at} is {_what(value)}, not a list of 1 to {MOST} predicates",
            hint="write them under each other",
        )
    parts: list[Predicate] = []
    now = dict(scope)
    for n, part in enumerate(value):
        read, after = _read(part, f"{at}[{n}]", now, depth + 1)
        if word == "all":
            now = after
        # All within all is one list; names go on through it.
        parts.extend(read.parts if word == "all" and isinstance(read, AllOf) else (read,))
    return (AllOf(tuple(parts)), now) if word == "all" else (AnyOf(tuple(parts)), scope)


def _find(value: Mapping[str, Any], path: str, scope: Scope) -> tuple[Find, Scope]:
    _only(value, _FIND, path)
    kind = value["find"]
    at = _at(path, "find")
    if not isinstance(kind, str):
        raise InvalidInputError(
            f"{at} is {_what(kind)}, not the name of a kind", hint="such as `find: release`"
        )
    known = [*KINDS.names(), *WAITING]
    if kind not in known:
        raise InvalidInputError(
            f"{at}: no kind of record is called `{kind[:60]}`", hint=_nearest(kind, known, "known")
        )
    fields = None if kind in WAITING else KINDS.get(kind).fields
    name = value.get("as", "")
    if name and (not isinstance(name, str) or not _NAME.match(name)):
        raise InvalidInputError(
            f"{_at(path, 'as')}: {_what(name)} is no name", hint="lower-case letters, digits and `_`"
        )
    if name in scope:
        raise InvalidInputError(
            f"{_at(path, 'as')}: the name `{name}` is taken", hint="give this record another one"
        )
    at_least, at_most = _count(value.get("count"), _at(path, "count"))
    if name and at_most == 0:
        raise InvalidInputError(
            f"{_at(path, 'as')}: a record that must not be there cannot have a name",
            hint="leave out `as`, or `count.at_most`",
        )
    per = value.get("per", "")
    if per:
        _field(per, fields, _at(path, "per"))
    found = Find(
        kind=kind,
        where=_tests(value.get("where", {}), fields, _at(path, "where"), scope, kind),
        name=name,
        at_least=at_least,
        at_most=at_most,
        spread=_spread(value.get("spread"), fields, _at(path, "spread")),
        span_days=_span(value.get("span"), _at(path, "span")),
        share=_share(value.get("share"), fields, _at(path, "share"), scope, kind),
        each=_tests(value.get("each", {}), fields, _at(path, "each"), scope, kind),
        per=per,
        because=_sentence(value["because"], _at(path, "because")) if "because" in value else "",
        do=_sentence(value["do"], _at(path, "do")) if "do" in value else "",
        path=path or "find",
    )
    return found, {**scope, name: kind} if name else scope


def _count(value: Any, at: str) -> tuple[int, int | None]:
    if value is None:
        return 1, None
    _mapping(value, ("at_least", "at_most"), at)
    bounds = {key: _whole(value[key], f"{at}.{key}") for key in ("at_least", "at_most") if key in value}
    if not bounds:
        raise InvalidInputError(f"{at} bounds nothing", hint="write `at_least` or `at_most`")
    least = bounds.get("at_least", 0)
    most = bounds.get("at_most")
    if most is not None and most < least:
        raise InvalidInputError(f"{at} wants at least {least} and at most {most}", hint="turn them round")
    if least == 0 and most is None:
        raise InvalidInputError(f"{at}.at_least of 0 asks nothing", hint="write 1 or more, or `at_most`")
    return least, most


def _spread(value: Any, fields: Mapping[str, Field] | None, at: str) -> tuple[str, int] | None:
    if value is None:
        return None
    _mapping(value, ("field", "at_least"), at)
    for key in ("field", "at_least"):
        if key not in value:
            raise InvalidInputError(f"{at} has no `{key}`", hint="such as `{field: provider, at_least: 2}`")
    _field(value["field"], fields, f"{at}.field")
    return str(value["field"]), _whole(value["at_least"], f"{at}.at_least")


def _span(value: Any, at: str) -> float | None:
    if value is None:
        return None
    _mapping(value, ("at_least_days",), at)
    if "at_least_days" not in value:
        raise InvalidInputError(f"{at} has no `at_least_days`", hint="such as `{at_least_days: 7}`")
    return _number(value["at_least_days"], f"{at}.at_least_days", 0.0, math.inf)


def _share(value: Any, fields: Mapping[str, Field] | None, at: str, scope: Scope, kind: str) -> Share | None:
    if value is None:
        return None
    _mapping(value, ("where", "at_least", "at_most"), at)
    bounds = {
        key: _number(value[key], f"{at}.{key}", 0.0, 1.0) for key in ("at_least", "at_most") if key in value
    }
    if not bounds or not value.get("where"):
        raise InvalidInputError(
            f"{at} needs `where` and a bound", hint="such as `{where: {state: failed}, at_most: 0.01}`"
        )
    tests = _tests(value["where"], fields, f"{at}.where", scope, kind)
    return Share(tests, bounds.get("at_least"), bounds.get("at_most"))


# ---- tests ----


def _tests(
    value: Any, fields: Mapping[str, Field] | None, at: str, scope: Scope, kind: str
) -> tuple[Test, ...]:
    if not isinstance(value, Mapping) or len(value) > MOST:
        raise InvalidInputError(
            f"{at} is {_what(value)}, not a mapping of at most {MOST} fields", hint="such as `{state: done}`"
        )
    made: list[Test] = []
    for name, said in value.items():
        here = f"{at}.{name}"
        field = _field(name, fields, at)
        made.extend(_test(str(name), said, field, here, scope))
    return tuple(made)


def _field(name: Any, fields: Mapping[str, Field] | None, at: str) -> Field | None:
    if not isinstance(name, str):
        raise InvalidInputError(f"{at}: {_what(name)} is no name of a field", hint="such as `state`")
    if fields is None:
        return None
    if name not in fields:
        raise InvalidInputError(
            f"{at}: there is no field `{name[:60]}`", hint=_nearest(name, fields, "fields")
        )
    return fields[name]


def _test(name: str, said: Any, field: Field | None, at: str, scope: Scope) -> Iterable[Test]:
    if isinstance(said, Mapping):
        if not said:
            raise InvalidInputError(f"{at} tests nothing", hint="write a value, or such as `{at_least: 50}`")
        allowed = _EVERY if field is None else _OPS[field.type]
        for op in said:
            if op not in _EVERY:
                raise InvalidInputError(
                    f"{at}: there is no test `{str(op)[:40]}`", hint=_nearest(str(op), _EVERY, "tests")
                )
            if op not in allowed:
                raise InvalidInputError(
                    f"{at}: `{op}` does not fit, the field is a {field.type if field else ''}",
                    hint=f"it takes a value, {', '.join(f'`{a}`' for a in allowed)}",
                )
        return [_op(name, op, said[op], field, f"{at}.{op}", scope) for op in said]
    if field is not None and field.type in ("list", "time"):
        example = "{has: VALUE}" if field.type == "list" else "{after: 2026-11-01}"
        raise InvalidInputError(f"{at}: the field is a {field.type}", hint=f"such as `{example}`")
    if isinstance(said, list | tuple):
        return [Test(name, "one_of", _several(said, field, at, scope))]
    return [Test(name, "is", _value(said, field, at, scope))]


def _op(name: str, op: Op, said: Any, field: Field | None, at: str, scope: Scope) -> Test:
    if op == "exists":
        if not isinstance(said, bool):
            raise InvalidInputError(f"{at} is {_what(said)}, not true or false", hint="write one of the two")
        return Test(name, op, said)
    if op == "not" and isinstance(said, list | tuple):
        return Test(name, op, _several(said, field, at, scope))
    if op == "prefix" and (not isinstance(said, str) or not said):
        raise InvalidInputError(f"{at} is {_what(said)}, not the beginning of a text", hint="write some text")
    return Test(name, op, _value(said, field, at, scope))


def _several(said: Any, field: Field | None, at: str, scope: Scope) -> tuple[Any, ...]:
    if not 0 < len(said) <= MOST:
        raise InvalidInputError(f"{at} is a list of {len(said)} values", hint=f"write 1 to {MOST}")
    values = tuple(_value(v, field, f"{at}[{n}]", scope) for n, v in enumerate(said))
    if any(isinstance(v, Ref) for v in values):
        raise InvalidInputError(
            f"{at} has the value of another record in a list",
            hint="test it by itself: `{field: $name.field}`",
        )
    return values


def _value(said: Any, field: Field | None, at: str, scope: Scope) -> Any:
    if isinstance(said, str):
        ref = _REF.match(said)
        if ref:
            return _reference(ref, field, at, scope)
    if field is None:
        if isinstance(said, str | int | float | bool):
            return said
        raise InvalidInputError(f"{at} is {_what(said)}, not a plain value", hint="write text or a number")
    if field.type in ("text", "list"):
        if isinstance(said, str) and len(said) <= LONGEST:
            return said
        raise InvalidInputError(f"{at} is {_what(said)}, not text", hint="put it in quotation marks")
    if field.type == "flag":
        if isinstance(said, bool):
            return said
        raise InvalidInputError(f"{at} is {_what(said)}, not true or false", hint="write one of the two")
    if field.type == "number":
        return _number(said, at, -math.inf, math.inf)
    return _time(said, at)


def _reference(ref: re.Match[str], field: Field | None, at: str, scope: Scope) -> Ref:
    name, other = ref[1], ref[2]
    if name not in scope:
        raise InvalidInputError(
            f"{at}: no record before it is called `{name}`",
            hint=_nearest(name, scope, "called so by `as`") if scope else "name one by `as`, before this one",
        )
    kind = scope[name]
    if not kind or kind in WAITING:
        return Ref(name, other)
    theirs = _field(other, KINDS.get(kind).fields, at)
    if field is not None and theirs is not None:
        same = "text" if field.type == "list" else field.type
        if theirs.type != same:
            raise InvalidInputError(
                f"{at}: `${name}.{other}` is a {theirs.type}, and the field wants a {same}",
                hint="compare fields of one type",
            )
    return Ref(name, other)


# ---- plain values ----


def _time(said: Any, at: str) -> str:
    """Return a time as records write it: ISO 8601 in UTC."""
    text = said.isoformat() if hasattr(said, "isoformat") else said
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        raise InvalidInputError(f"{at} is {_what(said)}, not a time", hint="such as `2026-11-01`") from None
    return (read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)).isoformat()


def _number(said: Any, at: str, low: float, high: float) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        raise InvalidInputError(f"{at} is {_what(said)}, not a number", hint="write a finite number")
    if not low <= said <= high:
        raise InvalidInputError(f"{at} is {said}, not between {low:g} and {high:g}", hint="change it")
    return float(said)


def _whole(said: Any, at: str) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said < 10**9:
        raise InvalidInputError(f"{at} is {_what(said)}, not a whole number", hint="write one from 0 on")
    return said


def _sentence(said: Any, at: str) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > LONGEST:
        raise InvalidInputError(
            f"{at} is {_what(said)}, not a sentence", hint=f"1 to {LONGEST:,} characters of text"
        )
    return said.strip()


def _mapping(value: Any, keys: Iterable[str], at: str) -> None:
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            f"{at} is {_what(value)}, not a mapping", hint=f"with {', '.join(f'`{k}`' for k in keys)}"
        )
    _only(value, tuple(keys), at)


def _only(value: Mapping[Any, Any], keys: tuple[str, ...], path: str) -> None:
    for key in value:
        if key not in keys:
            raise InvalidInputError(
                f"{path or 'the predicate'}: there is no key `{str(key)[:60]}`",
                hint=_nearest(str(key), keys, "known"),
            )


def _nearest(word: str, known: Iterable[str], intro: str) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1)
    return (f"did you mean `{near[0]}`? " if near else "") + f"{intro}: {', '.join(names)}"


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _what(value: Any) -> str:
    """Return a value in a few words, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f"`{value[:60]}`"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return f"`{str(value)[:60]}`"
