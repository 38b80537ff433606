"""tau-bench: runs of an agent against a simulated customer, each with its messages, tool calls and reward.

The runs tell no times. They are laid out from a fixed day on, a second for every message, and marked so.

Source:
    https://github.com/sierra-research/tau-bench, `historical_trajectories`: runs of GPT-4o.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from groundwork.core.errors import InvalidInputError
from groundwork.telemetry.importing._values import hex_id, items, mapping
from groundwork.telemetry.messages import messages_of, system_of
from groundwork.telemetry.plain import dumped, number, word
from groundwork.telemetry.raw import RawSpan

MODEL, PROVIDER = "gpt-4o", "openai"
_DAY_NS = 1_718_841_600 * 10**9  # 20 June 2024, when the benchmark was published
_STEP_NS = 10**9
_ASSUMED = "groundwork.time.assumed"


class TauBench:
    """A run is a trace: the agent, a generation for each of its turns, its tools, and the reward as an evaluation."""

    rank: ClassVar = 10

    def recognises(self, record: Mapping[str, Any]) -> bool:
        return "traj" in record and "reward" in record

    def spans(self, record: Mapping[str, Any]) -> Iterator[RawSpan]:
        turns = [m for m in items(record.get("traj")) if isinstance(m, Mapping)]
        if not turns:
            raise InvalidInputError("the run has no messages")
        task = mapping(mapping(record.get("info")).get("task"))
        digest = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()
        number_of_task, trial = _whole(record.get("task_id")), _whole(record.get("trial"))
        start = _DAY_NS + (number_of_task * 4 + trial) * 900 * _STEP_NS
        run = _Run(digest[:32], start, word(task.get("user_id")), f"tau-airline-{number_of_task}-{trial}")
        said = [m for m in turns if m.get("role") == "assistant" and m.get("content")]
        root = run.span("run", f"task {number_of_task}, trial {trial}", "agent", 0, len(turns))
        root.attributes |= {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "tau-airline",
            "groundwork.input": word(task.get("instruction")) or dumped(turns[0].get("content")),
            "groundwork.output": dumped(said[-1]["content"]) if said else "",
            "tau.task_id": number_of_task,
            "tau.trial": trial,
        }
        if task.get("actions") is not None:
            root.attributes["tau.expected_actions"] = dumped(task["actions"])
        yield root
        yield from _turns(run, root.span_id, turns)
        yield _reward(run, root, record)


class _Run:
    """Makes the spans of one run."""

    def __init__(self, trace_id: str, start_ns: int, user: str, session: str) -> None:
        self.trace_id = trace_id
        self._start_ns = start_ns
        self._usual = {"groundwork.user": user, "groundwork.session": session, _ASSUMED: True}

    def span(self, key: str, name: str, kind: str, first: int, last: int, parent: str = "") -> RawSpan:
        return RawSpan(
            trace_id=self.trace_id,
            span_id=hex_id(f"{self.trace_id} {key}", 16),
            parent_id=parent,
            name=name,
            started_ns=self._start_ns + first * _STEP_NS,
            ended_ns=self._start_ns + last * _STEP_NS,
            attributes={"groundwork.kind": kind, **self._usual},
            resource={"service.name": "tau-bench"},
        )


def _turns(run: _Run, parent: str, turns: list[Mapping[str, Any]]) -> Iterator[RawSpan]:
    results = {m.get("tool_call_id"): (at, m) for at, m in enumerate(turns) if m.get("role") == "tool"}
    heard: list[Mapping[str, Any]] = []
    for at, message in enumerate(turns):
        if message.get("role") != "assistant":
            heard.append(message)
            continue
        span = run.span(f"turn {at}", f"chat {MODEL}", "generation", at, at + 1, parent)
        system = [m for m in heard if m.get("role") == "system"]
        asked = messages_of([dict(m) for m in heard if m.get("role") != "system"])
        answered = messages_of([dict(message)], "assistant")
        span.attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": MODEL,
            **({"gen_ai.system_instructions": system_of(system[0].get("content"))} if system else {}),
            **({"gen_ai.input.messages": asked} if asked else {}),
            **({"gen_ai.output.messages": answered} if answered else {}),
        }
        heard = []
        yield span
        for call in items(message.get("tool_calls")):
            if isinstance(call, Mapping):
                yield _tool(run, parent, at, call, results)


def _tool(run: _Run, parent: str, at: int, call: Mapping[str, Any], results: Mapping[Any, Any]) -> RawSpan:
    function = mapping(call.get("function"))
    end, result = results.get(call.get("id"), (at + 1, None))
    name = word(function.get("name")) or "tool"
    span = run.span(f"call {at} {call.get('id')}", f"execute_tool {name}", "tool", at + 1, end + 1, parent)
    span.attributes |= {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": word(call.get("id")),
        "gen_ai.tool.call.arguments": function.get("arguments"),
    }
    if result is not None:
        span.attributes["gen_ai.tool.call.result"] = result.get("content")
        if str(result.get("content") or "").startswith("Error"):
            span.status, span.status_message = 2, str(result["content"])[:300]
    return span


def _reward(run: _Run, root: RawSpan, record: Mapping[str, Any]) -> RawSpan:
    value = number(record.get("reward"))
    span = run.span("reward", "reward", "evaluation", 0, 0, root.span_id)
    span.started_ns = span.ended_ns = root.ended_ns
    told = mapping(mapping(record.get("info")).get("reward_info")).get("info")
    span.attributes |= {
        "gen_ai.evaluation.name": "reward",
        "gen_ai.evaluation.score.value": value if value is not None else 0.0,
        "gen_ai.evaluation.score.label": "pass" if value is not None and value >= 1 else "fail",
    }
    if told:
        span.attributes["gen_ai.evaluation.explanation"] = dumped(told)
    return span


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10_000 else 0


plugin = TauBench
