"""OpenAI's chat completions: `POST /v1/chat/completions`.

A completion or chunk that a provider gave in this dialect is handed on as it is: id, model and all are what the provider
said. One that was made from another dialect names the model as the client asked for it. Parts and tools that have no
canonical form (audio, files, custom tools) reach a provider of this dialect, and no other: see `ChatRequest.native_only`.
Specification: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.dialects._chat_messages import Conversation
from groundwork.gateway.dialects._chat_stream import ChatEncoder, usage_of
from groundwork.gateway.dialects._fields import (
    MAX_INTEGER,
    MAX_NAME_CHARS,
    MAX_TOKENS,
    MAX_TOOLS,
    distinct,
    extra_of,
    flag_of,
    kind_of,
    list_of,
    model_of,
    number_of,
    object_of,
    refuse,
    stops_of,
    text_of,
    tool_of,
    whole_of,
)
from groundwork.gateway.dialects._openai import allowed, json_schema, named
from groundwork.gateway.dialects._wire import identifier
from groundwork.gateway.types import (
    TEXT_FORMAT,
    CallMeta,
    ChatRequest,
    Completion,
    DialectName,
    ResponseFormat,
    Tool,
    ToolChoice,
)

_KNOWN = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
        "stop", "seed", "n", "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls",
        "response_format", "user",
    }
)  # fmt: skip
_NATIVE_ONLY_FIELDS = ("audio", "web_search_options")


class OpenAIChat:
    """The dialect; holds nothing."""

    name: ClassVar[DialectName] = "openai_chat"

    def parse(self, body: Mapping[str, Any]) -> ChatRequest:
        conversation = Conversation()
        model = model_of(body)
        messages = conversation.parse(body.get("messages"))
        native_only = conversation.native_only
        tools: tuple[Tool, ...] = ()
        choice: ToolChoice | None = None
        if body.get("tools") is not None or body.get("tool_choice") is not None:
            tools = self._tools(body, native_only)
            tools, choice = _choice(body.get("tool_choice"), tools, native_only)
        if body.get("functions") is not None:
            tools, choice = _functions(body, tools)
        response_format = body.get("response_format")
        stream = flag_of(body, "stream") or False
        extra = extra_of(body, _KNOWN)
        if extra:
            native_only.update(f"`{name}`" for name in _NATIVE_ONLY_FIELDS if name in extra)
            if "audio" in list_of(extra, "modalities", 8):
                native_only.add("audio")
        options = object_of(body, "stream_options")
        limit = whole_of(body, "max_completion_tokens", 1, MAX_TOKENS)
        return ChatRequest(
            model=model,
            messages=messages,
            dialect="openai_chat",
            stream=stream,
            max_output_tokens=whole_of(body, "max_tokens", 1, MAX_TOKENS) if limit is None else limit,
            temperature=number_of(body, "temperature", 0, 2),
            top_p=number_of(body, "top_p", 0, 1),
            stop=stops_of(body, "stop"),
            seed=whole_of(body, "seed", -MAX_INTEGER - 1, MAX_INTEGER),
            n=whole_of(body, "n", 1, 128) or 1,
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=flag_of(body, "parallel_tool_calls"),
            response_format=TEXT_FORMAT if response_format is None else _format(response_format),
            reasoning_effort=text_of(body, "reasoning_effort", longest=32),
            include_usage=bool(stream and options and flag_of(options, "include_usage", "stream_options.")),
            user=text_of(body, "user", longest=MAX_NAME_CHARS * 4),
            extra=extra,
            native=body,
            native_only=tuple(sorted(native_only)),
        )

    def render(self, completion: Completion, request: ChatRequest, created: int) -> dict[str, Any]:
        if completion.native_dialect == "openai_chat" and completion.native is not None:
            return dict(completion.native)
        message: dict[str, Any] = {"role": "assistant", "content": completion.text, "refusal": None}
        finish: str = completion.finish
        if completion.tool_calls:
            message["content"] = completion.text or None
            if asks_for_functions(request):
                call = completion.tool_calls[0]
                message["function_call"] = {"name": call.name, "arguments": call.arguments}
                finish = "function_call" if finish == "tool_calls" else finish
            else:
                message["tool_calls"] = [
                    {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
                    for c in completion.tool_calls
                ]
        if completion.reasoning:
            message["reasoning_content"] = completion.reasoning
        body: dict[str, Any] = {
            "id": identifier("chatcmpl-", completion.meta, created),
            "object": "chat.completion",
            "created": created,
            "model": request.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": usage_of(completion.usage),
            "system_fingerprint": None,
        }
        if completion.annotations:
            message["annotations"] = _citations.url_citations(completion.annotations, completion.text)
            body["citations"] = _citations.citations(completion.annotations)
            body.update(_citations.about(completion.annotations))
        return body

    def encoder(self, request: ChatRequest, meta: CallMeta, created: int) -> ChatEncoder:
        return ChatEncoder(request, meta, created, functions=asks_for_functions(request))

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        return {"error": _errors.openai_error(error)}

    def status_of(self, error: GroundworkError) -> int:
        return _errors.status_of(error)

    def _tools(self, body: Mapping[str, Any], native_only: set[str]) -> tuple[Tool, ...]:
        found = []
        for n, tool in enumerate(list_of(body, "tools", MAX_TOOLS)):
            at = f"tools[{n}]"
            if not isinstance(tool, dict):
                refuse(at, f"must be an object, and is {kind_of(tool)}")
            kind = tool.get("type")
            if kind == "function":
                function = object_of(tool, "function", f"{at}.")
                if function is None:
                    refuse(f"{at}.function", "is missing")
                found.append(tool_of(function, f"{at}.function.", "parameters"))
            elif kind == "custom":
                native_only.add("custom tools")
            else:
                refuse(f"{at}.type", f"is {kind!r:.60}, it must be function or custom")
        return distinct(found)


def asks_for_functions(request: ChatRequest) -> bool:
    """Say whether the client speaks the older form, with `functions` instead of `tools`."""
    return request.native is not None and bool(request.native.get("functions"))


def _choice(
    value: object, tools: tuple[Tool, ...], native_only: set[str]
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Return the tools that may be called, and how."""
    if value is None:
        return tools, None
    if value in ("auto", "none", "required"):
        if value == "required" and not tools and not native_only:
            refuse("tool_choice", "is `required`, and there are no `tools`")
        return tools, ToolChoice(value)
    if not isinstance(value, dict):
        refuse("tool_choice", f"is {value!r:.60}, it must be auto, none, required or an object")
    match value.get("type"):
        case "function":
            function = object_of(value, "function", "tool_choice.") or {}
            name = text_of(function, "name", "tool_choice.function.", empty=False)
            return tools, named(name, tools, "tool_choice.function.name")
        case "allowed_tools":
            inner = object_of(value, "allowed_tools", "tool_choice.") or {}
            return allowed(inner, tools, "tool_choice.allowed_tools.")
        case "custom":
            native_only.add("custom tools")
            return tools, None
        case kind:
            refuse("tool_choice.type", f"is {kind!r:.60}, it must be function, allowed_tools or custom")


