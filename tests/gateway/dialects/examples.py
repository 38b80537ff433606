"""Bodies as clients send them: valid ones of every kind, and wrong ones with the field that is wrong."""

from __future__ import annotations

from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {"at": {"type": "string"}},
    "required": ["at"],
    "additionalProperties": False,
}
WRONG_SCHEMA = {"type": "object", "properties": {"at": {"type": "strange"}}}
Body = dict[str, Any]


def without(body: Body, *fields: str) -> Body:
    return {k: v for k, v in body.items() if k not in fields}


# Chat completions

USER = {"role": "user", "content": "What is in it?"}
CHAT: Body = {"model": "openai/small", "messages": [USER]}
LOOK = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": SCHEMA, "strict": True},
}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "look", "arguments": '{"at":"x"}'}}
    ],
}
IMAGES = [
    {"type": "text", "text": "Look at these"},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
]

VALID_CHAT: list[Body] = [
    CHAT,
    {
        **CHAT,
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": [{"type": "text", "text": "Be kind."}], "name": "rules"},
            {"role": "user", "content": IMAGES, "name": "ann"},
            {**CALLED, "tool_calls": [*CALLED["tool_calls"], {**CALLED["tool_calls"][0], "id": "call_b"}]},
            {"role": "tool", "tool_call_id": "call_b", "content": [{"type": "text", "text": "a cat"}]},
            {"role": "tool", "tool_call_id": "call_a", "content": "a dog"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "assistant", "content": None, "refusal": "No."},
        ],
        "tools": [LOOK],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": False,
    },
    {
        **CHAT,
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "max_completion_tokens": 100,
        "temperature": 2,
        "top_p": 0.5,
        "stop": ["\n", "END"],
        "seed": -(2**63),
        "n": 2,
        "user": "ann",
        "metadata": {"a": "b"},
        "frequency_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "reasoning_effort": "low",
    },
    {**CHAT, "max_tokens": 100.0, "stop": "END", "response_format": {"type": "text"}, "tools": []},
    {**CHAT, "response_format": {"type": "json_object"}, "tools": [LOOK], "tool_choice": "required"},
    {
        **CHAT,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": SCHEMA, "strict": True},
        },
    },
    {
        **CHAT,
        "tools": [LOOK, {"type": "function", "function": {"name": "wait"}}],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "wait"}}],
            },
        },
    },
    {
        "model": "old",
        "messages": [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "a cat"},
        ],
        "functions": [{"name": "look", "parameters": SCHEMA}],
        "function_call": {"name": "look"},
    },
]


def _chat(**more: Any) -> Body:
    return {**CHAT, **more}


def _says(content: Any, role: str = "user") -> Body:
    return _chat(messages=[{"role": role, "content": content}])


