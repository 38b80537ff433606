"""A stream as the client reads it: events as they come, what must be checked held back, settled before its end is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from groundwork.gateway.deadline import Deadline
from groundwork.gateway.flow_gather import events_of

if TYPE_CHECKING:
    from groundwork.gateway.flow_gather import Opened
    from groundwork.gateway.gateway import Gateway, Served
    from groundwork.gateway.types import CallMeta, Completion, Event


class OpenStream:
    """A stream whose first event is there: no retry and no fallback follows any more.

    Iterate it once, then `aclose` it, also after an error; whoever stops earlier closes it, which cancels the provider's
    request and settles the call as cancelled. Tool calls are shown when all of them are complete and valid. Finish and
    usage come after the call was settled.

    Attributes:
        meta: what is known of the call at its start. completion: all of it, set when the iteration is over.
    """

    def __init__(self, gateway: Gateway, served: Served, meta: CallMeta) -> None:
        self.meta = meta
        self.completion: Completion | None = None
        self._gateway = gateway
        self._served = served
        self._ready: deque[Event] = deque()
        self._held: list[Event] = []
        self._opened: Opened | None = None
        self._shown = False
        self._closed = False
        self._deadline: Deadline | None = None
        self._left: asyncio.Event | None = None

    @classmethod
    def of(cls, gateway: Gateway, served: Served, meta: CallMeta, opened: Opened) -> OpenStream:
        """Return the stream of a provider that was begun."""
        stream = cls(gateway, served, meta)
        stream._opened = opened
        stream._deadline = Deadline(served.call.deadline - gateway.flow.clock.monotonic())
        for event in opened.events:
            stream._sort(event)
        return stream

    @classmethod
    def replay(
        cls, gateway: Gateway, served: Served, completion: Completion, events: Iterable[Event] | None = None
    ) -> OpenStream:
        """Return a stream of what is there and settled already; `events` are the provider's own where they fit."""
        stream = cls(gateway, served, completion.meta)
        stream._ready.extend(events_of(completion) if events is None else events)
        stream.completion = completion
        return stream

    def __aiter__(self) -> OpenStream:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            GroundworkError: the stream broke, or what it wrote is refused; the call is settled already.
        """
        while not self._ready:
            if self._opened is None or self._closed:
                raise StopAsyncIteration
            await self._more(self._opened)
        event = self._ready.popleft()
        if event.kind == "text":
            self._shown = True
        return event

    async def __aenter__(self) -> OpenStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the call if it is not over: the provider's request is cancelled and the call settled as cancelled."""
        self._closed = True
        self._ready.clear()
        if self._deadline is not None and self._deadline.waits:
            # Another task reads at this moment: its read ends now, and settles.
            self._left = asyncio.Event()
            self._deadline.expire()
            await self._left.wait()
        opened, self._opened = self._opened, None
        if opened is not None:
            if self._deadline is not None:
                self._deadline.end()
            await self._gateway.stream_abandoned(self._served, opened)

    async def _more(self, opened: Opened) -> None:
        """Read until an event may be shown, or to the end."""
        assert self._deadline is not None
        try:
            with self._deadline:
                while not self._ready:
                    event = await opened.next()
                    if event is None:
                        break
                    self._sort(event)
        except BaseException as error:
            await self._broke(opened, error)
        if opened.ended:
            self._opened = None
            self._deadline.end()
            self.completion, events = await self._gateway.stream_ended(
                self._served, opened, self._held, shown=self._shown
            )
            self._ready.extend(events)

    async def _broke(self, opened: Opened, error: BaseException) -> NoReturn:
        """Settle and raise what is to be raised."""
        assert self._deadline is not None
        self._opened = None
        self._ready.clear()
        self._deadline.end()
        try:
            await opened.close()
            if self._closed and isinstance(error, TimeoutError):
                await self._gateway.stream_abandoned(self._served, opened)
                raise StopAsyncIteration from None
            raise await self._gateway.stream_broke(self._served, opened, error) from None
        finally:
            if self._left is not None:
                self._left.set()

    def _sort(self, event: Event) -> None:
        """Show an event now, or hold it: tool calls and what follows them, and the end."""
        if (
            self._held
            or event.kind in ("tool_call", "finish")
            or (event.kind == "usage" and self._opened is not None and self._opened.gather.finish is not None)
        ):
            self._held.append(event)
        else:
            self._ready.append(event)


def final_events(before: Completion, after: Completion, held: list[Event], *, shown: bool) -> Iterable[Event]:
    """Return what is still to be shown: the held events when nothing was changed, else those of the changed completion.

    Text that was shown before a repair stays; a repaired completion's own text is left out where it has tool calls.
    """
    if after.text == before.text and after.tool_calls == before.tool_calls and after.finish == before.finish:
        return held
    if shown and after.tool_calls:
        after = replace(after, text="", reasoning="")
    elif shown:
        after = replace(after, reasoning="")
    return events_of(after)
