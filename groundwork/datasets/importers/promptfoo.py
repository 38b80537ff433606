"""Tests of promptfoo: a configuration or list of tests (YAML, JSON), or its CSV with `__expected`.

An assertion becomes what is expected where it says that, a scorer where one measures the same, and stays in the metadata as
it was written in any case. Source: promptfoo's reference of test cases and assertions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.importers import Fault, Row
from groundwork.datasets.importers._columns import NAMES, unguarded
from groundwork.datasets.importers._source import Source

_PREFIXED = re.compile(r"(not-)?([a-z][a-z-]*)(?:\(([\d.]+)\))?:\s*(.*)\Z", re.S)
_KNOWN = frozenset({
    "equals", "contains", "icontains", "contains-all", "contains-any", "icontains-all", "icontains-any", "starts-with",
    "regex", "is-json", "contains-json", "similar", "llm-rubric", "model-graded-closedqa", "factuality", "answer-relevance",
    "context-faithfulness", "context-recall", "rouge-n", "latency", "cost", "javascript", "python", "webhook", "levenshtein",
    "f-score", "is-refusal",
})  # fmt: skip
_BARE = frozenset({"is-json", "contains-json", "is-refusal"})


@dataclass(frozen=True)
class Promptfoo:
    """Read a test an example: its variables are the input, or the one variable that there is."""

    rank: int = 10

    def recognises(self, source: Source) -> bool:
        if source.kind == "table":
            return any(name.startswith("__expected") for name in source.first)
        if source.kind == "lines":
            return "vars" in source.first
        found = source.document
        if isinstance(found, Mapping):
            return "tests" in found and not {"name", "input"} <= found.keys()
        return (
            isinstance(found, list)
            and bool(found)
            and all(isinstance(t, Mapping) and "vars" in t for t in found[:5])
        )

    def rows(self, source: Source, columns: Mapping[str, str]) -> Iterator[Row | Fault]:
        if source.kind == "table":
            for record in source.records():
                if isinstance(record, Fault):
                    yield record
                else:
                    yield _taken(record[0], lambda cells=record[1]: _cells(cells), columns)
            return
        tests, defaults = _tests(source)
        for n, test in enumerate(tests, 1):
            if n % 1000 == 0:
                source.told(n)
            yield _taken(n, lambda test=test: _merged(test, defaults), columns)


def _tests(source: Source) -> tuple[list[Any], Mapping[str, Any]]:
    if source.kind == "lines":
        return [Fault(r.line, r.message) if isinstance(r, Fault) else r[1] for r in source.records()], {}
    found = source.document
    if isinstance(found, list):
        return found, {}
    tests = found.get("tests") if isinstance(found, Mapping) else None
    if isinstance(tests, str):
        raise InvalidInputError(
            f"{source.name} keeps its tests in `{tests[:80]}`", hint="import that file instead"
        )
    if not isinstance(tests, list):
        raise InvalidInputError(f"{source.name} has no `tests`", hint="it should be a file of promptfoo")
    defaults = found.get("defaultTest")
    return tests, defaults if isinstance(defaults, Mapping) else {}


def _taken(n: int, make: Any, columns: Mapping[str, str]) -> Row | Fault:
    try:
        return _row(n, make(), columns)
    except InvalidInputError as error:
        return Fault(n, error.message)


def _merged(test: Any, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(test, Fault):
        raise InvalidInputError(test.message)
    if isinstance(test, str):
        raise InvalidInputError(f"the tests of `{test[:80]}` are in a file of their own; import that")
    if not isinstance(test, Mapping):
        raise InvalidInputError("a test is an object with `vars`")
    merged = dict(test)
    for name in ("vars", "metadata"):
        if isinstance(defaults.get(name), Mapping) and isinstance(test.get(name) or {}, Mapping):
            merged[name] = {**defaults[name], **(test.get(name) or {})}
    merged["assert"] = [*(defaults.get("assert") or []), *(test.get("assert") or [])]
    return merged


def _cells(cells: Mapping[str, Any]) -> Mapping[str, Any]:
    asserts = []
    for name, cell in cells.items():
        if name.startswith("__expected"):
            asserts += [
                _written(unguarded(c)) for c in (cell if isinstance(cell, list) else [cell]) if c.strip()
            ]
    variables = {
        k: unguarded(v) for k, v in cells.items() if not k.startswith("__") and k and isinstance(v, str)
    }
    metadata = {
        name.partition(":")[2]: unguarded(cell)
        for name, cell in cells.items()
        if name.startswith("__metadata:") and cell
    }
    test: dict[str, Any] = {"vars": variables, "assert": asserts, "metadata": metadata}
    if cells.get("__description"):
        test["description"] = cells["__description"]
    return test


def _written(cell: str) -> dict[str, Any]:
    """Return the assertion of a cell such as `contains: 9:00` or `similar(0.8): hello`; a bare text is what equals."""
    text = cell.strip()
    if text.removeprefix("not-") in _BARE:
        return {"type": text}
    found = _PREFIXED.match(text)
    kind = (
        {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}.get(found[2], found[2])
        if found
        else ""
    )
    if found is None or kind not in _KNOWN:
        return {"type": "equals", "value": text}
    made: dict[str, Any] = {"type": f"{found[1] or ''}{kind}", "value": found[4].strip()}
    if kind.endswith(("-all", "-any")):
        made["value"] = [part.strip() for part in found[4].split(",")]
    return made | ({"threshold": float(found[3])} if found[3] else {})


def _row(n: int, test: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    variables = test.get("vars")
    if not isinstance(variables, Mapping) or not variables:
        raise InvalidInputError("a test has no `vars`")
    asked = _input(variables, columns)
    expected: list[str] = []
    scorers: list[dict[str, Any]] = []
    left: list[str] = []
    impossible = False
    asserts = test.get("assert") or []
    if not isinstance(asserts, list):
        raise InvalidInputError("`assert` is a list")
    for one in _flat(asserts):
        kind, value = str(one.get("type", "")), one.get("value")
        if (
            kind
            in ("equals", "similar", "answer-relevance", "factuality", "levenshtein", "rouge-n", "f-score")
            and value
        ):
            expected.append(value if isinstance(value, str) else str(value))
        if kind == "is-refusal":
            impossible = True
        made = _scorer(kind, value)
        scorers += made
        if not made and kind not in ("equals", "is-refusal"):
            left.append(f"the assertion `{kind[:40]}` has no scorer here; it is kept in the metadata")
    metadata: dict[str, Any] = dict(test["metadata"]) if isinstance(test.get("metadata"), Mapping) else {}
    own = metadata.get("groundwork")
    if isinstance(own, Mapping):
        return Row(n, {"input": asked, **{k: v for k, v in own.items() if k != "origin"}})
    values: dict[str, Any] = {"input": asked}
    if expected and "expected" not in values:
        values["expected"] = expected[0] if len(expected) == 1 else list(dict.fromkeys(expected))
    if impossible:
        values["impossible"] = True
    more = {
        "vars": dict(variables) if asked is not variables and len(variables) > 1 else None,
        "assert": [dict(a) for a in asserts if isinstance(a, Mapping)],
        "scorers": scorers,
        "description": test.get("description"),
        "options": test.get("options"),
    }
    metadata |= {name: kept for name, kept in more.items() if kept}
    if metadata:
        values["metadata"] = metadata
    return Row(n, values, tuple(dict.fromkeys(left)))


def _input(variables: Mapping[str, Any], columns: Mapping[str, str]) -> Any:
    named = columns.get("input")
    if named:
        if named not in variables:
            raise InvalidInputError(f"a test has no variable `{named[:60]}`")
        return variables[named]
    if len(variables) == 1:
        only = next(iter(variables.values()))
        return only if isinstance(only, str | list | Mapping) else str(only)
    question = next((variables[n] for n in NAMES["input"] if isinstance(variables.get(n), str)), None)
    return dict(variables) if question is None else question


def _flat(asserts: list[Any]) -> Iterator[Mapping[str, Any]]:
    for one in asserts:
        if not isinstance(one, Mapping):
            raise InvalidInputError("an assertion is an object with `type`")
        if one.get("type") == "assert-set" and isinstance(one.get("assert"), list):
            yield from _flat(one["assert"])
        else:
            yield one


def _scorer(kind: str, value: Any) -> list[dict[str, Any]]:
    """Return the scorers that measure what an assertion says; empty where there is none."""
    absent = kind.startswith("not-")
    bare = kind.removeprefix("not-")
    more = {"absent": True} if absent else {}
    values = [str(v) for v in value] if isinstance(value, list) else [str(value)] if value is not None else []
    quoted = [re.escape(v) for v in values]
    if bare == "regex" and values:
        return [{"name": "regex", "pattern": values[0], **more}]
    if bare in ("contains", "icontains", "starts-with") and quoted:
        before = {"contains": "", "icontains": "(?i)", "starts-with": "^"}[bare]
        return [{"name": "regex", "pattern": before + quoted[0], **more}]
    if bare in ("contains-any", "icontains-any") and quoted:
        return [
            {
                "name": "regex",
                "pattern": ("(?i)" if bare[0] == "i" else "") + f"(?:{'|'.join(quoted)})",
                **more,
            }
        ]
    if bare in ("contains-all", "icontains-all") and quoted and not absent:
        return [{"name": "regex", "pattern": ("(?i)" if bare[0] == "i" else "") + q} for q in quoted]
    if absent:
        return []
    plain = {
        "equals": "exact", "similar": "similarity", "rouge-n": "rouge_l", "f-score": "f1", "latency": "latency",
        "cost": "cost", "factuality": "answer_correctness", "answer-relevance": "answer_relevance",
        "context-faithfulness": "groundedness", "context-recall": "recall",
    }  # fmt: skip
    if bare == "is-json":
        return [{"name": "json_schema", **({"schema": value} if isinstance(value, Mapping) else {})}]
    return [{"name": plain[bare]}] if bare in plain else []


plugin = Promptfoo
