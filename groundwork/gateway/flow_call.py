"""The books of one call: its attempts, the money held and spent for it, its times; from admission to settlement.

Nothing here waits or calls anybody; what the ledger is told is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from groundwork.core.ids import new_id
from groundwork.gateway.flow_trace import span_hex, trace_hex, traceparent
from groundwork.gateway.prices import cost_nanousd
from groundwork.gateway.records import NANO, AttemptEnd, AttemptStart, Settlement
from groundwork.gateway.types import NO_USAGE, CallMeta, Usage
from groundwork.telemetry.ids import span_id

if TYPE_CHECKING:
    from groundwork.gateway.catalog import Candidate, Plan
    from groundwork.gateway.failures import Failure
    from groundwork.gateway.records import CallState, Operation, Reason
    from groundwork.gateway.types import Caller, ChatRequest, DialectName, EmbedRequest

Structured = Literal["none", "valid", "repaired", "refused"]


@dataclass(slots=True)
class Running:
    """An attempt that was begun; `had_s` is the time it had, `quote` what was held for it."""

    start: AttemptStart
    candidate: Candidate
    input_tokens: int
    quote: int
    began: float
    had_s: float = 0.0
    first_at: float | None = None


class Call:
    """One call.

    Args:
        order: the candidates in the order they are asked; not empty.
        now: monotonic seconds. deadline_s: seconds from now in which the call must have ended.
        input_tokens, output_tokens: by estimate; the output is bounded for each candidate by what its model can write.
        request: what is asked, for whoever keeps content; the flow itself is handed it apart.
    """

    __slots__ = (
        "_done",
        "_first_quote",
        "attempts",
        "began",
        "cache_key",
        "caller",
        "deadline",
        "deadline_s",
        "dialect",
        "ends",
        "first_at",
        "held",
        "id",
        "input_tokens",
        "model",
        "operation",
        "order",
        "output_tokens",
        "pending",
        "plan",
        "request",
        "reserved",
        "running",
        "served",
        "spent",
        "stream",
        "structured",
        "tool_calls",
        "trace",
        "usage",
    )

    def __init__(
        self,
        *,
        caller: Caller,
        plan: Plan,
        order: Sequence[Candidate],
        operation: Operation,
        dialect: DialectName,
        stream: bool,
        now: float,
        deadline_s: float,
        input_tokens: int,
        output_tokens: int,
        cache_key: str = "",
        request: ChatRequest | EmbedRequest | None = None,
    ) -> None:
        self.request = request
        self.id = caller.call_id or new_id("call")
        self.caller = caller
        self.plan = plan
        self.model = plan.name
        self.order = order
        self.operation = operation
        self.dialect = dialect
        self.stream = stream
        self.began = now
        self.deadline_s = deadline_s
        self.deadline = now + deadline_s
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cache_key = cache_key
        self.trace = trace_hex(caller.trace_id or self.id)
        self._done = False
        self.attempts = 0
        self.ends: list[AttemptEnd] = []
        self.running: list[Running] = []
        self.served = order[0]
        self.structured: Structured = "none"
        self.tool_calls = 0
        self.usage = NO_USAGE
        self.spent = 0
        self.pending = 0
        self.first_at: float | None = None
        self._first_quote = self.quote(order[0], input_tokens)
        self.reserved = max(self._first_quote, *(self.quote(c, input_tokens) for c in order[1:]), 0)
        self.held = self.reserved

    def quote(self, candidate: Candidate, input_tokens: int) -> int:
        """Return what one attempt may cost at most, by estimate."""
        if candidate.price is None:
            return 0
        most = candidate.served.max_output_tokens
        output = self.output_tokens if most is None else min(self.output_tokens, most)
        return cost_nanousd(Usage(input_tokens, output), candidate.price)

    def begin(self, candidate: Candidate, reason: Reason, now: float, input_tokens: int = 0) -> Running:
        """Begin an attempt in the books; the ledger is told before the request leaves."""
        self.attempts += 1
        tokens = input_tokens or self.input_tokens
        start = AttemptStart(new_id("att"), self.attempts, reason, candidate.provider, candidate.model)
        quote = self._first_quote if reason == "first" else self.quote(candidate, tokens)
        running = Running(start, candidate, tokens, quote, now, self.deadline - now)
        self.pending += running.quote
        self.running.append(running)
        return running

    def drop(self, running: Running) -> None:
        """Take back an attempt that the ledger did not let in."""
        self.attempts -= 1
        self.pending -= running.quote
        self.running.remove(running)

    def unsent(self, running: Running, now: float) -> None:
        """End an attempt whose request never left."""
        self._end(running, "cancelled", NO_USAGE, now)

    def missing(self) -> int:
        """Return what must be held beyond what is held, so that everything begun can be paid."""
        return max(0, self.spent + self.pending - self.held)

    def traceparent(self, running: Running) -> str:
        """Return the header of an attempt's request: the first goes out under the call's span, each other under its own."""
        start = running.start
        return traceparent(self.trace, span_id(self.id) if start.n == 1 else span_hex(start.id))

    def done(self, running: Running, usage: Usage, now: float) -> None:
        """End an attempt that answered."""
        self._end(running, "done", usage, now)
        self._done = True

    def failed(self, running: Running, failure: Failure, now: float) -> None:
        """End an attempt that failed; where it may have been billed, it is charged by estimate of what it read."""
        usage = Usage(running.input_tokens, estimated=True) if failure.billed else NO_USAGE
        self._end(running, "failed", usage, now, failure)

    def broken(
        self,
        running: Running,
        state: Literal["failed", "incomplete", "cancelled"],
        now: float,
        *,
        output_tokens: int = 0,
        said: Usage | None = None,
        failure: Failure | None = None,
    ) -> None:
        """End an attempt that was cut off: charged for what was read and for what was written until then, by estimate."""
        if said is None or not (said.input_tokens or said.output_tokens):
            said = Usage(running.input_tokens, output_tokens, estimated=True)
        elif said.output_tokens < output_tokens:
            said = Usage(
                said.input_tokens,
                output_tokens,
                said.cached_input_tokens,
                said.cache_write_tokens,
                estimated=True,
            )
        self._end(running, state, said, now, failure)

    def _end(
        self, running: Running, state: CallState, usage: Usage, now: float, failure: Failure | None = None
    ) -> None:
        if not self._done or state == "done":  # who answered last, else who failed last
            self.served = running.candidate
        price = running.candidate.price
        cost = 0 if price is None else cost_nanousd(usage, price)
        self.spent += cost
        self.pending -= running.quote
        self.running.remove(running)
        self.usage = usage if self.usage is NO_USAGE else _sum(self.usage, usage)
        self.ends.append(
            AttemptEnd(
                running.start.id,
                state,
                failure.status if failure else None,
                failure.code if failure else "",
                usage,
                cost,
                (now - running.began) * 1000,
                None if running.first_at is None else (running.first_at - running.began) * 1000,
            )
        )

    def settlement(
        self,
        state: CallState,
        now: float,
        *,
        error: str = "",
        cache: Mapping[str, Any] | None = None,
        cache_ttl_s: float | None = None,
        energy_uwh: int = 0,
        answer_id: str = "",
    ) -> Settlement:
        """Return how the call ended, every attempt included; one that is still open was never sent."""
        for running in list(self.running):
            self.unsent(running, now)
        served = self.served
        return Settlement(
            call_id=self.id,
            state=state,
            attempts=tuple(self.ends),
            provider=served.provider,
            model=served.model,
            usage=self.usage,
            cost_nanousd=self.spent,
            energy_uwh=energy_uwh,
            structured=self.structured,
            error=error,
            latency_ms=(now - self.began) * 1000,
            first_token_ms=self._first_token_ms(),
            cache_key=self.cache_key if cache is not None else "",
            cache=cache,
            cache_ttl_s=cache_ttl_s if cache is not None else None,
            answer_id=answer_id,
            tool_calls=self.tool_calls,
        )

    def meta(self, now: float, *, cached: bool = False) -> CallMeta:
        """Return what is said about the call now."""
        served = self.served
        return CallMeta(
            call_id=self.id,
            provider=served.provider,
            model=served.model,
            cached=cached,
            attempts=0 if cached else self.attempts,
            cost_usd=self.spent / NANO,
            reserved_usd=0.0 if cached else self.held / NANO,
            structured=self.structured,
            latency_ms=(now - self.began) * 1000,
            first_token_ms=self._first_token_ms(),
            trace_id=self.caller.trace_id or self.trace,
        )

    def _first_token_ms(self) -> float | None:
        return None if self.first_at is None else (self.first_at - self.began) * 1000


def _sum(a: Usage, b: Usage) -> Usage:
    return Usage(
        a.input_tokens + b.input_tokens,
        a.output_tokens + b.output_tokens,
        a.cached_input_tokens + b.cached_input_tokens,
        a.cache_write_tokens + b.cache_write_tokens,
        a.reasoning_tokens + b.reasoning_tokens,
        a.estimated or b.estimated,
    )
