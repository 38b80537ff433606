"""Watch the calls of the official clients: each becomes a generation or an embedding with its messages, tokens and times."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from groundwork.sdk.capture import captured, text
from groundwork.sdk.observing import Client, _current, observe
from groundwork.sdk.span import OpenSpan

_SETTINGS = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "seed",
    "frequency_penalty", "presence_penalty",
)  # fmt: skip
_NAMES = {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens"}
_MOST_TEXT = 200_000


def watched(client: Any, provider: str, paths: dict[str, str], to: Client | None = None) -> Any:
    """Return the client with its methods at `paths` (dotted name to kind of the span) replaced by watched ones."""
    for path, kind in paths.items():
        holder, *_ = _holder(client, path)
        name = path.rpartition(".")[2]
        method = getattr(holder, name, None)
        if method is None or getattr(method, "_groundwork", False):
            continue
        setattr(holder, name, _watch(method, path, kind, provider, to))
    return client


def _holder(client: Any, path: str) -> tuple[Any, str]:
    holder = client
    for part in path.split(".")[:-1]:
        holder = getattr(holder, part, None)
    return holder, path


def _watch(
    method: Callable[..., Any], path: str, kind: str, provider: str, to: Client | None
) -> Callable[..., Any]:
    call = _Call(path, kind, provider, to)

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        span, token = call.begin(kwargs)
        try:
            result = method(*args, **kwargs)
        except BaseException as error:
            call.failed(span, error)
            raise
        finally:
            _current.reset(token)
        if inspect.isawaitable(result):  # the asynchronous clients, whose methods are not marked as such
            return call.awaited(span, result, kwargs)
        return call.ended(span, result, kwargs)

    wrapper._groundwork = True  # type: ignore[attr-defined]
    return wrapper


class _Call:
    """Makes the span of one call."""

    def __init__(self, path: str, kind: str, provider: str, to: Client | None) -> None:
        self._path, self._kind, self._provider, self._to = path, kind, provider, to

    @property
    def client(self) -> Client:
        return self._to or observe.client

    def begin(self, kwargs: dict[str, Any]) -> tuple[OpenSpan, Any]:
        operation = "embeddings" if self._kind == "embedding" else "chat"
        model = str(kwargs.get("model") or "")
        span = OpenSpan(f"{operation} {model}".strip(), self._kind, _current.get(), {})
        span.attributes |= {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": model or None,
        }
        for name in _SETTINGS:
            if isinstance(kwargs.get(name), int | float):
                span.attributes[f"gen_ai.request.{_NAMES.get(name, name)}"] = kwargs[name]
        if self.client.content:
            try:
                _asked(span, kwargs)
            except Exception:
                span.attributes["groundwork.input"] = "(a request that cannot be shown)"
        return span, _current.set(span)

    def failed(self, span: OpenSpan, error: BaseException) -> None:
        """Let the span of a call go that raised."""
        span.failed(error)
        self.client._end(span)

    async def awaited(self, span: OpenSpan, result: Any, kwargs: dict[str, Any]) -> Any:
        """Wait for the answer and read it."""
        try:
            answer = await result
        except BaseException as error:
            self.failed(span, error)
            raise
        return self.ended(span, answer, kwargs)

    def ended(self, span: OpenSpan, result: Any, kwargs: dict[str, Any]) -> Any:
        """Read an answer that is there, or give out the stream that will be."""
        if kwargs.get("stream") and hasattr(result, "__aiter__"):
            return _AsyncStream(result, self, span)
        if kwargs.get("stream") and hasattr(result, "__iter__"):
            return _Stream(result, self, span)
        self.finish(span, result)
        return result

    def finish(self, span: OpenSpan, result: Any, gathered: _Gathered | None = None) -> None:
        """Read the answer and let the span go; never raises."""
        try:
            told = result if isinstance(result, dict) else _plain(result)
            _read(span, told, self.client.content)
            if gathered is not None and self.client.content and gathered.text:
                span.attributes["groundwork.output"] = gathered.text
        except Exception:
            span.attributes["groundwork.output"] = "(an answer that cannot be shown)"
        self.client._end(span)


class _Gathered:
    """What a stream has brought so far."""

    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        self.text = ""
        self.last: dict[str, Any] = {}

    def add(self, event: Any) -> None:
        """Look at an event; never raises."""
        try:
            told = _plain(event)
            piece = _piece(told)
            if piece and "groundwork.first_token_ms" not in self._span.attributes:
                self._span.attributes["groundwork.first_token_ms"] = self._span.elapsed_ms
            if len(self.text) < _MOST_TEXT:
                self.text += piece
            for inner in (told, told.get("message"), told.get("response")):
                if isinstance(inner, dict):
                    for name in ("model", "id"):
                        self.last.setdefault(name, inner.get(name)) if inner.get(name) else None
                    if isinstance(inner.get("usage"), dict):
                        kept = self.last.setdefault("usage", {})
                        kept.update({k: v for k, v in inner["usage"].items() if v is not None})
        except Exception:
            return


class _Stream:
    """A stream of the client, read through; everything else of it is as it was."""

    def __init__(self, inner: Any, call: _Call, span: OpenSpan) -> None:
        self._inner, self._call, self._span = inner, call, span
        self._gathered = _Gathered(span)
        self._done = False
        self._steps = iter(inner)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            event = next(self._steps)
        except StopIteration:
            self._finish()
            raise
        except BaseException as error:
            self._span.failed(error)
            self._finish()
            raise
        self._gathered.add(event)
        return event

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream, and the span with what has come."""
        self._finish()
        if hasattr(self._inner, "close"):
            self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            self._call.finish(self._span, self._gathered.last, self._gathered)


