"""Say a check in words, for the reference and for whoever wants to know beforehand what will be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OPS = {
    "not": "not {}",
    "at_least": "at least {}",
    "at_most": "at most {}",
    "above": "above {}",
    "below": "below {}",
    "after": "after {}",
    "before": "before {}",
    "prefix": "beginning with {}",
    "has": "with {} among them",
}


def in_words(check: Mapping[str, Any], waiting: Mapping[str, str] | None = None) -> list[str]:
    """Return what has to be there, one sentence for each part, without trailing full stops.

    Args:
        waiting: kinds of records that no room keeps yet, each with the room; such a part says for what it waits.
    """
    rooms = waiting or {}
    if "attest" in check:
        return [f"you say: {str(check['attest']).rstrip('.')}"]
    if "all" in check:
        return [line for part in check["all"] for line in in_words(part, rooms)]
    if "any" in check:
        return ["one of: " + "; or ".join(", and ".join(in_words(part, rooms)) for part in check["any"])]
    return [_find(check, rooms)] if "find" in check else []


def _find(check: Mapping[str, Any], waiting: Mapping[str, str]) -> str:
    kind = str(check["find"])
    parts = [f"{_count(check.get('count'))} `{kind}`"]
    if check.get("as"):
        parts[0] += f" (called `{check['as']}`)"
    if kind in waiting:
        parts[0] += f" (waits for the room {waiting[kind]})"
    if check.get("where"):
        parts.append("where " + _tests(check["where"]))
    if check.get("per"):
        parts.append(f"all of one {_name(check['per'])}")
    spread = check.get("spread")
    if spread:
        parts.append(
            f"with at least {spread.get('at_least', 1)} different values of {_name(spread.get('field', ''))}"
        )
    if check.get("span"):
        parts.append(f"over at least {check['span'].get('at_least_days')} days")
    share = check.get("share")
    if share:
        limit = [f"at least {share['at_least']:.0%}"] if "at_least" in share else []
        limit += [f"at most {share['at_most']:.0%}"] if "at_most" in share else []
        parts.append(f"{' and '.join(limit)} of them with {_tests(share.get('where', {}))}")
    if check.get("each"):
        parts.append("each with " + _tests(check["each"]))
    return ", ".join(parts)


def _count(count: Mapping[str, Any] | None) -> str:
    if not count:
        return "one"
    least, most = count.get("at_least"), count.get("at_most")
    if most is None:
        return f"at least {least or 1} of" if (least or 1) != 1 else "one"
    return f"at most {most} of" if not least else f"{least} to {most} of"


def _tests(tests: Mapping[str, Any]) -> str:
    return " and ".join(f"{_name(field)} {_test(test)}" for field, test in tests.items())


def _test(test: Any) -> str:
    if isinstance(test, Mapping):
        return " and ".join(_one(op, value) for op, value in test.items())
    return f"is {_value(test)}"


def _one(op: str, value: Any) -> str:
    if op == "exists":
        return "is there" if value else "is not there"
    return _OPS.get(op, op + " {}").format(_value(value))


def _value(value: Any) -> str:
    if isinstance(value, str) and value.startswith("$"):
        name, _, field = value[1:].partition(".")
        return f"the {_name(field)} of {_name(name)}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " or ".join(_value(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    return f"`{value}`"


def _name(word: Any) -> str:
    return f"`{word}`"
