"""Read what Anthropic's messages answer, whole and streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groundwork.gateway import wire
from groundwork.gateway.failures import Failure
from groundwork.gateway.providers._calls import Calls
from groundwork.gateway.types import NO_USAGE, Completion, Event, FinishReason, ModelInfo, Usage

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length",
    "model_context_window_exceeded": "length", "refusal": "content_filter",
}  # fmt: skip
_MOST_TOKENS = 10**12
_NOTHING: Mapping[str, Any] = {}


def completion_of(body: Any, host: str, *, by_tool: bool = False) -> Completion:
    """Return a whole completion.

    Args:
        by_tool: the answer is the input of the one tool that was forced.

    Raises:
        Failure: `protocol`: it is no message.
    """
    blocks = body.get("content") if isinstance(body, dict) else None
    if not isinstance(blocks, list):
        raise Failure("protocol", f"`{host}` answered what is no message", billed=True)
    calls = Calls(str(body.get("id", "")))
    text: list[str] = []
    reasoning: list[str] = []
    annotations: list[Mapping[str, Any]] = []
    for block in blocks:
        if not isinstance(block, dict):
            raise Failure("protocol", f"`{host}` answered a content block that is no object", billed=True)
        match block.get("type"):
            case "text":
                text.append(_str(block.get("text")))
                annotations += [c for c in block.get("citations") or () if isinstance(c, dict)]
            case "thinking":
                reasoning.append(_str(block.get("thinking")))
            case "tool_use":
                said = block.get("input")
                arguments = (
                    said if isinstance(said, str) else wire.write(said if said is not None else {}).decode()
                )
                function = {"name": block.get("name"), "arguments": arguments}
                calls.take({"id": block.get("id"), "function": function}, len(calls))
    finish = _FINISH.get(str(body.get("stop_reason")), "tool_calls" if len(calls) else "stop")
    completion = Completion(
        text="".join(text),
        tool_calls=calls.whole(),
        finish=finish,
        usage=usage_of(body.get("usage")) or NO_USAGE,
        reasoning="".join(reasoning),
        annotations=tuple(annotations),
        native=body,
        native_dialect="anthropic_messages",
    )
    return _untooled(completion) if by_tool else completion


def _untooled(completion: Completion) -> Completion:
    """Return the completion with the input of the forced tool as its text."""
    said = completion.tool_calls[0].arguments if completion.tool_calls else completion.text
    finish: FinishReason = "stop" if completion.finish == "tool_calls" else completion.finish
    return replace(completion, text=said, tool_calls=(), finish=finish, native=None, native_dialect=None)


class Blocks:
    """Turns the events of one stream into ours; `end` gives the last ones.

    `message_stop` is not handed on: it is the terminator, which the client gets when the call is settled.

    Args:
        native: the client speaks this dialect, so every other event is handed on.
        by_tool: the answer is the input of the one tool that was forced.
    """

    def __init__(self, host: str, *, native: bool, by_tool: bool = False) -> None:
        self._host = host
        self._native = native
        self._by_tool = by_tool
        self._calls = Calls()
        self._open: dict[int, tuple[str, int]] = {}  # index of the block: its type, and the index of its call
        self._usage: dict[str, Any] = {}
        self._finish: FinishReason | None = None
        self.stopped = False

    def take(self, said: Mapping[str, Any]) -> list[Event]:
        """Return the events of one.

        Raises:
            Failure: too many tool calls, or one without a name.
        """
        kind = said.get("type")
        event: Event | None = None
        match kind:
            case "message_start":
                message = _mapping(said.get("message"))
                self._calls = Calls(str(message.get("id", "")))
                self._count(message.get("usage"))
            case "content_block_start":
                event = self._begin(_index(said), _mapping(said.get("content_block")))
            case "content_block_delta":
                event = self._delta(_index(said), _mapping(said.get("delta")))
            case "message_delta":
                reason = _mapping(said.get("delta")).get("stop_reason")
                if reason:
                    self._finish = _FINISH.get(str(reason), "stop")
                self._count(said.get("usage"))
            case "message_stop":
                self.stopped = True
                return []
        if not self._native:
            return [event] if event is not None else []
        return [replace(event, native=said) if event is not None else Event("other", native=said)]

    def end(self) -> list[Event]:
        """Return usage and finish.

        Raises:
            Failure: `protocol`: the stream ended before the model was done.
        """
        if self._finish is None:
            raise Failure(
                "protocol", f"the stream of `{self._host}` ended before it was complete", billed=True
            )
        finish: FinishReason = "stop" if self._by_tool and self._finish == "tool_calls" else self._finish
        usage = usage_of(self._usage)
        events = [Event("usage", usage=usage, native_more=self._native)] if usage is not None else []
        return [*events, Event("finish", finish=finish, native_more=self._native)]

    def _begin(self, index: int, block: Mapping[str, Any]) -> Event | None:
        kind = str(block.get("type", ""))
        self._open[index] = (kind, len(self._calls))
        if kind == "tool_use" and not self._by_tool:
            said = block.get("input")
            whole = wire.write(said).decode() if said else ""
            return self._calls.take(
                {"id": block.get("id"), "function": {"name": block.get("name"), "arguments": whole}},
                len(self._calls),
            )[0]
        if kind == "text" and block.get("text"):
            return Event("text", _str(block["text"]))
        if kind == "thinking" and block.get("thinking"):
            return Event("reasoning", _str(block["thinking"]))
        return None

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Event | None:
        match delta.get("type"):
            case "text_delta":
                return None if self._by_tool else Event("text", _str(delta.get("text")))
            case "thinking_delta":
                return Event("reasoning", _str(delta.get("thinking")))
            case "citations_delta":
                return Event("annotation", data=_mapping(delta.get("citation")))
            case "input_json_delta":
                kind, call = self._open.get(index, ("", 0))
                text = _str(delta.get("partial_json"))
                if kind != "tool_use" or not text:
                    return None
                if self._by_tool:
                    return Event("text", text)
                return self._calls.take({"function": {"arguments": text}}, call)[0]
        return None

    def _count(self, said: Any) -> None:
        """Take over the counts of a usage; later ones are cumulative and may leave some out."""
        if isinstance(said, dict):
            self._usage |= {k: v for k, v in said.items() if v is not None}


def usage_of(said: Any) -> Usage | None:
    """Return the tokens that a reply tells, None where it tells none; cached ones are counted among those read."""
    if not isinstance(said, dict):
        return None
    read, written = _count(said, "input_tokens"), _count(said, "output_tokens")
    if read is None and written is None:
        return None
    cached, stored = (
        _count(said, "cache_read_input_tokens") or 0,
        _count(said, "cache_creation_input_tokens") or 0,
    )
    thought = _count(_mapping(said.get("output_tokens_details")), "thinking_tokens") or 0
    return Usage((read or 0) + cached + stored, written or 0, cached, stored, min(thought, written or 0))


def models_of(body: Any) -> list[ModelInfo]:
    """Return the models of a listing, sorted; retired ones are left out."""
    rows = body.get("data") if isinstance(body, dict) else None
    found = [
        ModelInfo(
            row["id"],
            "",
            context_tokens=_count(row, "max_input_tokens") or None,
            max_output_tokens=_count(row, "max_tokens") or None,
            description=_str(row.get("display_name"))[:200],
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
        and isinstance(row.get("id"), str)
        and row["id"]
        and row.get("lifecycle") != "retired"
    ]
    return sorted(found, key=lambda model: model.id)


def _count(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
        else None
    )


def _index(said: Mapping[str, Any]) -> int:
    index = said.get("index")
    return index if isinstance(index, int) else 0


def _mapping(said: Any) -> Mapping[str, Any]:
    return said if isinstance(said, dict) else _NOTHING


def _str(said: Any) -> str:
    return said if isinstance(said, str) else ""