INVALID_CHAT: list[tuple[Body, str]] = [
    ({}, "model"),
    (without(CHAT, "model"), "model"),
    (_chat(model=5), "model"),
    (_chat(model=""), "model"),
    (_chat(model="m" * 300), "model"),
    (without(CHAT, "messages"), "messages"),
    (_chat(messages=[]), "messages"),
    (_chat(messages="hello"), "messages"),
    (_chat(messages=["hello"]), "messages[0]"),
    (_chat(messages=[USER] * 10_001), "messages"),
    (_chat(messages=[{"content": "x"}]), "messages[0].role"),
    (_says("x", "robot"), "messages[0].role"),
    (_says(None), "messages[0].content"),
    (_says(5), "messages[0].content"),
    (_says(["x"]), "messages[0].content[0]"),
    (_says([{"text": "x"}]), "messages[0].content[0].type"),
    (_says([{"type": "text"}]), "messages[0].content[0].text"),
    (_says([{"type": "text", "text": 5}]), "messages[0].content[0].text"),
    (_says([{"type": "smell"}]), "messages[0].content[0].type"),
    (_says([{"type": "text", "text": "x"}] * 20_001), "messages"),
    (_says([{"type": "image_url"}]), "messages[0].content[0].image_url"),
    (
        _says([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]),
        "messages[0].content[0].image_url",
    ),
    (
        _says([{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]),
        "messages[0].content[0].image_url",
    ),
    (
        _says([{"type": "image_url", "image_url": {"url": "data:text/html;base64,eA=="}}]),
        "messages[0].content[0].image_url",
    ),
    (
        _says([{"type": "image_url", "image_url": {"url": "data:image/png;base64,not base64!"}}]),
        "messages[0].content[0].image_url",
    ),
    (
        _says([{"type": "image_url", "image_url": {"url": "https://a.org/\n" + "x" * 9_000}}]),
        "messages[0].content[0].image_url",
    ),
    (
        _chat(messages=[USER, {"role": "tool", "tool_call_id": "call_never", "content": "x"}]),
        "messages[1].tool_call_id",
    ),
    (_chat(messages=[USER, {"role": "tool", "content": "x"}]), "messages[1].tool_call_id"),
    (_chat(messages=[USER, {"role": "function", "name": "look", "content": "x"}]), "messages[1].name"),
    (_chat(messages=[{"role": "assistant", "tool_calls": "x"}]), "messages[0].tool_calls"),
    (_chat(messages=[{"role": "assistant", "tool_calls": ["x"]}]), "messages[0].tool_calls[0]"),
    (
        _chat(messages=[{"role": "assistant", "tool_calls": [{"id": "a"}]}]),
        "messages[0].tool_calls[0].function",
    ),
    (
        _chat(
            messages=[
                {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}]}
            ]
        ),
        "messages[0].tool_calls[0].function.arguments",
    ),
    (_chat(stream="yes"), "stream"),
    (_chat(stream=1), "stream"),
    (_chat(stream=True, stream_options={"include_usage": "yes"}), "stream_options.include_usage"),
    (_chat(max_tokens=0), "max_tokens"),
    (_chat(max_tokens=1.5), "max_tokens"),
    (_chat(max_tokens=True), "max_tokens"),
    (_chat(max_tokens="9"), "max_tokens"),
    (_chat(max_completion_tokens=10**400), "max_completion_tokens"),
    (_chat(temperature=2.1), "temperature"),
    (_chat(temperature=-0.1), "temperature"),
    (_chat(temperature=float("nan")), "temperature"),
    (_chat(temperature="hot"), "temperature"),
    (_chat(temperature=False), "temperature"),
    (_chat(top_p=1.01), "top_p"),
    (_chat(seed=2**63), "seed"),
    (_chat(n=0), "n"),
    (_chat(n=129), "n"),
    (_chat(stop=5), "stop"),
    (_chat(stop=["x", 5]), "stop[1]"),
    (_chat(stop=["x"] * 65), "stop"),
    (_chat(user=5), "user"),
    (_chat(tools="x"), "tools"),
    (_chat(tools=["x"]), "tools[0]"),
    (_chat(tools=[LOOK] * 513), "tools"),
    (_chat(tools=[LOOK, LOOK]), "tools"),
    (_chat(tools=[{"type": "web_search"}]), "tools[0].type"),
    (_chat(tools=[{"type": "function"}]), "tools[0].function"),
    (_chat(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
    (_chat(tools=[{"type": "function", "function": {"name": "a b"}}]), "tools[0].function.name"),
    (
        _chat(tools=[{"type": "function", "function": {"name": "a", "parameters": WRONG_SCHEMA}}]),
        "tools[0].function.parameters.properties.at.type",
    ),
    (
        _chat(tools=[{"type": "function", "function": {"name": "a", "parameters": []}}]),
        "tools[0].function.parameters",
    ),
    (_chat(tool_choice="required"), "tool_choice"),
    (_chat(tool_choice="maybe"), "tool_choice"),
    (
        _chat(tools=[LOOK], tool_choice={"type": "function", "function": {"name": "other"}}),
        "tool_choice.function.name",
    ),
    (_chat(tools=[LOOK], tool_choice={"type": "x"}), "tool_choice.type"),
    (
        _chat(tools=[LOOK], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "never"}}),
        "tool_choice.allowed_tools.mode",
    ),
    (_chat(response_format="json"), "response_format"),
    (_chat(response_format={"type": "xml"}), "response_format.type"),
    (_chat(response_format={"type": "json_schema"}), "response_format.json_schema"),
    (
        _chat(response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}}),
        "response_format.json_schema.name",
    ),
    (
        _chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": WRONG_SCHEMA}}),
        "response_format.json_schema.schema.properties.at.type",
    ),
    (_chat(functions=["x"]), "functions[0]"),
    (_chat(functions=[{"name": "a"}], function_call={"name": "b"}), "function_call.name"),
]

# Completions

