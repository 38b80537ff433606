"""One model call as an exchange: made live through the gateway, or fed back as it was recorded.

Either way the caller gets the same value, so everything after it is the same code in answering and in replay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from groundwork.answers.types import Asked, Exchange, Purpose
from groundwork.core.digest import digest_json
from groundwork.core.errors import (
    BudgetExceededError,
    ContextLengthError,
    GroundworkError,
    OtherRequestError,
    RateLimitedError,
    UnavailableError,
    UpstreamError,
)
from groundwork.gateway.types import Caller, CallMeta, ChatRequest, Completion, Event, Usage

UNANSWERED = (UpstreamError, RateLimitedError, BudgetExceededError, UnavailableError, ContextLengthError)
"""Errors after which somebody else may answer; any other one is a mistake of the caller or the spec and is raised."""

OnText = Callable[[str], None]
"""Told all that a model has said so far, whenever there is more."""


class ModelStream(Protocol):
    """A completion that is being written; `completion` is set when the iteration has ended."""

    @property
    def completion(self) -> Completion | None: ...

    def __iter__(self) -> Iterator[Event]: ...


class ModelGateway(Protocol):
    """The gateway as this room needs it; both raise GroundworkError only."""

    def complete(self, request: ChatRequest, caller: Caller) -> Completion: ...

    def stream(self, request: ChatRequest, caller: Caller) -> AbstractContextManager[ModelStream]: ...


class Voice(Protocol):
    """Who speaks for the models; `refused` is the error of the last exchange that failed, where it was made live."""

    @property
    def refused(self) -> GroundworkError | None: ...

    def ask(
        self, request: ChatRequest, purpose: Purpose, reason: Asked, caller: Caller, on_text: OnText | None
    ) -> Exchange:
        """Return the exchange; a model that could not be reached is one too, with `error`."""
        ...


def digest_of(request: ChatRequest) -> str:
    """Return the digest of what a model is asked; how it is sent (stream or not) does not count."""
    return digest_json(
        {
            "model": request.model,
            "messages": [[m.role, m.text] for m in request.messages],
            "max_output_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop),
        }
    )


@dataclass
class Live:
    """Asks the gateway, for one reading."""

    gateway: ModelGateway
    refused: GroundworkError | None = field(default=None, init=False)

    def ask(
        self, request: ChatRequest, purpose: Purpose, reason: Asked, caller: Caller, on_text: OnText | None
    ) -> Exchange:
        """Make the call; with `on_text` it is streamed.

        Raises:
            GroundworkError: the request itself is at fault: no such model, no right to it, a store that refuses writes.
        """
        asked = Exchange(purpose, reason, digest_of(request), request.model)
        begun = time.perf_counter()
        if on_text is not None:
            return self._stream(request, asked, caller, on_text, begun)
        try:
            completion = self.gateway.complete(request, caller)
        except UNANSWERED as error:
            self.refused = error
            return _failed(asked, error, "", begun)
        return _answered(asked, completion, begun)

    def _stream(
        self, request: ChatRequest, asked: Exchange, caller: Caller, on_text: OnText, begun: float
    ) -> Exchange:
        said: list[str] = []
        meta: CallMeta | None = None
        try:
            with self.gateway.stream(replace(request, stream=True), caller) as stream:
                meta = getattr(stream, "meta", None)
                for event in stream:
                    if event.kind == "text" and event.text:
                        said.append(_storable(event.text))
                        on_text("".join(said))
                completion = stream.completion
        except UNANSWERED as error:
            self.refused = error
            failed = _failed(asked, error, "".join(said), begun)
            return failed if meta is None else replace(failed, served_by=_named(meta), call_id=meta.call_id)
        if completion is None:
            completion = Completion(text="".join(said))
        return _answered(asked, replace(completion, text=completion.text or "".join(said)), begun)


@dataclass
class Recorded:
    """Feeds recorded exchanges back, in order; a `strict` one refuses another request than the recorded one."""

    exchanges: Sequence[Exchange]
    strict: bool = True
    refused: GroundworkError | None = field(default=None, init=False)
    _next: int = field(default=0)

    def ask(
        self, request: ChatRequest, purpose: Purpose, reason: Asked, caller: Caller, on_text: OnText | None
    ) -> Exchange:
        """Return the next recorded exchange.

        Raises:
            OtherRequestError: it was made for another request, or there is none left.
        """
        now = digest_of(request)
        left = self.exchanges[self._next :]
        if not left or (self.strict and left[0].request != now):
            was = left[0].request if left else ""
            raise OtherRequestError(
                f"the recorded model call is {was[:12] or 'none'}, the one to make now is {now[:12]}",
                hint="the prompt or the passages are not those of the answer any more; `groundwork replay` says which",
                was=was,
                now=now,
            )
        self._next += 1
        if on_text is not None and left[0].text:
            on_text(left[0].text)
        return left[0]


def _answered(asked: Exchange, completion: Completion, begun: float) -> Exchange:
    meta = completion.meta
    return replace(
        asked,
        served_by=_named(meta) or asked.model,
        text=_storable(completion.text),
        finish=completion.finish,
        usage=_usage(completion.usage),
        cost_usd=meta.cost_usd,
        call_id=meta.call_id,
        cached=meta.cached,
        latency_ms=round((time.perf_counter() - begun) * 1000, 1),
    )


def _named(meta: CallMeta) -> str:
    """Return `provider/model`; some providers say the whole name themselves."""
    known = meta.provider and not meta.model.startswith(f"{meta.provider}/")
    return f"{meta.provider}/{meta.model}" if known and meta.model else meta.model


def _failed(asked: Exchange, error: GroundworkError, said: str, begun: float) -> Exchange:
    return replace(
        asked,
        text=said,
        finish="broken" if said else "failed",
        call_id=str(error.details.get("call_id", "")),
        latency_ms=round((time.perf_counter() - begun) * 1000, 1),
        error=error.code,
        message=error.message,
    )


def _storable(text: str) -> str:
    """Return a text that every database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _usage(usage: Usage) -> dict[str, float]:
    return {name: value for name, value in asdict(usage).items() if value}
