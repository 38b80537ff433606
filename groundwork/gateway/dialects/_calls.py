"""Put the parts of a completion one after the other, for dialects that stream one block at a time.

A provider may send pieces of several tool calls in turn; blocks of Anthropic and items of the Responses API are opened and
closed one by one. What belongs to another block waits until the open call's arguments are whole.
"""

from __future__ import annotations

import json

from groundwork.core.errors import InvalidInputError, OutputRefusedError
from groundwork.gateway import schemas
from groundwork.gateway.types import Event, ToolCall


class InOrder:
    """Takes events of text, reasoning, calls and annotations, and gives them back so that no call is interrupted."""

    __slots__ = ("_arguments", "_closed", "_open", "_waiting", "_whole")

    def __init__(self) -> None:
        self._open: int | None = None
        self._closed: set[int] = set()
        self._arguments: list[str] = []
        self._whole: bool | None = None  # None: not known since the last piece
        self._waiting: list[Event] = []

    def push(self, event: Event) -> list[Event]:
        """Return the events that may be sent now."""
        sent = self._offer(event)
        while self._waiting and self._is_whole():
            waiting, self._waiting = self._waiting, []
            for held in waiting:
                sent.extend(self._offer(held))
        return sent

    def drain(self) -> list[Event]:
        """Return what still waits, each block in one piece."""
        waiting, self._waiting = self._waiting, []
        places: dict[tuple[str, int], int] = {}
        for event in waiting:
            places.setdefault(_block(event), len(places))
        return sorted(waiting, key=lambda event: places[_block(event)])

    def _offer(self, event: Event) -> list[Event]:
        is_call = event.kind == "tool_call"
        if is_call and event.index in self._closed:
            return []  # its arguments were whole: nothing but blanks can follow
        if is_call and event.index == self._open:
            self._arguments.append(event.text)
            self._whole = None
            return [event]
        if self._waiting or (self._open is not None and not self._is_whole()):
            self._waiting.append(event)
            return []
        if self._open is not None:
            self._closed.add(self._open)
        self._open = event.index if is_call else None
        self._arguments, self._whole = [event.text], None
        return [event]

    def _is_whole(self) -> bool:
        if self._whole is None:
            self._whole = _is_object("".join(self._arguments))
        return self._whole


def arguments_of(call: ToolCall) -> dict[str, object]:
    """Return the arguments of a call as an object; none at all are an empty one.

    Raises:
        OutputRefusedError: they are not a JSON object.
    """
    if not call.arguments.strip():
        return {}
    try:
        value = schemas.strict_json(call.arguments)
    except InvalidInputError as error:
        raise OutputRefusedError(f"the arguments of `{call.name:.80}`: {error.message}") from None
    if not isinstance(value, dict):
        raise OutputRefusedError(f"the arguments of `{call.name:.80}` are no JSON object")
    return value


def _block(event: Event) -> tuple[str, int]:
    return event.kind, event.index if event.kind == "tool_call" else 0


def _is_object(text: str) -> bool:
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