def _functions(
    body: Mapping[str, Any], tools: tuple[Tool, ...]
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Read the older form: `functions` and `function_call`."""
    if tools:
        refuse("functions", "cannot stand beside `tools`")
    found = []
    for n, function in enumerate(list_of(body, "functions", MAX_TOOLS)):
        if not isinstance(function, dict):
            refuse(f"functions[{n}]", f"must be an object, and is {kind_of(function)}")
        found.append(tool_of(function, f"functions[{n}].", "parameters"))
    tools = distinct(found, "functions")
    value = body.get("function_call")
    if value is None:
        return tools, None
    if value in ("auto", "none"):
        return tools, ToolChoice(value)
    if not isinstance(value, dict):
        refuse("function_call", f"is {value!r:.60}, it must be auto, none or an object with `name`")
    return tools, named(text_of(value, "name", "function_call.", empty=False), tools, "function_call.name")


def _format(value: object) -> ResponseFormat:
    if not isinstance(value, dict):
        refuse("response_format", f"must be an object, and is {kind_of(value)}")
    match value.get("type"):
        case "text":
            return TEXT_FORMAT
        case "json_object":
            return ResponseFormat("json_object")
        case "json_schema":
            inner = object_of(value, "json_schema", "response_format.")
            if inner is None:
                refuse("response_format.json_schema", "is missing")
            return json_schema(inner, "response_format.json_schema.")
        case kind:
            refuse("response_format.type", f"is {kind!r:.60}, it must be text, json_object or json_schema")


plugin = OpenAIChat
