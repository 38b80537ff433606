"""Tests of promptfoo as YAML: the input as variables, assertions as they were imported or made of what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.datasets.content import body_of
from groundwork.datasets.types import Example


@dataclass(frozen=True)
class Promptfoo:
    """Write a test an example; all that promptfoo has no word for stands in `metadata.groundwork`."""

    suffix: str = ".yaml"

    def lines(self, examples: Iterable[Example]) -> Iterator[str]:
        import yaml

        base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

        class Dumper(base):  # type: ignore[misc]
            def ignore_aliases(self, data: Any) -> bool:
                return True

        yield "tests:\n"
        for example in examples:
            yield yaml.dump([_test(example)], Dumper=Dumper, allow_unicode=True, sort_keys=False, width=1000)


def _test(example: Example) -> dict[str, Any]:
    body = {k: v for k, v in body_of(example).items() if k not in ("input", "origin")}
    variables = example.metadata.get("vars")
    if not (isinstance(variables, Mapping) and variables):
        variables = example.input if isinstance(example.input, Mapping) else {"question": example.input}
    test: dict[str, Any] = {"vars": dict(variables), "assert": _asserts(example)}
    if isinstance(example.metadata.get("description"), str):
        test["description"] = example.metadata["description"]
    ours = {"id": example.id, **body, "split": example.split, "input": example.input}
    return {**test, "metadata": {"groundwork": ours}}


def _asserts(example: Example) -> list[dict[str, Any]]:
    known = example.metadata.get("assert")
    if isinstance(known, list) and known:
        return known
    if example.impossible:
        return [{"type": "is-refusal"}]
    references = list(example.references)
    if len(references) > 1:
        return [{"type": "contains-any", "value": references}]
    return [{"type": "equals", "value": references[0]}] if references else []


plugin = Promptfoo