COMPLETION: Body = {"model": "openai/small", "prompt": "Once upon a time"}
VALID_COMPLETIONS: list[Body] = [
    COMPLETION,
    {
        **COMPLETION,
        "prompt": ["Once upon a time"],
        "echo": True,
        "max_tokens": 7,
        "stop": "END",
        "n": 1,
        "best_of": 1,
    },
    {
        **COMPLETION,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "seed": 1,
        "user": "ann",
    },
]
INVALID_COMPLETIONS: list[tuple[Body, str]] = [
    ({"prompt": "x"}, "model"),
    ({"model": "m"}, "prompt"),
    ({"model": "m", "prompt": ""}, "prompt"),
    ({"model": "m", "prompt": []}, "prompt"),
    ({"model": "m", "prompt": ["a", "b"]}, "prompt"),
    ({"model": "m", "prompt": [1, 2]}, "prompt"),
    ({"model": "m", "prompt": [[1, 2]]}, "prompt"),
    ({**COMPLETION, "suffix": "x"}, "suffix"),
    ({**COMPLETION, "logprobs": 3}, "logprobs"),
    ({**COMPLETION, "n": 2}, "n"),
    ({**COMPLETION, "best_of": 2}, "best_of"),
    ({**COMPLETION, "echo": "yes"}, "echo"),
    ({**COMPLETION, "max_tokens": 0}, "max_tokens"),
]

# Responses

RESPONSE: Body = {"model": "openai/small", "input": "What is in it?"}
FLAT_LOOK = {"type": "function", "name": "look", "description": "Look.", "parameters": SCHEMA, "strict": True}
VALID_RESPONSES: list[Body] = [
    RESPONSE,
    {
        **RESPONSE,
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "Be kind."},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Let me see", "annotations": []}],
            },
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "call_a",
                "name": "look",
                "arguments": '{"at":"x"}',
            },
            {"type": "function_call", "call_id": "call_b", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_b", "output": "a cat"},
            {
                "type": "function_call_output",
                "call_id": "call_a",
                "output": [{"type": "input_text", "text": "a dog"}],
            },
        ],
        "tools": [FLAT_LOOK, {"type": "function", "name": "wait", "parameters": None, "strict": None}],
        "tool_choice": {"type": "function", "name": "look"},
        "parallel_tool_calls": True,
        "store": True,
        "background": False,
    },
    {
        **RESPONSE,
        "stream": True,
        "max_output_tokens": 100,
        "temperature": 1,
        "top_p": 1,
        "text": {
            "format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True},
            "verbosity": "low",
        },
        "reasoning": {"effort": "low", "summary": "auto"},
        "metadata": {"a": "b"},
        "truncation": "auto",
        "include": ["reasoning.encrypted_content"],
        "user": "ann",
    },
    {
        **RESPONSE,
        "tools": [FLAT_LOOK],
        "tool_choice": "required",
        "text": {"format": {"type": "json_object"}},
    },
    {
        **RESPONSE,
        "tools": [FLAT_LOOK],
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "look"}],
        },
    },
]


def _asks(**more: Any) -> Body:
    return {**RESPONSE, **more}


