"""The gateway itself: from a request to a provider's events; admission, retries, checks, cache, settlement between."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import (
    BudgetExceededError,
    GroundworkError,
    ModelNotFoundError,
    StorageFullError,
    UnauthenticatedError,
    UnavailableError,
)
from groundwork.core.ids import new_id
from groundwork.gateway import cache, flow_failures, routing, structured, tokens
from groundwork.gateway.catalog import visible
from groundwork.gateway.energy import energy_uwh
from groundwork.gateway.failures import Failure
from groundwork.gateway.flow import Flow
from groundwork.gateway.flow_call import Call
from groundwork.gateway.flow_delivery import Delivery
from groundwork.gateway.flow_fit import counted, that_fit
from groundwork.gateway.flow_options import GatewayOptions
from groundwork.gateway.flow_stream import OpenStream, final_events
from groundwork.gateway.metrics import Metrics
from groundwork.gateway.providers import Attempt
from groundwork.gateway.records import Admission, AttemptStart
from groundwork.gateway.types import ChatRequest

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.gateway.catalog import Candidate, Catalog, Plan
    from groundwork.gateway.content import ContentSink
    from groundwork.gateway.flow_gather import Opened
    from groundwork.gateway.records import CallState, Ledger, Operation, Settlement
    from groundwork.gateway.transport import Transport
    from groundwork.gateway.types import (
        Caller,
        Completion,
        DialectName,
        Embeddings,
        EmbedRequest,
        Event,
        ModelInfo,
    )

__all__ = ["Gateway", "GatewayOptions", "OpenStream", "Served"]
log = logging.getLogger("groundwork.gateway")
LONGEST_DEADLINE_S = 3600.0
MODEL_CHARS = 300
"""How much of a model's name that nobody knows is kept."""


@dataclass(frozen=True, slots=True)
class Served:
    """A call that is being served, with the request it was made for."""

    call: Call
    request: ChatRequest


