"""Tool calls: were the calls made that should be, with the right arguments?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from groundwork.core.errors import InvalidInputError
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base
from groundwork.evaluation.scorers._calls import MAX_CALLS, invalid, matched_anyhow, matched_in_order
from groundwork.evaluation.types import Output, Score, not_applicable


class ToolCalls(Base):
    """F1 between the calls made and those of `example.tools`, between 0 and 1; 1 where they are the same.

    An example may give a call's `arguments` (equal as JSON), `accepted` values by argument, a `schema` of the arguments, or
    the name alone. No calls wanted and none made is 1; no calls wanted and some made is 0. `rate(tool_calls)` is the share
    of examples in which all is right.

    Args:
        order: `same`: what is out of order does not count; `any`: only which calls were made.
        arguments: False compares names alone.
        schemas: JSON Schema of the arguments by tool; a call that does not fit its own counts as not made.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"tools"})
    metrics: ClassVar[tuple[str, ...]] = ("mean", "rate")

    def __init__(
        self,
        order: Literal["same", "any"] = "same",
        arguments: bool = True,
        schemas: Mapping[str, Any] | None = None,
    ) -> None:
        self.order = order
        self.arguments = arguments
        self.schemas = schemas

    def score(self, example: Example, output: Output, services: Services) -> Score:
        if example.tools is None:
            return not_applicable("the example names no tool calls")
        if output.failed:
            return self.failed(output)
        wanted, made = example.tools[:MAX_CALLS], output.tools[:MAX_CALLS]
        match = matched_in_order if self.order == "same" else matched_anyhow
        try:
            unfit = [
                c for c in made if c.name in (self.schemas or {}) and invalid(c, (self.schemas or {})[c.name])
            ]
            fit = [c for c in made if not any(c is u for u in unfit)]
            found = match(fit, wanted, arguments=self.arguments)
        except InvalidInputError as error:
            return Score(None, error="bad_schema", reason=error.message)
        value = 1.0 if not made and not wanted else 2 * found / (len(made) + len(wanted))
        return Score(
            value,
            label="right" if value == 1 else "wrong",
            reason=f"{found} of {len(wanted)} wanted calls among {len(made)} made",
            parts={"matched": found, "wanted": len(wanted), "made": len(made), "unfit": len(unfit)},
        )


plugin = ToolCalls
