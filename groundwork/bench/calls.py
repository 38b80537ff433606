"""Measure the check of tool calls: arguments that fit their function's schema are let through, all others are refused.

Reads the cases of the Berkeley Function Calling Leaderboard (Patil et al., ICML 2025): questions with the functions that are
offered and the calls that are right. Its schemas say `dict`, `float`, `tuple` and `any`, and put the values allowed in an
array at the array; they are rewritten as JSON Schema here, since no client sends them so. Some right calls contradict their
own schema; an independent checker finds them, and they must be refused like the wrong calls that are made from the others.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.gateway.dialects.openai_chat import OpenAIChat
from groundwork.gateway.structured import call_faults
from groundwork.gateway.types import ChatRequest, ToolCall

FILES = (
    "simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple", "live_parallel",
    "live_parallel_multiple",
)  # fmt: skip
_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_WRONG: dict[str, Any] = {
    "string": 5,
    "integer": 1.5,
    "number": "5",
    "boolean": "yes",
    "array": {"a": 1},
    "object": ["a"],
}
_SHOWN = 20


@dataclass(frozen=True)
class Case:
    """One right call and what is offered beside its function."""

    id: str
    request: ChatRequest
    name: str
    arguments: dict[str, Any]

    @property
    def schema(self) -> Mapping[str, Any]:
        return next(tool.parameters for tool in self.request.tools if tool.name == self.name)


def run(directory: Path, seed: int = 0) -> dict[str, Any]:
    """Check every right call of a set, and wrong ones made from each.

    Args:
        directory: holds some of `simple_python.jsonl`, `multiple.jsonl`, …, gzipped or not.
        seed: decides which argument of a call is spoilt.

    Returns:
        `{data_digest, n_valid, accepted, n_invalid, refused, kinds: {kind: {n, refused}}, contradicting, missed}`:
        `contradicting` are the ids of right calls that do not fit their own schema (they count as invalid), `missed` the
        first checks with the wrong outcome.

    Raises:
        InvalidInputError: none of the files is there.
    """
    cases, digest = read(directory)
    spoil = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    kinds: dict[str, list[int]] = {}
    contradicting, missed, n_valid, accepted = [], [], 0, 0
    for case in cases:
        faults = _faults(case, case.name, json.dumps(case.arguments))
        if not fits(case.schema, case.arguments):
            contradicting.append(case.id)
            wrong = [("contradicts its schema", case.name, json.dumps(case.arguments))]
        else:
            n_valid += 1
            accepted += not faults
            missed += [f"{case.id}: refused: {faults[0]}"] if faults else []
            wrong = list(spoilt(case, spoil))
        for kind, name, arguments in wrong:
            refused = bool(_faults(case, name, arguments))
            kinds.setdefault(kind, []).append(refused)
            missed += [] if refused else [f"{case.id}: accepted: {kind}"]
    outcomes = [refused for found in kinds.values() for refused in found]
    return {
        "data_digest": digest,
        "n_valid": n_valid,
        "accepted": accepted,
        "n_invalid": len(outcomes),
        "refused": sum(outcomes),
        "kinds": {kind: {"n": len(found), "refused": sum(found)} for kind, found in sorted(kinds.items())},
        "contradicting": contradicting,
        "missed": missed[:_SHOWN],
    }


def read(directory: Path) -> tuple[list[Case], str]:
    """Return the right calls of a set, and the digest of its files."""
    digest = hashlib.sha256()
    cases: list[Case] = []
    for name in FILES:
        path = next(
            (p for p in (directory / f"{name}.jsonl", directory / f"{name}.jsonl.gz") if p.is_file()), None
        )
        if path is None:
            continue
        data = path.read_bytes()
        digest.update(data)
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        cases += [case for line in text.splitlines() if line.strip() for case in _cases(json.loads(line))]
    if not cases:
        raise InvalidInputError(
            f"there is no set of function calls in {directory}",
            hint=f"it holds files such as {FILES[0]}.jsonl",
        )
    return cases, digest.hexdigest()


def json_schema(schema: Mapping[str, Any], *, closed: bool = False) -> dict[str, Any]:
    """Return a schema of the set as JSON Schema; `closed` allows no arguments but the ones it names."""
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type":
            if value != "any":
                made[key] = _TYPES.get(value, value)
        elif key == "properties":
            made[key] = {name: json_schema(inner) for name, inner in value.items()}
        elif key == "items":
            made[key] = json_schema(value)
        elif key != "optional":
            made[key] = value
    if made.get("type") == "array" and "enum" in made:
        made["items"] = {**made.get("items", {}), "enum": made.pop("enum")}
    return {**made, "additionalProperties": False} if closed else made


def fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Say whether a value fits, by the few words that schemas of the set use; shares no code with the gateway."""
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    kind = schema.get("type")
    if kind is not None and not isinstance(value, kinds[kind]):
        return kind == "integer" and isinstance(value, float) and value.is_integer()
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "maximum" in schema and isinstance(value, int | float) and value > schema["maximum"]:
        return False
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), item) for item in value)
    if not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    if any(name not in value for name in schema.get("required", [])):
        return False
    if schema.get("additionalProperties") is False and value.keys() - known.keys():
        return False
    return all(fits(known.get(name, {}), inner) for name, inner in value.items())


