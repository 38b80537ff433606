"""The replies of a scripted upstream in the wire formats of OpenAI and Anthropic: bodies, streams and errors."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from groundwork.testing.upstream_script import Call, Script, pieces

Wire = Literal["openai", "anthropic"]
Body = dict[str, Any]
CREATED = 1_760_000_000
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def written(value: Any) -> bytes:
    """Return compact JSON in UTF-8, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def bent(script: Script, fault: str) -> Script:
    """Return the script that says what a fault of content says."""
    match fault:
        case "missing_usage":
            return replace(script, usage=None)
        case "tool_arguments_invalid":
            name = script.calls[0].name if script.calls else "get_weather"
            return replace(script, text="", calls=(Call(name, '{"city": "Par'),))
        case "tool_unknown":
            return replace(script, text="", calls=(Call("format_disk", '{"disk": "/dev/sda"}'),))
        case "tool_calls_10000":
            name = script.calls[0].name if script.calls else "get_weather"
            return replace(script, text="", calls=(Call(name, '{"city": "Paris"}'),) * 10_000)
        case "schema_broken":
            return replace(script, text='{"unexpected": ["shape"]}', calls=())
        case "finish_length":
            return replace(script, finish="length", calls=())
        case "content_filter":
            return replace(script, text="", calls=(), finish="content_filter")
        case _:
            return script


def finish_of(script: Script) -> str:
    """Return why the completion ends, in OpenAI's words."""
    return script.finish or ("tool_calls" if script.calls else "stop")


def chat_body(wire: Wire, script: Script, model: str, fault: str = "") -> Body:
    """Return the body of a whole chat completion."""
    body = _openai_body(script, model) if wire == "openai" else _anthropic_body(script, model)
    if fault == "empty_choices":
        body["choices" if wire == "openai" else "content"] = []
    elif fault == "nan":
        body["usage"] = dict.fromkeys(body.get("usage") or {"input_tokens": 0}, float("nan"))
    elif fault == "disordered_chunks" and wire == "openai":
        body["choices"] = [{**body["choices"][0], "index": 1}, body["choices"][0]]
    elif fault == "disordered_chunks":
        body["content"] = body["content"][::-1]
    elif fault == "error_in_stream":
        return error_body(wire, 500, "the engine died")
    return body