class Gateway:
    """One door to every model. Safe to use from several event loops, each in its thread.

    Every call that is let in is settled exactly once, however it ends: `done`, `failed`, `incomplete` (a stream that broke),
    or `cancelled` (the client left). What is refused before is recorded as `failed` and costs nothing.

    Args:
        draw, sleep: chance and waiting, handed in by tests.
        content: is handed what was asked and said in each call when it is settled; None: nobody keeps it.
    """

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        transport: Transport | None,
        clock: Clock,
        options: GatewayOptions = GatewayOptions(),
        *,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        content: ContentSink | None = None,
    ) -> None:
        self.content = content
        self.metrics = Metrics()
        self.catalog = catalog
        self.options = options
        self.flow = Flow(catalog, ledger, transport, clock, options, self.metrics, draw=draw, sleep=sleep)
        self.metrics.breakers = self.flow.breakers.states
        self._clock = clock
        self._delivering: dict[str, asyncio.Event] = {}

    async def complete(self, request: ChatRequest, caller: Caller) -> Completion:
        """Return a whole completion, settled and checked.

        Raises:
            GroundworkError: InvalidInputError, ContextLengthError and ModelNotFoundError for the request itself; what
                admission raises (see `Ledger.admit`); UpstreamError, UpstreamTimeoutError, RateLimitedError when no provider
                served it; OutputRefusedError when what it wrote does not fit.
        """
        call = await self._prepared(request, caller, stream=False)
        async with Delivery(self._delivering, call):
            found = await self._admit(call)
            if found is not None:
                return found
            try:
                completion = await self.flow.whole(call, request)
                completion = await self._checked(call, request, completion)
            except BaseException as error:
                await self._failed(call, error)
                raise
            return await self._done(call, completion)

    async def open_stream(self, request: ChatRequest, caller: Caller) -> OpenStream:
        """Return a stream of which the first event is there, so that retries and fallbacks are over.

        Where the output must be checked as a whole (a response format, or a tool call before any text) all of it is there
        and valid. A call that the cache answers is replayed.

        Raises:
            GroundworkError: as `complete`.
        """
        call = await self._prepared(request, caller, stream=True)
        async with Delivery(self._delivering, call):
            found = await self._admit(call)
            served = Served(call, request)
            if found is not None:
                return OpenStream.replay(self, served, found)
            try:
                opened = await self.flow.opened(call, request, hold=structured.is_held(request))
                if not opened.ended:
                    call.served = opened.running.candidate
                    return OpenStream.of(self, served, call.meta(self._clock.monotonic()), opened)
                before = opened.gather.completion()
                after = await self._checked(call, request, before)
            except BaseException as error:
                await self._failed(call, error)
                raise
            completion = await self._done(call, after)
            events = final_events(before, after, opened.events, shown=False)
            return OpenStream.replay(self, served, completion, events)

    async def embed(self, request: EmbedRequest, caller: Caller) -> Embeddings:
        """Return one vector for each input.

        Raises:
            GroundworkError: as `complete`.
        """
        try:
            plan = self.catalog.resolve(request.model)
            call = self._call(
                plan,
                caller,
                input_tokens=sum(map(tokens.estimate_text, request.inputs)),
                output_tokens=0,
                fits=plan.candidates,
                request=request,
                embed=True,
            )
        except GroundworkError as error:
            raise await self.refused(
                error, caller, operation="embed", dialect="openai_embeddings", model=request.model
            ) from None
        await self._admit(call)
        try:
            found = await self.flow.embedded(call, request)
        except BaseException as error:
            await self._failed(call, error)
            raise
        now = self._clock.monotonic()
        await self.flow.ledger.settle(self._ended(call, "done", now))
        return replace(found, usage=call.ends[-1].usage, meta=call.meta(now))

    async def models(self, caller: Caller) -> list[ModelInfo]:
        """Return the models that the caller may ask for, sorted by name."""
        await self.catalog.refresh(self.flow.transport, self._clock, wait=True)
        return visible(self.catalog.infos(), caller.scopes)

    async def count_tokens(self, request: ChatRequest, caller: Caller) -> int:
        """Return the input tokens of a request: as the provider counts, else by the model's tokenizer, else estimated.

        Raises:
            ModelNotFoundError: there is no such model.
        """
        candidate = self.catalog.resolve(request.model).candidates[0]
        try:
            async with asyncio.timeout(30):
                attempt = Attempt(
                    model=candidate.model,
                    transport=self.flow.transport,
                    secret=self.catalog.secret(candidate),
                    timeout_s=30,
                    access=caller.access,
                )
                said = await candidate.plugin.count_tokens(request, attempt)
        except (Failure, TimeoutError) as error:
            log.info("`%s` did not count tokens: %s", candidate.provider, type(error).__name__)
            said = None
        if said is not None:
            return said
        return await counted(request, candidate) or tokens.estimate(request)

    async def aclose(self, *, everywhere: bool = True) -> None:
        """End what runs in the background and close connections: of every event loop, or of the running one alone.

        Calls in flight are ended by whoever made them.
        """
        await self.catalog.aclose()
        if self.flow.transport is not None:
            await self.flow.transport.aclose(everywhere=everywhere)

    # ---- before the provider ----

    async def _prepared(self, request: ChatRequest, caller: Caller, *, stream: bool) -> Call:
        """Resolve and check what needs no provider and no money.

        Raises:
            GroundworkError: the request cannot be served; for a caller whose key is not valid, that it is not.
        """
        try:
            plan = self.catalog.resolve(request.model)
            if (
                request.tools
                or request.response_format.kind != "text"
                or request.tool_choice is not None
                or request.n > 1
            ):
                structured.check_request(request)
            size = tokens.estimate(request)
            assumed = request.max_output_tokens or self.options.assumed_output_tokens
            key = cache.key_of(request, caller, plan) if self.options.cache_ttl_s else ""
            return self._call(
                plan,
                caller,
                input_tokens=size,
                output_tokens=assumed * request.n,
                fits=await that_fit(plan, request, size),
                cache_key=key,
                request=request,
                stream=stream,
            )
        except GroundworkError as error:
            raise await self.refused(
                error, caller, dialect=request.dialect, model=request.model, stream=stream
            ) from None

    def _call(
        self,
        plan: Plan,
        caller: Caller,
        *,
        input_tokens: int,
        output_tokens: int,
        fits: Sequence[Candidate],
        cache_key: str = "",
        request: ChatRequest | EmbedRequest,
        stream: bool = False,
        embed: bool = False,
    ) -> Call:
        now = self._clock.monotonic()
        breakers = self.flow.breakers
        sticky = request.user if self.options.sticky and not embed else ""
        order = routing.order(
            plan, self.flow.draw, lambda c: c in fits and breakers.of(c.key).ready(now), sticky
        )
        if not order:
            raise flow_failures.resting(plan.name, min(breakers.of(c.key).wait_s(now) for c in fits))
        call = Call(
            caller=caller,
            plan=plan,
            order=order,
            operation="embed" if embed else "chat",
            dialect=request.dialect if isinstance(request, ChatRequest) else "openai_embeddings",
            stream=stream,
            now=now,
            deadline_s=min(caller.deadline_s or plan.deadline_s, LONGEST_DEADLINE_S),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_key=cache_key,
            request=request,
        )
        call.begin(order[0], "first", now)
        return call

    async def _admit(self, call: Call) -> Completion | None:
        """Let the call in; return its completion when the cache has it, which settled the call already."""
        admission = Admission(
            call_id=call.id,
            caller=call.caller,
            operation=call.operation,
            dialect=call.dialect,
            model=call.model,
            stream=call.stream,
            reserve_nanousd=call.reserved,
            estimate_tokens=call.input_tokens + call.output_tokens,
            attempt=call.running[0].start,
            limits=self.options.limits_of(call.caller.app),
            cache_key=call.cache_key,
            keyless=self.options.keyless,
        )
        try:
            admitted = await self.flow.ledger.admit(admission)
        except GroundworkError as error:
            self.metrics.call_refused(error.code)
            raise
        call.caller = admitted.caller
        if admitted.cached is None:
            self.metrics.call_began()
            return None
        self.metrics.call_cached()
        meta = call.meta(self._clock.monotonic(), cached=True)
        found = replace(cache.restored(admitted.cached), meta=meta)
        if self.content is not None:
            self.content.put(call, found)
        return found

    async def refused(
        self,
        error: GroundworkError,
        caller: Caller,
        *,
        operation: Operation = "chat",
        dialect: DialectName = "openai_chat",
        model: str = "",
        stream: bool = False,
    ) -> GroundworkError:
        """Record a call that is not let in, and return the error its caller gets.

        A caller whose key is not valid is told so and learns nothing else; it has no row of its own, only a count.
        """
        self.metrics.call_refused(error.code)
        nobody = AttemptStart("", 1, "first", "", "")
        admission = Admission(
            caller.call_id or new_id("call"),
            caller,
            operation,
            dialect,
            model[:MODEL_CHARS],
            stream,
            0,
            0,
            nobody,
            keyless=self.options.keyless,
        )
        try:
            known = await self.flow.ledger.refuse(admission, error)
        except UnauthenticatedError as refusal:
            return refusal
        except GroundworkError as trouble:
            log.warning("a refused call was not recorded: %s", trouble.message)
            return trouble if isinstance(trouble, StorageFullError | UnavailableError) else error
        return self.catalog.unknown(model, known.scopes) if isinstance(error, ModelNotFoundError) else error

    # ---- after the provider ----

    async def _checked(self, call: Call, request: ChatRequest, completion: Completion) -> Completion:
        """Return the completion, or a repaired one, as it may be shown.

        Raises:
            OutputRefusedError: it does not fit, also after one repair.
            UpstreamTimeoutError: the deadline was over before it was repaired.
        """
        found = structured.check(request, completion)
        if not found.checked:
            return found.completion
        if not found.faults:
            call.structured = "valid"
            call.tool_calls = len(found.completion.tool_calls)
            return found.completion
        call.structured = "refused"
        if not structured.is_repairable(request, completion):
            why = "and it was cut at the token limit" if completion.finish == "length" else ""
            raise structured.refused(call.model, found.faults, repaired=False, why=why)
        try:
            asked = structured.repair(request, completion, found.faults)
            second = structured.check(request, await self.flow.again(call, asked, "repair"))
        except Failure as failure:
            if failure.code == "timeout":
                raise flow_failures.late(call.deadline_s, failure, call.attempts) from None
            why = f"and the repair failed ({failure.code})"
            raise structured.refused(call.model, found.faults, repaired=False, why=why) from None
        except BudgetExceededError:
            why = "and the budget has nothing for a repair"
            raise structured.refused(call.model, found.faults, repaired=False, why=why) from None
        if second.faults:
            raise structured.refused(call.model, second.faults, repaired=True)
        call.structured = "repaired"
        call.tool_calls = len(second.completion.tool_calls)
        return second.completion

    async def _done(self, call: Call, completion: Completion) -> Completion:
        """Settle a call that was served, then return its completion."""
        now = self._clock.monotonic()
        kept = cache.stored(completion) if call.cache_key else None
        await self.flow.ledger.settle(
            self._ended(
                call, "done", now, completion, cache=kept, answer_id=_answer_of(completion.annotations)
            )
        )
        return replace(completion, meta=call.meta(now))

    async def _failed(self, call: Call, error: BaseException) -> None:
        """Settle a call that was not served; the error stays the one that is raised."""
        now = self._clock.monotonic()
        if isinstance(error, asyncio.CancelledError):
            await self._settle_quietly(call, self._ended(call, "cancelled", now))
            return
        await self._settle_quietly(call, self._ended(call, "failed", now, error=_code(error)))

    async def _settle_quietly(self, call: Call, settlement: Settlement) -> None:
        """Settle where another error is already on its way; the ledger keeps what its store refuses."""
        try:
            await self.flow.ledger.settle(settlement)
        except GroundworkError as refusal:
            log.warning("the call %s is not settled yet: %s", call.id, refusal.message)

    def _ended(
        self, call: Call, state: CallState, now: float, said: Completion | None = None, **more: Any
    ) -> Settlement:
        if self.content is not None:  # before the settlement, so that whoever sees that finds this
            self.content.put(call, said)
        if more.get("cache") is not None:
            more["cache_ttl_s"] = self.options.cache_ttl_s
        # What an app takes is what the calls it made take, and is counted there.
        energy = 0 if call.served.is_app else energy_uwh(call.usage, call.served.model)
        settlement = call.settlement(state, now, energy_uwh=energy, **more)
        self.metrics.call_ended(call, state, now)
        return settlement

    # ---- streams, told by OpenStream ----

    async def stream_ended(
        self, served: Served, opened: Opened, held: list[Event], *, shown: bool
    ) -> tuple[Completion, Iterable[Event]]:
        """Check and settle a stream that came to its end; return it whole, and the events that are still to be shown.

        Raises:
            GroundworkError: what it wrote is refused, or the store refuses the settlement.
        """
        call, request = served.call, served.request
        before = opened.gather.completion()
        try:
            self.flow.stream_ended(call, opened.running, opened.gather)
            before = replace(before, usage=opened.gather.usage)
            after = await self._checked(call, request, before)
        except BaseException as error:
            await self._failed(call, error)
            raise
        events = final_events(before, after, held, shown=shown)
        if shown and after is not before:
            text = before.text if after.tool_calls else before.text + after.text
            after = replace(after, text=text, reasoning=before.reasoning)
        return await self._done(call, after), events

    async def stream_broke(self, served: Served, opened: Opened, error: BaseException) -> BaseException:
        """Settle a stream that broke, or whose reader was cancelled; return what is to be raised."""
        call = served.call
        now = self._clock.monotonic()
        if isinstance(error, asyncio.CancelledError):
            await self.stream_abandoned(served, opened)
            return error
        raised = self.flow.stream_broke(call, opened, error)
        said = opened.gather.completion()
        await self._settle_quietly(call, self._ended(call, "incomplete", now, said, error=_code(raised)))
        return raised

    async def stream_abandoned(self, served: Served, opened: Opened) -> None:
        """Let go of a stream whose client left: the provider's request is cancelled, the call settled as cancelled."""
        await self.flow.abandon(served.call, opened)
        now = self._clock.monotonic()
        said = opened.gather.completion()
        await self._settle_quietly(served.call, self._ended(served.call, "cancelled", now, said))


def _answer_of(annotations: Sequence[Any]) -> str:
    return next(
        (str(a["answer_id"]) for a in annotations if a.get("type") == "answer" and "answer_id" in a), ""
    )


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, GroundworkError) else "internal"
