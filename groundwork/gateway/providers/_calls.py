"""Gather the tool calls of a completion from what providers send: whole, in pieces, with or without ids and indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundwork.gateway import wire
from groundwork.gateway.failures import Failure
from groundwork.gateway.types import Event, ToolCall

MOST_CALLS = 256
_LONGEST_NAME = 512


@dataclass(slots=True)
class _Gathered:
    id: str
    name: str
    said_id: str
    slot: Any
    arguments: list[str]


class Calls:
    """The calls of one completion, in the order they began; ids are distinct and indexes count from 0.

    Args:
        seed: what made-up ids are derived from, so that equal replies give equal ids.
        most: more calls than this are a Failure.
    """

    def __init__(self, seed: str = "", most: int = MOST_CALLS) -> None:
        self._seed = seed
        self._most = most
        self._calls: list[_Gathered] = []
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, piece: Mapping[str, Any], slot: Any = None) -> tuple[Event, bool]:
        """Return the event of one `tool_calls` entry, and whether the entry is as the dialect wants it.

        Args:
            piece: `{index?, id?, function: {name?, arguments?}}`.
            slot: overrides `index`.

        Raises:
            Failure: `limit`: too many calls. `protocol`: a call without a name.
        """
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        said_id = piece.get("id")
        said_id = said_id if isinstance(said_id, str) else ""
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        index = piece.get("index") if slot is None else slot
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else "" if arguments is None else _written(arguments)
        good = isinstance(index, int) and (arguments is None or isinstance(arguments, str))
        at = self._find(index, said_id, name)
        if at is None:
            begun = self._begin(index, said_id, name)
            good = good and begun.id == said_id and index == len(self._calls) - 1
            begun.arguments.append(text)
            return Event("tool_call", text, len(self._calls) - 1, begun.id, begun.name), good
        call = self._calls[at]
        call.arguments.append(text)
        return Event("tool_call", text, at), good and index == at

    def whole(self) -> tuple[ToolCall, ...]:
        """Return the calls as they are now."""
        return tuple(ToolCall(c.id, c.name, "".join(c.arguments)) for c in self._calls)

    def _find(self, index: Any, said_id: str, name: str) -> int | None:
        """Return which call a piece goes on with: an id tells most, then the index, then the last call."""
        if not self._calls:
            return None
        last = len(self._calls) - 1
        for at in range(last, -1, -1):
            call = self._calls[at]
            if said_id and call.said_id == said_id and call.slot == index:
                return at
        if index is None:
            return None if said_id or name else last
        for at in range(last, -1, -1):
            if self._calls[at].slot == index:
                new = said_id and name and self._calls[at].said_id != said_id
                return None if new else at
        return None

    def _begin(self, index: Any, said_id: str, name: str) -> _Gathered:
        if len(self._calls) >= self._most:
            raise Failure("limit", f"the model asked for more than {self._most} tool calls", billed=True)
        if not name or len(name) > _LONGEST_NAME:
            raise Failure("protocol", "the model asked for a tool call without a usable name", billed=True)
        own = said_id
        if not own or own in self._ids:
            told = f"{self._seed}\n{len(self._calls)}\n{name}".encode()
            own = f"call_{hashlib.sha256(told).hexdigest()[:24]}"
        self._ids.add(own)
        self._calls.append(_Gathered(own, name, said_id, index, []))
        return self._calls[-1]


def _written(arguments: Any) -> str:
    try:
        return wire.write(arguments).decode()
    except (ValueError, TypeError):
        return ""