def spoilt(case: Case, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield `(kind, function, arguments as JSON)` of calls that are surely wrong."""
    schema, arguments = case.schema, case.arguments
    known: Mapping[str, Any] = schema.get("properties", {})
    text = json.dumps(arguments)
    yield "unknown function", f"{case.name}_2", text
    yield "unknown argument", case.name, json.dumps({**arguments, "argument_of_nobody": 1})
    yield "not an object", case.name, json.dumps([arguments])
    yield "not JSON", case.name, text[:-1]
    if arguments:
        name = chance.choice(sorted(arguments))
        yield "not a number", case.name, json.dumps({**arguments, name: float("nan")})
    required = [name for name in schema.get("required", []) if name in arguments]
    if required:
        gone = chance.choice(required)
        yield "missing argument", case.name, json.dumps({k: v for k, v in arguments.items() if k != gone})
    typed = [name for name in arguments if "type" in known.get(name, {})]
    if typed:
        name = chance.choice(typed)
        yield "wrong type", case.name, json.dumps({**arguments, name: _WRONG[known[name]["type"]]})
        yield "null", case.name, json.dumps({**arguments, name: None})
    listed = [name for name in arguments if "enum" in known.get(name, {})]
    if listed:
        name = chance.choice(listed)
        value = max((v for v in known[name]["enum"] if isinstance(v, str)), key=len, default="") + "?"
        yield "unknown value", case.name, json.dumps({**arguments, name: value})
    lists = [
        name for name, value in arguments.items() if value and "type" in known.get(name, {}).get("items", {})
    ]
    if lists:
        name = chance.choice(lists)
        wrong = [*arguments[name], _WRONG[known[name]["items"]["type"]]]
        yield "wrong type inside", case.name, json.dumps({**arguments, name: wrong})


def _cases(row: Mapping[str, Any]) -> Iterator[Case]:
    tools = [
        {
            "type": "function",
            "function": {
                "name": function["name"],
                "description": function["description"],
                "parameters": json_schema(function["parameters"], closed=True),
            },
        }
        for function in row["function"]
    ]
    messages = [{"role": m["role"], "content": m["content"]} for turn in row["question"] for m in turn]
    request = OpenAIChat().parse({"model": "m", "messages": messages, "tools": tools})
    schemas = {tool.name: tool.parameters for tool in request.tools}
    for n, call in enumerate(row["ground_truth"] or []):
        for name, accepted in call.items():
            yield Case(
                f"{row['id']}#{n}", request, name, _arguments(accepted, schemas[name].get("required", []))
            )


def _arguments(accepted: Mapping[str, list[Any]], required: list[str]) -> dict[str, Any]:
    """Return the first accepted value of each argument; one for which "" is accepted too may be left out, and is."""
    chosen = {}
    for name, values in accepted.items():
        if name in required or (values and "" not in values):
            chosen[name] = _plain(next((v for v in values if v != ""), "" if values else []))
    return chosen


def _plain(value: Any) -> Any:
    """Return a value in which inner objects, too, list what they accept."""
    if isinstance(value, dict):
        return {k: _plain(v[0]) for k, v in value.items() if isinstance(v, list) and v and "" not in v}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _faults(case: Case, name: str, arguments: str) -> list[str]:
    return call_faults(case.request, [ToolCall("call_1", name, arguments)])
