"""Read what OpenAI's chat completions answer, and what the many servers that follow it answer instead."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from groundwork.gateway.failures import Failure
from groundwork.gateway.providers._calls import Calls
from groundwork.gateway.types import NO_USAGE, Completion, Event, FinishReason, ModelInfo, Usage

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop", "end_turn": "stop", "eos": "stop", "eos_token": "stop", "stop_sequence": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "tool_calls": "tool_calls", "function_call": "tool_calls", "tool_use": "tool_calls",
    "content_filter": "content_filter", "safety": "content_filter", "recitation": "content_filter",
    "guardrail_intervened": "content_filter",
}  # fmt: skip
_CONTEXT = ("context_length", "max_model_len", "context_window", "max_context_length")
_MOST_MODELS = 5_000
_MOST_TOKENS = 10**12


def completion_of(body: Any, host: str) -> Completion:
    """Return a whole completion.

    Raises:
        Failure: `protocol`: there is no choice in it.
    """
    choice = _first_choice(body, host)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Failure("protocol", f"`{host}` answered a choice without a message", billed=True)
    calls = Calls(str(body.get("id", "")))
    as_it_should = True
    for n, piece in enumerate(_listed(message.get("tool_calls"))):
        # In a whole reply every entry is a call of its own, whatever index some servers add to it.
        _, good = calls.take({**piece, "index": None}, n)
        as_it_should = as_it_should and good
    legacy = message.get("function_call")
    if isinstance(legacy, dict) and not len(calls):
        calls.take({"function": legacy}, 0)
    text, refused = _text(message.get("content")), _text(message.get("refusal"))
    finish = finish_of(choice.get("finish_reason")) or "stop"
    if len(calls) and finish == "stop":
        finish = "tool_calls"
    if refused and not text and finish == "stop":
        finish = "content_filter"
    return Completion(
        text=text or refused,
        tool_calls=calls.whole(),
        finish=finish,
        usage=usage_of(body.get("usage")) or NO_USAGE,
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        native=body if as_it_should else None,
        native_dialect="openai_chat" if as_it_should else None,
    )


def _first_choice(body: Any, host: str) -> Mapping[str, Any]:
    """Return the choice of index 0; servers send them in any order."""
    choices = _listed(body.get("choices") if isinstance(body, dict) else None)
    for choice in choices:
        if choice.get("index", 0) == 0:
            return choice
    if choices:
        return choices[0]
    raise Failure("protocol", f"`{host}` answered without any choice", billed=True)


class Chunks:
    """Turns the chunks of one stream into events; `end` gives the last ones.

    Usage and finish are told at the end, since servers repeat them, send them early, or send text after them.

    Args:
        native: the client speaks this dialect, so every chunk is handed on.
    """

    def __init__(self, host: str, *, native: bool) -> None:
        self._host = host
        self._native = native
        self._calls = Calls()
        self._finish: FinishReason | None = None
        self._usage: Usage | None = None
        self._refused = False
        self._said = False
        self._seen_id = False

    @property
    def finished(self) -> bool:
        """Whether the model said that it is done."""
        return self._finish is not None

    def take(self, chunk: Mapping[str, Any]) -> list[Event]:
        """Return the events of one chunk.

        Raises:
            Failure: too many tool calls, or one without a name.
        """
        if not self._seen_id and chunk.get("id"):
            self._seen_id = True
            self._calls = Calls(str(chunk["id"]))
        usage = usage_of(chunk.get("usage")) or _groq_usage(chunk)
        if usage is not None:
            self._usage = usage
        choices = _listed(chunk.get("choices"))
        if not choices:
            return self._other(chunk)
        choice = next((c for c in choices if c.get("index", 0) in (0, None)), None)
        if choice is None:
            return self._other(chunk)
        events, good = self._choice(choice)
        if not self._native:
            return events
        if not good:
            return events or self._other(chunk)
        if not events:
            return self._other(chunk)
        first = events[0]
        rest = [_more(event) for event in events[1:]]
        return [_carrying(first, chunk), *rest]

    def end(self, *, terminated: bool) -> list[Event]:
        """Return usage and finish.

        Args:
            terminated: the stream ended with the dialect's own terminator.

        Raises:
            Failure: `protocol`: the stream ended before the model was done.
        """
        finish = self._finish
        synthesized = finish is None
        if finish is None:
            if not terminated or not self._said:
                raise Failure(
                    "protocol", f"the stream of `{self._host}` ended before it was complete", billed=True
                )
            finish = "tool_calls" if len(self._calls) else "stop"
        if finish == "stop" and len(self._calls):
            finish = "tool_calls"
        if finish == "stop" and self._refused:
            finish = "content_filter"
        told = self._native and not synthesized
        events = [Event("finish", finish=finish, native_more=told)]
        if self._usage is not None:
            events.insert(0, Event("usage", usage=self._usage, native_more=self._native))
        return events

    def _choice(self, choice: Mapping[str, Any]) -> tuple[list[Event], bool]:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = choice.get("message")
            delta = delta if isinstance(delta, dict) else {}
        events: list[Event] = []
        good = True
        reasoning = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
        if reasoning:
            events.append(Event("reasoning", reasoning))
        text = _text(delta.get("content"))
        refused = "" if text else _text(delta.get("refusal"))
        self._refused = self._refused or bool(refused)
        if text or refused:
            events.append(Event("text", text or refused))
        for piece in _listed(delta.get("tool_calls")):
            event, fits = self._calls.take(piece)
            good = good and fits
            events.append(event)
        legacy = delta.get("function_call")
        if isinstance(legacy, dict):
            events.append(self._calls.take({"function": legacy}, 0)[0])
        finish = finish_of(choice.get("finish_reason"))
        if finish is not None and self._finish is None:
            self._finish = finish
        self._said = self._said or bool(events)
        return events, good

    def _other(self, chunk: Mapping[str, Any]) -> list[Event]:
        return [Event("other", native=chunk)] if self._native else []


def _carrying(event: Event, chunk: Mapping[str, Any]) -> Event:
    return Event(event.kind, event.text, event.index, event.id, event.name, native=chunk)


def _more(event: Event) -> Event:
    return Event(event.kind, event.text, event.index, event.id, event.name, native_more=True)


def events_of(completion: Completion) -> list[Event]:
    """Return a whole completion as events, for servers that answer a request for a stream with JSON."""
    events: list[Event] = []
    if completion.reasoning:
        events.append(Event("reasoning", completion.reasoning))
    if completion.text:
        events.append(Event("text", completion.text))
    for n, call in enumerate(completion.tool_calls):
        events.append(Event("tool_call", call.arguments, n, call.id, call.name))
    if completion.usage != NO_USAGE:
        events.append(Event("usage", usage=completion.usage))
    return [*events, Event("finish", finish=completion.finish)]


def finish_of(said: Any) -> FinishReason | None:
    """Return why a model stopped; None for nothing said, `stop` for a word nobody knows."""
    if not isinstance(said, str) or not said or said == "null":
        return None
    return _FINISH.get(said.lower(), "stop")


def usage_of(said: Any) -> Usage | None:
    """Return the tokens that a reply tells, None where it tells none."""
    if not isinstance(said, dict):
        return None
    read, written, total = (
        _count(said, name, other)
        for name, other in (
            ("prompt_tokens", "input_tokens"),
            ("completion_tokens", "output_tokens"),
            ("total_tokens", ""),
        )
    )
    if read is None and written is None:
        return None
    if read is None:
        read = max(0, (total or 0) - (written or 0))
    if written is None:
        written = max(0, (total or 0) - read)
    inside, outside = said.get("prompt_tokens_details"), said.get("completion_tokens_details")
    cached = (
        _count(inside, "cached_tokens")
        if isinstance(inside, dict)
        else _count(said, "prompt_cache_hit_tokens")
    )
    thought = _count(outside, "reasoning_tokens") if isinstance(outside, dict) else None
    return Usage(read, written, min(cached or 0, read), reasoning_tokens=min(thought or 0, written))


def _groq_usage(chunk: Mapping[str, Any]) -> Usage | None:
    own = chunk.get("x_groq")
    return usage_of(own.get("usage")) if isinstance(own, dict) else None


def _count(said: Mapping[str, Any], name: str, other: str = "") -> int | None:
    value = said.get(name, said.get(other))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
        else None
    )


def _text(said: Any) -> str:
    """Return text that is said as a string or as a list of parts."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "".join(
            p["text"]
            for p in said
            if isinstance(p, dict)
            and isinstance(p.get("text"), str)
            and p.get("type", "text") in ("text", "output_text")
        )
    return ""


