"""`observe`: a decorator that makes a span of every call of a function, and what a program can say of the span it is in.

    from groundwork import observe

    @observe
    def answer(question: str) -> str:
        observe.update(user="ann", session="s-1")
        return ask_the_model(question)

    @observe(kind="retrieval", name="search the handbook")
    async def search(question: str) -> list[str]: ...

Spans nest as the calls do, over `await`, generators and threads that carry the context. Nothing here raises into the
program: a wrong value is left out, a server that is away costs nothing but the spans.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import os
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from groundwork.sdk.capture import arguments_of, captured, text
from groundwork.sdk.sender import URL, Sender, over_http
from groundwork.sdk.span import OpenSpan

F = TypeVar("F", bound=Callable[..., Any])
_current: contextvars.ContextVar[OpenSpan | None] = contextvars.ContextVar("groundwork_span", default=None)
_PIECES = 2000
_SHARED = {
    "user": "groundwork.user", "session": "groundwork.session", "app": "groundwork.app",
    "release": "groundwork.release", "environment": "groundwork.environment",
}  # fmt: skip
_OWN = {"model": "gen_ai.request.model", "provider": "gen_ai.provider.name", "prompt": "gen_ai.prompt.name",
        "answer_id": "groundwork.answer_id", "call_id": "groundwork.call_id", "snapshot": "groundwork.snapshot"}  # fmt: skip
_USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens", "prompt_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens", "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}  # fmt: skip


class Client:
    """Sends spans of this program to a server, or into a workspace that is open here.

    Args:
        url: the server; default `GROUNDWORK_URL`, else `http://127.0.0.1:8700`.
        api_key: default `GROUNDWORK_API_KEY`; callers of the same machine need none until the workspace has keys.
        service: name of the program; default `OTEL_SERVICE_NAME`, else the name of its main file.
        environment, release: of the program.
        enabled: False sends nothing; default: unless `GROUNDWORK_TRACING` is `off`.
        content: False keeps arguments, results and messages out of the spans.
        workspace: an open `Workspace` instead of a server.

    Raises:
        ValueError: the address is none of http or https.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        service: str | None = None,
        environment: str = "",
        release: str = "",
        enabled: bool | None = None,
        content: bool = True,
        workspace: Any = None,
    ) -> None:
        told = os.environ.get("GROUNDWORK_TRACING", "on").lower() not in ("off", "0", "false", "no")
        self.enabled = told if enabled is None else enabled
        self.content = content
        if workspace is not None:
            from groundwork.sdk.inside import into

            post = into(workspace)
        else:
            key = api_key if api_key is not None else os.environ.get("GROUNDWORK_API_KEY", "")
            post = over_http(url or os.environ.get("GROUNDWORK_URL") or URL, key)
        resource = {
            "service.name": service or os.environ.get("OTEL_SERVICE_NAME") or _program(),
            "service.version": release or None,
            "deployment.environment.name": environment or None,
            "telemetry.sdk.name": "groundwork",
            "telemetry.sdk.language": "python",
        }
        self._sender = Sender(post, resource)

    @overload
    def observe(self, function: F) -> F: ...
    @overload
    def observe(
        self,
        function: None = None,
        *,
        name: str = "",
        kind: str = "span",
        input: bool = True,
        output: bool = True,
    ) -> Callable[[F], F]: ...
    def observe(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str = "",
        kind: str = "span",
        input: bool = True,
        output: bool = True,
    ) -> Any:
        """Make a span of every call of a function, a coroutine function or a generator; see `Observe`."""
        return _decorator(lambda: self, function, name, kind, input, output)

    @contextmanager
    def span(self, name: str, kind: str = "span", **attributes: Any) -> Iterator[OpenSpan]:
        """Make a span of a block; the block's exceptions are noted and go on."""
        span = self._begin(name, kind)
        span.attributes.update({k: captured(v) for k, v in attributes.items()})
        token = _current.set(span)
        try:
            yield span
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                span.failed(error)
            raise
        finally:
            _current.reset(token)
            self._end(span)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send what waits and say whether all of it is gone within the time."""
        return self._sender.flush(timeout_s)

    def close(self) -> None:
        """Send what can be sent within two seconds; spans that end later are dropped."""
        self._sender.close()

    def counters(self) -> dict[str, int]:
        """Return how many spans were `sent`, `dropped`, are `waiting`, and how many requests failed."""
        return self._sender.counters()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, name: str, kind: str) -> OpenSpan:
        return OpenSpan(name, kind, _current.get(), {})

    def _end(self, span: OpenSpan) -> None:
        span.end()
        if not self.enabled:
            return
        if not self.content:
            for name in (
                "groundwork.input",
                "groundwork.output",
                "gen_ai.input.messages",
                "gen_ai.output.messages",
            ):
                span.attributes.pop(name, None)
        self._sender.put(span)


class Observe:
    """What `observe` is: the decorator, and the span that runs now. Made once; `configure` or `to` say where spans go."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._lock = threading.Lock()

    @overload
    def __call__(self, function: F) -> F: ...
    @overload
    def __call__(
        self,
        function: None = None,
        *,
        name: str = "",
        kind: str = "span",
        input: bool = True,
        output: bool = True,
    ) -> Callable[[F], F]: ...
    def __call__(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str = "",
        kind: str = "span",
        input: bool = True,
        output: bool = True,
    ) -> Any:
        """Make a span of every call of a function, a coroutine function or a generator.

        Args:
            name: default: the function's. kind: what it is about, such as `retrieval`, `tool`, `agent` or `generation`.
            input, output: whether arguments and result are kept, within limits.
        """
        return _decorator(lambda: self.client, function, name, kind, input, output)

    @property
    def client(self) -> Client:
        """The client spans go to, made with the first span where nobody configured one."""
        if self._client is None:
            with self._lock:
                if self._client is None:
                    try:
                        self._client = Client()
                    except ValueError:
                        self._client = Client(URL, enabled=False)
        return self._client

    def configure(self, url: str | None = None, **options: Any) -> Client:
        """Say where spans go; see `Client`. What waits for the former place is sent first."""
        return self._use(Client(url, **options))

    def to(self, workspace: Any, **options: Any) -> Client:
        """Send spans into a workspace that is open here, without a server."""
        return self._use(Client(workspace=workspace, **options))

    def span(self, name: str, kind: str = "span", **attributes: Any) -> Any:
        """Make a span of a block: `with observe.span("rank", kind="rerank") as span: …`."""
        return self.client.span(name, kind, **attributes)

    def update(
        self,
        *,
        input: Any = None,
        output: Any = None,
        usage: Mapping[str, Any] | None = None,
        cost_usd: float | None = None,
        first_token_ms: float | None = None,
        error: str | BaseException | None = None,
        attributes: Mapping[str, Any] | None = None,
        **words: Any,
    ) -> None:
        """Say more of the span that runs now; nothing happens outside of one.

        Args:
            input, output: instead of the arguments and the result. usage: tokens, such as `input_tokens`, `output_tokens`.
            words: `user`, `session`, `app`, `release`, `environment` (also of spans below), `model`, `provider`, `prompt`,
                `answer_id`, `call_id`, `snapshot`, `name`, `kind`.
        """
        span = _current.get()
        if span is not None:
            update(span, input, output, usage, cost_usd, first_token_ms, error, attributes, words)

    @property
    def current(self) -> OpenSpan | None:
        """The span that runs now."""
        return _current.get()

    def headers(self) -> dict[str, str]:
        """Return headers that let another service hang its spans under this one (W3C Trace Context)."""
        span = _current.get()
        return {"traceparent": f"00-{span.trace_id}-{span.span_id}-01"} if span is not None else {}

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send what waits and say whether all of it is gone within the time."""
        return True if self._client is None else self._client.flush(timeout_s)

    def counters(self) -> dict[str, int]:
        """Return how many spans were sent, dropped and wait."""
        return self.client.counters()

    def _use(self, client: Client) -> Client:
        with self._lock:
            former, self._client = self._client, client
        if former is not None:
            former.close()
        return client


def update(
    span: OpenSpan,
    input: Any,
    output: Any,
    usage: Mapping[str, Any] | None,
    cost_usd: float | None,
    first_token_ms: float | None,
    error: str | BaseException | None,
    attributes: Mapping[str, Any] | None,
    words: Mapping[str, Any],
) -> None:
    """Put what a program says into a span; see `Observe.update`."""
    if input is not None:
        span.attributes["groundwork.input"] = text(captured(input))
    if output is not None:
        span.attributes["groundwork.output"] = text(captured(output))
    for name, count in (usage or {}).items():
        if name in _USAGE and isinstance(count, int) and not isinstance(count, bool):
            span.attributes[_USAGE[name]] = count
    if isinstance(cost_usd, int | float):
        span.attributes["groundwork.cost_nanousd"] = round(cost_usd * 1e9)
    if isinstance(first_token_ms, int | float):
        span.attributes["groundwork.first_token_ms"] = float(first_token_ms)
    if isinstance(error, BaseException):
        span.failed(error)
    elif error:
        span.status, span.message = 2, str(error)[:1000]
    for name, value in (attributes or {}).items():
        span.attributes[str(name)[:200]] = captured(value)
    for name, value in words.items():
        if name in _SHARED:
            span.shared[_SHARED[name]] = str(value)[:500]
        elif name in _OWN:
            span.attributes[_OWN[name]] = str(value)[:500]
        elif name == "name":
            span.name = str(value)[:500]
        elif name == "kind":
            span.kind = str(value)


def _decorator(
    client: Callable[[], Client],
    function: Callable[..., Any] | None,
    name: str,
    kind: str,
    input: bool,
    output: bool,
) -> Any:
    def decorate(target: Callable[..., Any]) -> Callable[..., Any]:
        watch = _Watch(
            client,
            target,
            name or getattr(target, "__qualname__", "call").replace("<locals>.", ""),
            kind,
            input,
            output,
        )
        if inspect.iscoroutinefunction(target):
            return functools.wraps(target)(watch.coroutine())
        if inspect.isasyncgenfunction(target):
            return functools.wraps(target)(watch.async_generator())
        if inspect.isgeneratorfunction(target):
            return functools.wraps(target)(watch.generator())
        return functools.wraps(target)(watch.function())

    return decorate if function is None else decorate(function)


class _Watch:
    """Wraps one function; each of the four forms of it has its own wrapper."""

    def __init__(
        self,
        client: Callable[[], Client],
        target: Callable[..., Any],
        name: str,
        kind: str,
        input: bool,
        output: bool,
    ) -> None:
        self._client, self._target = client, target
        self._name, self._kind = name, kind
        self._input, self._output = input, output

    def function(self) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            client = self._client()
            if not client.enabled:
                return self._target(*args, **kwargs)
            span = self._begin(client, args, kwargs)
            token = _current.set(span)
            try:
                result = self._target(*args, **kwargs)
                self._said(client, span, result)
                return result
            except BaseException as error:
                span.failed(error)
                raise
            finally:
                _current.reset(token)
                client._end(span)

        return wrapper

    def coroutine(self) -> Callable[..., Any]:
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            client = self._client()
            if not client.enabled:
                return await self._target(*args, **kwargs)
            span = self._begin(client, args, kwargs)
            token = _current.set(span)
            try:
                result = await self._target(*args, **kwargs)
                self._said(client, span, result)
                return result
            except BaseException as error:
                span.failed(error)
                raise
            finally:
                _current.reset(token)
                client._end(span)

        return wrapper

    def generator(self) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            client = self._client()
            span = self._begin(client, args, kwargs)
            pieces: list[Any] = []
            inner = self._target(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, inner)
            try:
                while True:
                    # The span is the current one only while its own code runs, not while its reader's does.
                    token = _current.set(span)
                    try:
                        piece = step()
                    except StopIteration as end:
                        return end.value
                    finally:
                        _current.reset(token)
                    _collect(span, pieces, piece)
                    try:
                        sent = yield piece
                        step = functools.partial(inner.send, sent)
                    except GeneratorExit:
                        inner.close()
                        raise
                    except BaseException as thrown:
                        step = functools.partial(inner.throw, thrown)
            except GeneratorExit:
                raise
            except BaseException as error:
                span.failed(error)
                raise
            finally:
                self._said(client, span, _joined(pieces))
                client._end(span)

        return wrapper

    def async_generator(self) -> Callable[..., Any]:
        async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            client = self._client()
            span = self._begin(client, args, kwargs)
            pieces: list[Any] = []
            inner = self._target(*args, **kwargs)
            step: Callable[[], Any] = inner.__anext__
            try:
                while True:
                    token = _current.set(span)
                    try:
                        piece = await step()
                    except StopAsyncIteration:
                        return
                    finally:
                        _current.reset(token)
                    _collect(span, pieces, piece)
                    try:
                        sent = yield piece
                        step = functools.partial(inner.asend, sent)
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as thrown:
                        step = functools.partial(inner.athrow, thrown)
            except GeneratorExit:
                raise
            except BaseException as error:
                span.failed(error)
                raise
            finally:
                self._said(client, span, _joined(pieces))
                client._end(span)

        return wrapper

    def _begin(self, client: Client, args: tuple[Any, ...], kwargs: dict[str, Any]) -> OpenSpan:
        span = client._begin(self._name, self._kind)
        if self._input and client.content:
            try:
                span.attributes["groundwork.input"] = text(arguments_of(self._target, args, kwargs))
            except Exception:
                span.attributes["groundwork.input"] = "(arguments that cannot be shown)"
        return span

    def _said(self, client: Client, span: OpenSpan, result: Any) -> None:
        if self._output and client.content and "groundwork.output" not in span.attributes:
            try:
                span.attributes["groundwork.output"] = text(captured(result))
            except Exception:
                span.attributes["groundwork.output"] = "(a result that cannot be shown)"


def _collect(span: OpenSpan, pieces: list[Any], piece: Any) -> None:
    if not pieces and span.kind == "generation":
        span.attributes.setdefault("groundwork.first_token_ms", span.elapsed_ms)
    if len(pieces) < _PIECES:
        pieces.append(piece)


def _joined(pieces: list[Any]) -> Any:
    return "".join(pieces) if pieces and all(isinstance(p, str) for p in pieces) else pieces or None


def _program() -> str:
    import sys
    from pathlib import PurePath

    main = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else ""
    return PurePath(main).stem or "python"


observe = Observe()
