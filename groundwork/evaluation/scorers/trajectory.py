"""Trajectory: did an agent go the way it should, and no forbidden one?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

from groundwork.datasets.types import Example
from groundwork.evaluation.scorers import Services
from groundwork.evaluation.scorers._base import Base, written
from groundwork.evaluation.scorers._calls import MAX_CALLS, matched_anyhow, matched_in_order
from groundwork.evaluation.types import Output, Score, not_applicable

Mode = Literal["strict", "ordered", "unordered", "subset", "superset"]


class Trajectory(Base):
    """1 where the calls of a run stand to the wanted ones as `mode` says and no rule is broken, else 0.

    Args:
        mode: `strict`: the same calls in the same order; `unordered`: the same in any order; `ordered`: all wanted in their
            order, others in between allowed; `superset`: all wanted, others allowed; `subset`: none that is not wanted.
        arguments: compare arguments too, as `tool_calls` does.
        forbidden: tools that may not be called.
        max_calls: most calls in all; None: no limit.
        max_repeats: how often the very same call may be made; 0: no limit.
        max_failed: how many calls may fail; None: no limit.
    """

    binary: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"tools"})
    metrics: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(
        self,
        mode: Mode = "ordered",
        arguments: bool = False,
        forbidden: Sequence[str] = (),
        max_calls: int | None = None,
        max_repeats: int = 0,
        max_failed: int | None = None,
    ) -> None:
        self.mode = mode
        self.arguments = arguments
        self.forbidden = forbidden
        self.max_calls = max_calls
        self.max_repeats = max_repeats
        self.max_failed = max_failed

    def score(self, example: Example, output: Output, services: Services) -> Score:
        ruled = (
            self.forbidden or self.max_calls is not None or self.max_repeats or self.max_failed is not None
        )
        if example.tools is None and not ruled:
            return not_applicable("the example names no tool calls")
        if output.failed:
            return self.failed(output)
        calls = Counter(f"{c.name} {written(c.arguments)}" for c in output.tools)
        failed = sum(bool(c.error) for c in output.tools)
        parts = {
            "calls": len(output.tools),
            "failed": failed,
            "most_repeated": max(calls.values(), default=0),
            "messages": len(output.messages),
        }
        wrong = self._rule_broken(output, parts) or (
            "" if example.tools is None else self._way(example, output)
        )
        return Score(
            float(not wrong), label="off" if wrong else "on", reason=wrong or "on its way", parts=parts
        )

    def _rule_broken(self, output: Output, parts: dict[str, int]) -> str:
        bad = next((c.name for c in output.tools if c.name in self.forbidden), "")
        if bad:
            return f"`{bad}` may not be called"
        if self.max_calls is not None and parts["calls"] > self.max_calls:
            return f"{parts['calls']} calls, at most {self.max_calls} are allowed"
        if self.max_repeats and parts["most_repeated"] > self.max_repeats:
            return f"one call was made {parts['most_repeated']} times"
        if self.max_failed is not None and parts["failed"] > self.max_failed:
            return f"{parts['failed']} calls failed, at most {self.max_failed} may"
        return ""

    def _way(self, example: Example, output: Output) -> str:
        wanted = (example.tools or ())[:MAX_CALLS]
        made = output.tools[:MAX_CALLS]
        in_order = self.mode in ("strict", "ordered")
        match = matched_in_order if in_order else matched_anyhow
        found = match(made, wanted, arguments=self.arguments)
        missing, extra = len(wanted) - found, len(made) - found
        if missing and self.mode != "subset":
            return f"{missing} of {len(wanted)} wanted calls were not made{' in their order' if in_order else ''}"
        if extra and self.mode in ("strict", "unordered", "subset"):
            return f"{extra} of {len(made)} calls are not wanted"
        return ""


plugin = Trajectory