def _listed(said: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in said if isinstance(entry, dict)] if isinstance(said, list) else []


def vectors_of(body: Any, host: str) -> list[list[float]]:
    """Return the vectors of an embeddings reply in the order of the texts; numbers are not checked yet.

    Raises:
        Failure: `protocol`: it holds no list of vectors.
    """
    rows = _listed(body.get("data") if isinstance(body, dict) else None)
    if not rows:
        raise Failure("protocol", f"`{host}` answered without any embedding", billed=True)
    indexes = [index for row in rows if isinstance(index := row.get("index"), int)]
    if sorted(indexes) == list(range(len(rows))):
        rows = sorted(rows, key=lambda row: int(row["index"]))
    vectors = []
    for row in rows:
        vector = row.get("embedding")
        if isinstance(vector, str):
            vector = _unpacked(vector)
        if not isinstance(vector, list):
            raise Failure(
                "protocol", f"`{host}` answered an embedding that is no list of numbers", billed=True
            )
        vectors.append(vector)
    return vectors


def _unpacked(packed: str) -> list[float] | None:
    from array import array

    try:
        numbers = array("f", b64decode(packed, validate=True))
    except (binascii.Error, ValueError):
        return None
    return numbers.tolist()


def models_of(body: Any, provider: str = "") -> list[ModelInfo]:
    """Return the models of a listing, sorted, at most 5,000; what is not told is None."""
    rows = body.get("data", body.get("models")) if isinstance(body, dict) else body
    found: dict[str, ModelInfo] = {}
    for row in _listed(rows)[:_MOST_MODELS]:
        name = row.get("id") or row.get("name")
        if not isinstance(name, str) or not name or len(name) > 300 or not name.isprintable():
            continue
        meta = row.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        context = next((c for c in (_count(row, k) for k in _CONTEXT) if c), None)
        context = context or _count(meta, "n_ctx") or _count(meta, "n_ctx_train")
        kind = "embedding" if "embed" in f"{name} {row.get('type', '')}".lower() else "chat"
        found[name] = ModelInfo(
            name, provider, "embedding" if kind == "embedding" else "chat", context or None
        )
    return [found[name] for name in sorted(found)]
