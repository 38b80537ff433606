"""Anthropic's messages: `POST /v1/messages` and `POST /v1/messages/count_tokens`.

A message or event that a provider gave in this dialect is handed on as it is; one that was made from another dialect names
the model as the client asked for it. Reasoning of other models is shown as a block of thinking where the client asked for
thinking, and left out where it did not. Blocks and tools that have no canonical form (PDFs, web search, code execution)
reach a provider of this dialect, and no other: see `ChatRequest.native_only`.
Specification: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from groundwork.core.errors import GroundworkError
from groundwork.gateway import schemas
from groundwork.gateway.dialects import _citations, _errors
from groundwork.gateway.dialects._anthropic_messages import Conversation
from groundwork.gateway.dialects._anthropic_stream import STOP_REASONS, MessagesEncoder, thinks, usage_of
from groundwork.gateway.dialects._calls import arguments_of
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
    stops_of,
    text_of,
    tool_of,
    whole_of,
)
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
        "model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "stop_sequences", "tools",
        "tool_choice", "output_format",
    }
)  # fmt: skip
_NATIVE_ONLY_FIELDS = ("container", "mcp_servers")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class AnthropicMessages:
    """The dialect; holds nothing."""

    name: ClassVar[DialectName] = "anthropic_messages"

    def parse(self, body: Mapping[str, Any]) -> ChatRequest:
        if body.get("max_tokens") is None:
            refuse("max_tokens", "is missing", "say how many tokens may be written at most")
        return self._parse(body)

    def parse_count_tokens(self, body: Mapping[str, Any]) -> ChatRequest:
        """Return the request whose input tokens are to be counted; `max_tokens` is not needed."""
        return self._parse(body)

    def render_count_tokens(self, input_tokens: int) -> dict[str, Any]:
        return {"input_tokens": input_tokens}

    def render(self, completion: Completion, request: ChatRequest, created: int) -> dict[str, Any]:
        if completion.native_dialect == "anthropic_messages" and completion.native is not None:
            return dict(completion.native)
        content: list[dict[str, Any]] = []
        if completion.reasoning and thinks(request):
            content.append({"type": "thinking", "thinking": completion.reasoning, "signature": ""})
        if completion.text or not completion.tool_calls:
            text: dict[str, Any] = {"type": "text", "text": completion.text}
            if completion.annotations:
                documents = _citations.Documents()
                located = (documents.char_location(a) for a in completion.annotations)
                text["citations"] = [c for c in located if c is not None]
            content.append(text)
        content.extend(
            {"type": "tool_use", "id": c.id, "name": c.name, "input": arguments_of(c)}
            for c in completion.tool_calls
        )
        return {
            "id": identifier("msg_", completion.meta, created),
            "type": "message",
            "role": "assistant",
            "model": request.model,
            "content": content,
            "stop_reason": STOP_REASONS[completion.finish],
            "stop_sequence": None,
            "usage": usage_of(completion.usage),
            **_citations.about(completion.annotations),
        }

    def encoder(self, request: ChatRequest, meta: CallMeta, created: int) -> MessagesEncoder:
        return MessagesEncoder(request, meta, created)

    def error_body(self, error: GroundworkError, request_id: str = "") -> dict[str, Any]:
        return {"type": "error", "error": _errors.anthropic_error(error), "request_id": request_id or None}

    def status_of(self, error: GroundworkError) -> int:
        return _errors.anthropic_status_of(error)

    def _parse(self, body: Mapping[str, Any]) -> ChatRequest:
        conversation = Conversation()
        model = model_of(body)
        messages = conversation.system(body.get("system"))
        messages += conversation.parse(body.get("messages"))
        native_only = conversation.native_only
        tools: tuple[Tool, ...] = ()
        choice: ToolChoice | None = None
        parallel: bool | None = None
        if body.get("tools") is not None or body.get("tool_choice") is not None:
            tools = _tools(body, native_only)
            choice, parallel = _choice(object_of(body, "tool_choice"), tools, native_only)
        extra = extra_of(body, _KNOWN)
        if extra:
            native_only.update(f"`{name}`" for name in _NATIVE_ONLY_FIELDS if name in extra)
        return ChatRequest(
            model=model,
            messages=tuple(messages),
            dialect="anthropic_messages",
            stream=flag_of(body, "stream") or False,
            max_output_tokens=whole_of(body, "max_tokens", 1, MAX_TOKENS),
            temperature=number_of(body, "temperature", 0, 1),
            top_p=number_of(body, "top_p", 0, 1),
            stop=stops_of(body, "stop_sequences"),
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=parallel,
            response_format=_format(body, extra),
            reasoning_effort=_effort(body),
            include_usage=True,
            user=_user(extra),
            extra=extra,
            native=body,
            native_only=tuple(sorted(native_only)),
        )


def _user(extra: Mapping[str, Any]) -> str:
    metadata = object_of(extra, "metadata") if extra else None
    return text_of(metadata, "user_id", "metadata.", longest=MAX_NAME_CHARS * 4) if metadata else ""


def _effort(body: Mapping[str, Any]) -> str:
    config = object_of(body, "output_config")
    return text_of(config, "effort", "output_config.", longest=32) if config else ""


def _tools(body: Mapping[str, Any], native_only: set[str]) -> tuple[Tool, ...]:
    found = []
    for n, tool in enumerate(list_of(body, "tools", MAX_TOOLS)):
        if not isinstance(tool, dict):
            refuse(f"tools.{n}", f"must be an object, and is {kind_of(tool)}")
        kind = tool.get("type")
        if kind is None or kind == "custom":
            if tool.get("input_schema") is None:
                refuse(f"tools.{n}.input_schema", "is missing")
            found.append(tool_of(tool, f"tools.{n}.", "input_schema"))
        elif isinstance(kind, str) and kind:
            native_only.add(f"`{kind:.60}` tools")
        else:
            refuse(f"tools.{n}.type", f"must be a string, and is {kind_of(kind)}")
    return distinct(found)


def _choice(
    value: Mapping[str, Any] | None, tools: tuple[Tool, ...], native_only: set[str]
) -> tuple[ToolChoice | None, bool | None]:
    """Return which tools may be called, and whether several at once."""
    if value is None:
        return None, None
    alone = flag_of(value, "disable_parallel_tool_use", "tool_choice.")
    parallel = None if alone is None else not alone
    kind = value.get("type")
    if kind == "tool":
        name = text_of(value, "name", "tool_choice.", empty=False)
        if not native_only and not any(t.name == name for t in tools):
            refuse("tool_choice.name", f"is `{name:.80}`, which is not among the tools")
        return ToolChoice("named", name), parallel
    if not isinstance(kind, str) or kind not in _CHOICES:
        refuse("tool_choice.type", f"is {kind!r:.60}, it must be auto, any, tool or none")
    if kind == "any" and not tools and not native_only:
        refuse("tool_choice", "is `any`, and there are no `tools`")
    return ToolChoice(_CHOICES[kind]), parallel  # type: ignore[arg-type]


def _format(body: Mapping[str, Any], extra: dict[str, Any]) -> ResponseFormat:
    """Read `output_config.format`, or `output_format` as it was called at first; other settings of it stay in `extra`."""
    config = object_of(body, "output_config")
    value, at = None, "output_format"
    if config is not None:
        value, at = object_of(config, "format", "output_config."), "output_config.format"
        if value is not None:
            rest = {k: v for k, v in config.items() if k != "format"}
            extra.pop("output_config")
            if rest:
                extra["output_config"] = rest
    if value is None:
        value, at = object_of(body, "output_format"), "output_format"
    if value is None:
        return TEXT_FORMAT
    if value.get("type") != "json_schema":
        refuse(f"{at}.type", f"is {value.get('type')!r:.60}, it must be json_schema")
    schema = object_of(value, "schema", f"{at}.")
    if schema is None:
        refuse(f"{at}.schema", "is missing")
    schemas.check(schema, f"{at}.schema")
    return ResponseFormat("json_schema", "output", schema, True)


plugin = AnthropicMessages
