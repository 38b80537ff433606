"""How a call is served: attempts in order until one is good, each written to the ledger before its request leaves.

`Flow` knows nothing of dialects or of HTTP; `gateway.py` prepares a call and hands it to `whole` or `opened`. Every way
out of here leaves each attempt of the call ended in its books; settling the call is the gateway's part.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from groundwork.core.errors import BudgetExceededError, GroundworkError, MissingModelError
from groundwork.gateway import flow_failures, retry, tokens
from groundwork.gateway.breaker import Breakers
from groundwork.gateway.deadline import Within
from groundwork.gateway.failures import Failure
from groundwork.gateway.flow_gather import Gather, Opened
from groundwork.gateway.flow_hedge import hedged
from groundwork.gateway.providers import Attempt
from groundwork.gateway.types import NO_USAGE, Usage

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.gateway.catalog import Candidate, Catalog
    from groundwork.gateway.flow_call import Call, Running
    from groundwork.gateway.flow_options import GatewayOptions
    from groundwork.gateway.metrics import Metrics
    from groundwork.gateway.records import Ledger, Reason
    from groundwork.gateway.transport import Transport
    from groundwork.gateway.types import ChatRequest, Completion, Embeddings, EmbedRequest

T = TypeVar("T")
log = logging.getLogger("groundwork.gateway")


class Flow:
    """Makes the attempts of calls.

    Args:
        draw: returns a random number in [0, 1). sleep: waits so many seconds; both are handed in by tests.
    """

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        transport: Transport | None,
        clock: Clock,
        options: GatewayOptions,
        metrics: Metrics,
        *,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.catalog = catalog
        self.ledger = ledger
        self.transport = transport
        self.clock = clock
        self.options = options
        self.metrics = metrics
        self.breakers = Breakers(options.breaker)
        self.draw = draw
        self._sleep = sleep

    # ---- attempts ----

    async def whole(self, call: Call, request: ChatRequest) -> Completion:
        """Return the first good completion of the candidates in order.

        Raises:
            GroundworkError: no attempt is left, the deadline is over, or the store refuses.
        """

        async def once(running: Running) -> Completion:
            return await self.complete_once(call, running, request)

        return await self._attempts(call, once)

    async def opened(self, call: Call, request: ChatRequest, *, hold: bool) -> Opened:
        """Return a stream of which the first event is there; with `hold`, or when that is a tool call, all of it.

        Raises:
            GroundworkError: as `whole`.
        """

        async def once(running: Running) -> Opened:
            return await self._open_once(call, running, request, hold=hold)

        return await self._attempts(call, once)

    async def embedded(self, call: Call, request: EmbedRequest) -> Embeddings:
        """Return one vector for each input.

        Raises:
            GroundworkError: as `whole`.
        """

        async def once(running: Running) -> Embeddings:
            return await self._embed_once(call, running, request)

        return await self._attempts(call, once)

    async def again(self, call: Call, request: ChatRequest, reason: Reason) -> Completion:
        """Make one further attempt at who served the call last, with another request.

        Raises:
            Failure: it failed. BudgetExceededError: it may not be made.
        """
        running = await self.begin(call, call.served, reason, tokens.estimate(request))
        return await self.complete_once(call, running, request)

    async def _attempts(self, call: Call, once: Callable[[Running], Awaitable[T]]) -> T:
        failure: Failure | None = None
        failed = call.order[0]
        reason: Reason = "first"
        for n, candidate in enumerate(call.order):
            breaker = self.breakers.of(candidate.key)
            more = n + 1 < len(call.order)
            tries = 0
            renewed = False
            while True:
                now = self.clock.monotonic()
                if call.deadline <= now:
                    raise flow_failures.late(call.deadline_s, failure, call.attempts)
                # The first attempt was admitted with the call; it is made even if the breaker has opened since.
                if not breaker.enter(now) and reason != "first":
                    break
                try:
                    running = (
                        call.running[0] if reason == "first" else await self.begin(call, candidate, reason)
                    )
                except BudgetExceededError:
                    breaker.left()
                    break
                except BaseException:
                    breaker.left()
                    raise
                try:
                    return await self._round(call, running, once)
                except Failure as error:
                    failure, failed = error, candidate
                tries += 1
                if failure.code == "auth" and not renewed and self.catalog.renewed(candidate):
                    renewed, reason = True, "retry"
                    continue
                step = retry.after(
                    failure,
                    tries,
                    call.plan.attempts,
                    call.deadline - self.clock.monotonic(),
                    more=more,
                    draw=self.draw,
                    options=self.options.retry,
                )
                if step.kind == "stop":
                    raise self._error(failure, failed, call)
                if step.kind == "next":
                    break
                reason = "retry"
                await self._sleep(step.pause_s)
            reason = "fallback"
        assert failure is not None
        raise self._error(failure, failed, call)

    async def _round(self, call: Call, running: Running, once: Callable[[Running], Awaitable[T]]) -> T:
        if call.plan.hedge_after_ms is None or call.operation == "embed":
            return await once(running)
        return await hedged(self, call, running, once)

    async def begin(self, call: Call, candidate: Candidate, reason: Reason, input_tokens: int = 0) -> Running:
        """Begin a further attempt: its row is committed, and what it may cost is held."""
        running = call.begin(candidate, reason, self.clock.monotonic(), input_tokens)
        more = call.missing()
        try:
            await self.ledger.attempt(call.id, running.start, more_nanousd=more)
        except asyncio.CancelledError:
            call.unsent(running, self.clock.monotonic())  # its row may have been written
            raise
        except BaseException:
            call.drop(running)
            raise
        call.held += more
        self.metrics.attempt_begun(reason)
        return running

    def _error(self, failure: Failure, candidate: Candidate, call: Call) -> GroundworkError:
        try:
            secret = self.catalog.secret(candidate)
        except Failure:
            secret = ""
        return flow_failures.error_of(failure, candidate, attempts=call.attempts, secret=secret)

    # ---- one attempt ----

    async def complete_once(self, call: Call, running: Running, request: ChatRequest) -> Completion:
        """Make one attempt. Raises Failure; the attempt is ended in the books either way."""
        self._leave(call, running)
        try:
            with Within(running.had_s):
                completion = await running.candidate.plugin.complete(request, self._attempt(call, running))
        except BaseException as error:
            raise self.broke(call, running, error) from None
        usage = completion.usage
        if usage == NO_USAGE:
            usage = Usage(running.input_tokens, written(completion, running.candidate), estimated=True)
            completion = replace(completion, usage=usage)
        self._answered(call, running, usage)
        return completion

    async def _embed_once(self, call: Call, running: Running, request: EmbedRequest) -> Embeddings:
        self._leave(call, running)
        try:
            with Within(running.had_s):
                found = await running.candidate.plugin.embed(request, self._attempt(call, running))
            _check_vectors(found, request, running.candidate)
        except BaseException as error:
            raise self.broke(call, running, error) from None
        usage = found.usage if found.usage != NO_USAGE else Usage(running.input_tokens, estimated=True)
        self._answered(call, running, usage)
        return found

    async def _open_once(self, call: Call, running: Running, request: ChatRequest, *, hold: bool) -> Opened:
        gather = Gather()
        opened: Opened | None = None
        self._leave(call, running)
        try:
            events = running.candidate.plugin.stream(request, self._attempt(call, running))
            opened = Opened(running, events, gather)
            with Within(running.had_s):
                await opened.first(self.clock)
                if call.first_at is None:
                    call.first_at = running.first_at
                if hold or gather.holds:
                    await opened.rest()
        except BaseException as error:
            if opened is not None:
                await opened.close()
            raise self.broke(call, running, error, gather) from None
        if opened.ended:
            self.stream_ended(call, running, gather)
        return opened

    async def abandon(self, call: Call, opened: Opened) -> None:
        """Close a stream that nobody reads any more; its attempt ends as cancelled."""
        await opened.close()
        if opened.running in call.running:
            self.broke(call, opened.running, asyncio.CancelledError(), opened.gather)

    def stream_broke(self, call: Call, opened: Opened, error: BaseException) -> BaseException:
        """End the attempt of a stream that broke while it was read; return what its reader is told."""
        failure = self.broke(call, opened.running, error, opened.gather, state="incomplete")
        if not isinstance(failure, Failure):
            return failure
        return self._error(failure, opened.running.candidate, call)

    def stream_ended(self, call: Call, running: Running, gather: Gather) -> None:
        """End the attempt of a stream that came to its end."""
        usage = gather.usage
        if usage == NO_USAGE:
            usage = Usage(
                running.input_tokens, written(gather.completion(), running.candidate), estimated=True
            )
            gather.usage = usage
        self._answered(call, running, usage)

    def _leave(self, call: Call, running: Running) -> None:
        """Note when the attempt leaves, and how long it may take."""
        running.began = self.clock.monotonic()
        running.had_s = max(0.0, call.deadline - running.began)

    def _attempt(self, call: Call, running: Running) -> Attempt:
        caller = call.caller
        candidate = running.candidate
        return Attempt(
            model=candidate.model,
            transport=self.transport,
            secret=self.catalog.secret(candidate) if candidate.secret else "",
            timeout_s=running.had_s,
            headers={"traceparent": call.traceparent(running)},
            access=caller.access,
            context={
                "tenant": caller.tenant,
                "principal": caller.principal,
                "key_id": caller.key_id,
                "call_id": call.id,
                "trace_id": caller.trace_id,
            },
        )

    def _answered(self, call: Call, running: Running, usage: Usage) -> None:
        now = self.clock.monotonic()
        call.done(running, usage, now)
        self.breakers.of(running.candidate.key).succeeded(now)

    def broke(
        self,
        call: Call,
        running: Running,
        error: BaseException,
        gather: Gather | None = None,
        state: Literal["failed", "incomplete"] = "failed",
    ) -> BaseException:
        """End an attempt that raised; return what is to be raised: a Failure, or what must not be held back."""
        now = self.clock.monotonic()
        breaker = self.breakers.of(running.candidate.key)
        if isinstance(error, TimeoutError):
            error = Failure("timeout", f"no answer within {running.had_s:.3g} s", billed=True)
        elif isinstance(error, Exception) and not isinstance(error, Failure):
            log.error("the provider `%s` broke its contract", running.candidate.provider, exc_info=error)
            error = Failure("protocol", f"the plug-in failed with {type(error).__name__}", billed=True)
        if isinstance(error, Failure):
            if gather is not None and gather.began:
                call.broken(
                    running,
                    state,
                    now,
                    output_tokens=gather.output_tokens(),
                    said=gather.usage,
                    failure=error,
                )
            else:
                call.failed(running, error, now)
            self.metrics.attempt_failed(running.candidate.key, error.code)
            if retry.is_ill(error, running.had_s, call.plan.deadline_s):
                breaker.failed(now)
            else:
                breaker.left()
            return error
        breaker.left()
        call.broken(
            running,
            "cancelled",
            now,
            output_tokens=gather.output_tokens() if gather else 0,
            said=gather.usage if gather else None,
        )
        return error


def written(completion: Completion, candidate: Candidate) -> int:
    """Return the tokens of a completion whose provider did not count: exact where its tokenizer is known."""
    if candidate.tokenizer:
        with suppress(MissingModelError):
            pieces = [completion.text, completion.reasoning, *(c.arguments for c in completion.tool_calls)]
            return sum(tokens.count_text(p, candidate.tokenizer) for p in pieces if p)
    return tokens.estimate_output(completion)


def _check_vectors(found: Embeddings, request: EmbedRequest, candidate: Candidate) -> None:
    """Refuse vectors that are not one for each input and all of the dimension that was asked for or configured."""
    if len(found.vectors) != len(request.inputs):
        raise Failure(
            "protocol",
            f"{len(found.vectors)} vectors came for {len(request.inputs)} inputs",
            billed=True,
        )
    wanted = request.dimensions or candidate.served.dimensions
    sizes: set[Any] = {len(v) for v in found.vectors}
    if len(sizes) > 1 or (wanted is not None and sizes and sizes != {wanted}):
        raise Failure(
            "protocol",
            f"vectors of dimension {sorted(sizes)} came"
            + (f" where {wanted} was expected" if wanted is not None else ""),
            billed=True,
        )
