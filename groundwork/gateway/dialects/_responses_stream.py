"""The event stream of the Responses API: items that open, grow and are done, numbered throughout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.dialects import _responses_object as objects
from groundwork.gateway.dialects._calls import InOrder
from groundwork.gateway.dialects._wire import event as sse
from groundwork.gateway.dialects._wire import identifier, quote
from groundwork.gateway.types import (
    NO_USAGE,
    CallMeta,
    ChatRequest,
    Completion,
    Event,
    FinishReason,
    ToolCall,
    Usage,
)

Item = Literal["", "message", "function_call", "reasoning"]


class ResponsesEncoder:
    """No provider speaks this dialect outward, so every event is made here."""

    def __init__(self, request: ChatRequest, meta: CallMeta, created: int) -> None:
        self._tail = identifier("", meta, created)
        self._response = objects.ResponseObject(request, f"resp_{self._tail}", created)
        self._order = InOrder()
        self._number = 0
        self._opened = False
        self._closed = False
        self._output: list[dict[str, Any]] = []
        self._item: Item = ""
        self._id = ""
        self._index = -1  # of the open call
        self._call = ToolCall("", "", "")
        self._text: list[str] = []
        self._cited: list[dict[str, Any]] = []
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None

    def start(self) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        begun = self._response.begun()
        return self._said("response.created", {"response": begun}) + self._said(
            "response.in_progress", {"response": begun}
        )

    def event(self, event: Event) -> bytes:
        if self._closed:
            return b""
        opened = self.start()
        if event.kind in ("text", "reasoning", "tool_call", "annotation"):
            return opened + b"".join(map(self._piece, self._order.push(event)))
        if event.kind == "usage":
            self._usage = event.usage
        elif event.kind == "finish":
            self._finish = event.finish
        return opened

    def end(self, completion: Completion | None = None) -> bytes:
        if self._closed:
            return b""
        found = self.start() + b"".join(map(self._piece, self._order.drain()))
        if not self._output and not self._item:
            found += self._in_message()
        finish = self._finish or (completion.finish if completion else "stop")
        found += self._done("incomplete" if finish in ("length", "content_filter") else "completed")
        usage = completion.usage if completion else self._usage or NO_USAGE
        ended = self._response.ended(self._output, finish, usage)
        self._closed = True
        return found + self._said(f"response.{ended['status']}", {"response": ended})

    def error(self, error: GroundworkError) -> bytes:
        """Return `response.failed`, then an `error` event, at which the official client raises."""
        if self._closed:
            return b""
        self._closed = True
        found = b""
        if self._opened:
            found = self._said("response.failed", {"response": self._response.failed(self._output, error)})
        inner = _errors.openai_error(error)
        flat = {"code": inner["code"] or inner["type"], "message": inner["message"], "param": inner["param"]}
        return found + self._said("error", {**flat, "error": inner})

    def _piece(self, event: Event) -> bytes:
        match event.kind:
            case "text":
                opened = self._in_message()
                self._text.append(event.text)
                return opened + self._delta(
                    "response.output_text.delta", event.text, ',"content_index":0,"logprobs":[]'
                )
            case "reasoning":
                opened = b"" if self._item == "reasoning" else self._begin_reasoning()
                self._text.append(event.text)
                return opened + self._delta("response.reasoning_text.delta", event.text, ',"content_index":0')
            case "annotation":
                return self._cite(event.data or {})
        opened = b""
        if self._item != "function_call" or self._index != event.index:
            opened = self._done()
            self._index, self._call = event.index, ToolCall(event.id, event.name, "")
            opened += self._begin(
                "function_call", "fc_", objects.function_call("", self._call, "in_progress")
            )
        self._text.append(event.text)
        if not event.text:
            return opened
        return opened + self._delta("response.function_call_arguments.delta", event.text)

    def _in_message(self) -> bytes:
        if self._item == "message":
            return b""
        item = {"id": "", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        opened = self._done() + self._begin("message", "msg_", item)
        return opened + self._part("response.content_part.added", objects.output_text("", []))

    def _begin_reasoning(self) -> bytes:
        opened = self._done() + self._begin("reasoning", "rs_", objects.reasoning("", "", "in_progress"))
        return opened + self._part("response.content_part.added", {"type": "reasoning_text", "text": ""})

    def _begin(self, item: Item, prefix: str, value: dict[str, Any]) -> bytes:
        self._item, self._id = item, f"{prefix}{self._tail}_{len(self._output)}"
        self._text, self._cited = [], []
        return self._said(
            "response.output_item.added",
            {"output_index": len(self._output), "item": {**value, "id": self._id}},
        )

    def _cite(self, annotation: Mapping[str, Any]) -> bytes:
        opened = self._in_message()
        citation = _citations.file_citation(annotation, "".join(self._text))
        if citation is None:
            return opened
        place = {"item_id": self._id, "output_index": len(self._output), "content_index": 0}
        said = {**place, "annotation_index": len(self._cited), "annotation": citation}
        self._cited.append(citation)
        return opened + self._said("response.output_text.annotation.added", said)

    def _done(self, status: objects.Status = "completed") -> bytes:
        """Close the open item, if there is one."""
        if not self._item:
            return b""
        item, text = self._item, "".join(self._text)
        place = {"item_id": self._id, "output_index": len(self._output)}
        if item == "message":
            value = objects.message(self._id, text, status=status)
            value["content"][0]["annotations"] = self._cited
            done = {**place, "content_index": 0, "text": text, "logprobs": []}
            found = self._said("response.output_text.done", done)
            found += self._part("response.content_part.done", value["content"][0])
        elif item == "reasoning":
            value = objects.reasoning(self._id, text, status)
            found = self._said("response.reasoning_text.done", {**place, "content_index": 0, "text": text})
            found += self._part("response.content_part.done", {"type": "reasoning_text", "text": text})
        else:
            call = ToolCall(self._call.id, self._call.name, text)
            value = objects.function_call(self._id, call, status)
            done = {**place, "name": call.name, "arguments": text}
            found = self._said("response.function_call_arguments.done", done)
        found += self._said("response.output_item.done", {"output_index": len(self._output), "item": value})
        self._output.append(value)
        self._item = ""
        return found

    def _part(self, name: str, part: dict[str, Any]) -> bytes:
        place = {"item_id": self._id, "output_index": len(self._output), "content_index": 0}
        return self._said(name, {**place, "part": part})

    def _delta(self, name: str, text: str, more: str = "") -> bytes:
        head = f'{{"type":"{name}","sequence_number":{self._number},"item_id":"{self._id}"'
        self._number += 1
        said = f'{head},"output_index":{len(self._output)}{more},"delta":{quote(text)}}}'
        return f"event: {name}\ndata: {said}\n\n".encode("ascii")

    def _said(self, name: str, value: dict[str, Any]) -> bytes:
        said = sse(name, {"type": name, "sequence_number": self._number, **value})
        self._number += 1
        return said