def chat_frames(
    wire: Wire, script: Script, model: str, fault: str = "", *, usage: bool = True
) -> list[bytes]:
    """Return the events of a streamed chat completion, the terminator last."""
    frames = _openai_frames(script, model, usage) if wire == "openai" else _anthropic_frames(script, model)
    if fault == "empty_choices":
        frames = [_emptied(frame, wire) for frame in frames]
    elif fault == "nan":
        frames = [_nan(frame) for frame in frames]
    elif fault == "duplicate_chunks":
        frames = [f for frame in frames for f in ([frame, frame] if b"delta" in frame else [frame])]
    elif fault == "disordered_chunks":
        frames = [*frames[:1], *frames[1:-1][::-1], frames[-1]]
    elif fault == "unterminated":
        frames = frames[: max(2, len(frames) // 2)]
    elif fault == "error_in_stream":
        error = written(error_body(wire, 529, "the engine died"))
        head = b"" if wire == "openai" else b"event: error\n"
        frames = [*frames[: max(2, len(frames) // 2)], head + b"data: " + error + b"\n\n"]
    return frames


def error_body(wire: Wire, status: int, message: str) -> Body:
    """Return the dialect's body of an error."""
    kind = _KINDS.get(status, "overloaded_error" if status in (503, 529) else "api_error")
    if wire == "anthropic":
        return {"type": "error", "error": {"type": kind, "message": message}}
    code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def embedding_body(script: Script, request: Mapping[str, Any], fault: str = "") -> Body:
    """Return vectors that follow from the texts alone: equal texts, equal vectors, all of length 1."""
    given = request.get("input", "")
    texts = [given] if isinstance(given, str) else list(given)
    dimension = int(request.get("dimensions") or script.dimension)
    rows = [_vector(json.dumps(text), dimension) for text in texts]
    if fault == "embedding_dimension":
        rows[-1] = [*rows[-1], 0.5]
        rows = rows if len(rows) > 1 else [rows[0][:-3] or [0.5]]
    elif fault in ("embedding_nan", "nan"):
        rows[-1][0] = float("nan")
    elif fault in ("embedding_rows", "empty_choices"):
        rows = rows[:-1]
    packed = request.get("encoding_format") == "base64"
    body: Body = {
        "object": "list",
        "model": request.get("model", ""),
        "data": [
            {"object": "embedding", "index": i, "embedding": _packed(row) if packed else row}
            for i, row in enumerate(rows)
        ],
    }
    if script.usage and fault != "missing_usage":
        body["usage"] = {"prompt_tokens": script.usage[0], "total_tokens": script.usage[0]}
    return body


def models_body(wire: Wire, script: Script) -> Body:
    """Return the list of models."""
    if wire == "anthropic":
        rows = [
            {"type": "model", "id": m, "display_name": m, "created_at": "2025-01-01T00:00:00Z"}
            for m in script.models
        ]
        return {"data": rows, "has_more": False, "first_id": rows[0]["id"], "last_id": rows[-1]["id"]}
    return {
        "object": "list",
        "data": [{"id": m, "object": "model", "created": CREATED, "owned_by": "lab"} for m in script.models],
    }


def _openai_body(script: Script, model: str) -> Body:
    message: Body = {"role": "assistant", "content": script.text or None, "refusal": None}
    if script.calls:
        message["tool_calls"] = [_openai_call(call, i) for i, call in enumerate(script.calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of(script)}
    body: Body = {
        "id": "chatcmpl-lab",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
    }
    if script.usage:
        body["usage"] = _openai_usage(script.usage)
    return body


def _openai_frames(script: Script, model: str, usage: bool) -> list[bytes]:
    head = {"id": "chatcmpl-lab", "object": "chat.completion.chunk", "created": CREATED, "model": model}

    def frame(delta: Body, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + written({**head, "choices": [choice]}) + b"\n\n"

    frames = [frame({"role": "assistant", "content": ""})]
    frames += [frame({"content": piece}) for piece in pieces(script.text, script.chunks)]
    for i, call in enumerate(script.calls):
        opening = _openai_call(replace(call, arguments=""), i)
        frames.append(frame({"tool_calls": [{"index": i, **opening}]}))
        frames += [
            frame({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
            for piece in pieces(call.arguments, 2)
        ]
    frames.append(frame({}, finish_of(script)))
    if script.usage and usage:
        last = {**head, "choices": [], "usage": _openai_usage(script.usage)}
        frames.append(b"data: " + written(last) + b"\n\n")
    return [*frames, b"data: [DONE]\n\n"]


def _openai_call(call: Call, n: int) -> Body:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id or f"call_lab{n}", "type": "function", "function": function}


def _openai_usage(usage: tuple[int, int]) -> Body:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _anthropic_body(script: Script, model: str) -> Body:
    content: list[Body] = [{"type": "text", "text": script.text}] if script.text else []
    for n, call in enumerate(script.calls):
        content.append({**_tool_use(call, n), "input": _loaded(call.arguments)})
    body = _anthropic_head(script, model)
    body |= {"content": content, "stop_reason": _STOP[finish_of(script)]}
    if script.usage:
        body["usage"] = {"input_tokens": script.usage[0], "output_tokens": script.usage[1]}
    else:
        del body["usage"]
    return body


def _anthropic_frames(script: Script, model: str) -> list[bytes]:
    message = _anthropic_head(script, model)
    if not script.usage:
        del message["usage"]
    frames = [_named("message_start", {"message": message}), _named("ping", {})]
    blocks: list[tuple[Body, list[Body]]] = []
    if script.text:
        deltas = [{"type": "text_delta", "text": p} for p in pieces(script.text, script.chunks)]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for n, call in enumerate(script.calls):
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in pieces(call.arguments, 2)]
        blocks.append(({**_tool_use(call, n), "input": {}}, deltas))
    for index, (opening, deltas) in enumerate(blocks):
        frames.append(_named("content_block_start", {"index": index, "content_block": opening}))
        frames += [_named("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        frames.append(_named("content_block_stop", {"index": index}))
    last: Body = {"delta": {"stop_reason": _STOP[finish_of(script)], "stop_sequence": None}}
    if script.usage:
        last["usage"] = {"output_tokens": script.usage[1]}
    return [*frames, _named("message_delta", last), _named("message_stop", {})]


def _anthropic_head(script: Script, model: str) -> Body:
    return {
        "id": "msg_lab",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": script.usage[0] if script.usage else 0, "output_tokens": 1},
    }


def _tool_use(call: Call, n: int) -> Body:
    return {"type": "tool_use", "id": call.id or f"toolu_lab{n}", "name": call.name}


def _loaded(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments  # where an object belongs: as wrong as a whole reply of this dialect can be


def _named(name: str, values: Body) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + written({"type": name, **values}) + b"\n\n"


def _emptied(frame: bytes, wire: Wire) -> bytes:
    if wire == "anthropic":
        return b"" if b"content_block" in frame else frame
    data = frame.removeprefix(b"data: ").strip()
    return frame if data == b"[DONE]" else b"data: " + written({**json.loads(data), "choices": []}) + b"\n\n"


def _nan(frame: bytes) -> bytes:
    return frame.replace(b'"usage":{', b'"usage":{"lab":NaN,').replace(b'"logprobs":null', b'"logprobs":NaN')


def _vector(text: str, dimension: int) -> list[float]:
    seed = sum((i + 1) * ord(c) for i, c in enumerate(text[:200])) or 1
    raw = [((seed * (i + 3) * 2654435761) % 1000) / 500 - 1 for i in range(dimension)]
    norm = sum(v * v for v in raw) ** 0.5 or 1.0
    return [round(v / norm, 7) for v in raw]


def _packed(row: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()
