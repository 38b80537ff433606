"""A pattern that the answer must hold, or must not."""

from __future__ import annotations

from typing import ClassVar

from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, answer_of, without_reference
from groundwork.evaluation.types import Output, Score
from groundwork.gateway.schemas import check, faults


class Regex(Base):
    """1 where the pattern is found in the answer, else 0. Patterns run in bounded time, those of a dataset too.

    Args:
        pattern: searched anywhere in the answer; anchor it with `^` and `$`. Empty: any reference, read as a
            pattern, may fit.
        absent: the pattern must not be found.
    """

    binary: ClassVar[bool] = True
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(self, pattern: str = "", absent: bool = False) -> None:
        if pattern:
            try:
                check({"type": "string", "pattern": pattern}, "pattern")
            except InvalidInputError as error:
                raise SettingsError(
                    f"the pattern `{pattern[:80]}` cannot be used", hint=error.message
                ) from error
        self.pattern = pattern
        self.absent = absent

    def score(self, example: Example, output: Output, services: Services) -> Score:
        patterns = (self.pattern,) if self.pattern else example.references
        if not patterns:
            return without_reference()
        if output.failed:
            return self.failed(output)
        text = answer_of(output)
        try:
            found = next((p for p in patterns if not faults({"type": "string", "pattern": p}, text)), None)
        except InvalidInputError as error:
            return Score(None, error="bad_pattern", reason=error.message)
        said = "nothing matches" if found is None else f"`{found[:80]}` matches"
        return Score(float((found is None) == self.absent), reason=said)


plugin = Regex
