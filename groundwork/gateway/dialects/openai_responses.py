"""OpenAI's responses: `POST /v1/responses`.

No response is stored: `store` in the answer is false, and a request that builds on a stored one (`previous_response_id`,
`conversation`, references to items, prompts kept at OpenAI) is refused. So are tools that run at OpenAI only, since no
provider is asked in this dialect.
Specification: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.core.errors import GroundworkError
from groundwork.gateway.dialects import _errors
from groundwork.gateway.dialects import _responses_object as objects
from groundwork.gateway.dialects._fields import (
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
    text_of,
    tool_of,
    whole_of,
)
from groundwork.gateway.dialects._openai import allowed, json_schema, named
from groundwork.gateway.dialects._responses_input import Items
from groundwork.gateway.dialects._responses_stream import ResponsesEncoder
from groundwork.gateway.dialects._wire import identifier
from groundwork.gateway.types import (
    TEXT_FORMAT,
    CallMeta,
    ChatRequest,
    Completion,
    DialectName,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)

_KNOWN = frozenset(
    {
        "model", "input", "instructions", "stream", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice",
        "parallel_tool_calls", "user", "store", "background", "stream_options",
    }
)  # fmt: skip
_STORED = {
    "previous_response_id": "send the whole conversation in `input`",
    "conversation": "send the whole conversation in `input`",
    "prompt": "send the text of the prompt in `instructions` or `input`",
}


class OpenAIResponses:
    """The dialect; holds nothing."""

    name: ClassVar[DialectName] = "openai_responses"

    def parse(self, body: Mapping[str, Any]) -> ChatRequest:
        for field, hint in _STORED.items():
            if body.get(field) is not None:
                refuse(field, "refers to something stored, and no response is stored here", hint)
        if flag_of(body, "background"):
            refuse("background", "is not served here", "leave it out; the response is made while you wait")
        flag_of(body, "store")
        model = model_of(body)
        instructions = text_of(body, "instructions")
        messages = Items().parse(body.get("input"))
        if instructions:
            messages.insert(0, Message("system", (TextPart(instructions),)))
        tools = _tools(body)
        tools, choice = _choice(body.get("tool_choice"), tools)
        reasoning = object_of(body, "reasoning")
        return ChatRequest(
            model=model,
            messages=tuple(messages),
            dialect="openai_responses",
            stream=flag_of(body, "stream") or False,
            max_output_tokens=whole_of(body, "max_output_tokens", 1, MAX_TOKENS),
            temperature=number_of(body, "temperature", 0, 2),
            top_p=number_of(body, "top_p", 0, 1),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=flag_of(body, "parallel_tool_calls"),
            response_format=_format(object_of(body, "text")),
            reasoning_effort=text_of(reasoning, "effort", "reasoning.", longest=32) if reasoning else "",
            include_usage=True,
            user=text_of(body, "user", longest=MAX_NAME_CHARS * 4),
            extra=extra_of(body, _KNOWN),
            native=body,
        )

    def render(self, completion: Completion, request: ChatRequest, created: int) -> dict[str, Any]:
        tail = identifier("", completion.meta, created)
        output: list[dict[str, Any]] = []
        if completion.reasoning:
            output.append(objects.reasoning(f"rs_{tail}_0", completion.reasoning))
        cut = completion.finish in ("length", "content_filter")
        if completion.text or not completion.tool_calls:
            status: objects.Status = "incomplete" if cut and not completion.tool_calls else "completed"
            name = f"msg_{tail}_{len(output)}"
            output.append(objects.message(name, completion.text, completion.annotations, status))
        for call in completion.tool_calls:
            output.append(objects.function_call(f"fc_{tail}_{len(output)}", call))
        response = objects.ResponseObject(request, f"resp_{tail}", created)
        return response.ended(output, completion.finish, completion.usage)

    def encoder(self, request: ChatRequest, meta: CallMeta, created: int) -> ResponsesEncoder:
        return ResponsesEncoder(request, meta, created)

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        return {"error": _errors.openai_error(error)}

    def status_of(self, error: GroundworkError) -> int:
        return _errors.status_of(error)


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    found = []
    for n, tool in enumerate(list_of(body, "tools", MAX_TOOLS)):
        at = f"tools[{n}]"
        if not isinstance(tool, dict):
            refuse(at, f"must be an object, and is {kind_of(tool)}")
        if tool.get("type") != "function":
            refuse(
                f"{at}.type",
                f"is {tool.get('type')!r:.60}, and tools of this kind run at OpenAI only",
                "describe a tool of type `function` and run it yourself",
            )
        found.append(tool_of(tool, f"{at}.", "parameters"))
    return distinct(found)


def _choice(value: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Return the tools that may be called, and how."""
    if value is None:
        return tools, None
    if value in ("auto", "none", "required"):
        if value == "required" and not tools:
            refuse("tool_choice", "is `required`, and there are no `tools`")
        return tools, ToolChoice(value)
    if not isinstance(value, dict):
        refuse("tool_choice", f"is {value!r:.60}, it must be auto, none, required or an object")
    match value.get("type"):
        case "function":
            name = text_of(value, "name", "tool_choice.", empty=False)
            return tools, named(name, tools, "tool_choice.name")
        case "allowed_tools":
            return allowed(value, tools, "tool_choice.")
        case kind:
            refuse("tool_choice.type", f"is {kind!r:.60}, it must be function or allowed_tools")


def _format(text: Mapping[str, Any] | None) -> ResponseFormat:
    value = object_of(text, "format", "text.") if text else None
    if value is None:
        return TEXT_FORMAT
    match value.get("type"):
        case "text":
            return TEXT_FORMAT
        case "json_object":
            return ResponseFormat("json_object")
        case "json_schema":
            return json_schema(value, "text.format.")
        case kind:
            refuse("text.format.type", f"is {kind!r:.60}, it must be text, json_object or json_schema")


plugin = OpenAIResponses