INVALID_RESPONSES: list[tuple[Body, str]] = [
    ({"input": "x"}, "model"),
    ({"model": "m"}, "input"),
    (_asks(input=""), "input"),
    (_asks(input=[]), "input"),
    (_asks(input=[5]), "input[0]"),
    (_asks(input=[{"role": "robot", "content": "x"}]), "input[0].role"),
    (_asks(input=[{"role": ["user"], "content": "x"}]), "input[0].role"),
    (_asks(input=[{"role": "user", "content": 5}]), "input[0].content"),
    (
        _asks(input=[{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]),
        "input[0].content[0].type",
    ),
    (
        _asks(input=[{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]),
        "input[0].content[0].file_id",
    ),
    (_asks(input=[{"type": "item_reference", "id": "msg_1"}]), "input[0]"),
    (_asks(input=[{"type": "computer_call_output", "call_id": "x"}]), "input[0].type"),
    (_asks(input=[{"type": "function_call_output", "call_id": "never", "output": "x"}]), "input[0].call_id"),
    (_asks(input=[{"type": "function_call", "call_id": "a", "arguments": "{}"}]), "input[0].name"),
    (_asks(input=[{"type": "reasoning", "summary": []}]), "input"),
    (_asks(previous_response_id="resp_1"), "previous_response_id"),
    (_asks(conversation="conv_1"), "conversation"),
    (_asks(prompt={"id": "pmpt_1"}), "prompt"),
    (_asks(background=True), "background"),
    (_asks(tools=[{"type": "web_search"}]), "tools[0].type"),
    (_asks(tools=[{"type": "mcp", "server_label": "x"}]), "tools[0].type"),
    (_asks(tools=[{**FLAT_LOOK, "parameters": WRONG_SCHEMA}]), "tools[0].parameters.properties.at.type"),
    (_asks(tool_choice={"type": "file_search"}), "tool_choice.type"),
    (_asks(tools=[FLAT_LOOK], tool_choice={"type": "function", "name": "x"}), "tool_choice.name"),
    (_asks(text="json"), "text"),
    (_asks(text={"format": {"type": "xml"}}), "text.format.type"),
    (_asks(text={"format": {"type": "json_schema", "schema": SCHEMA}}), "text.format.name"),
    (_asks(max_output_tokens=0), "max_output_tokens"),
]

# Messages

MESSAGES: Body = {"model": "anthropic/small", "max_tokens": 100, "messages": [USER]}
ANTHROPIC_LOOK = {"name": "look", "description": "Look.", "input_schema": SCHEMA}
TOOL_USE = {"type": "tool_use", "id": "toolu_a", "name": "look", "input": {"at": "x"}}
VALID_MESSAGES: list[Body] = [
    MESSAGES,
    {
        **MESSAGES,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                    {
                        "type": "document",
                        "title": "T",
                        "source": {"type": "text", "media_type": "text/plain", "data": "d"},
                    },
                    {
                        "type": "search_result",
                        "title": "S",
                        "source": "https://example.org",
                        "content": [{"type": "text", "text": "found"}],
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "Let me see"},
                    TOOL_USE,
                    {**TOOL_USE, "id": "toolu_b", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_b", "is_error": True, "content": "gone"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_a",
                        "content": [
                            {"type": "text", "text": "a dog"},
                            {
                                "type": "image",
                                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                            },
                        ],
                    },
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [{**ANTHROPIC_LOOK, "type": "custom", "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    },
    {
        **MESSAGES,
        "system": "Be brief.",
        "stream": True,
        "temperature": 1,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "ann"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "service_tier": "auto",
    },
    {**MESSAGES, "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}},
    {**MESSAGES, "output_format": {"type": "json_schema", "schema": SCHEMA}},
    {**MESSAGES, "tools": [ANTHROPIC_LOOK], "tool_choice": {"type": "tool", "name": "look"}},
]


def _message(**more: Any) -> Body:
    return {**MESSAGES, **more}


def _block(block: Any, role: str = "user") -> Body:
    return _message(messages=[{"role": role, "content": [block]}])


_AT = "messages.0.content.0"
INVALID_MESSAGES: list[tuple[Body, str]] = [
    (without(MESSAGES, "model"), "model"),
    (without(MESSAGES, "max_tokens"), "max_tokens"),
    (_message(max_tokens=0), "max_tokens"),
    (_message(messages=[]), "messages"),
    (_message(messages=[5]), "messages.0"),
    (_message(messages=[{"role": "tool", "content": "x"}]), "messages.0.role"),
    (_message(messages=[{"role": "user"}]), "messages.0.content"),
    (_message(messages=[{"role": "user", "content": [5]}]), _AT),
    (_block({"text": "x"}), f"{_AT}.type"),
    (_block({"type": "text"}), f"{_AT}.text"),
    (_block({"type": "image"}), f"{_AT}.source"),
    (_block({"type": "image", "source": {"type": "smell"}}), f"{_AT}.source.type"),
    (
        _block({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "?"}}),
        f"{_AT}.source",
    ),
    (
        _block({"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": PNG}}),
        f"{_AT}.source",
    ),
    (_block({"type": "image", "source": {"type": "url", "url": "file:///x"}}), f"{_AT}.source.url"),
    (_block(TOOL_USE), f"{_AT}.type"),
    (_block({"type": "tool_result", "tool_use_id": "toolu_never"}), f"{_AT}.tool_use_id"),
    (_block({**TOOL_USE, "input": "x"}, "assistant"), f"{_AT}.input"),
    (_message(system=5), "system"),
    (_message(temperature=1.5), "temperature"),
    (_message(stop_sequences=[5]), "stop_sequences[0]"),
    (_message(metadata="x"), "metadata"),
    (_message(tools=[ANTHROPIC_LOOK, 5]), "tools.1"),
    (_message(tools=[{"name": "look"}]), "tools.0.input_schema"),
    (
        _message(tools=[{**ANTHROPIC_LOOK, "input_schema": WRONG_SCHEMA}]),
        "tools.0.input_schema.properties.at.type",
    ),
    (_message(tool_choice={"type": "any"}), "tool_choice"),
    (_message(tool_choice={"type": "some"}), "tool_choice.type"),
    (_message(tools=[ANTHROPIC_LOOK], tool_choice={"type": "tool", "name": "x"}), "tool_choice.name"),
    (_message(output_config={"format": {"type": "xml"}}), "output_config.format.type"),
    (_message(output_config={"format": {"type": "json_schema"}}), "output_config.format.schema"),
    (
        _message(output_format={"type": "json_schema", "schema": WRONG_SCHEMA}),
        "output_format.schema.properties.at.type",
    ),
]