class _AsyncStream:
    """The same for a stream that is awaited."""

    def __init__(self, inner: Any, call: _Call, span: OpenSpan) -> None:
        self._inner, self._call, self._span = inner, call, span
        self._gathered = _Gathered(span)
        self._done = False
        self._steps = aiter(inner)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            event = await anext(self._steps)
        except StopAsyncIteration:
            self._finish()
            raise
        except BaseException as error:
            self._span.failed(error)
            self._finish()
            raise
        self._gathered.add(event)
        return event

    async def __aenter__(self) -> _AsyncStream:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the stream, and the span with what has come."""
        self._finish()
        if hasattr(self._inner, "close"):
            await self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            self._call.finish(self._span, self._gathered.last, self._gathered)


def _plain(value: Any) -> dict[str, Any]:
    if hasattr(value, "parse") and hasattr(value, "headers"):  # a raw response
        value = value.parse()
    dump = getattr(value, "model_dump", None)
    told = dump(mode="json", warnings=False) if callable(dump) else value
    return told if isinstance(told, dict) else {}


def _asked(span: OpenSpan, kwargs: dict[str, Any]) -> None:
    messages = kwargs.get("messages", kwargs.get("input"))
    system = kwargs.get("system") or kwargs.get("instructions")
    if system is not None:
        span.attributes["gen_ai.system_instructions"] = captured(system)
    if isinstance(messages, str):
        span.attributes["groundwork.input"] = text(captured(messages))
    elif messages is not None and span.kind == "generation":
        span.attributes["gen_ai.input.messages"] = text(captured(messages))
    elif messages is not None:
        span.attributes["groundwork.input"] = text(captured(messages))
    if kwargs.get("tools"):
        span.attributes["gen_ai.tool.definitions"] = text(captured(kwargs["tools"]))


def _read(span: OpenSpan, told: dict[str, Any], content: bool) -> None:
    put = span.attributes
    put["gen_ai.response.model"] = told.get("model")
    put["gen_ai.response.id"] = told.get("id")
    usage = told.get("usage") or {}
    read = usage.get("prompt_tokens", usage.get("input_tokens"))
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    cached = details.get("cached_tokens", usage.get("cache_read_input_tokens"))
    written = usage.get("cache_creation_input_tokens")
    if "cache_read_input_tokens" in usage or written:  # Anthropic counts these beside the input
        read = (read or 0) + (cached or 0) + (written or 0)
    out = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    put["gen_ai.usage.input_tokens"] = read
    put["gen_ai.usage.output_tokens"] = usage.get("completion_tokens", usage.get("output_tokens"))
    put["gen_ai.usage.cache_read.input_tokens"] = cached
    put["gen_ai.usage.cache_creation.input_tokens"] = written
    put["gen_ai.usage.reasoning.output_tokens"] = out.get("reasoning_tokens")
    choices = told.get("choices") or []
    reasons = [c.get("finish_reason") for c in choices if isinstance(c, dict) and c.get("finish_reason")]
    reasons += [told["stop_reason"]] if told.get("stop_reason") else []
    put["gen_ai.response.finish_reasons"] = reasons or None
    if not content or span.kind != "generation":
        return
    said = choices or told.get("output") or (told if told.get("content") else None)
    if said is not None:
        listed = said if isinstance(said, list) else [said]
        put["gen_ai.output.messages"] = text(captured(listed))


def _piece(told: dict[str, Any]) -> str:
    """Return the text in an event of a stream, of whichever interface."""
    for choice in told.get("choices") or ():
        piece = (choice.get("delta") or {}).get("content") or choice.get("text")
        if isinstance(piece, str):
            return piece
    delta = told.get("delta")
    if isinstance(delta, str):  # OpenAI's responses
        return delta if str(told.get("type", "")).endswith("output_text.delta") else ""
    if isinstance(delta, dict) and isinstance(delta.get("text"), str):  # Anthropic
        return str(delta["text"])
    return ""
