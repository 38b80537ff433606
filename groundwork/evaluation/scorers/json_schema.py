"""Structured output: one JSON value that fits a schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of
from groundwork.evaluation.types import Output, Score
from groundwork.gateway.schemas import check, faults, strict_json

_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n```\Z", re.S)


class JsonSchema(Base):
    """1 where the output is JSON that fits the schema, else 0; a fence of code around it is taken off.

    Args:
        schema: a JSON Schema (2020-12 unless it names another draft). Empty: the example's `metadata.schema`, or, where
            there is none either, any JSON value.
    """

    binary: ClassVar[bool] = True
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(self, schema: Mapping[str, Any] | None = None) -> None:
        if schema:
            try:
                check(dict(schema), "schema")
            except InvalidInputError as error:
                raise SettingsError(error.message, hint="correct the scorer's `schema`") from error
        self.schema = schema

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if output.failed:
            return self.failed(output)
        schema = self.schema or example.metadata.get("schema") or {}
        try:
            value = output.value if output.value is not None else parsed(answer_of(output))
        except InvalidInputError as error:
            return Score(0.0, label="no_json", reason=error.message)
        try:
            found = faults(dict(schema), value)
        except (InvalidInputError, TypeError, ValueError) as error:
            return Score(None, error="bad_schema", reason=str(error))
        if found:
            return Score(0.0, label="unfit", reason="; ".join(found[:3]), parts={"faults": len(found)})
        return Score(1.0, label="fits")


def parsed(text: str) -> Any:
    """Return the JSON value of a text, also from within a fence of code. Raises InvalidInputError: it is none."""
    fenced = _FENCED.match(text.strip())
    return strict_json(fenced[1] if fenced else text)


plugin = JsonSchema
