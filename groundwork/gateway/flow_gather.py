"""A stream while it comes: its events in order, gathered into the completion they make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from groundwork.gateway import tokens
from groundwork.gateway.failures import Failure
from groundwork.gateway.types import NO_USAGE, Completion, Event, FinishReason, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from groundwork.core.clock import Clock
    from groundwork.gateway.flow_call import Running

_SUBSTANCE = frozenset({"text", "reasoning", "tool_call", "annotation", "finish"})


class Gather:
    """What was streamed so far.

    Attributes:
        began: something of substance came. holds: tool calls came, so that nothing after them may be shown yet.
        finish: why it ended, None before that. usage: the last that was said.
    """

    __slots__ = ("_calls", "_notes", "_reasoning", "_text", "began", "finish", "holds", "usage")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._notes: list[Mapping[str, Any]] = []
        self.began = False
        self.holds = False
        self.finish: FinishReason | None = None
        self.usage: Usage = NO_USAGE

    def take(self, event: Event) -> None:
        """Add an event."""
        kind = event.kind
        if kind == "text":
            self._text.append(event.text)
        elif kind == "reasoning":
            self._reasoning.append(event.text)
        elif kind == "tool_call":
            self._take_call(event)
        elif kind == "usage":
            self.usage = event.usage or self.usage
        elif kind == "finish":
            self.finish = event.finish or "stop"
        elif kind == "annotation" and event.data is not None:
            self._notes.append(event.data)
        if not self.began and kind in _SUBSTANCE:
            self.began = True

    def _take_call(self, event: Event) -> None:
        self.holds = True
        known = self._calls.get(event.index)
        if known is None:
            self._calls[event.index] = (event.id, event.name, [event.text])
            return
        known[2].append(event.text)
        if (event.id and not known[0]) or (event.name and not known[1]):
            self._calls[event.index] = (known[0] or event.id, known[1] or event.name, known[2])

    def output_tokens(self) -> int:
        """Return about how many tokens were written so far."""
        return tokens.estimate_output(self.completion()) if self.began else 0

    def completion(self) -> Completion:
        """Return what the events make; `finish` is `stop` where none was said."""
        calls = tuple(
            ToolCall(id, name, "".join(pieces)) for _, (id, name, pieces) in sorted(self._calls.items())
        )
        return Completion(
            text="".join(self._text),
            tool_calls=calls,
            finish=self.finish or "stop",
            usage=self.usage,
            reasoning="".join(self._reasoning),
            annotations=tuple(self._notes),
        )


class Opened:
    """A stream of a provider that was begun. `events` are those that came and were not taken yet."""

    __slots__ = ("_source", "ended", "events", "gather", "running")

    def __init__(self, running: Running, source: AsyncIterator[Event], gather: Gather) -> None:
        self.running = running
        self.gather = gather
        self.events: list[Event] = []
        self.ended = False
        self._source = source

    async def next(self) -> Event | None:
        """Return the next event; None at the end. Raises Failure, also where the end comes without a finish."""
        try:
            event = await anext(self._source)
        except StopAsyncIteration:
            if self.gather.finish is None:
                raise Failure("protocol", "the stream ended without saying why", billed=True) from None
            self.ended = True
            return None
        self.gather.take(event)
        return event

    async def first(self, clock: Clock) -> None:
        """Gather events until one of substance is there."""
        while not self.gather.began:
            event = await self.next()
            if event is None:
                return
            self.events.append(event)
        self.running.first_at = clock.monotonic()

    async def rest(self) -> None:
        """Gather every event that is still to come."""
        while (event := await self.next()) is not None:
            self.events.append(event)

    async def close(self) -> None:
        """Close the provider's connection, where the stream did not end by itself."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


def events_of(completion: Completion) -> Iterator[Event]:
    """Return the events of a stream that makes this completion; its provider's own chunks are gone."""
    if completion.reasoning:
        yield Event("reasoning", text=completion.reasoning)
    if completion.text:
        yield Event("text", text=completion.text)
    for index, call in enumerate(completion.tool_calls):
        yield Event("tool_call", text=call.arguments, index=index, id=call.id, name=call.name)
    for note in completion.annotations:
        yield Event("annotation", data=note)
    yield Event("finish", finish=completion.finish)
    if completion.usage is not NO_USAGE:
        yield Event("usage", usage=completion.usage)
